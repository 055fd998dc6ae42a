"""The command line as a user meets it: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from consbench import open_run
from consbench.cli import cli

MODEL = """
import numpy as np

def everything(image, clicks):
    return np.ones((len(clicks), 3, *image.shape[:2]), bool)

def fails_on_portraits(image, clicks):
    if image.shape[0] > image.shape[1]:
        raise RuntimeError("no portraits, please")
    return everything(image, clicks)

def interrupted(image, clicks):
    raise KeyboardInterrupt
"""
DATA = "standin-pascal-part,images=4,size=96"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def consbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in an empty folder that holds `mine.py`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MODEL)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, list(words))

    return invoke


def test_run_evaluates_models_on_datasets_and_writes_records_tables_and_figures(
    consbench: Callable[..., Result], tmp_path: Path
) -> None:
    done = consbench(
        "run", "-m", "mine.py:everything", "-m", "oracle", "-d", DATA, "-d", "standin-paco,images=2,size=96"
    )

    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "runs").iterdir()} == {
        f"{model}--{data}"
        for model in ("mine-everything", "oracle")
        for data in ("standin-pascal-part", "standin-paco")
    } | {"report"}
    oracle = next(line.split() for line in done.stdout.splitlines() if "oracle*" in line)
    assert oracle[-10:-3] == ["native", "100.00", "100.00", "0.00", "0.00", "0.00", "1.00×"]
    assert "is shown the ground truth" in done.stdout
    assert "no number here is one of the paper's datasets" in done.stdout
    assert (tmp_path / "runs" / "report" / "figure4.png").stat().st_size > 5000


def test_the_same_command_again_computes_nothing_and_prints_the_same(
    consbench: Callable[..., Result], tmp_path: Path
) -> None:
    words = ("run", "-m", "mine.py:everything", "-d", DATA, "--no-report")
    first = consbench(*words)
    record = tmp_path / "runs" / "mine-everything--standin-pascal-part" / "run.json"
    before = record.stat().st_mtime_ns
    second = consbench(*words)

    assert first.stdout == second.stdout
    assert record.stat().st_mtime_ns == before


def test_a_run_with_failures_ends_with_exit_code_1_and_keeps_the_rest(
    consbench: Callable[..., Result], tmp_path: Path
) -> None:
    done = consbench(
        "run", "-m", "mine.py:fails_on_portraits", "-d", "standin-pascal-part,images=8,size=96", "--no-report"
    )
    clicks = open_run(tmp_path / "runs" / "mine-fails_on_portraits--standin-pascal-part").clicks
    failed = clicks[clicks["status"] == "failed"]

    assert done.exit_code == 1
    assert f"{len(failed)} clicks failed" in done.stderr
    assert 0 < len(failed) < len(clicks)
    assert set(failed["reason"]) == {"RuntimeError: no portraits, please"}


def test_fail_fast_stops_with_the_reason(consbench: Callable[..., Result]) -> None:
    done = consbench(
        "run", "-m", "mine.py:fails_on_portraits", "-d", "standin-pascal-part,images=8,size=96", "--fail-fast"
    )

    assert done.exit_code == 1
    assert "RuntimeError: no portraits, please" in done.stderr


def test_ctrl_c_says_how_to_go_on(consbench: Callable[..., Result]) -> None:
    done = consbench("run", "-m", "mine.py:interrupted", "-d", DATA)

    assert done.exit_code == 130
    assert "What was finished is kept; give the same command again to go on" in done.stderr


def test_overwrite_replaces_another_run(consbench: Callable[..., Result]) -> None:
    consbench("run", "-m", "mine.py:everything", "-d", DATA, "--no-report")
    other = ("run", "-m", "mine.py:everything", "-d", DATA, "--no-report", "--click", "random#3")
    refused, replaced = consbench(*other), consbench(*other, "--overwrite")

    assert refused.exit_code == 2
    assert "holds another run" in refused.stderr
    assert replaced.exit_code == 0, replaced.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "-m", "region_tree"], "no model is called 'region_tree'; did you mean 'region-tree'?"),
        (["run", "-d", "pascal-parts"], "no dataset is called 'pascal-parts'; did you mean"),
        (["run", "-m", "empty", "-d", DATA, "--order", "areas"], "no order is called 'areas'; did you mean 'area'?"),
        (["run", "-m", "empty", "-d", DATA, "--click", "centre"], "no click strategy is called 'centre'; did you mean"),
        (["run", "-m", "empty", "-d", "pascal-part", "--root", "nowhere"], "nowhere"),
        (["run", "-m", "empty", "-d", "pascal-part"], "dataset 'pascal-part' needs root: give --root …"),
        (
            ["run", "-m", "empty", "-d", DATA + ",colour=red"],
            "no option of dataset 'standin-pascal-part' is called 'colour'",
        ),
        (["run", "-m", "empty", "-d", DATA, "--ids", "nobody"], "is called 'nobody'"),
        (
            ["run", "-m", "empty,name=a", "-m", "oracle,name=a"],
            "two models are called 'a'; tell them apart with a,name=",
        ),
        (["run", "-m", "missing.py:model"], "there is no file missing.py"),
        (["run", "-m", "mine.py:nothing"], "no attribute of mine.py is called 'nothing'"),
        (["run", "-m", "sam", "--checkpoint", "missing.pth", "-d", DATA], "missing.pth"),
        (["run", "--root", "x"], "--root is for one dataset"),
        (["run", "-m", "empty", "-d", DATA, "--checkpoint", "x"], "--checkpoint is an option of no model named here"),
        (["run", "-m", "empty", "-d", DATA, "--split", "val"], "--split is an option of no dataset named here"),
        (["score", "nowhere"], "there is no run directory nowhere"),
        (["score", "."], "holds no finished run"),
        (["rum"], "no command is called 'rum'; did you mean 'run'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_users_mistake_ends_with_exit_code_2_and_says_how_to_mend_it(
    consbench: Callable[..., Result], words: list[str], message: str
) -> None:
    done = consbench(*words)

    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_score_prints_other_thresholds_and_orders_from_the_record(consbench: Callable[..., Result]) -> None:
    consbench("run", "-m", "region-tree", "-d", DATA, "--no-report")
    table = consbench("score", "runs", "--order", "native", "--order", "area", "--delta", "0.6")
    as_json = json.loads(
        consbench("score", "runs", "--metric", "CVR@0.6", "--metric", "placement@3", "--format", "json").stdout
    )
    as_csv = list(csv.DictReader(io.StringIO(consbench("score", "runs", "--format", "csv").stdout)))

    assert table.exit_code == 0
    assert "CVR@0.6" in table.stdout
    assert table.stdout.count("region-tree (") == 2
    assert set(as_json[0]["scores"]) == {"CVR@0.6", "placement@3"}
    assert {row["metric"] for row in as_csv} >= {"mIoU-object", "CVR@0.5", "placement@1/2"}
    assert f"{as_json[0]['scores']['CVR@0.6']['value']:.2f}" in table.stdout


def test_score_by_score_of_a_model_without_scores_is_refused(consbench: Callable[..., Result]) -> None:
    consbench("run", "-m", "empty", "-d", DATA, "--no-report")
    done = consbench("score", "runs", "--order", "score")

    assert done.exit_code == 2
    assert "order 'score' needs a score for every output" in done.stderr


def test_without_arguments_the_miniatures_are_evaluated_and_called_that(consbench: Callable[..., Result]) -> None:
    done = consbench("run", "--limit", "1", "--no-report", "-q")
    assert done.exit_code == 0
    names = ("sam-mini", "hq-sam-mini", "consamme-vanilla-mini", "consamme-mini")
    assert {path.name.split("--")[0] for path in Path("runs").iterdir()} == set(names)
    assert "(12 runs)" in done.stdout
    assert "miniatures trained on drawn images; no number here is one of the paper's models" in done.stdout
    assert "no number here is one of the paper's datasets" in done.stdout


def test_controls_stand_beside_what_was_asked_for(consbench: Callable[..., Result]) -> None:
    done = consbench("run", "-m", "mine.py:everything", "--controls", "-d", DATA, "--no-report", "-q")
    found = {path.name.split("--")[0] for path in Path("runs").iterdir()}
    assert found == {"mine-everything", "oracle", "swapped", "full-image", "empty", "click-disc", "region-tree"}
    assert "miniatures" not in done.stdout


def test_list_names_what_is_installed(consbench: Callable[..., Result]) -> None:
    done = consbench("list")

    assert done.exit_code == 0
    for word in ("region-tree", "pascal-part", "standin-paco", "report", "CVR@0.5", "native", "jitter@RADIUS#SEED"):
        assert word in done.stdout
    assert "pascal-part" not in consbench("list", "models").stdout


def test_synth_writes_a_set_that_the_ordinary_loader_reads(consbench: Callable[..., Result], tmp_path: Path) -> None:
    made = consbench("data", "synth", "--like", "paco", "--images", "3", "--seed", "4", "--to", "drawn")
    again = consbench("data", "synth", "--like", "paco", "--images", "3", "--seed", "4", "--to", "drawn")
    other = consbench("data", "synth", "--like", "paco", "--images", "3", "--seed", "5", "--to", "drawn")
    run = consbench("run", "-m", "empty", "-d", "paco", "--root", "drawn", "--no-report")

    assert made.exit_code == again.exit_code == 0, made.output
    assert other.exit_code == 2
    assert run.exit_code == 0, run.output
    assert open_run(tmp_path / "runs" / "empty--paco").summary().images == 3
