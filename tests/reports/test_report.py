"""Table 1 and Figure 4: the same cells in every format, deterministic bytes, and what must stand beside them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from consbench import Protocol, Run, Summary, controls
from consbench.cli import cli
from consbench.errors import UsageError
from consbench_reports.figures import figure_4, save
from consbench_reports.tables import table_1, to_csv, to_latex, to_markdown


@pytest.fixture
def summaries(run_of: Callable[..., Run]) -> list[Summary]:
    return [run_of(model(), model().name).summary() for model in (controls.oracle, controls.click_disc, controls.empty)]


def test_all_formats_hold_the_same_cells(summaries: list[Summary]) -> None:
    table = table_1(summaries)
    from_csv = list(csv.reader(io.StringIO(to_csv(table))))
    from_markdown = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in to_markdown(table).splitlines()
        if line.startswith("|")
    ]
    from_latex = [line for line in to_latex(table).splitlines() if line.endswith(r"\\")]

    assert from_csv == [list(table.titles), *map(list, table.rows)]
    assert [from_markdown[0], *from_markdown[2:]] == from_csv
    assert len(from_latex) == len(from_csv)
    assert all(cell in from_latex[1] for cell in ("oracle*", "100.00", "63"))


def test_undefined_is_a_dash_and_the_ground_truth_is_confessed(summaries: list[Summary]) -> None:
    table = table_1(summaries)
    empty = dict(zip(table.titles, table.rows[2], strict=True))

    assert empty["mask 1 / object"] == "–"
    assert empty["CVR@0.5"] == "100.00"
    assert "* is shown the ground truth." in table.notes
    assert f"Protocol {Protocol().id}." in table.notes


def test_the_papers_number_stands_beside_the_measured_one_never_beside_a_stand_in(summaries: list[Summary]) -> None:
    real = dataclasses.replace(summaries[1], model="sam", dataset="pascal-part (val-paper)")
    standin = dataclasses.replace(real, dataset="standin-pascal-part (val)")
    real_row, standin_row = table_1([real]).rows[0], table_1([standin]).rows[0]

    assert any(cell.endswith("[74]") for cell in real_row)
    assert not any("[" in cell for cell in standin_row)
    assert any("none of these numbers is comparable" in note for note in table_1([standin]).notes)


def test_latex_escapes_what_data_brings(summaries: list[Summary]) -> None:
    hostile = dataclasses.replace(summaries[0], model=r"50%_{a}\b&c", privileged=False)

    assert r"50\%\_\{a\}\textbackslash{}b\&c" in to_latex(table_1([hostile]))


def test_figure_4_draws_one_bar_per_model_with_the_shares_of_the_histogram(summaries: list[Summary]) -> None:
    figure = figure_4(summaries)
    left, right = figure.axes
    widths = [[bar.get_width() for bar in container] for container in left.containers]

    assert [t.get_text() for t in left.get_yticklabels()] == ["oracle", "click-disc", "empty"]
    for row, summary in enumerate(summaries):
        drawn = [b.get_width() for c in left.containers for b in c if round(b.get_y() + b.get_height() / 2) == row]
        assert drawn == pytest.approx([100 * n / summary.clicks for n in summary.positions])
    assert sum(sum(w) for w in widths) == pytest.approx(100 * len(summaries))
    assert len(right.containers) == sum(len(s.positions_of_2) for s in summaries)


def test_svg_bytes_depend_on_the_figure_alone(summaries: list[Summary], tmp_path: Path) -> None:
    (one,) = save(figure_4(summaries), tmp_path / "one", formats=["svg"])
    (two,) = save(figure_4(summaries), tmp_path / "two", formats=["svg"])
    (other,) = save(figure_4(summaries[:2]), tmp_path / "other", formats=["svg"])

    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_a_figure_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="a figure needs at least one run"):
        figure_4([])


def test_the_command_writes_every_file_and_a_manifest_that_can_be_checked(
    run_of: Callable[..., Run], tmp_path: Path
) -> None:
    import hashlib

    run = run_of(controls.oracle(), "oracle")
    done = CliRunner().invoke(
        cli, ["report", str(run.path), "-o", str(tmp_path / "report"), "--order", "native", "--order", "area"]
    )
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text())

    assert done.exit_code == 0, done.output
    names = {p.name for p in (tmp_path / "report").iterdir()}
    assert names == {"table1.md", "table1.csv", "table1.tex", "figure4.svg", "figure4.png", "manifest.json"}
    (about,) = manifest["runs"]
    assert about["sha256"]["clicks.parquet"] == hashlib.sha256((run.path / "clicks.parquet").read_bytes()).hexdigest()
    assert len(re.findall(r"oracle\*", (tmp_path / "report" / "table1.md").read_text())) == 2


def test_different_protocols_are_refused_in_one_table(run_of: Callable[..., Run], tmp_path: Path) -> None:
    one = run_of(controls.oracle(), "one")
    two = run_of(controls.oracle(), "two", protocol=Protocol(min_part_area=20))
    done = CliRunner().invoke(cli, ["report", str(one.path), str(two.path), "-o", str(tmp_path / "report")])

    assert done.exit_code == 2
    assert "numbers of different protocols do not belong in one table" in done.output
