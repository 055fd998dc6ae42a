"""Which objects a page shows: the stated rule, its seed, and means that a slow count confirms."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consbench import Run, controls
from consbench_reports.selection import Key, Means, choose, object_means, over_models, shares


def table(qualities: list[float], agreements: list[float]) -> dict[Key, Means]:
    return {
        (f"image-{i:03}", i): Means("thing", 2, quality, 0.0, agreement)
        for i, (quality, agreement) in enumerate(zip(qualities, agreements, strict=True))
    }


FORTY = table([i / 40 for i in range(40)], [((7 * i) % 40) / 40 for i in range(40)])


def test_means_are_those_of_the_rows_of_the_record(run_of: Callable[..., Run]) -> None:
    run = run_of(controls.click_disc())
    means = object_means(run)
    clicks, pairs = run.clicks, run.pairs

    assert list(means) == sorted(set(zip(clicks["image_id"], clicks["object_id"], strict=True)))
    for (image_id, object_id), found in means.items():
        own = clicks[(clicks["image_id"] == image_id) & (clicks["object_id"] == object_id)]
        between = pairs[(pairs["image_id"] == image_id) & (pairs["object_id"] == object_id)]
        assert found.clicks == len(own)
        assert found.category == own["object_category"].iloc[0]
        assert found.object == pytest.approx(np.mean([iou[0] for iou in own["iou_object"]]))
        assert found.part == pytest.approx(np.mean([iou[1] for iou in own["iou_part"]]))
        if len(between):
            assert found.agreement == pytest.approx(np.mean([iou[0] for iou in between["iou"]]))
        else:
            assert math.isnan(found.agreement)


def test_all_objects_are_shown_where_there_is_room() -> None:
    assert [one.why for one in choose([FORTY], 40)] == [""] * 40


def test_each_quarter_is_what_its_reason_says() -> None:
    chosen = choose([FORTY], 20)
    of = {why: [one.object_id for one in chosen if one.why == why] for why in dict.fromkeys(one.why for one in chosen)}

    assert list(of) == ["agrees least between its parts", "lowest object IoU", "highest object IoU", "drawn at random"]
    least = sorted(range(40), key=lambda i: (7 * i) % 40)[:5]
    assert of["agrees least between its parts"] == least
    assert of["lowest object IoU"] == [i for i in range(40) if i not in least][:5]
    assert of["highest object IoU"] == [i for i in reversed(range(40)) if i not in least][:5]
    assert len(of["drawn at random"]) == 5


def test_the_seed_draws_the_random_quarter_and_nothing_else() -> None:
    one, again, other = choose([FORTY], 20, 3), choose([FORTY], 20, 3), choose([FORTY], 20, 4)

    assert one == again
    assert one[:15] == other[:15]
    assert set(one[15:]) != set(other[15:])


def test_an_object_that_nobody_answered_counts_as_wrong() -> None:
    unanswered = table([0.1, math.nan, 0.2, 0.3], [math.nan] * 4)

    assert choose([unanswered], 2)[0].object_id == 1


@given(st.integers(1, 30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_choice_has_the_wanted_size_and_no_object_twice(count: int, qualities: list[float]) -> None:
    chosen = choose([table(qualities, qualities)], count)

    assert len(chosen) == len({(one.image_id, one.object_id) for one in chosen}) == min(count, len(qualities))


def test_means_over_models_leave_out_who_has_no_value() -> None:
    merged = over_models([table([0.2, math.nan], [1, 1]), table([0.4, math.nan], [1, 1])], "object")

    assert merged["image-000", 0] == pytest.approx(0.3)
    assert math.isnan(merged["image-001", 1])


@given(st.integers(0, 100), st.integers(1, 9))
def test_shares_add_up_and_differ_by_one_at_most(count: int, datasets: int) -> None:
    found = shares(count, datasets)

    assert sum(found) == count
    assert max(found) - min(found) <= 1
