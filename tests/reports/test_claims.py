"""Claims over several seeds: the rule, the same numbers as `consbench compare`, and refusals that say how to go on."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from consbench import Protocol, Run, Sample, SampleList, controls, evaluate
from consbench.cli import cli
from consbench.errors import RecordMismatch, RecordUnreadable, UsageError
from consbench.model import Clicks
from consbench.statistics.comparison import Difference
from consbench.types import Image
from consbench_reports.claims import (
    Claim,
    Contestant,
    Finding,
    Plan,
    Verdict,
    claims_table,
    judge,
    open_seeds,
    read_plan,
    results_table,
    verdict,
)
from consbench_reports.tables import MINIATURE, STANDIN, Table, to_csv, to_latex, to_markdown

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "reports" / "published" / "mini" / "claims.toml"
CLAIM = """
[[claim]]
says = "discs above everything"
metric = "mIoU-object"
model = "disc-mini"
than = "full"
direction = "above"
"""
PLAN = f"""
about = "a test"
[[contestant]]
model = "full"
orders = ["area", "native"]
[[contestant]]
model = "disc-mini"
[[contestant]]
model = "extra"
{CLAIM}"""
BOXES, OTHERS = "standin-boxes (all)", "standin-others (all)"


def box(image: Image, clicks: Clicks) -> np.ndarray:
    """One output: the left half."""
    masks = np.zeros((len(clicks), 1, *image.shape[:2]), bool)
    masks[..., : image.shape[1] // 2] = True
    return masks


@pytest.fixture(scope="session")
def seeds(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of two seeds on two datasets; "unsteady" is right in the first only, "extra" only there."""
    folders = [tmp_path_factory.mktemp("runs") / f"seed-{n}" for n in (0, 1)]
    disc = controls.click_disc()
    of_seed: list[dict[str, object]] = [
        {
            "disc-mini": disc,
            "full": dataclasses.replace(controls.full_image(), default_order="area"),
            "swapped": controls.swapped(),
            "single": box,
            "unsteady": controls.oracle(),
            "extra": controls.oracle(),
        },
        {
            "disc-mini": dataclasses.replace(disc, masks=lambda *where: disc.masks(*where)[:, 1:]),
            "unsteady": controls.empty(),
        },
    ]
    for folder, models in zip(folders, of_seed, strict=True):
        for name, model in models.items():
            for data in (SampleList(samples, name="standin-boxes"), SampleList(samples[4:], name="standin-others")):
                evaluate(model, data, out=folder / f"{name}--{data.name}", name=name, keep_masks=False)
    for name in ("full", "swapped", "single"):  # a control is the same with every seed
        for run in folders[0].glob(f"{name}--*"):
            shutil.copytree(run, folders[1] / run.name)
    return folders


@pytest.fixture
def copies(seeds: list[Path], tmp_path: Path) -> list[Path]:
    """The folders of the seeds, to be changed."""
    return [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in seeds]


def plan_of(*claims: Claim, contestants: tuple[Contestant, ...] = (Contestant("disc-mini"),)) -> Plan:
    return Plan("a test", contestants, claims)


def claim(metric: str, model: str, than: str, direction: str = "above", **options: object) -> Claim:
    return Claim(f"{metric}: {model}, {than}, {options}", metric, model, than, direction, **options)  # type: ignore[arg-type]


def found(seeds: list[Path], *claims: Claim) -> list[Finding]:
    plan = plan_of(*claims)
    return judge(plan, open_seeds(seeds, plan))


def consbench(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(map(str, words)))
    return done.exit_code, done.output


NAN = math.nan


def difference(value: float, low: float, high: float) -> Difference:
    return Difference("data", "metric", "a", "b", NAN, NAN, value, low, high, NAN, NAN, NAN, told_apart=False)


@pytest.mark.parametrize(
    ("direction", "intervals", "expected"),
    [
        ("above", [(1, 3), (0.1, 9)], "holds"),
        ("below", [(1, 3), (0.1, 9)], "fails"),
        ("below", [(-3, -1), (-9, -0.1)], "holds"),
        ("above", [(-3, -1), (-9, -0.1)], "fails"),
        ("above", [(1, 3), (-0.1, 9)], "undecided"),
        ("above", [(1, 3), (0, 9)], "undecided"),  # an end at 0 excludes nothing
        ("below", [(-3, -1), (-9, 0)], "undecided"),
        ("above", [(1, 3), (-9, -1)], "undecided"),
        ("above", [(-1, 3), (-9, 1)], "undecided"),
        ("above", [(2, 2), (2, 2)], "holds"),
        ("above", [(0, 0), (0, 0)], "undecided"),
        ("above", [(1, 3), (NAN, NAN)], "undecided"),
        ("above", [(NAN, NAN), (1, 3)], "undecided"),
        ("below", [(-3, -1), (NAN, NAN)], "undecided"),
        ("above", [(1, 3)], "holds"),
        ("above", [], "undecided"),
    ],
)
def test_the_rule(direction: str, intervals: list[tuple[float, float]], expected: Verdict) -> None:
    differences = [difference((low + high) / 2, low, high) for low, high in intervals]

    assert verdict(direction, differences) == expected  # type: ignore[arg-type]


def test_an_undefined_difference_or_half_an_interval_decides_nothing() -> None:
    for broken in (difference(NAN, 1, 3), difference(2, NAN, 3), difference(2, 1, NAN)):
        assert verdict("above", [difference(2, 1, 3), broken]) == "undecided"


def test_verdicts_on_runs(seeds: list[Path]) -> None:
    claims = [
        claim("mIoU-object", "disc-mini", "full"),
        claim("mIoU-object", "disc-mini", "full", "below"),
        claim("mIoU-object", "unsteady", "full"),  # one seed says above, the other below
        claim("mIoU-part", "disc-mini", "single"),  # a model of one output has no part mask
        claim("mIoU-object", "disc-mini", "full", judged=False),
    ]
    findings = found(seeds, *claims)

    assert [f.dataset for f in findings[:2]] == [BOXES, OTHERS]
    expected = ["holds", "fails", "undecided", "undecided", None]
    assert [f.verdict for f in findings] == [v for v in expected for _ in (BOXES, OTHERS)]
    assert findings[4].differences[0].low > 0 > findings[4].differences[1].high
    assert all(math.isnan(d.difference) for d in findings[6].differences)


def test_differences_are_those_of_the_compare_command(seeds: list[Path]) -> None:
    wanted = claim("mIoU-object", "disc-mini", "swapped", model_order="area", than_order="native")
    for finding in found(seeds, wanted, claim("CVR@0.7", "disc-mini", "full", "below")):
        for folder, ours in zip(seeds, finding.differences, strict=True):
            data = finding.dataset.split(" ")[0]
            runs = [folder / f"{model}--{data}" for model in (finding.claim.than, finding.claim.model)]
            orders = ["--order", "native", "--order", "area"] if finding.claim is wanted else []
            code, said = consbench("compare", *runs, *orders, "--format", "json", "--permutations", 9)
            assert code == 0, said
            labels = ("swapped* [native]", "disc-mini [area]") if orders else ("full", "disc-mini")
            (theirs,) = (
                d
                for d in json.loads(said)["differences"]
                if (d["a"], d["b"], d["metric"]) == (*labels, finding.claim.metric)
            )

            assert theirs["low"] < theirs["high"]
            for name in ("difference", "low", "high", "value_a", "value_b"):
                assert getattr(ours, name) == theirs[name], name


def test_each_model_stands_in_the_order_that_the_claim_names(seeds: list[Path]) -> None:
    orders = [{}, {"model_order": "native"}, {"model_order": "area"}]
    claims = [claim("mIoU-object", "swapped", "disc-mini", **order) for order in orders]
    own, native, area = (f.differences[0] for f in found(seeds, *claims) if f.dataset == BOXES)
    against_itself = claim("mIoU-object", "swapped", "swapped", model_order="area", than_order="native")
    finding = found(seeds, against_itself)[0]

    assert own == native
    assert area.value_b == 100 > native.value_b
    assert finding.differences[0].difference == 100 - native.value_b
    assert finding.verdict == "holds"


def test_the_table_of_claims_has_a_column_per_seed(seeds: list[Path]) -> None:
    plan = plan_of(
        claim("mIoU-object", "disc-mini", "full"),
        claim("mIoU-part", "disc-mini", "single"),
        claim("CVR@0.5", "full", "swapped", judged=False),
    )
    opened = open_seeds(seeds, plan)
    findings = judge(plan, opened)
    table = claims_table(plan, opened, findings)
    second = findings[0].differences[1]
    markdown, latex = to_markdown(table), to_latex(table)

    assert table.titles == ("claim", "dataset", "seed-0", "seed-1", "verdict")
    assert [row[-1].text for row in table.rows] == ["holds"] * 2 + ["undecided"] * 2 + ["not judged"] * 2
    assert table.rows[0][3].text == f"{second.difference:+.2f}" != table.rows[0][2].text
    assert table.rows[0][3].interval == f"{second.low:+.2f} to {second.high:+.2f}"
    assert [cell.text for cell in table.rows[2][2:4]] == ["–", "–"]
    assert not any(cell.best for row in table.rows for cell in row)
    assert "| --- | --- | ---: | ---: | --- |" in markdown
    assert r"\begin{tabular}{llrrl}" in latex
    assert latex.count(r"\midrule") == 3
    assert {"a test", STANDIN, MINIATURE, "* is shown the ground truth."} <= set(table.notes)
    assert [note for note in table.notes if "mIoU-object of disc-mini (native) minus full (area), above 0." in note]
    assert [note for note in table.notes if "CVR@0.5 of full (area) minus swapped* (native)." in note]
    asked = opened[0].runs[BOXES, "full"].summary(resamples=0)
    assert f"{BOXES}: {asked.clicks} clicks, {asked.objects} objects, {asked.images} images." in table.notes
    assert f"Protocol {asked.protocol}." in table.notes


def test_the_table_of_results_shows_seeds_that_have_a_model(seeds: list[Path]) -> None:
    contestants = (Contestant("full", ("area", "native")), Contestant("disc-mini"), Contestant("extra"))
    plan = plan_of(claim("mIoU-object", "disc-mini", "full"), contestants=contestants)
    opened = open_seeds(seeds, plan)
    table = results_table(plan, opened)
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))

    words = [("full", "area"), ("full", "native"), ("disc-mini", "native")]
    both = [(*word, seed) for word in words for seed in ("seed-0", "seed-1")]
    expected = [*both, ("extra*", "native", "seed-0")]
    assert [(r["dataset"], r["model"], r["order"], r["seed"]) for r in rows] == [
        (dataset, *row) for dataset in (BOXES, OTHERS) for row in expected
    ]
    summary = opened[1].runs[BOXES, "disc-mini"].summary()
    row = rows[5]
    for metric, name in {
        "mIoU-object": "mIoU object",
        "mIoU-part": "mIoU part",
        "CVR@0.5": "CVR@0.5",
        "CVR@0.7": "CVR@0.7",
        "CVR@0.9": "CVR@0.9",
        "size-ratio": "mask 1 / object",
        "placement@1": "position 1 (%)",
        "placement@1/2": "position 1 of 2 (%)",
    }.items():
        assert row[name] == f"{summary[metric].value:.2f}"
        assert row[f"{name} low"] == f"{summary[metric].low:.2f}"
    assert rows[6]["best of K object"] == rows[6]["best of K part"] == "100.00"
    assert (row["images"], row["clicks"], row["failed"]) == (str(summary.images), str(summary.clicks), "0")
    assert "| --- | --- | --- | --- | ---: |" in to_markdown(table)
    assert {"a test", STANDIN, MINIATURE, "* is shown the ground truth."} <= set(table.notes)


def test_clicks_that_a_model_failed_on_are_told(samples: list[Sample], copies: list[Path]) -> None:
    def fails(image: Image, clicks: Clicks) -> np.ndarray:
        if image[0, 0, 0] != 90 or clicks[0, 0] > 30:
            raise ValueError("no")
        return np.ones((len(clicks), 3, *image.shape[:2]), bool)

    data = SampleList(samples, name="standin-boxes")
    shutil.rmtree(copies[1] / "full--standin-boxes")
    failing = evaluate(fails, data, out=copies[1] / "full--standin-boxes", name="full")
    plan = plan_of(claim("mIoU-object", "disc-mini", "full"), contestants=(Contestant("full"),))
    opened = open_seeds(copies, plan)
    noted = claims_table(plan, opened, judge(plan, opened)).notes

    assert 0 < failing.failed < failing.first_clicks.num_rows
    assert [n for n in noted if n.endswith(f"; in seed-1 left out for both: {failing.failed} that full failed on.")]
    assert [row[-1].text for row in results_table(plan, opened).rows] == ["0", str(failing.failed), "0", "0"]


def test_the_command_writes_both_tables_the_same_each_time(seeds: list[Path], tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")
    for name in ("one", "two"):
        code, said = consbench("claims", tmp_path / "plan.toml", *seeds, "-o", tmp_path / name)
        assert code == 0, said
    one = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}

    assert not list(seeds[0].glob("*/masks.parquet"))
    assert set(one) == {f"{table}.{form}" for table in ("claims", "results") for form in ("md", "csv", "tex")}
    assert one == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}
    assert [line.split() for line in said.splitlines()[:2]] == [
        ["holds", *dataset.split(), "discs", "above", "everything"] for dataset in (BOXES, OTHERS)
    ]
    assert said.splitlines()[2].startswith("claims:")
    for name in ("claims.md", "results.md"):
        assert STANDIN in one[name].decode()
        assert MINIATURE in one[name].decode()


def test_the_published_plan_is_that_of_the_page_beside_it() -> None:
    plan = read_plan(PUBLISHED)
    judged = [(c.metric, c.direction, c.model, c.than, c.than_order) for c in plan.claim if c.judged]

    assert judged == [
        ("mIoU-object", "above", "consamme-mini", "sam-mini", "area"),
        ("mIoU-part", "above", "consamme-mini", "sam-mini", "area"),
        ("CVR@0.5", "below", "consamme-mini", "sam-mini", "area"),
        ("placement@1", "above", "consamme-mini", "sam-mini", "area"),
        ("CVR@0.5", "below", "consamme-mini", "consamme-vanilla-mini", None),
        ("mIoU-object", "above", "consamme-mini", "sam-mini-continued", "area"),
    ]
    beside = [(c.metric, c.model, c.than, c.than_order) for c in plan.claim if not c.judged]
    assert beside == [(metric, model, than, "native") for metric, _, model, than, _ in judged[:4]]
    assert Contestant("sam-mini-continued", ("area", "native")) in plan.contestant
    assert Contestant("consamme-vanilla-mini") in plan.contestant


def test_the_plan_in_the_docs_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    (tmp_path / "plan.toml").write_text(page.split("```toml\n")[1].split("```")[0], "utf-8")
    plan = read_plan(tmp_path / "plan.toml")

    assert plan.contestant == (Contestant("sam-mini", ("area", "native")), Contestant("consamme-mini"))
    assert [(c.metric, c.direction, c.than_order) for c in plan.claim] == [("mIoU-object", "above", "area")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('than = "full"', 'then = "full"', r"plan.toml, claim 1: no key is called 'then'; did you mean 'than'\?"),
        ('about = "a', 'abut = "a', r"plan.toml: no key is called 'abut'; did you mean 'about'\?"),
        ("orders =", "order =", r"plan.toml, contestant 1: no key is called 'order'; did you mean 'orders'\?"),
        ('"mIoU-object"', '"mIoU-objekt"', r"claim 1: no metric is called 'mIoU-objekt'; did you mean 'mIoU-object'\?"),
        ('"mIoU-object"', '"CVR@2"', r"claim 1: 'CVR@2': the threshold is an IoU above 0 and at most 1"),
        ('direction = "above"', 'direction = "over"', r"claim 1: direction must be above or below; got 'over'"),
        ('direction = "above"', "", r"claim 1: direction must be above or below; got nothing"),
        ('direction = "above"', 'direction = "above"\njudged = "no"', r"judged must be true or false; got 'no'"),
        ('than = "full"', "", r"claim 1: than must be text; got nothing"),
        ('than = "full"', "than = 3", r"claim 1: than must be text; got 3"),
        ('"area", "native"', '"areas"', r"contestant 1: no order is called 'areas'; did you mean 'area'\?"),
        ('["area", "native"]', '"area"', r"orders must be a list such as \[\"area\", \"native\"\]; got 'area'"),
        ("[[claim]]", "[claim]", r"wanted a section \[\[claim\]\] for each claim; got \{.*docs/statistics.md"),
        (CLAIM, "", r"wanted a section \[\[claim\]\] for each claim; got none; docs/statistics.md"),
        (CLAIM, CLAIM + CLAIM, r"2 claims say 'discs above everything'; word each so that"),
        ('about = "a test"', "about = a test", r"plan.toml is no valid TOML: .*line 2"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, "utf-8")
    read_plan(file)
    assert old in PLAN
    file.write_text(PLAN.replace(old, new), "utf-8")

    with pytest.raises(UsageError, match=expected):
        read_plan(file)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, said = consbench("claims", tmp_path / "plan.toml", tmp_path)

    assert code == 2
    said = " ".join(said.split())
    assert "there is no plan to read in" in said
    assert "No such file or directory" in said
    assert "docs/statistics.md shows how a plan is written" in said


def test_a_note_is_one_line_whatever_the_plan_holds(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.replace('"a test"', '"""a\n  test"""'), "utf-8")

    assert read_plan(tmp_path / "plan.toml").about == "a test"


WANTED = claim("mIoU-object", "disc-mini", "full")


def test_a_model_of_a_claim_that_a_seed_lacks_is_named_with_the_seed(copies: list[Path]) -> None:
    shutil.rmtree(copies[1] / "full--standin-boxes")
    with pytest.raises(
        UsageError,
        match=r"seed-1 has no finished run of full on standin-boxes \(all\), which the claim 'mIoU-object: disc-mini.*"
        r"Make it with 'consbench run' and --out .*seed-1; finished there: disc-mini, full, single, swapped, unsteady$",
    ):
        found(copies, WANTED)
    with pytest.raises(UsageError, match=r"seed-1 has no finished run of extra on standin-boxes.*, standin-others"):
        found(copies, claim("mIoU-object", "extra", "disc-mini"))
    for run in copies[1].iterdir():
        if not run.name.startswith("single"):
            shutil.rmtree(run)
    with pytest.raises(UsageError, match=r"seed-1 has no finished run of disc-mini on any dataset.*there: single$"):
        found(copies, WANTED)


def test_seeds_of_different_datasets_are_refused(samples: list[Sample], copies: list[Path]) -> None:
    for run in copies[1].glob("*--standin-others"):
        shutil.rmtree(run)
    with pytest.raises(
        UsageError,
        match=r"the seeds have different datasets: only .*seed-0 has standin-others \(all\)\. .*evaluate every seed on",
    ):
        found(copies, WANTED)


def test_data_of_one_name_that_are_others_are_refused(samples: list[Sample], copies: list[Path]) -> None:
    for name in ("disc-mini", "full"):
        out = copies[1] / f"{name}--standin-others"
        shutil.rmtree(out)
        evaluate(controls.full_image(), SampleList(samples[3:], name="standin-others"), out=out, name=name)
    with pytest.raises(
        RecordMismatch, match=r"seed-0.* and .*seed-1.* are of other images or annotations, though both"
    ):
        found(copies, WANTED)


def test_another_protocol_is_refused_where_the_plan_needs_the_run(samples: list[Sample], copies: list[Path]) -> None:
    def under_another(name: str) -> Run:
        out = copies[1] / f"{name}--standin-boxes"
        shutil.rmtree(out)
        data = SampleList(samples, name="standin-boxes")
        return evaluate(controls.full_image(), data, out=out, name=name, protocol=Protocol(min_part_area=20))

    under_another("unsteady")
    assert found(copies, WANTED)
    with pytest.raises(RecordMismatch, match=rf"under {under_another('full').protocol.id}; evaluate all seeds under"):
        found(copies, WANTED)


def test_an_unfinished_run_is_told_as_such(
    samples: list[Sample], copies: list[Path], tmp_path: Path, make_unfinished: Callable[[Path, str], None]
) -> None:
    make_unfinished(copies[1] / "full--standin-boxes", "full")
    make_unfinished(copies[1] / "extra--standin-boxes", "extra")
    with pytest.raises(
        UsageError,
        match=r"no finished run of full on standin-boxes.*full on standin-boxes \(all\) is unfinished: 3 of 8",
    ):
        found(copies, WANTED)

    plan = PLAN.replace('"full"', '"swapped"')
    (tmp_path / "plan.toml").write_text(plan, "utf-8")
    code, said = consbench("claims", tmp_path / "plan.toml", *copies, "-o", tmp_path / "out")
    assert code == 0, said
    assert "seed-1: extra on standin-boxes (all) is unfinished: 3 of 8 images" in said
    assert "it is left out" in said


def test_a_seed_of_unfinished_runs_alone_is_refused(
    seeds: list[Path], tmp_path: Path, make_unfinished: Callable[[Path, str], None]
) -> None:
    make_unfinished(tmp_path / "seed-1" / "full--standin-boxes", "full")
    with pytest.raises(
        UsageError, match=r"no finished run .*full on standin-boxes \(all\) is unfinished: 3 of 8 images"
    ):
        found([seeds[0], tmp_path / "seed-1"], WANTED)
    with pytest.raises(RecordUnreadable, match="there is no run directory"):
        found([seeds[0], tmp_path / "seed-2"], WANTED)


def test_two_runs_of_one_name_and_one_folder_twice_are_refused(copies: list[Path]) -> None:
    with pytest.raises(UsageError, match=r"seed-0 is given 2 times; a claim is judged over different trainings"):
        found([copies[0], copies[0]], WANTED)
    shutil.copytree(copies[0] / "full--standin-boxes", copies[0] / "older")
    with pytest.raises(
        UsageError,
        match=r"seed-0 has two runs of full on standin-boxes \(all\), full--standin-boxes and older; .* away",
    ):
        found(copies, WANTED)


def test_a_contestant_that_no_seed_has_is_a_slip(seeds: list[Path]) -> None:
    plan = plan_of(WANTED, contestants=(Contestant("swaped"),))
    with pytest.raises(UsageError, match=r"no model in any of the seeds is called 'swaped'; did you mean 'swapped'\?"):
        open_seeds(seeds, plan)


def test_folders_of_one_name_are_told_apart(copies: list[Path], tmp_path: Path) -> None:
    for letter, folder in zip("ab", copies, strict=True):
        (tmp_path / letter).mkdir()
        folder.rename(tmp_path / letter / "runs")
    folders = [tmp_path / letter / "runs" for letter in "ab"]

    assert [seed.name for seed in open_seeds(folders, plan_of(WANTED))] == list(map(str, folders))


def test_words_stand_to_the_left_wherever_they_are() -> None:
    assert "| ---: | --- |" in to_markdown(Table(("n", "word"), (), (), words=(1,)))


@pytest.fixture
def make_unfinished(samples: list[Sample]) -> Callable[[Path, str], None]:
    """Put a run that was stopped before its fourth image in place of what is there."""

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    def make(out: Path, name: str) -> None:
        shutil.rmtree(out, ignore_errors=True)
        with pytest.raises(KeyboardInterrupt):
            evaluate(controls.empty(), SampleList(samples, name="standin-boxes"), out=out, name=name, progress=stop)

    return make
