"""`compare`: models on the same clicks. Differences, how sure they are, and which models are alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from consbench.errors import UsageError
from consbench.masks import BoolArray
from consbench.metrics import CVR, DELTAS, Metric, MIoU, Placement, SizeRatio, Tally, parse
from consbench.ordering import Order, parse_order
from consbench.run import Run, without_nan
from consbench.statistics.families import alike_groups, holm
from consbench.statistics.intervals import detectable_difference, difference_intervals
from consbench.statistics.pairing import Contestant, Field, fields
from consbench.statistics.permutation import PERMUTATIONS, swap_p_values
from consbench.statistics.resampling import LEVEL, RESAMPLES, SEED

if TYPE_CHECKING:
    import pandas as pd

HIGHER_IS_BETTER = ("mIoU-", "agreement", "consistent-right", "error-right")
LOWER_IS_BETTER = ("CVR", "pooled-CVR", "within-CVR", "gap-", "switch-rate", "score-ECE", "error-", "cost-")


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two models on one dataset; every number is over the same clicks.

    Attributes:
        dataset, metric, a, b: what is compared; `a` is the model that was given first.
        value_a, value_b: the metric, NaN where undefined.
        difference, low, high: b minus a, with its interval; NaN where there is none.
        p, p_holm: two-sided, of the null hypothesis that the models are interchangeable on every image; as
            it is, and corrected for all tests of the comparison.
        detectable: the true difference that these images would show in 80 % of trials, before correction;
            NaN where the models do not differ on any image.
        told_apart: whether `p_holm` is at most 1 - level.
    """

    dataset: str
    metric: str
    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    detectable: float
    told_apart: bool

    @property
    def verdict(self) -> str:
        """The finding in words: "B is better", "B is higher", "not told apart", "the same" …, with B's name."""
        if math.isnan(self.difference):
            return "undefined"
        if self.difference == 0 and math.isnan(self.detectable):
            return "the same"
        if not self.told_apart:
            return "not told apart"
        rises = self.difference > 0
        match better_side(self.metric):
            case "higher":
                return f"{self.b} is {'better' if rises else 'worse'}"
            case "lower":
                return f"{self.b} is {'worse' if rises else 'better'}"
            case _:
                return f"{self.b} is {'higher' if rises else 'lower'}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models compared on one or several datasets.

    Attributes:
        fields: per dataset, who is compared on which clicks.
        differences: by dataset, pair of models, metric.
        level: of the intervals; 1 - level is the chance of even one false finding among all differences.
        resamples, permutations, seed: of the intervals and the p-values.
    """

    fields: tuple[Field, ...]
    differences: tuple[Difference, ...]
    level: float
    resamples: int
    permutations: int
    seed: int

    @property
    def forced(self) -> tuple[str, ...]:
        """What ought to have been alike and is not; empty unless the comparison was forced."""
        return tuple(reason for field in self.fields for reason in field.forced)

    @property
    def tests(self) -> int:
        """How many tests Holm's correction stands over."""
        return sum(not math.isnan(d.p) for d in self.differences)

    def values(self, dataset: str, metric: str) -> dict[str, float]:
        """The metric of each model on the shared clicks, best first; highest first where none is better."""
        found: dict[str, float] = {}
        for d in self.differences:
            if (d.dataset, d.metric) == (dataset, metric):
                found |= {d.a: d.value_a, d.b: d.value_b}
        sign = 1 if better_side(metric) == "lower" else -1
        return dict(sorted(found.items(), key=lambda item: (math.isnan(item[1]), sign * item[1])))

    def groups(self, dataset: str, metric: str) -> list[tuple[str, ...]]:
        """The largest sets of models in which no two are told apart, best first; undefined ones are in none."""
        defined = [label for label, value in self.values(dataset, metric).items() if not math.isnan(value)]
        apart = {
            frozenset((d.a, d.b))
            for d in self.differences
            if (d.dataset, d.metric) == (dataset, metric) and d.told_apart
        }
        return alike_groups(defined, apart)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; undefined numbers become None."""
        return {
            "level": self.level,
            "resamples": self.resamples,
            "permutations": self.permutations,
            "seed": self.seed,
            "tests": self.tests,
            "forced": list(self.forced),
            "datasets": [_field(field) for field in self.fields],
            "differences": [{**without_nan(asdict(d)), "verdict": d.verdict} for d in self.differences],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per difference."""
        import pandas as pd

        return pd.DataFrame([{**asdict(d), "verdict": d.verdict} for d in self.differences])


def compare(
    *runs: Run | Sequence[Run],
    order: Order | Sequence[Order] | None = None,
    metrics: Sequence[Metric | str] | None = None,
    deltas: Sequence[float] = DELTAS,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    level: float = LEVEL,
    seed: int = SEED,
    force: bool = False,
) -> Comparison:
    """Compare models on the clicks that all of them answered; no model is loaded.

    Runs are sorted by dataset, and every two models on one dataset are compared. The first given is `a`,
    what others are measured against. Intervals are bootstrapped over images, p-values are of swapping the
    models image by image, and Holm's correction stands over datasets × pairs × metrics: the fewer of them,
    the more is found.

    Args:
        runs: runs, or lists of them, such as one model's runs on several datasets.
        order: of the outputs, in place of each model's own; several: each run takes part in each.
        metrics: values or names (upper or lower case), in place of `compared_metrics`.
        deltas: thresholds of CVR in these.
        resamples: how many for the intervals; 0: no intervals.
        permutations: how many for the p-values.
        level: of intervals and tests.
        seed: of all draws.
        force: compare runs of different protocols, images or clicks all the same, on the clicks that they
            share; `Comparison.forced` says what differs.

    Raises UsageError where no two runs share a dataset or an order cannot be had, RecordMismatch where runs
    must not be compared, UnknownName for a metric.
    """
    opened = [run for given in runs for run in (given if isinstance(given, Sequence) else [given])]
    orders = [order] if isinstance(order, str) else list(order or [])
    found = fields(opened, [parse_order(o) for o in orders], force=force)
    chosen = metrics if metrics is not None else compared_metrics(deltas)
    by_name = {str(m): m for m in (parse(m) if isinstance(m, str) else m for m in chosen)}
    if not by_name:
        raise UsageError("a comparison needs a metric; none was given")

    rows: list[dict[str, Any]] = []
    for field in found:
        tallies = {c.label: _tallies(c, keep, by_name) for c, keep in zip(field.contestants, field.among, strict=True)}
        named = [(a, b, name) for a, b in combinations(tallies, 2) for name in by_name]
        pairs = [(tallies[a][name], tallies[b][name]) for a, b, name in named]
        ends = difference_intervals(pairs, resamples=resamples, level=level, seed=seed)
        p_values = swap_p_values(pairs, permutations=permutations, seed=seed)
        for (a, b, name), (first, second), (low, high), p in zip(named, pairs, ends, p_values, strict=True):
            value_a, value_b = first.value, second.value
            rows.append(
                {
                    "dataset": field.dataset,
                    "metric": name,
                    "a": a,
                    "b": b,
                    "value_a": value_a,
                    "value_b": value_b,
                    "difference": value_b - value_a,
                    "low": low,
                    "high": high,
                    "p": p,
                    "detectable": detectable_difference(first, second, level=level),
                }
            )
    corrected = holm([row["p"] for row in rows])
    differences = [
        Difference(**row, p_holm=p, told_apart=bool(p <= 1 - level)) for row, p in zip(rows, corrected, strict=True)
    ]
    return Comparison(tuple(found), tuple(differences), level, resamples, permutations, seed)


def compared_metrics(deltas: Sequence[float] = DELTAS) -> list[Metric]:
    """What `compare` compares unless told otherwise: few, because each test makes the others harder to pass."""
    return [MIoU("object"), MIoU("part"), *(CVR(d) for d in deltas), SizeRatio(), Placement(1)]


def better_side(metric: str) -> Literal["higher", "lower", ""]:
    """Which values of a metric are better; nothing where neither is, or where a certain value is right.

    >>> better_side("CVR@0.5"), better_side("mIoU-part"), better_side("size-ratio")
    ('lower', 'higher', '')
    """
    if metric.startswith(HIGHER_IS_BETTER):
        return "higher"
    return "lower" if metric.startswith(LOWER_IS_BETTER) else ""


def _tallies(contestant: Contestant, among: BoolArray, metrics: Mapping[str, Metric]) -> dict[str, Tally]:
    answers = contestant.run.answers(contestant.order, among=among)
    return {name: metric.tally(answers) for name, metric in metrics.items()}


def _field(field: Field) -> dict[str, Any]:
    return {
        "dataset": field.dataset,
        "models": [{"label": c.label, "order": c.order, "run": str(c.run.path)} for c in field.contestants],
        "protocols": list(dict.fromkeys(c.run.protocol.id for c in field.contestants)),
        "images": field.images,
        "objects": field.objects,
        "clicks": field.clicks,
        "failed": field.failed,
        "unshared": field.unshared,
    }
