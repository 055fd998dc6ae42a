"""Headline metrics against a slow oracle on the masks themselves, a second library, and their own laws."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from scipy.optimize import linear_sum_assignment

from consbench import Run, Sample, evaluate
from consbench.errors import UsageError
from consbench.metrics import (
    CVR,
    DELTAS,
    MIoU,
    Placement,
    PooledCVR,
    SizeRatio,
    Tally,
    headline,
    histogram,
    object_position,
    parse,
)
from consbench.ordering import ORDERS, Order

DELTA = 0.3


@pytest.mark.parametrize("order", ORDERS)
def test_every_headline_metric_equals_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    rows = slow.answers(noise, samples, order)
    found = noise_run.summary(order, deltas=[DELTA])

    of_object = [slow.iou(r["masks"][0], r["object"]) for r in rows]
    assert found["mIoU-object"].value == pytest.approx(100 * math.fsum(of_object) / len(rows), abs=1e-12)
    of_part = [slow.iou(r["masks"][1], r["part"]) for r in rows if len(r["masks"]) > 1]
    assert found["mIoU-part"].undefined == len(rows) - len(of_part)
    if of_part:
        assert found["mIoU-part"].value == pytest.approx(100 * math.fsum(of_part) / len(of_part), abs=1e-12)
    else:
        assert math.isnan(found["mIoU-part"].value)

    rates, violated, pairs, single = [], 0, 0, 0
    for key in dict.fromkeys(r["key"] for r in rows):
        own = [r["masks"][0] for r in rows if r["key"] == key]
        below = [slow.iou(a, b) < DELTA for a, b in combinations(own, 2)]
        violated, pairs = violated + sum(below), pairs + len(below)
        if below:
            rates.append(sum(below) / len(below))
        else:
            single += 1
    assert 0 < violated < pairs
    assert single > 0
    assert found[f"CVR@{DELTA}"].value == pytest.approx(100 * sum(rates) / len(rates), abs=1e-12)
    assert found[f"CVR@{DELTA}"][1:3] == (len(rates), single)
    assert found[f"pooled-CVR@{DELTA}"].value == pytest.approx(100 * violated / pairs, abs=1e-12)

    ratios = [math.log(r["masks"][0].sum() / r["object"].sum()) for r in rows if r["masks"][0].any()]
    assert found["size-ratio"].value == pytest.approx(math.exp(sum(ratios) / len(ratios)), abs=1e-9)

    for first, counts in ((None, found.positions), (2, found.positions_of_2)):
        position = [slow.position(r, first) for r in rows]
        width = len(counts) - 1
        assert tuple([position.count(p) for p in range(1, width + 1)] + [position.count(0)]) == counts
        assert sum(counts) == len(rows)


def test_recorded_ious_equal_pycocotools_on_its_own_codes(noise_run: Run, samples: list[Sample]) -> None:
    by_id = {s.image_id: s for s in samples}
    stored = {(r.image_id, r.object_id, r.part_id, r.click): r for r in noise_run.masks.itertuples()}
    checked = 0
    for row in noise_run.clicks.itertuples():
        codes = stored[row.image_id, row.object_id, row.part_id, row.click]
        size = [codes.height, codes.width]
        obj = by_id[row.image_id].objects[row.object_id].mask.array()
        truth = coco.encode(np.asfortranarray(obj.astype(np.uint8)))
        for code, iou in zip(codes.counts, row.iou_object, strict=True):
            if code is not None:
                assert abs(coco.iou([{"size": size, "counts": code}], [truth], [0])[0, 0] - iou) < 1e-12
                checked += 1
    assert checked >= len(noise_run.clicks) > 50


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_assignment_reaches_the_total_of_scipys_hungarian_method(seed: int) -> None:
    draw = np.random.default_rng(seed)
    clicks, outputs = 20, int(draw.integers(2, 6))
    iou_object, iou_part = draw.random((2, clicks, outputs))
    answers = fake_answers(iou_object, iou_part)
    for n, position in enumerate(object_position(answers)):
        table = np.stack([iou_object[n], iou_part[n]])
        rows, columns = linear_sum_assignment(table, maximize=True)
        best = table[rows, columns].sum()
        others = np.delete(iou_part[n], position - 1)
        assert iou_object[n, position - 1] + others.max() == pytest.approx(best, abs=1e-12)


def test_ties_of_the_assignment_go_to_the_lowest_position_of_the_object() -> None:
    same = np.array([[0.5, 0.5, 0.5]])

    assert object_position(fake_answers(same, same)).tolist() == [1]
    assert object_position(fake_answers(np.array([[0.0, 0.4, 0.4]]), np.array([[0.9, 0.0, 0.0]]))).tolist() == [2]


def test_one_output_goes_to_whichever_fits_better_the_object_first() -> None:
    answers = fake_answers(np.array([[0.5], [0.5], [0.2]]), np.array([[0.4], [0.5], [0.3]]))

    assert object_position(answers).tolist() == [1, 1, 0]
    assert histogram(answers) == [2, 1]


def test_cvr_does_not_depend_on_the_order_of_parts(samples: list[Sample], tmp_path: Path, make_noise: Any) -> None:
    import dataclasses

    def renumbered(sample: Sample) -> Sample:
        return dataclasses.replace(
            sample,
            objects=tuple(
                dataclasses.replace(
                    o, parts=tuple(dataclasses.replace(p, part_id=9 - p.part_id) for p in reversed(o.parts))
                )
                for o in sample.objects
            ),
        )

    model = make_noise(5)
    one = evaluate(model, samples, out=tmp_path / "one").summary()
    other = evaluate(model, [renumbered(s) for s in samples], out=tmp_path / "other").summary()

    for name in one:
        assert one[name].value == pytest.approx(other[name].value, rel=1e-14), name  # sums of another order
        assert one[name][1:4] == other[name][1:4]
    assert [one[str(CVR(d))].value for d in DELTAS] == [other[str(CVR(d))].value for d in DELTAS]
    assert one.positions == other.positions


def test_a_violation_is_strictly_below_the_threshold(run_of: Callable[..., Run], make_noise: Any) -> None:
    run = run_of(make_noise(1, absent=False))
    iou = sorted({row[0] for row in run.pairs["iou"] if 0 < row[0] < 1})[3]
    pairs = len(run.pairs)
    below = sum(row[0] < iou for row in run.pairs["iou"])

    assert run.summary(deltas=[iou], metrics=[PooledCVR(iou)])[str(PooledCVR(iou))].value == pytest.approx(
        100 * below / pairs
    )


def test_tallies_of_two_halves_add_up_to_the_whole(samples: list[Sample], tmp_path: Path, make_noise: Any) -> None:
    model = make_noise(7)
    whole = evaluate(model, samples, out=tmp_path / "whole").answers()
    left = evaluate(model, samples[:3], out=tmp_path / "left").answers()
    right = evaluate(model, samples[3:], out=tmp_path / "right").answers()

    for metric in headline():
        added = metric.tally(left) + metric.tally(right)
        assert (added.value, added.count, added.undefined) == pytest.approx(
            (metric.tally(whole).value, metric.tally(whole).count, metric.tally(whole).undefined), nan_ok=True
        ), metric


def test_tallies_of_different_forms_do_not_add() -> None:
    nothing = np.zeros(1)

    with pytest.raises(ValueError, match="a percent tally and a geometric tally do not add"):
        Tally(nothing, nothing, nothing) + Tally(nothing, nothing, nothing, "geometric")


@pytest.mark.parametrize(
    "metric", [*headline(), Placement(4), CVR(0.123), PooledCVR(1.0), SizeRatio(), MIoU("part")], ids=str
)
def test_a_metric_is_a_name_that_parses_back(metric: object) -> None:
    assert parse(str(metric)) == metric


@pytest.mark.parametrize(
    ("name", "message"), [("CVR@high", "must be a number"), ("CVR@1.5", "above 0 and at most 1; got 1.5")]
)
def test_an_impossible_threshold_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(name)


def fake_answers(iou_object_NK: np.ndarray, iou_part_NK: np.ndarray) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(iou_object_NK=iou_object_NK, iou_part_NK=iou_part_NK)
