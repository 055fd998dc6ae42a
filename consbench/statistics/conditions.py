"""What must not happen, as people write it for their own tests: "cvr@0.5 > +1.0"."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consbench.errors import UsageError
from consbench.metrics import Metric, parse

if TYPE_CHECKING:
    from consbench.statistics.comparison import Comparison, Difference

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound on the difference of a later model from the first, in the unit of the metric.

    >>> str(Condition.parse("cvr@0.5>1"))
    'CVR@0.5 > +1'
    """

    metric: Metric
    sign: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition; raises UsageError, and UnknownName for the metric."""
        match = re.fullmatch(r"\s*([^\s<>=]+)\s*(>=|<=|>|<)\s*(\S+)\s*", text)
        if not match:
            raise UsageError(
                f"'{text}' is no condition; wanted a metric, one of > >= < <=, and by how much the difference from "
                "the first run may be at most or least, as in 'cvr@0.5 > +1.0'"
            )
        name, sign, bound = match.groups()
        try:
            number = float(bound.replace("−", "-"))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"'{text}': the bound of a condition is a number, as in 'cvr@0.5 > +1.0'; got '{bound}'")
        return cls(parse(name), sign, number)

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:+g}"

    def held_by(self, comparison: Comparison) -> list[Difference]:
        """The differences from the first model of each dataset that fulfil the condition.

        An undefined difference does too: a test that could not be made is not passed.
        """
        first = {field.dataset: field.contestants[0].label for field in comparison.fields}
        return [
            d
            for d in comparison.differences
            if d.metric == str(self.metric)
            and d.a == first[d.dataset]
            and (math.isnan(d.difference) or _OPERATORS[self.sign](d.difference, self.bound))
        ]
