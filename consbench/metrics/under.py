"""Any metric under a stated order of outputs, whatever order a table is in: `switch-rate[area]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.ordering import Order


class Metric(Protocol):
    """A number about a run."""

    @property
    def unit(self) -> str: ...
    def tally(self, answers: Answers, /) -> Tally: ...


@dataclass(frozen=True, slots=True)
class Under:
    """A metric with the outputs in one order. Under `score`, undefined where the model gave no scores.

    >>> from consbench.metrics import MIoU
    >>> str(Under(MIoU("object", 2), "native"))
    'mIoU-object@2[native]'
    """

    metric: Metric
    order: Order

    @property
    def unit(self) -> str:
        return self.metric.unit

    def __str__(self) -> str:
        return f"{self.metric}[{self.order}]"

    def tally(self, answers: Answers) -> Tally:
        if self.order == "score" and not answers.scored:
            tally = self.metric.tally(answers)
            nothing_I = np.zeros_like(tally.count_I)
            return Tally(np.zeros_like(tally.total_I), nothing_I, tally.count_I + tally.undefined_I, tally.form)
        return self.metric.tally(answers.ordered(self.order))
