"""Run directories -> tables, figures and one page in which one clicks on a part.

Touches matplotlib and, to show photographs and annotations, the dataset a run was made on; never a model,
never torch.
"""
