"""Consistency without a threshold, beside rightness, and within a part: against pixels and by their laws."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench import Run, Sample, controls, evaluate
from consbench.metrics import (
    CVR,
    QUADRANTS,
    Agreement,
    CVRArea,
    PartEffect,
    PooledCVR,
    Quadrants,
    WithinCVR,
    WithinCVRArea,
    cvr_curve,
)
from consbench.ordering import ORDERS, Order

DELTA, TAU = 0.3, 0.2


def by_object(rows: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append(row)
    return found


@pytest.mark.parametrize("order", ORDERS)
def test_area_agreement_and_quadrants_equal_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    answers = noise_run.answers(order)
    per_object, pooled = [], []
    quadrants: dict[str, list[float]] = {quadrant: [] for quadrant in QUADRANTS}
    for rows in by_object(slow.answers(noise, samples, order)).values():
        pairs = list(combinations(rows, 2))
        if not pairs:
            continue
        iou = [slow.iou(a["masks"][0], b["masks"][0]) for a, b in pairs]
        right = [all(slow.iou(r["masks"][0], r["object"]) >= TAU for r in pair) for pair in pairs]
        per_object.append(sum(1 - v for v in iou) / len(iou))
        pooled += [1 - v for v in iou]
        for quadrant, share in quadrants.items():
            wanted = (quadrant.startswith("consistent"), quadrant.endswith("right"))
            share.append(sum((v >= DELTA, r) == wanted for v, r in zip(iou, right, strict=True)) / len(iou))

    assert CVRArea().tally(answers).value == pytest.approx(100 * np.mean(per_object), abs=1e-10)
    assert CVRArea(pooled=True).tally(answers).value == pytest.approx(100 * np.mean(pooled), abs=1e-10)
    assert Agreement().tally(answers).value == pytest.approx(100 - 100 * np.mean(per_object), abs=1e-10)
    for quadrant in QUADRANTS:
        tally = Quadrants(quadrant, DELTA, TAU).tally(answers)
        assert tally.value == pytest.approx(100 * np.mean(quadrants[quadrant]), abs=1e-10), quadrant
        assert tally.count == len(per_object)
        assert tally.undefined == len(answers.image_O) - len(per_object)
    assert 0 < np.mean(quadrants["consistent-right"]) < 1


@pytest.mark.parametrize("delta", [0.1, 0.5, 0.9])
def test_the_inconsistent_quadrants_add_up_to_cvr_and_all_four_to_100(noise_run: Run, delta: float) -> None:
    answers = noise_run.answers()
    value = {q: Quadrants(q, delta, TAU).tally(answers).value for q in QUADRANTS}

    assert sum(value.values()) == pytest.approx(100)
    assert value["inconsistent-right"] + value["inconsistent-wrong"] == pytest.approx(CVR(delta).tally(answers).value)


def test_masks_that_are_right_enough_cannot_disagree(noise_run: Run) -> None:
    """1 - IoU is a metric: two masks within 1 - τ of the object are within 2 (1 - τ) of each other."""
    assert Quadrants("inconsistent-right", 0.5, 0.75).tally(noise_run.answers()).value == 0


def test_the_curve_is_cvr_at_every_threshold(noise_run: Run) -> None:
    answers = noise_run.answers()
    met = np.unique(answers.object_iou_P)  # where strictly and not strictly differ
    curve = cvr_curve(answers, [*met[met > 0], 0.25, 1.0])

    assert (np.diff(curve.delta_D) >= 0).all()
    for delta, cvr, pooled in zip(*curve, strict=True):
        assert cvr == pytest.approx(CVR(delta).tally(answers).value, abs=1e-9)
        assert pooled == pytest.approx(PooledCVR(delta).tally(answers).value, abs=1e-9)


def test_the_area_is_the_integral_of_the_curve(noise_run: Run) -> None:
    answers = noise_run.answers()
    steps = 20_000
    curve = cvr_curve(answers, (np.arange(steps) + 0.5) / steps)

    assert CVRArea().tally(answers).value == pytest.approx(curve.cvr_D.mean(), abs=0.01)
    assert CVRArea(pooled=True).tally(answers).value == pytest.approx(curve.pooled_D.mean(), abs=0.01)


def test_a_curve_without_a_pair_is_undefined(make_sample: Any, tmp_path: Path) -> None:
    import dataclasses

    sample = make_sample("one", 3)
    lonely = dataclasses.replace(
        sample, objects=tuple(dataclasses.replace(o, parts=o.parts[:1]) for o in sample.objects)
    )
    answers = evaluate(controls.oracle(), [lonely], out=tmp_path / "run").answers()

    assert np.isnan(cvr_curve(answers).cvr_D).all()
    assert len(cvr_curve(answers).delta_D) == 100
    assert math.isnan(Agreement().tally(answers).value)
    assert Agreement().tally(answers).undefined == 3


@pytest.mark.parametrize("order", ORDERS)
def test_disagreement_within_parts_equals_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    answers = noise_run.answers(order)
    first, *extra = (by_object(slow.answers(noise, samples, order, number)) for number in range(3))
    within, violated, effect = [], [], []
    for key, rows in first.items():
        iou = [
            slow.iou(row["masks"][0], clicked[key][part]["masks"][0])
            for clicked in extra
            for part, row in enumerate(rows)
        ]
        within.append(sum(1 - v for v in iou) / len(iou))
        violated.append(sum(v < DELTA for v in iou) / len(iou))
        between = [1 - slow.iou(a["masks"][0], b["masks"][0]) for a, b in combinations(rows, 2)]
        if between:
            effect.append(sum(between) / len(between) - within[-1])

    assert WithinCVRArea().tally(answers).value == pytest.approx(100 * np.mean(within), abs=1e-10)
    assert WithinCVR(DELTA).tally(answers).value == pytest.approx(100 * np.mean(violated), abs=1e-10)
    found = PartEffect().tally(answers)
    assert found.value == pytest.approx(100 * np.mean(effect), abs=1e-10)
    assert (found.count, found.undefined) == (len(effect), len(within) - len(effect))
    assert 0 < np.mean(violated) < 1


def test_without_extra_clicks_nothing_is_known_within_parts(run_of: Any) -> None:
    answers = run_of(controls.oracle()).answers()

    for metric in (WithinCVR(0.5), WithinCVRArea(), PartEffect()):
        tally = metric.tally(answers)
        assert math.isnan(tally.value)
        assert (tally.count, tally.undefined) == (0, len(answers.image_O))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.01, 1))
def test_the_area_above_a_threshold_bounds_cvr(iou: list[float], delta: float) -> None:
    """A pair below δ adds more than 1 - δ to the area, so CVR@δ is at most the area over 1 - δ."""
    from types import SimpleNamespace

    answers: Any = SimpleNamespace(
        object_iou_P=np.array(iou), object_P=np.zeros(len(iou), int), image_O=np.zeros(1, int), image_ids=["a"]
    )
    answers.per_image = lambda values, image: np.bincount(image, weights=values, minlength=1)
    area, cvr = CVRArea().tally(answers).value, CVR(delta).tally(answers).value

    assert cvr * (1 - delta) <= area + 1e-9
    assert area <= cvr + (100 - cvr) * (1 - delta) + 1e-9
