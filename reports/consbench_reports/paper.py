"""What the paper reports, as data: every number with the place it stands in.

"conSAMmé: Achieving Consistent Segmentations with SAM", Myers-Dean et al., 2025. Numbers that could not be
checked against the paper's text are absent, not guessed: Tables 1 and 2 are to be added here by whoever has
the paper at hand, one `Reported` a cell.
"""

from __future__ import annotations

from typing import NamedTuple


class Reported(NamedTuple):
    """One number of the paper.

    Attributes:
        place: table, row and column, or figure and bar.
        model: name of the model as `consbench list models` has it.
        dataset: name of the dataset, or None where the place does not tell it.
        metric: name of the metric as `consbench.metrics.parse` reads it, or what was counted.
        value: as printed, percent for metrics.
    """

    place: str
    model: str | None
    dataset: str | None
    metric: str
    value: float


REPORTED = (
    Reported("Figure 4, SAM, position 1", "sam", None, "placement@1", 74.0),
    Reported("Figure 4, SAM, position 2", "sam", None, "placement@2", 24.0),
    Reported("Figure 4, conSAMmé, position 1", "consamme", None, "placement@1", 99.0),
    Reported("Section 4.1, Pascal Part validation", None, "pascal-part", "images", 4772),
    Reported("Section 4.1, PartImageNet test", None, "partimagenet", "images", 4598),
    Reported("Section 4.1, PACO validation", None, "paco", "images", 9443),
)


def reported(model: str, dataset: str, metric: str) -> list[Reported]:
    """The paper's numbers for a model on a dataset.

    A place that names no dataset speaks for the paper's three, never for a stand-in.

    >>> [r.value for r in reported("sam", "pascal-part", "placement@1")]
    [74.0]
    >>> reported("sam", "standin-pascal-part", "placement@1")
    []
    """
    if dataset not in {r.dataset for r in REPORTED if r.dataset}:
        return []
    return [r for r in REPORTED if r.model == model and r.metric == metric and r.dataset in (None, dataset)]
