"""Run directories -> tables and figures. Touches matplotlib; never a model, never a dataset."""
