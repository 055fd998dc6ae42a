"""Which objects a page shows: a page of all is too large, and a page of the best would flatter.

A quarter are the objects whose object masks agree least between their parts, a quarter those with the
lowest object IoU, a quarter those with the highest, and the rest are drawn at random from a seed. Means are
over the models of a dataset, those that are shown the ground truth left out. Datasets share the places
equally.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consbench.masks import FloatArray
from consbench.ordering import Order
from consbench.run import Run

RULE = (
    "a quarter agree least between their parts, a quarter have the lowest object IoU, a quarter the highest, "
    "the rest are random"
)
Key = tuple[str, int]


class Means(NamedTuple):
    """One object in one run: means over its clicks and over its pairs of clicks; NaN where there are none.

    category    of the object
    clicks      how many of its parts were clicked, answered or not
    object      IoU of position 1 with the object
    part        IoU of position 2 with the clicked part
    agreement   IoU of the object masks of two clicks
    """

    category: str
    clicks: int
    object: float
    part: float
    agreement: float


class Chosen(NamedTuple):
    """One object of the page, and why it is there: "" where all are."""

    image_id: str
    object_id: int
    why: str


def object_means(run: Run, order: Order | None = None) -> dict[Key, Means]:
    """The means of every object that was asked about, by (image_id, object_id), sorted."""
    answers = run.answers(order)
    rows = run.first_clicks.select(["image_id", "object_id", "object_category", "status"]).to_pylist()
    asked: dict[Key, tuple[str, int]] = {}
    answered: list[Key] = []
    for row in rows:
        key = (row["image_id"], row["object_id"])
        asked[key] = (row["object_category"], asked[key][1] + 1 if key in asked else 1)
        if row["status"] == "ok":
            answered.append(key)
    index = {answered[n]: int(o) for n, o in enumerate(answers.object_N)}
    objects = len(answers.image_O)
    columns = [
        _mean(answers.position(answers.iou_object_NK, 1), answers.object_N, objects),
        _mean(answers.position(answers.iou_part_NK, 2), answers.object_N, objects),
        _mean(answers.object_iou_P, answers.object_P, objects),
    ]
    return {
        key: Means(*asked[key], *(float(c[index[key]]) if key in index else math.nan for c in columns))
        for key in sorted(asked)
    }


def over_models(tables: Sequence[Mapping[Key, Means]], name: str) -> dict[Key, float]:
    """The mean of one column over the models that have it, by object, sorted; NaN where none has."""
    values: dict[Key, list[float]] = {key: [] for key in sorted({key for table in tables for key in table})}
    for table in tables:
        for key, means in table.items():
            if not math.isnan(value := getattr(means, name)):
                values[key].append(value)
    return {key: sum(found) / len(found) if found else math.nan for key, found in values.items()}


def choose(tables: Sequence[Mapping[Key, Means]], count: int, seed: int = 0) -> list[Chosen]:
    """Choose `count` objects of one dataset by the rule above, from one table per model.

    An object that no model answered counts as one of IoU 0. The same tables and seed give the same objects;
    their order is that of the rule.
    """
    quality = {key: 0.0 if math.isnan(v) else v for key, v in over_models(tables, "object").items()}
    agreement = {key: v for key, v in over_models(tables, "agreement").items() if not math.isnan(v)}
    if len(quality) <= count:
        return [Chosen(*key, "") for key in quality]
    quarter, rest = divmod(count, 4)
    places = [
        ("agrees least between its parts", sorted(agreement, key=lambda key: agreement[key]), quarter + (rest > 0)),
        ("lowest object IoU", sorted(quality, key=lambda key: quality[key]), quarter + (rest > 1)),
        ("highest object IoU", sorted(quality, key=lambda key: -quality[key]), quarter + (rest > 2)),
    ]
    chosen: dict[Key, str] = {}
    for why, ranked, wanted in places:
        chosen.update(dict.fromkeys([key for key in ranked if key not in chosen][:wanted], why))
    others = [key for key in quality if key not in chosen]
    drawn = np.random.default_rng(seed).permutation(len(others))[: count - len(chosen)]
    chosen.update({others[i]: "drawn at random" for i in sorted(drawn.tolist())})
    return [Chosen(*key, why) for key, why in chosen.items()]


def shares(count: int, datasets: int) -> list[int]:
    """Divide places among datasets, the first getting what is left over.

    >>> shares(10, 3)
    [4, 3, 3]
    """
    return [count // datasets + (i < count % datasets) for i in range(datasets)]


def _mean(values: FloatArray, group: NDArray[np.int64], groups: int) -> FloatArray:
    known = ~np.isnan(values)
    sums = np.bincount(group[known], weights=values[known], minlength=groups)
    counts = np.bincount(group[known], minlength=groups)
    means: FloatArray = np.divide(sums, counts, out=np.full(groups, np.nan), where=counts > 0)
    return means
