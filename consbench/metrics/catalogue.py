"""The names of metrics: reading one, and the lists that summaries and reports are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from consbench.errors import UnknownName, UsageError
from consbench.metrics.calibration import QUANTITIES, Calibration
from consbench.metrics.consistency import CVR, Agreement, CVRArea, PooledCVR
from consbench.metrics.mistakes import KINDS, Mistake, MistakeCost
from consbench.metrics.nesting import Containment, Duplicates, Nestedness
from consbench.metrics.overlap import Gap, MIoU, SizeRatio
from consbench.metrics.placement import Placement, PlacementEntropy, SwitchRate
from consbench.metrics.quadrants import QUADRANTS, Quadrants
from consbench.metrics.sensitivity import PartEffect, WithinCVR, WithinCVRArea
from consbench.metrics.under import Metric, Under
from consbench.ordering import ORDERS

DELTAS = (0.5, 0.7, 0.9)
TAU = 0.5


class _Form(NamedTuple):
    """How the names of one kind of metric look: the whole name as a pattern, what it makes, and examples."""

    pattern: str
    make: Callable[..., Metric]
    examples: Sequence[str]


def _forms() -> list[_Form]:
    position = r"([1-9]\d*)"
    return [
        _Form(
            rf"mIoU-(object|part)(?:@({position}|best))?",
            lambda target, at, _: MIoU(target, at if at in (None, "best") else int(at)),
            ["mIoU-object", "mIoU-part", "mIoU-object@2", "mIoU-object@best"],
        ),
        _Form(r"gap-(object|part)", Gap, ["gap-object", "gap-part"]),
        _Form("size-ratio", SizeRatio, ["size-ratio"]),
        _Form(r"CVR@(.+)", lambda t: CVR(_threshold(t)), ["CVR@0.5"]),
        _Form(r"pooled-CVR@(.+)", lambda t: PooledCVR(_threshold(t)), ["pooled-CVR@0.5"]),
        _Form("CVR-AUC", CVRArea, ["CVR-AUC"]),
        _Form("pooled-CVR-AUC", lambda: CVRArea(pooled=True), ["pooled-CVR-AUC"]),
        _Form("agreement", Agreement, ["agreement"]),
        _Form(
            rf"({'|'.join(QUADRANTS)})@([^/]+)/([^/]+)",
            lambda quadrant, d, t: Quadrants(quadrant, _threshold(d), _threshold(t)),
            [f"{quadrant}@0.5/0.5" for quadrant in QUADRANTS],
        ),
        _Form(r"within-CVR@(.+)", lambda t: WithinCVR(_threshold(t)), ["within-CVR@0.5"]),
        _Form("within-CVR-AUC", WithinCVRArea, ["within-CVR-AUC"]),
        _Form("part-effect", PartEffect, ["part-effect"]),
        _Form(
            rf"placement@{position}(?:/{position})?",
            lambda at, first: Placement(int(at), first and int(first)),
            ["placement@1", "placement@1/2"],
        ),
        _Form("placement-entropy", PlacementEntropy, ["placement-entropy"]),
        _Form("switch-rate", SwitchRate, ["switch-rate"]),
        _Form("containment", Containment, ["containment"]),
        _Form("nestedness", Nestedness, ["nestedness"]),
        _Form(r"duplicates@(.+)", lambda t: Duplicates(_threshold(t)), ["duplicates@0.9"]),
        _Form(
            rf"({'|'.join(QUANTITIES)})@{position}",
            lambda quantity, at: Calibration(quantity, int(at)),
            [f"{quantity}@1" for quantity in QUANTITIES],
        ),
        _Form(
            rf"error-({'|'.join(KINDS)})@(.+)",
            lambda kind, t: Mistake(kind, _threshold(t)),
            [f"error-{kind}@0.5" for kind in KINDS],
        ),
        _Form(
            rf"cost-({'|'.join(KINDS)})@(.+)",
            lambda kind, t: MistakeCost(kind, _threshold(t)),
            [f"cost-{kind}@0.5" for kind in KINDS],
        ),
    ]


FORMS = _forms()


def parse(name: str) -> Metric:
    """Return the metric of that name, in upper or lower case; raises UnknownName or UsageError.

    A name may end in an order of outputs: `switch-rate[area]`.

    >>> parse("CVR@0.5"), parse("placement@1/2")
    (CVR(delta=0.5), Placement(position=1, first=2))
    >>> str(parse("miou-OBJECT@2[native]"))
    'mIoU-object@2[native]'
    """
    if match := re.fullmatch(r"(?P<inner>[^[]+)\[(?P<order>[^]]*)\]", name):
        for order in ORDERS:
            if match["order"] == order:
                return Under(parse(match["inner"]), order)
        raise UnknownName("order", match["order"], ORDERS)
    for form in FORMS:
        if match := re.fullmatch(form.pattern, name):
            try:
                return form.make(*match.groups())
            except _NotAThreshold as error:
                raise UsageError(f"'{name}': {error}") from None
    stem = _stem(name)
    examples = [example for form in FORMS for example in form.examples]
    for known in map(_stem, examples):
        if known.lower() == stem.lower() and known != stem:
            return parse(known + name[len(stem) :])
    raise UnknownName("metric", name, examples)


def _stem(name: str) -> str:
    """The name without its threshold or order."""
    return re.split(r"[@\[]", name, maxsplit=1)[0]


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


def selection_grid(outputs: int = 3) -> list[Metric]:
    """Object and part IoU under every way to choose an output: native 1 … K, by area, by score, by an oracle."""
    grid: list[Metric] = []
    for target in ("object", "part"):
        grid += [Under(MIoU(target, k), "native") for k in range(1, outputs + 1)]
        grid += [Under(MIoU(target), "area"), Under(MIoU(target), "score"), MIoU(target, "best"), Gap(target)]
    return grid


def extended(outputs: int = 3) -> list[Metric]:
    """The metrics beyond the headline, for a model of so many outputs."""
    return [
        CVRArea(),
        CVRArea(pooled=True),
        Agreement(),
        *(Quadrants(quadrant, 0.5, TAU) for quadrant in QUADRANTS),
        *selection_grid(outputs),
        *(Under(metric, order) for metric in (PlacementEntropy(), SwitchRate()) for order in ("native", "area")),
        Containment(),
        Nestedness(),
        Duplicates(0.9),
        *(Calibration(quantity, k) for k in range(1, outputs + 1) for quantity in QUANTITIES),
        *(WithinCVR(d) for d in DELTAS),
        WithinCVRArea(),
        PartEffect(),
        *(Mistake(kind, TAU) for kind in KINDS),
        *(MistakeCost(kind, TAU) for kind in KINDS),
    ]


class _NotAThreshold(Exception):
    """A threshold in a name is not a number above 0 and at most 1."""


def _threshold(text: str) -> float:
    try:
        threshold = float(text)
    except ValueError:
        raise _NotAThreshold("the threshold must be a number, as in CVR@0.5") from None
    if not 0 < threshold <= 1:
        raise _NotAThreshold(f"the threshold is an IoU above 0 and at most 1; got {threshold:g}")
    return threshold
