"""consbench: evaluate models that answer one click with several masks, centred on consistency."""

from consbench.datasets import Counts, Dataset, SampleList
from consbench.errors import ConsbenchError
from consbench.masks import Mask
from consbench.model import Model, Prediction
from consbench.protocol import Protocol
from consbench.run import Run, Summary, open_run
from consbench.runner import evaluate
from consbench.statistics.comparison import Comparison, compare
from consbench.types import Click, Object, Part, Sample

__version__ = "0.1.0"

__all__ = [
    "Click",
    "Comparison",
    "ConsbenchError",
    "Counts",
    "Dataset",
    "Mask",
    "Model",
    "Object",
    "Part",
    "Prediction",
    "Protocol",
    "Run",
    "Sample",
    "SampleList",
    "Summary",
    "compare",
    "evaluate",
    "open_run",
]
