"""Comparisons of runs: which may be made, what they say, and what the command does with it."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from consbench import Protocol, Run, Sample, compare, controls, evaluate
from consbench.cli import cli
from consbench.clicks import ClickStrategy
from consbench.datasets import SampleList
from consbench.errors import RecordMismatch, UnknownName, UsageError
from consbench.metrics import CVR, MIoU
from consbench.statistics.comparison import compared_metrics
from consbench.statistics.conditions import Condition

Model = Callable[[np.ndarray, np.ndarray], np.ndarray]


def squares(*radii: int, fails_on: int | None = None) -> Model:
    """A model of squares around the click; raises on images whose grey values sum to `fails_on`."""

    def predict(image: np.ndarray, clicks: np.ndarray) -> np.ndarray:
        if image.sum() == fails_on:
            raise RuntimeError("no")
        masks = np.zeros((len(clicks), len(radii), *image.shape[:2]), bool)
        for n, (x, y) in enumerate(clicks.astype(int)):
            for k, radius in enumerate(radii):
                masks[n, k, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = True
        return masks

    return predict


@pytest.fixture
def many(make_sample: Callable[..., Sample]) -> list[Sample]:
    return [make_sample(f"image-{n:02}", seed=n) for n in range(20)]


@pytest.fixture
def run(many: list[Sample], tmp_path: Path) -> Callable[..., Run]:
    """Evaluate a model of squares under a name; on `many` unless told otherwise."""

    def make(name: str, *radii: int, on: object = None, fails_on: int | None = None, **options: object) -> Run:
        place = tmp_path / "runs" / name
        model = squares(*(radii or (8, 3)), fails_on=fails_on)
        return evaluate(model, many if on is None else on, out=place, name=name, **options)  # type: ignore[arg-type]

    return make


def test_values_are_those_of_the_summaries_and_the_difference_is_b_minus_a(run: Callable[..., Run]) -> None:
    a, b = run("a", 6, 2), run("b", 9, 3)
    found = compare(a, b)

    assert [d.metric for d in found.differences] == [str(m) for m in compared_metrics()]
    for d in found.differences:
        assert (d.a, d.b) == ("a", "b")
        assert d.value_a == a.summary()[d.metric].value
        assert d.value_b == b.summary()[d.metric].value
        assert d.difference == d.value_b - d.value_a
        assert d.low <= d.difference <= d.high


def test_a_clear_difference_is_told_apart_and_a_model_from_its_copy_is_not(run: Callable[..., Run]) -> None:
    found = compare(run("small", 2, 1), run("large", 8, 1), run("copy", 8, 1), metrics=["mIoU-object"])
    small_large, small_copy, large_copy = found.differences

    assert small_large.told_apart
    assert small_large.verdict == "large is better"
    assert small_copy.verdict == "copy is better"
    assert large_copy.verdict == "the same"
    assert large_copy.p_holm == 1.0
    assert math.isnan(large_copy.detectable)
    assert found.groups("samples (all)", "mIoU-object") == [("large", "copy"), ("small",)]


@pytest.mark.parametrize(
    ("metric", "order", "verdict"),
    [
        ("mIoU-object", "ab", "full-image is worse"),
        ("mIoU-object", "ba", "oracle* is better"),
        ("CVR@0.9", "cb", "full-image is better"),
        ("CVR@0.9", "bc", "c is worse"),
        ("size-ratio", "ab", "full-image is higher"),
        ("size-ratio", "ba", "oracle* is lower"),
    ],
)
def test_verdicts_say_which_side_is_better_where_one_is(
    run: Callable[..., Run], many: list[Sample], tmp_path: Path, metric: str, order: str, verdict: str
) -> None:
    runs = {
        "a": evaluate(controls.oracle(), many, out=tmp_path / "a"),
        "b": evaluate(controls.full_image(), many, out=tmp_path / "b"),
        "c": run("c", 6, 2),
    }

    assert compare(*(runs[name] for name in order), metrics=[metric]).differences[0].verdict == verdict


def test_holm_stands_over_metrics_pairs_and_datasets(run: Callable[..., Run], many: list[Sample]) -> None:
    elsewhere = SampleList(many[:15], name="elsewhere")
    runs = [[run("a", 6, 2), run("a2", 6, 2, on=elsewhere)], [run("b", 7, 2), run("b2", 7, 2, on=elsewhere)]]
    found = compare(*runs, metrics=[MIoU("object"), CVR(0.5)])
    raw = sorted(d.p for d in found.differences)

    assert found.tests == len(found.differences) == 4
    assert {d.dataset for d in found.differences} == {"samples (all)", "elsewhere (all)"}
    assert min(d.p_holm for d in found.differences) == pytest.approx(min(1.0, 4 * raw[0]))


def test_a_click_that_one_model_failed_on_is_left_out_for_all(run: Callable[..., Run], many: list[Sample]) -> None:
    bad = int(many[4].image().sum())
    found = compare(run("a", 6, 2), run("b", 9, 3), run("c", 4, 2, fails_on=bad))
    rest = [s for s in many if s.image_id != many[4].image_id]
    clean = compare(run("a-rest", 6, 2, on=rest), run("b-rest", 9, 3, on=rest))
    (field,) = found.fields

    assert field.failed == {"c": sum(len(o.parts) for o in many[4].objects)}
    assert (field.images, field.unshared) == (19, 0)
    numbers = [f.name for f in dataclasses.fields(found.differences[0]) if f.name not in ("a", "b", "p_holm")]
    for d, same in zip([d for d in found.differences if (d.a, d.b) == ("a", "b")], clean.differences, strict=True):
        assert [getattr(d, n) for n in numbers if n != "told_apart"] == pytest.approx(
            [getattr(same, n) for n in numbers if n != "told_apart"], nan_ok=True
        )


def test_models_that_never_answered_the_same_click_are_refused(run: Callable[..., Run], many: list[Sample]) -> None:
    one, other = (int(s.image().sum()) for s in many[:2])
    a, b = run("a", on=many[:2], fails_on=one), run("b", on=many[:2], fails_on=other)

    with pytest.raises(UsageError, match=r"no click of samples \(all\) was answered by all .* a failed on \d+; b f"):
        compare(a, b)


def test_a_metric_that_one_model_lacks_is_undefined_and_no_test(run: Callable[..., Run]) -> None:
    found = compare(run("one", 6), run("two", 6, 2), metrics=["mIoU-object", "mIoU-part"])
    part = found.differences[1]

    assert part.verdict == "undefined"
    assert math.isnan(part.p_holm)
    assert found.tests == 1
    assert found.groups("samples (all)", "mIoU-part") == [("two",)]
    json.dumps(found.to_dict(), allow_nan=False)


def test_each_model_is_in_its_own_order_unless_one_is_given(run: Callable[..., Run]) -> None:
    a, b = run("a", 8, 2), run("b", 2, 8)
    sorts = dataclasses.replace(b, manifest={**b.manifest, "default_order": "area"})
    own, area, both = compare(a, b), compare(a, b, order="area"), compare(b, order=["native", "area"])

    assert all(d.verdict == "the same" for d in area.differences)
    assert all(d.verdict == "the same" for d in compare(a, sorts).differences)
    assert own.differences[0].told_apart
    assert [(d.a, d.b) for d in both.differences[:1]] == [("b [native]", "b [area]")]
    assert both.differences[0].difference == pytest.approx(-own.differences[0].difference)


def test_runs_of_one_model_are_told_apart_by_their_folders(many: list[Sample], tmp_path: Path) -> None:
    runs = [
        evaluate(squares(radius, 2), many, out=tmp_path / when / "m--d", name="m")
        for when, radius in (("before", 5), ("after", 7))
    ]

    assert [(d.a, d.b) for d in compare(*runs).differences[:1]] == [("m [before]", "m [after]")]
    with pytest.raises(UsageError, match="is given 2 times"):
        compare(runs[0], runs[0])


def test_a_seed_is_a_promise(run: Callable[..., Run]) -> None:
    runs = run("a", 6, 2), run("b", 7, 2)
    one, same, other = (json.dumps(compare(*runs, seed=seed).to_dict()) for seed in (0, 0, 1))

    assert one == same != other


def test_a_frame_has_a_row_per_difference(run: Callable[..., Run]) -> None:
    found = compare(run("a", 6, 2), run("b", 7, 2))
    frame = found.to_frame()

    assert len(frame) == len(found.differences)
    assert {"dataset", "metric", "difference", "low", "high", "p_holm", "verdict"} <= set(frame.columns)


def changed_part(sample: Sample) -> Sample:
    first, *rest = sample.objects
    parts = (dataclasses.replace(first.parts[0], category="another"), *first.parts[1:])
    return dataclasses.replace(sample, objects=(dataclasses.replace(first, parts=parts), *rest))


def test_different_protocols_are_refused(run: Callable[..., Run]) -> None:
    a, b = run("a"), run("b", protocol=Protocol(click=ClickStrategy.parse("random#3")))

    with pytest.raises(RecordMismatch, match=r"a and b cannot .* protocols differ .*click is 'part-centre' there and"):
        compare(a, b)


def test_different_images_are_refused_by_name(run: Callable[..., Run], many: list[Sample]) -> None:
    a, b = run("a"), run("b", on=many[5:])

    with pytest.raises(RecordMismatch, match=r"images differ: only a has image-00, image-01, image-02 and 2 more"):
        compare(a, b)


def test_different_annotations_are_refused_by_name(run: Callable[..., Run], many: list[Sample]) -> None:
    a, b = run("a"), run("b", on=[*many[:7], changed_part(many[7]), *many[8:]])

    with pytest.raises(
        RecordMismatch,
        match=r"annotations differ: part_category is 'part 0' and 'another' of image image-07, object 0, part 0\. --f",
    ):
        compare(a, b)


def test_missing_clicks_are_refused_by_name(run: Callable[..., Run], many: list[Sample]) -> None:
    shorter = dataclasses.replace(many[2], objects=many[2].objects[:-1])
    a, b = run("a"), run("b", on=[*many[:2], shorter, *many[3:]])

    with pytest.raises(RecordMismatch, match=r"\d clicks are only in the first, 0 only in the second, such as image i"):
        compare(a, b)


def test_other_masks_of_the_same_size_are_refused(run: Callable[..., Run], many: list[Sample]) -> None:
    b = run("b")
    identity = b.manifest["identity"]
    other = {**b.manifest, "identity": {**identity, "dataset": {**identity["dataset"], "fingerprint": "0"}}}

    with pytest.raises(RecordMismatch, match="fingerprints of the dataset differ, though not in what was clicked"):
        compare(run("a"), dataclasses.replace(b, manifest=other))


def test_runs_of_different_datasets_have_nothing_to_compare(run: Callable[..., Run], many: list[Sample]) -> None:
    a, b = run("a"), run("b", on=SampleList(many, name="other"))

    with pytest.raises(UsageError, match=r"two runs on one dataset: a ran on samples \(all\); b ran on other \(all\)"):
        compare(a, b)
    assert compare(a, b, force=True).forced[0].startswith("a ran on samples (all); b ran on other (all)")


def test_forced_comparisons_are_of_the_shared_clicks_and_say_so(run: Callable[..., Run], many: list[Sample]) -> None:
    a, b = run("a", 6, 2), run("b", 9, 3, on=many[5:])
    found = compare(a, b, force=True)
    alone = compare(run("a5", 6, 2, on=many[5:]), b)

    assert "only a has image-00" in found.forced[0]
    assert found.fields[0].unshared == sum(len(o.parts) for s in many[:5] for o in s.objects)
    assert found.differences[0].difference == pytest.approx(alone.differences[0].difference)
    assert alone.forced == ()


def test_unknown_metrics_are_refused_with_a_suggestion(run: Callable[..., Run]) -> None:
    with pytest.raises(UnknownName, match=r"no metric is called 'cvvr@0.5'; did you mean 'CVR@0.5'\?"):
        compare(run("a"), run("b"), metrics=["cvvr@0.5"])
    with pytest.raises(UsageError, match="a comparison needs a metric; none was given"):
        compare(run("a"), run("b"), metrics=[])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("cvr@0.5 > +1.0", "CVR@0.5 > +1"),
        ("MIOU-OBJECT<=-0.25", "mIoU-object <= -0.25"),
        ("  placement@1/2   >=  −3", "placement@1/2 >= -3"),
        ("Switch-Rate[area]<0", "switch-rate[area] < +0"),
    ],
)
def test_conditions_are_read_in_any_case(text: str, same: str) -> None:
    assert str(Condition.parse(text)) == same


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cvr@0.5", r"'cvr@0.5' is no condition; wanted a metric, one of > >= < <=, and by how much"),
        ("cvr@0.5 = 3", r"is no condition"),
        ("cvr@0.5 > much", r"the bound of a condition is a number, as in .*; got 'much'"),
        ("cvr@0.5 > nan", r"the bound of a condition is a number"),
        ("cvr@1.5 > 1", r"the threshold is an IoU above 0 and at most 1; got 1.5"),
        ("moui-object > 1", r"no metric is called 'moui-object'; did you mean 'mIoU-object'\?"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Condition.parse(text)


@pytest.fixture
def command(run: Callable[..., Run]) -> Callable[..., Result]:
    """`consbench compare` on two runs, the second with larger object masks."""
    paths = [str(run(name, *radii).path) for name, *radii in (("base", 5, 2), ("new", 8, 2))]
    return lambda *words: CliRunner().invoke(cli, ["compare", *paths, *words])


def test_the_command_prints_differences_and_what_they_are_over(command: Callable[..., Result]) -> None:
    done = command("--metric", "miou-object")
    row = next(line.split() for line in done.stdout.splitlines() if "mIoU-object" in line)

    assert done.exit_code == 0, done.output
    assert float(row[5]) == pytest.approx(float(row[4]) - float(row[3]), abs=0.011)
    assert row[-3:] == ["new", "is", "better"]
    for note in ("20 images", "clicks left out for all: none", "corrected for 1 tests", "2000 bootstrap resamples"):
        assert note in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 160


@pytest.mark.parametrize(
    ("conditions", "code", "said"),
    [
        (["miou-object < 0"], 0, ""),
        (
            ["miou-object > +1.0"],
            1,
            "'mIoU-object > +1' holds: mIoU-object on samples (all), new - base is +",
        ),
        (["miou-object < 0", "cvr@0.55 < 0.0"], 1, "--fail-if 'CVR@0.55 < +0' holds"),
        (["mIoU-object@3 < -5"], 1, "new - base is undefined"),
    ],
)
def test_fail_if_ends_with_1_where_a_condition_holds(
    command: Callable[..., Result], conditions: list[str], code: int, said: str
) -> None:
    done = command(*(word for text in conditions for word in ("--fail-if", text)))

    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert (done.stderr == "") == (code == 0)


def test_a_condition_that_cannot_be_read_ends_with_2(command: Callable[..., Result]) -> None:
    done = command("--fail-if", "cvr@0.5")

    assert done.exit_code == 2
    assert "is no condition" in done.stderr


def test_the_command_prints_json_and_csv_of_the_same_numbers(command: Callable[..., Result]) -> None:
    as_json = json.loads(command("--format", "json").stdout)
    frame = pd.read_csv(io.StringIO(command("--format", "csv").stdout))

    assert frame["difference"].tolist() == pytest.approx([d["difference"] for d in as_json["differences"]])
    assert as_json["datasets"][0]["images"] == 20
    assert as_json["forced"] == []


def test_three_models_are_grouped_and_a_forced_comparison_is_labelled(
    run: Callable[..., Run], many: list[Sample], tmp_path: Path
) -> None:
    for name, radius, on in (("a", 3, many), ("b", 8, many), ("c", 8, many[3:])):
        run(name, radius, 2, on=on)
    runs = str(tmp_path / "runs")
    refused, done = (CliRunner().invoke(cli, ["compare", runs, *words]) for words in ([], ["--force"]))

    assert refused.exit_code == 2
    assert "a and c cannot be compared on samples (all): their images differ" in refused.stderr
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("FORCED, not comparable as it is: a and c: their images differ")
    assert "that were not asked of all" in done.stdout
    assert re.search(r"mIoU-object +b \S+ a   c \S+ a   a \S+ b", done.stdout)


def test_too_few_images_for_so_many_tests_are_named(run: Callable[..., Run], many: list[Sample]) -> None:
    paths = [str(run(name, radius, 2, on=many[:4]).path) for name, radius in (("a", 3), ("b", 8))]
    done = CliRunner().invoke(cli, ["compare", *paths])

    assert "p is 0.12 at least, which may not survive 7 tests however clear the difference" in done.stdout
