"""Datasets: files on disk -> `Sample`. Reads disk; knows nothing of clicks or models."""

from consbench.datasets.base import Counts, Dataset, SampleList

__all__ = ["Counts", "Dataset", "SampleList"]
