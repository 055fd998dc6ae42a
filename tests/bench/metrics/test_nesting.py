"""Containment, nested scales and duplicates, against pixels."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from consbench import Run, Sample, controls
from consbench.metrics import Containment, Duplicates, Nestedness
from consbench.ordering import ORDERS, Order


@pytest.mark.parametrize("order", ORDERS)
def test_containment_nestedness_and_duplicates_equal_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    contained, nested, doubled = [], [], []
    rows = slow.answers(noise, samples, order)
    for masks in (row["masks"] for row in rows):
        if len(masks) > 1 and masks[1].any():
            contained.append((masks[0] & masks[1]).sum() / masks[1].sum())
        pairs = [(a, b) for a, b in combinations(masks, 2) if a.any() and b.any()]
        if pairs:
            nested.append(np.mean([(a & b).sum() / min(a.sum(), b.sum()) for a, b in pairs]))
        if len(masks) > 1:
            doubled.append(any(slow.iou(a, b) >= 0.5 for a, b in combinations(masks, 2)))

    answers = noise_run.answers(order)
    for metric, values in ((Containment(), contained), (Nestedness(), nested), (Duplicates(0.5), doubled)):
        tally = metric.tally(answers)
        assert (tally.count, tally.undefined) == (len(values), len(rows) - len(values)), metric
        assert tally.value == pytest.approx(100 * np.mean(values) if values else math.nan, abs=1e-10, nan_ok=True)
    if noise.outputs > 1:
        assert 0 < np.mean(doubled) < 1


def test_the_controls_are_nested_or_copies_as_they_are_drawn(run_of: Any) -> None:
    discs = run_of(controls.click_disc(), "discs").answers()
    assert Containment().tally(discs).value == 100
    assert Nestedness().tally(discs).value == 100
    assert Duplicates(0.99).tally(discs).value == 0

    full = run_of(controls.full_image(), "full").answers()
    assert Duplicates(1.0).tally(full).value == 100

    empty = run_of(controls.empty(), "empty").answers()
    assert Duplicates(0.1).tally(empty).value == 0
    assert math.isnan(Nestedness().tally(empty).value)
    assert Containment().tally(empty).undefined == len(empty.image_N)


def test_swapped_holds_the_object_in_the_part(run_of: Any) -> None:
    answers = run_of(controls.swapped()).answers()
    share = np.mean(answers.part_area_N / answers.object_area_N)

    assert Containment().tally(answers).value == pytest.approx(100 * share)
