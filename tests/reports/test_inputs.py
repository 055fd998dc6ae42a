"""Which runs may stand in one report: finished, of one protocol, or said to be otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from consbench import Protocol, Run, Sample, controls, evaluate
from consbench.cli import cli
from consbench.errors import RecordUnreadable, UsageError
from consbench_reports.inputs import gather


@pytest.fixture
def interrupted(samples: list[Sample], tmp_path: Path) -> Path:
    """A run that was stopped before its fourth image."""

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(controls.click_disc(), samples, out=tmp_path / "interrupted", progress=stop)
    return tmp_path / "interrupted"


def test_runs_of_one_dataset_stand_together_in_the_order_they_were_named(
    run_of: Callable[..., Run], samples: list[Sample], tmp_path: Path
) -> None:
    other = evaluate(controls.oracle(), samples[:2], out=tmp_path / "b")
    first, second = run_of(controls.empty(), "c"), run_of(controls.oracle(), "a")
    found = gather([first.path, other.path, second.path])

    assert [run.path.name for run in found.runs] == ["c", "b", "a"]
    assert (found.unfinished, found.mixed) == ((), "")


def test_a_folder_stands_for_the_runs_in_it_finished_or_not(
    run_of: Callable[..., Run], interrupted: Path, tmp_path: Path
) -> None:
    run_of(controls.oracle(), "done")
    found = gather([tmp_path])

    assert [run.path.name for run in found.runs] == ["done"]
    assert [(u.path, u.done, u.images) for u in found.unfinished] == [(interrupted, 3, 8)]


def test_an_unfinished_run_alone_is_refused_with_how_much_is_missing(interrupted: Path) -> None:
    with pytest.raises(UsageError, match=r"no finished run .*click-disc .* unfinished: 3 of 8 images are done, 5 are"):
        gather([interrupted])


def test_other_folders_are_told_from_runs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty is empty; 'consbench run' makes a run"):
        gather([tmp_path / "empty"])
    with pytest.raises(RecordUnreadable, match="there is no run directory"):
        gather([tmp_path / "nowhere"])


def test_different_protocols_are_refused_and_labelled_where_forced(run_of: Callable[..., Run]) -> None:
    one, two = run_of(controls.oracle(), "one"), run_of(controls.oracle(), "two", protocol=Protocol(min_part_area=20))
    with pytest.raises(
        UsageError, match=r"different protocols do not belong in one table: one has .*; two has .*--force"
    ):
        gather([one.path, two.path])

    assert gather([one.path, two.path], force=True).mixed == f"one has {one.protocol.id}; two has {two.protocol.id}"


def test_the_command_names_what_is_unfinished_and_reports_the_rest(
    run_of: Callable[..., Run], interrupted: Path, tmp_path: Path
) -> None:
    run = run_of(controls.oracle(), "done")
    done = CliRunner().invoke(cli, ["report", str(run.path), str(interrupted), "-o", str(tmp_path / "report")])

    assert done.exit_code == 0, done.output
    assert "note: click-disc on samples (all) is unfinished: 3 of 8 images are done, 5 are missing" in done.output
    assert "3 of 8 images are done, 5 are missing" in (tmp_path / "report" / "index.html").read_text("utf-8")
