"""A model and a dataset that plug into consbench from outside."""
