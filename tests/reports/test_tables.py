"""Tables: the same cells in every format, bold only where it is earned, and what must stand below."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Callable

import pytest

from consbench import Protocol, Run, Summary, controls
from consbench.run import Score
from consbench.statistics.comparison import Comparison, Difference, compare
from consbench_reports.significance import compared, significantly_best
from consbench_reports.tables import score_cell, table_1, table_2, to_csv, to_latex, to_markdown


@pytest.fixture(scope="session")
def summaries(three_runs: list[Run]) -> list[Summary]:
    return [run.summary() for run in three_runs]


def with_scores(summary: Summary, **scores: float) -> Summary:
    """The summary with other values: object=… and so on."""
    changed = {f"mIoU-{k}": Score(v, 5, 0, "clicks", v - 1, v + 1) for k, v in scores.items()}
    return dataclasses.replace(summary, scores={**summary.scores, **changed})


def test_all_formats_hold_the_same_cells(summaries: list[Summary]) -> None:
    table = table_1(summaries)
    from_csv = list(csv.DictReader(io.StringIO(to_csv(table))))
    markdown = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    latex = [line for line in to_latex(table).splitlines() if line.endswith(r"\\")]

    assert len(from_csv) == len(markdown) - 2 == len(latex) - 1 == len(summaries)
    for row, csv_row, md_line, tex_line in zip(table.rows, from_csv, markdown[2:], latex[1:], strict=True):
        for title, cell in zip(table.titles, row, strict=True):
            assert csv_row[title] == cell.text
            if cell.interval:
                assert (csv_row[f"{title} low"], csv_row[f"{title} high"]) == cell.ends
            assert cell.interval in md_line
            assert cell.interval.replace("–", "--") in tex_line
            assert cell.text.replace("*", "\\*") in md_line
            assert cell.text.replace("–", "--") in tex_line or title == "dataset"


def test_numbers_are_those_of_the_summary_to_the_printed_digit(summaries: list[Summary]) -> None:
    for summary in summaries:
        for name, score in summary.items():
            shown = score_cell(summary, name)
            assert shown.text == f"{score.value:.2f}"
            assert shown.ends == (f"{score.low:.2f}", f"{score.high:.2f}")
            low, high = map(float, shown.interval.split("–"))
            assert (low, high) == pytest.approx((score.low, score.high), abs=0.0501)


def test_undefined_is_a_dash_and_the_ground_truth_is_confessed(
    summaries: list[Summary], run_of: Callable[..., Run]
) -> None:
    table = table_1([*summaries, run_of(controls.empty(), "empty").summary()])
    empty = dict(zip(table.titles, (cell.text for cell in table.rows[-1]), strict=True))

    assert empty["mask 1 / object"] == "–"
    assert empty["CVR@0.5"] == "100.00"
    assert table.rows[0][1].text == "oracle*"
    assert "* is shown the ground truth." in table.notes
    assert f"Protocol {Protocol().id}." in table.notes


def test_the_papers_number_stands_beside_the_measured_one_never_beside_a_stand_in(summaries: list[Summary]) -> None:
    real = dataclasses.replace(summaries[1], model="sam", dataset="pascal-part (val-paper)")
    standin = dataclasses.replace(real, dataset="standin-pascal-part (val)")
    mini = dataclasses.replace(real, model="sam-mini")

    assert score_cell(real, "placement@1").reported == "74"
    assert "{74}" in to_markdown(table_1([real]))
    assert score_cell(standin, "placement@1").reported == score_cell(mini, "placement@1").reported == ""
    assert any("none of these numbers is comparable" in note for note in table_1([standin]).notes)
    assert any("miniatures trained on drawn images" in note for note in table_1([mini]).notes)


def test_rows_of_different_protocols_say_so(summaries: list[Summary]) -> None:
    other = dataclasses.replace(summaries[1], protocol="other.v1-0")

    assert any("not comparable" in note for note in table_1([summaries[0], other]).notes)


def test_failed_clicks_are_told(summaries: list[Summary]) -> None:
    failed = dataclasses.replace(summaries[1], failed=3, clicks=63)

    assert "click-disc on samples (all): 3 of 63 clicks failed." in table_1([failed]).notes


def test_names_cannot_break_a_table(summaries: list[Summary]) -> None:
    hostile = dataclasses.replace(summaries[1], model="50%_{a}\\b&c|<script>\nnew *row*")
    markdown, latex = to_markdown(table_1([hostile])), to_latex(table_1([hostile]))
    rows = [line for line in markdown.splitlines() if line.startswith("|")]

    assert r"50\%\_\{a\}\textbackslash{}b\&c|<script> new *row*" in latex
    assert len(rows) == 3
    assert r"50%\_{a}\\b&amp;c\|&lt;script&gt; new \*row\*" in rows[2]


def test_bold_is_what_is_told_apart_from_every_other_model(summaries: list[Summary]) -> None:
    names = ["a", "b", "c"]
    named = [dataclasses.replace(with_scores(summaries[1], object=50.0 + i), model=n) for i, n in enumerate(names)]
    table = table_1(named, best={("samples (all)", "c", "native", "mIoU-object")})
    bold = [[cell.best for cell in row] for row in table.rows]

    assert [sum(row) for row in bold] == [0, 0, 1]
    assert "**52.00** [51.0–53.0]" in to_markdown(table)
    assert r"\textbf{52.00} {\scriptsize [51.0--53.0]}" in to_latex(table)
    assert "**" not in to_csv(table)


def named(name: str) -> object:
    """A control under another name."""
    return dataclasses.replace(controls.full_image(), name=name)


def altered(
    comparison: Comparison, metric: str, verdicts: dict[tuple[str, str], tuple[float, float, bool]]
) -> Comparison:
    """A comparison of one metric whose values and findings are these."""
    template = comparison.differences[0]
    differences: list[Difference] = [
        dataclasses.replace(
            template,
            metric=metric,
            a=a,
            b=b,
            value_a=x,
            value_b=y,
            difference=y - x,
            low=y - x,
            high=y - x,
            told_apart=t,
        )
        for (a, b), (x, y, t) in verdicts.items()
    ]
    return dataclasses.replace(comparison, differences=tuple(differences))


@pytest.mark.parametrize(
    ("metric", "apart", "expected"),
    [
        ("mIoU-object", {"ab", "ac", "bc"}, {"c"}),
        ("mIoU-object", {"ac", "ab"}, set()),  # c is best, but b is not told apart from it
        ("mIoU-object", set(), set()),
        ("CVR@0.5", {"ab", "ac", "bc"}, {"a"}),  # lower is better
        ("size-ratio", {"ab", "ac", "bc"}, set()),  # 1 is right: neither side is better
    ],
)
def test_the_best_is_found_from_the_comparison(
    run_of: Callable[..., Run], metric: str, apart: set[str], expected: set[str]
) -> None:
    runs = [run_of(named(name), name) for name in "abc"]
    value = {"a": 10.0, "b": 20.0, "c": 30.0}
    verdicts = {(p[0], p[1]): (value[p[0]], value[p[1]], p in apart) for p in ("ab", "ac", "bc")}
    comparison = altered(compare(runs, resamples=0, permutations=99), metric, verdicts)

    assert {model for _, model, _, _ in significantly_best(comparison)} == expected


def test_the_ground_truth_is_no_rival(three_runs: list[Run]) -> None:
    comparison, reason = compared(three_runs, [None], [0.5])

    assert reason == ""
    assert comparison is not None
    assert {d.a for d in comparison.differences} | {d.b for d in comparison.differences} == {"click-disc", "faithful"}
    assert compared(three_runs[:2], [None], [0.5]) == (None, "")


def test_runs_on_other_images_are_not_compared_and_the_reason_is_kept(
    run_of: Callable[..., Run], three_runs: list[Run]
) -> None:
    part = run_of(controls.full_image(), "part", limit=3)
    comparison, reason = compared([three_runs[1], part], [None], [0.5])

    assert comparison is None
    assert "their images differ" in reason


def test_table_2_has_the_differences_with_their_sign(three_runs: list[Run]) -> None:
    comparison, _ = compared(three_runs, [None], [0.5])
    assert comparison is not None
    table = table_2(comparison)
    (row,) = table.rows
    of = {d.metric: d for d in comparison.differences}
    first = of["mIoU-object"]

    assert [cell.text for cell in row[:3]] == ["samples (all)", "faithful", "click-disc"]
    assert row[3].text == f"{first.value_b - first.value_a:+.2f}"
    assert row[3].interval == f"{first.low:+.2f} to {first.high:+.2f}"
    assert [cell.best for cell in row[3:]] == [d.told_apart for d in of.values()]
    assert any(f"Holm over {comparison.tests} tests" in note for note in table.notes)
    assert not math.isnan(first.difference)
