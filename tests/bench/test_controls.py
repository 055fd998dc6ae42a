"""Controls: what the metrics must say of models whose answers are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from consbench import Mask, Object, Part, Run, Sample, controls, evaluate
from consbench.metrics import CVR, Placement, object_position

DELTAS = (1e-9, 0.5, 0.9, 1.0)


def test_oracle_is_right_consistent_and_in_order(run_of: Callable[..., Run]) -> None:
    summary = run_of(controls.oracle()).summary(deltas=DELTAS)

    assert summary["mIoU-object"].value == 100
    assert summary["mIoU-part"].value == 100
    assert [summary[str(CVR(d))].value for d in DELTAS] == [0, 0, 0, 0]
    assert summary["placement@1"].value == 100
    assert summary["size-ratio"].value == 1
    assert summary.privileged


def test_swapped_has_its_object_in_position_2_unless_part_and_object_are_equal(
    samples: list[Sample], tmp_path: object
) -> None:
    full = Mask.from_array(np.ones((40, 64), bool))
    equal = Sample(
        "equal", 40, 64, (Object(0, "all", full, (Part(0, "all", full),)),), lambda: np.zeros((40, 64, 3), np.uint8)
    )
    run = evaluate(controls.swapped(), [*samples, equal], out=f"{tmp_path}/run")
    same = [
        bool((o.mask.array() == p.mask.array()).all())
        for s in sorted([*samples, equal], key=lambda s: s.image_id)
        for o in s.objects
        for p in o.parts
    ]

    assert object_position(run.answers()).tolist() == [1 if equals else 2 for equals in same]
    assert any(same)


def test_full_image_is_consistent_and_bad(run_of: Callable[..., Run]) -> None:
    summary = run_of(controls.full_image()).summary(deltas=DELTAS)

    assert [summary[str(CVR(d))].value for d in DELTAS] == [0, 0, 0, 0]
    assert summary["mIoU-object"].value < 20
    assert summary["size-ratio"].value > 5


def test_empty_violates_every_pair_and_has_no_size(run_of: Callable[..., Run]) -> None:
    summary = run_of(controls.empty()).summary(deltas=DELTAS)

    assert [summary[str(CVR(d))].value for d in DELTAS] == [100, 100, 100, 100]
    assert summary["mIoU-object"].value == 0
    assert summary["size-ratio"].undefined == summary.clicks


def test_click_disc_holds_its_click_in_three_nested_masks() -> None:
    model = controls.click_disc()
    masks = model.encode(np.zeros((30, 50, 3), np.uint8)).predict(np.array([[49.0, 0.0], [10.0, 20.0]])).masks_NKHW

    assert masks.shape == (2, 3, 30, 50)
    assert masks[0, :, 0, 49].all()
    assert masks[1, :, 20, 10].all()
    assert (masks[:, 1] <= masks[:, 0]).all()
    assert (masks[:, 2] <= masks[:, 1]).all()


@pytest.mark.parametrize(
    "control", [controls.oracle, controls.swapped, controls.full_image, controls.empty, controls.click_disc]
)
def test_the_placement_shares_add_up_to_all_clicks(control: Callable[[], object], run_of: Callable[..., Run]) -> None:
    run = run_of(control())
    answers = run.answers()
    shares = [Placement(k).tally(answers).value for k in range(answers.area_NK.shape[1] + 1)]

    assert sum(shares) == pytest.approx(100)
