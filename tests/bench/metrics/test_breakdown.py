"""Breakdowns: a metric over a group is the metric over a run that holds the group alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from consbench import Run, Sample, evaluate
from consbench.errors import UnknownName
from consbench.metrics import BY, CVR, Metric, MIoU, SwitchRate, Under, WithinCVRArea, breakdown, extended, headline
from consbench.metrics.breakdown import OBJECTS, PARTS, SHARES, SIZES

METRICS: list[Metric] = [*headline(), *extended()]


@pytest.mark.parametrize("by", BY)
def test_groups_hold_every_click_once_and_their_sums_are_those_of_the_run(noise_run: Run, by: Any) -> None:
    answers = noise_run.answers()
    groups = breakdown(answers, MIoU("object"), by)
    whole = MIoU("object").tally(answers)

    assert sum(g.clicks for g in groups) == len(answers.image_N) == sum(g.tally.count for g in groups)
    assert np.allclose(sum(g.tally.total_I for g in groups), whole.total_I)
    assert len(groups) > 1
    if by != "part-category":
        assert sum(g.objects for g in groups) == len(answers.image_O)


@pytest.mark.parametrize("category", ["cat", "car"])
def test_a_category_alone_gives_what_a_run_without_the_others_gives(
    samples: list[Sample], make_noise: Any, tmp_path: Any, category: str
) -> None:
    def without(sample: Sample) -> Sample:
        """The other objects stay in the annotation, since mistakes are measured against them, but have no part."""
        return dataclasses.replace(
            sample,
            objects=tuple(o if o.category == category else dataclasses.replace(o, parts=()) for o in sample.objects),
        )

    noise = make_noise(4)
    whole = evaluate(noise, samples, out=tmp_path / "whole").answers()
    alone = evaluate(noise, [without(s) for s in samples], out=tmp_path / "alone").answers()
    for metric in METRICS:
        (group,) = [g for g in breakdown(whole, metric, "category") if g.name == category]
        expected = metric.tally(alone)
        assert group.tally.value == pytest.approx(expected.value, nan_ok=True), metric
        assert (group.tally.count, group.tally.undefined) == (expected.count, expected.undefined), metric


@pytest.mark.parametrize(
    ("by", "ranges", "of"),
    [
        ("object-size", SIZES, lambda row: row["object"].sum()),
        ("object-share", SHARES, lambda row: row["object"].mean()),
        ("parts", PARTS, lambda row: row["parts"]),
        ("objects", OBJECTS, lambda row: row["objects"]),
    ],
)
def test_ranges_equal_the_slow_oracle(
    noise: Any,
    noise_run: Run,
    samples: list[Sample],
    slow: Any,
    by: Any,
    ranges: tuple[tuple[float, str], ...],
    of: Callable[[dict[str, Any]], float],
) -> None:
    rows = slow.answers(noise, samples, "native")
    groups = {g.name: g for g in breakdown(noise_run.answers("native"), MIoU("object"), by)}

    assert list(groups) == [name for _, name in ranges]
    for number, (low, name) in enumerate(ranges):
        high = ranges[number + 1][0] if number + 1 < len(ranges) else math.inf
        own = [slow.iou(r["masks"][0], r["object"]) for r in rows if low <= of(r) < high]
        assert groups[name].clicks == len(own)
        if own:
            assert groups[name].tally.value == pytest.approx(100 * np.mean(own))
        else:
            assert math.isnan(groups[name].tally.value)


def test_a_group_without_an_eligible_object_is_undefined_and_counted(noise_run: Run) -> None:
    answers = noise_run.answers()
    one = next(g for g in breakdown(answers, CVR(0.5), "parts") if g.name == "1")

    assert math.isnan(one.tally.value)
    assert one.objects == one.tally.undefined > 0
    assert one.tally.count == 0
    many = next(g for g in breakdown(answers, CVR(0.5), "parts") if g.name == "10 and more")
    assert (many.images, many.objects, many.clicks) == (0, 0, 0)
    assert math.isnan(many.tally.value)


def test_metrics_of_pairs_and_of_other_orders_survive_a_breakdown(noise_run: Run) -> None:
    answers = noise_run.answers("native")
    for metric in (WithinCVRArea(), Under(SwitchRate(), "area"), Under(WithinCVRArea(), "area")):
        groups = breakdown(answers, metric, "category")
        whole = metric.tally(answers)
        assert sum(g.tally.count for g in groups) == whole.count
        assert np.allclose(sum(g.tally.total_I for g in groups), whole.total_I), metric


def test_pairs_of_a_part_category_have_both_clicks_in_it(noise_run: Run) -> None:
    """No object of these samples has two parts of one category, so no pair is left."""
    for group in breakdown(noise_run.answers(), CVR(0.5), "part-category"):
        assert group.tally.count == 0
        assert group.tally.undefined == group.objects


def test_an_unknown_breakdown_is_refused_with_a_suggestion(noise_run: Run) -> None:
    unknown: Any = "catgory"
    with pytest.raises(UnknownName, match="no breakdown is called 'catgory'; did you mean 'category'"):
        breakdown(noise_run.answers(), MIoU("object"), unknown)
