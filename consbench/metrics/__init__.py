"""Metrics: `Answers` -> `Tally`. Pure arithmetic on the record; touches no disk, no model, no clock.

A metric is a frozen value whose text is its name: `str(CVR(0.5)) == "CVR@0.5"`, and `parse` reads it
back. Every metric has `tally(answers) -> Tally` and the `unit` it counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from consbench.errors import UnknownName, UsageError
from consbench.metrics.answers import Answers
from consbench.metrics.consistency import CVR, PooledCVR
from consbench.metrics.overlap import MIoU, SizeRatio
from consbench.metrics.placement import Placement, histogram, object_position
from consbench.metrics.tally import Tally

__all__ = [
    "CVR",
    "DELTAS",
    "Answers",
    "MIoU",
    "Metric",
    "Placement",
    "PooledCVR",
    "SizeRatio",
    "Tally",
    "headline",
    "histogram",
    "object_position",
    "parse",
]

DELTAS = (0.5, 0.7, 0.9)


class Metric(Protocol):
    """A number about a run."""

    @property
    def unit(self) -> str: ...
    def tally(self, answers: Answers, /) -> Tally: ...


def parse(name: str) -> Metric:
    """Return the metric of that name; raises UnknownName or UsageError.

    >>> parse("CVR@0.5"), parse("placement@1/2")
    (CVR(delta=0.5), Placement(position=1, first=2))
    """
    match re.split("[@/]", name):
        case ["mIoU-object"]:
            return MIoU("object")
        case ["mIoU-part"]:
            return MIoU("part")
        case ["size-ratio"]:
            return SizeRatio()
        case ["CVR", delta]:
            return CVR(_delta(delta, name))
        case ["pooled-CVR", delta]:
            return PooledCVR(_delta(delta, name))
        case ["placement", position, *first] if position.isdigit() and all(f.isdigit() for f in first[:1]):
            return Placement(int(position), int(first[0]) if first else None)
    known = ["mIoU-object", "mIoU-part", "size-ratio", "CVR@0.5", "pooled-CVR@0.5", "placement@1", "placement@1/2"]
    raise UnknownName("metric", name, known)


def headline(deltas: Sequence[float] = DELTAS, outputs: int = 3) -> list[Metric]:
    """The metrics of a summary: Table 1, what must stand beside it, and Figure 4 for so many outputs."""
    return [
        MIoU("object"),
        MIoU("part"),
        *(CVR(d) for d in deltas),
        *(PooledCVR(d) for d in deltas),
        SizeRatio(),
        *(Placement(k) for k in range(1, outputs + 1)),
        *(Placement(k, first=2) for k in range(1, min(outputs, 2) + 1)),
    ]


def _delta(text: str, name: str) -> float:
    try:
        delta = float(text)
    except ValueError:
        raise UsageError(f"'{name}': the threshold must be a number, as in CVR@0.5") from None
    if not 0 < delta <= 1:
        raise UsageError(f"'{name}': the threshold is an IoU above 0 and at most 1; got {delta:g}")
    return delta
