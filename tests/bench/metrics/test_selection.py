"""Which output one takes: the selection grid, the price of an order, entropy and switches, against pixels."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from consbench import Run, Sample, controls
from consbench.errors import UsageError
from consbench.metrics import (
    Gap,
    MIoU,
    Placement,
    PlacementEntropy,
    SwitchRate,
    Tally,
    Under,
    extended,
    headline,
    selection_grid,
)
from consbench.ordering import ORDERS, Order


def mean(values: list[float]) -> float:
    return 100 * math.fsum(values) / len(values) if values else math.nan


@pytest.mark.parametrize("target", ["object", "part"])
@pytest.mark.parametrize("order", ORDERS)
def test_every_position_of_every_order_equals_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, target: Any, slow: Any
) -> None:
    rows = slow.answers(noise, samples, order)
    answers = noise_run.answers("native")
    for position in range(1, noise.outputs + 1):
        iou = [slow.iou(r["masks"][position - 1], r[target]) for r in rows if len(r["masks"]) >= position]
        tally = Under(MIoU(target, position), order).tally(answers)
        assert tally.value == pytest.approx(mean(iou), abs=1e-10, nan_ok=True)
        assert (tally.count, tally.undefined) == (len(iou), len(rows) - len(iou))


@pytest.mark.parametrize("target", ["object", "part"])
def test_the_oracles_choice_and_the_gap_equal_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], target: Any, slow: Any
) -> None:
    usual = 0 if target == "object" else 1
    for order in ORDERS:
        rows = slow.answers(noise, samples, order)
        best = [max(slow.iou(m, r[target]) for m in r["masks"]) for r in rows]
        gaps = [
            b - slow.iou(r["masks"][usual], r[target])
            for b, r in zip(best, rows, strict=True)
            if len(r["masks"]) > usual
        ]
        answers = noise_run.answers(order)
        assert MIoU(target, "best").tally(answers).value == pytest.approx(mean(best), abs=1e-10)
        assert Gap(target).tally(answers).value == pytest.approx(mean(gaps), abs=1e-10, nan_ok=True)
        assert Gap(target).tally(answers).count == len(gaps)


def test_a_metric_under_an_order_does_not_depend_on_the_order_it_is_read_in(noise_run: Run) -> None:
    for metric in [*headline(), *extended()]:
        if isinstance(metric, Under):
            continue
        for order in ORDERS:
            direct = metric.tally(noise_run.answers(order))
            for read in ORDERS:
                again = Under(metric, order).tally(noise_run.answers(read))
                assert np.array_equal(direct.total_I, again.total_I), f"{metric}, {order} read in {read}"
                assert np.array_equal(direct.undefined_I, again.undefined_I)


def test_under_score_a_model_without_scores_is_undefined(make_noise: Any, run_of: Any) -> None:
    answers = run_of(make_noise(3, scores=False)).answers("area")
    tally = Under(MIoU("object"), "score").tally(answers)

    assert math.isnan(tally.value)
    assert (tally.count, tally.undefined) == (0, len(answers.image_N))
    entropy = Under(PlacementEntropy(), "score").tally(answers)
    assert math.isnan(entropy.value)
    assert not answers.scored
    with pytest.raises(UsageError, match="order 'score' needs a score for every output"):
        answers.ordered("score")


def test_the_grid_holds_every_choice_for_both_targets(noise_run: Run) -> None:
    names = [str(metric) for metric in selection_grid(2)]

    assert names[:6] == [
        "mIoU-object@1[native]",
        "mIoU-object@2[native]",
        "mIoU-object[area]",
        "mIoU-object[score]",
        "mIoU-object@best",
        "gap-object",
    ]
    assert [n.replace("object", "part") for n in names[:6]] == names[6:]


@pytest.mark.parametrize("order", ORDERS)
def test_entropy_and_switches_equal_the_slow_oracle(
    noise: Any, noise_run: Run, samples: list[Sample], order: Order, slow: Any
) -> None:
    rows = slow.answers(noise, samples, order)
    position = [slow.position(row) for row in rows]
    counts = Counter(position)
    entropy = -sum(c / len(rows) * math.log2(c / len(rows)) for c in counts.values())
    of_object: dict[Any, list[int]] = {}
    for row, p in zip(rows, position, strict=True):
        of_object.setdefault(row["key"], []).append(p)
    switched = [len(set(own)) > 1 for own in of_object.values() if len(own) > 1]

    answers = noise_run.answers(order)
    assert PlacementEntropy().tally(answers).value == pytest.approx(entropy, abs=1e-12)
    found = SwitchRate().tally(answers)
    assert found.value == pytest.approx(100 * sum(switched) / len(switched))
    assert (found.count, found.undefined) == (len(switched), len(of_object) - len(switched))


def test_an_object_that_is_always_first_has_no_entropy_and_never_switches(run_of: Any) -> None:
    answers = run_of(controls.oracle()).answers()

    assert PlacementEntropy().tally(answers).value == 0
    assert SwitchRate().tally(answers).value == 0


def test_entropies_of_runs_with_different_outputs_add(samples: list[Sample], make_noise: Any, tmp_path: Any) -> None:
    from consbench import evaluate

    three = PlacementEntropy().tally(evaluate(make_noise(1), samples[:4], out=tmp_path / "a").answers())
    five = PlacementEntropy().tally(evaluate(make_noise(3, 5), samples[4:], out=tmp_path / "b").answers())
    both: Tally = three + five
    counts = [*three.total_I.sum(axis=0).tolist(), 0, 0]
    counts = [a + b for a, b in zip(counts, five.total_I.sum(axis=0), strict=True)]

    assert both.value == pytest.approx(-sum(c / both.count * math.log2(c / both.count) for c in counts if c))
    assert both.value == pytest.approx((five + three).value)


def test_a_click_without_any_output_is_an_empty_object_mask(samples: list[Sample], tmp_path: Any) -> None:
    """What is not answered must raise neither quality nor consistency."""
    from consbench import evaluate
    from consbench.metrics import CVR

    def silent(image: np.ndarray, clicks: np.ndarray) -> Any:
        masks = np.ones((len(clicks), 2, *image.shape[:2]), bool)
        return masks, np.zeros((len(clicks), 2)), np.zeros((len(clicks), 2), bool)

    answers = evaluate(silent, samples, out=tmp_path / "run").answers()

    assert MIoU("object").tally(answers).value == 0
    assert MIoU("object").tally(answers).undefined == 0
    assert MIoU("object", "best").tally(answers).value == 0
    assert CVR(0.1).tally(answers).value == 100
    assert Placement(0).tally(answers).value == 100
    assert math.isnan(MIoU("part").tally(answers).value)
