"""Names of metrics: each parses back, each slip is answered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consbench.errors import UnknownName, UsageError
from consbench.metrics import (
    BY,
    CVR,
    KINDS,
    QUADRANTS,
    Calibration,
    Duplicates,
    Gap,
    Metric,
    MIoU,
    Mistake,
    MistakeCost,
    Placement,
    PooledCVR,
    Quadrants,
    Under,
    WithinCVR,
    extended,
    headline,
    parse,
    selection_grid,
)
from consbench.metrics.calibration import QUANTITIES
from consbench.metrics.catalogue import FORMS
from consbench.ordering import ORDERS

thresholds = st.floats(0, 1, exclude_min=True)
positions = st.integers(1, 99)
targets = st.sampled_from(["object", "part"])
plain: st.SearchStrategy[Metric] = st.one_of(
    st.builds(MIoU, targets, st.one_of(st.none(), st.just("best"), positions)),
    st.builds(Gap, targets),
    st.builds(CVR, thresholds),
    st.builds(PooledCVR, thresholds),
    st.builds(WithinCVR, thresholds),
    st.builds(Duplicates, thresholds),
    st.builds(Quadrants, st.sampled_from(QUADRANTS), thresholds, thresholds),
    st.builds(Mistake, st.sampled_from(KINDS), thresholds),
    st.builds(MistakeCost, st.sampled_from(KINDS), thresholds),
    st.builds(Calibration, st.sampled_from(QUANTITIES), positions),
    st.builds(Placement, positions, st.one_of(st.none(), positions)),
    st.sampled_from([*headline(), *extended()]).filter(lambda m: not isinstance(m, Under)),
)


@given(st.one_of(plain, st.builds(Under, plain, st.sampled_from(ORDERS))))
def test_every_metric_is_a_name_that_parses_back(metric: Metric) -> None:
    assert parse(str(metric)) == metric


@pytest.mark.parametrize("metric", [*headline(outputs=5), *extended(5), *selection_grid(1)], ids=str)
def test_every_listed_metric_parses_back(metric: Metric) -> None:
    assert parse(str(metric)) == metric


def test_no_two_listed_metrics_have_one_name() -> None:
    names = [str(metric) for metric in [*headline(), *extended()]]

    assert len(set(names)) == len(names)


def test_every_example_of_a_form_is_its_own_name_and_of_no_other_form() -> None:
    for form in FORMS:
        for example in form.examples:
            assert str(parse(example)) == example
            assert [f for f in FORMS if any(str(parse(e)) == example for e in f.examples)] == [form]


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("cvx@0.5", "CVR@0.5"),
        ("mIoU-parts", "mIoU-part"),
        ("switch_rate", "switch-rate"),
        ("mIoU-object@0", "mIoU-object@2"),
        ("error-merge@0.5", "error-merged@0.5"),
    ],
)
def test_an_unknown_metric_is_refused_with_a_suggestion(name: str, suggested: str) -> None:
    with pytest.raises(UnknownName, match=f"no metric is called '{name}'; did you mean '{suggested}'"):
        parse(name)


@pytest.mark.parametrize("name", ["CVR@0.5", "mIoU-part", "mIoU-object@2[native]", "switch-rate"])
def test_names_may_be_in_upper_or_lower_case(name: str) -> None:
    for written in (name.lower(), name.partition("@")[0].upper() + name[len(name.partition("@")[0]) :]):
        assert str(parse(written)) == name


@pytest.mark.parametrize("name", ["CVR@0.5[", "[area]", "CVR@0.5]", "CVR@0.5[area][native]", "placement@0", "score@x"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises((UnknownName, UsageError), match=r"is called|threshold must be a number"):
        parse(name)


def test_an_unknown_order_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="no order is called 'arae'; did you mean 'area'"):
        parse("switch-rate[arae]")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CVR@high", "'CVR@high': the threshold must be a number"),
        ("consistent-right@0.5/x", "'consistent-right@0.5/x': the threshold must be a number"),
        ("duplicates@1.5", "'duplicates@1.5': the threshold is an IoU above 0 and at most 1; got 1.5"),
        ("error-part@0", "above 0 and at most 1; got 0"),
        ("CVR@nan", "above 0 and at most 1; got nan"),
    ],
)
def test_an_impossible_threshold_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(name)


def test_lists_of_choices_are_of_distinct_names() -> None:
    for names in (BY, KINDS, QUADRANTS, QUANTITIES):
        listed: Any = names
        assert len(set(listed)) == len(listed)
