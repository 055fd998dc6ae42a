"""Scores against IoU, by position: against plain Python, numpy's correlation, and models of known calibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench import Run, Sample, controls
from consbench.metrics import Calibration, Tally, reliability
from consbench.metrics.calibration import QUANTITIES
from consbench.ordering import ORDERS, Order


@pytest.mark.parametrize("order", ORDERS)
def test_scores_errors_and_correlation_equal_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    rows = slow.answers(noise, samples, order)
    answers = noise_run.answers(order)
    for position in range(1, noise.outputs + 1):
        there = [r for r in rows if len(r["masks"]) >= position]
        score = [r["scores"][position - 1] for r in there]
        iou = [max(slow.iou(r["masks"][position - 1], r[t]) for t in ("object", "part")) for r in there]
        bins: dict[int, list[tuple[float, float]]] = {}
        for s, i in zip(score, iou, strict=True):
            bins.setdefault(min(int(s * 10), 9), []).append((s, i))
        error = sum(abs(sum(s for s, _ in b) - sum(i for _, i in b)) for b in bins.values()) / len(there)
        wanted = {
            "score": 100 * np.mean(score),
            "score-IoU": 100 * np.mean(iou),
            "score-ECE": 100 * error,
            "score-r": np.corrcoef(score, iou)[0, 1],
        }
        for quantity in QUANTITIES:
            tally = Calibration(quantity, position).tally(answers)
            assert tally.value == pytest.approx(wanted[quantity], abs=1e-9), quantity
            assert (tally.count, tally.undefined) == (len(there), len(rows) - len(there))

        diagram = reliability(answers, position)
        assert [b.clicks for b in diagram] == [len(bins.get(n, [])) for n in range(10)]
        assert sum(b.clicks * abs(b.score - b.iou) for b in diagram if b.clicks) / len(there) == pytest.approx(error)
        assert all(math.isnan(b.score) for b in diagram if not b.clicks)


def test_without_scores_calibration_is_undefined(run_of: Any) -> None:
    answers = run_of(controls.oracle()).answers()

    for quantity in QUANTITIES:
        tally = Calibration(quantity, 1).tally(answers)
        assert math.isnan(tally.value)
        assert (tally.count, tally.undefined) == (0, len(answers.image_N))
    assert sum(b.clicks for b in reliability(answers, 1)) == 0


def test_a_position_that_no_click_has_is_undefined(noise_run: Run, noise: Any) -> None:
    assert math.isnan(Calibration("score-r", noise.outputs + 1).tally(noise_run.answers()).value)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_correlation_from_sums_is_numpys(seed: int, clicks: int) -> None:
    x, y = np.random.default_rng(seed).random((2, clicks))
    sums = np.stack([x, y, x**2, y**2, x * y], axis=1)
    tally = Tally(sums, np.ones(clicks), np.zeros(clicks), "correlation")

    assert tally.value == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)


def test_a_constant_score_has_no_correlation() -> None:
    x, y = np.full(9, 0.1), np.linspace(0, 1, 9)
    sums = np.stack([x, y, x**2, y**2, x * y], axis=1)

    assert math.isnan(Tally(sums, np.ones(9), np.zeros(9), "correlation").value)


def test_scores_outside_0_to_1_fall_into_the_outermost_bins(samples: list[Sample], tmp_path: Any) -> None:
    from consbench import evaluate

    def eager(image: np.ndarray, clicks: np.ndarray) -> Any:
        scores = np.tile([1.25, -0.5], (len(clicks), 1))
        return np.ones((len(clicks), 2, *image.shape[:2]), bool), scores

    answers = evaluate(eager, samples, out=tmp_path / "run").answers()
    first, second = reliability(answers, 1), reliability(answers, 2)

    assert first[-1].clicks == second[0].clicks == len(answers.image_N)
    assert first[-1].score == pytest.approx(1.25)
    iou = Calibration("score-IoU", 1).tally(answers).value
    assert Calibration("score-ECE", 1).tally(answers).value == pytest.approx(125 - iou)
