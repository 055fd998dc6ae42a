"""`consbench report`: every file, a manifest that can be checked, and refusals that say how to go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from consbench import Protocol, Run, controls
from consbench.cli import cli


def consbench(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(map(str, words)))
    return done.exit_code, done.output


def test_the_command_writes_every_file_and_a_manifest_that_can_be_checked(
    three_runs: list[Run], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    paths = [run.path for run in three_runs]
    code, said = consbench("report", *paths, "-o", out, "--order", "native", "--order", "area", "-q", "--samples", 4)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))

    assert code == 0, said
    tables = {f"table{n}.{form}" for n in (1, 2) for form in ("md", "csv", "tex")}
    figures = {f"figure{n}.{form}" for n in (4, 5) for form in ("svg", "pdf", "png")}
    assert {p.name for p in out.iterdir()} == {"index.html", "manifest.json"} | tables | figures
    assert (out / "table1.md").read_text("utf-8").count(r"oracle\*") == 2
    pairs = [line.split("|")[2:4] for line in (out / "table2.md").read_text("utf-8").splitlines()[2:] if "|" in line]
    assert len(pairs) == 6  # two models in two orders each
    assert all("area" in a + b or "native" in a + b for a, b in pairs)
    assert manifest["explorer"] == {"objects": 4, "longest": 640, "seed": 0}
    for about, run in zip(manifest["runs"], three_runs, strict=True):
        assert (
            about["sha256"]["clicks.parquet"] == hashlib.sha256((run.path / "clicks.parquet").read_bytes()).hexdigest()
        )


def test_the_same_runs_give_the_same_bytes(three_runs: list[Run], tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert consbench("report", three_runs[1].path, three_runs[2].path, "-o", tmp_path / name, "-q")[0] == 0
    one = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}

    assert one == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}


def test_photographs_come_from_the_dataset_that_the_run_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = "standin-pascal-part,images=2,size=64"
    assert consbench("run", "-q", "-m", "click-disc", "-d", data, "-o", tmp_path / "runs", "--no-report")[0] == 0
    assert consbench("report", tmp_path / "runs", "-o", tmp_path / "report", "-q")[0] == 0
    page = (tmp_path / "report" / "index.html").read_text("utf-8")

    assert "data:image/jpeg;base64," in page
    assert "photographs and annotations are not shown" not in page


def test_a_dataset_of_another_name_for_photographs_can_be_given(
    three_runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = consbench("report", three_runs[1].path, "-o", tmp_path / "report", "-d", "standin-pasc")

    assert code == 2
    assert "no dataset is called 'standin-pasc'; did you mean" in said


def test_different_protocols_are_refused_unless_forced(run_of: Callable[..., Run], tmp_path: Path) -> None:
    one = run_of(controls.click_disc(), "one").path
    two = run_of(controls.click_disc(), "two", protocol=Protocol(min_part_area=20)).path
    code, said = consbench("report", one, two, "-o", tmp_path / "report", "-q")
    assert code == 2
    assert "numbers of different protocols do not belong in one table" in said

    assert consbench("report", one, two, "-o", tmp_path / "report", "-q", "--force")[0] == 0
    assert "These rows were made under different protocols" in (tmp_path / "report" / "table1.md").read_text("utf-8")
    assert json.loads((tmp_path / "report" / "manifest.json").read_text("utf-8"))["mixed_protocols"]
    assert not (tmp_path / "report" / "table2.md").exists()
