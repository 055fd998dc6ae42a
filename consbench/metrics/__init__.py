"""Metrics: `Answers` -> `Tally`. Pure arithmetic on the record; touches no disk, no model, no clock.

A metric is a frozen value whose text is its name: `str(CVR(0.5)) == "CVR@0.5"`, and `parse` reads it
back. Every metric has `tally(answers) -> Tally` and the `unit` it counts.
"""

from consbench.metrics.answers import Answers
from consbench.metrics.breakdown import BY, Group, breakdown
from consbench.metrics.calibration import Bin, Calibration, reliability
from consbench.metrics.catalogue import DELTAS, extended, headline, parse, selection_grid
from consbench.metrics.consistency import CVR, Agreement, Curve, CVRArea, PooledCVR, cvr_curve
from consbench.metrics.mistakes import KINDS, Mistake, MistakeCost, kinds
from consbench.metrics.nesting import Containment, Duplicates, Nestedness
from consbench.metrics.overlap import Gap, MIoU, SizeRatio
from consbench.metrics.placement import Placement, PlacementEntropy, SwitchRate, histogram, object_position
from consbench.metrics.quadrants import QUADRANTS, Quadrants
from consbench.metrics.sensitivity import PartEffect, WithinCVR, WithinCVRArea
from consbench.metrics.tally import Tally
from consbench.metrics.under import Metric, Under

__all__ = [
    "BY",
    "CVR",
    "DELTAS",
    "KINDS",
    "QUADRANTS",
    "Agreement",
    "Answers",
    "Bin",
    "CVRArea",
    "Calibration",
    "Containment",
    "Curve",
    "Duplicates",
    "Gap",
    "Group",
    "MIoU",
    "Metric",
    "Mistake",
    "MistakeCost",
    "Nestedness",
    "PartEffect",
    "Placement",
    "PlacementEntropy",
    "PooledCVR",
    "Quadrants",
    "SizeRatio",
    "SwitchRate",
    "Tally",
    "Under",
    "WithinCVR",
    "WithinCVRArea",
    "breakdown",
    "cvr_curve",
    "extended",
    "headline",
    "histogram",
    "kinds",
    "object_position",
    "parse",
    "reliability",
    "selection_grid",
]
