"""The page as a document: one file, every number that of the summary, every name harmless."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from consbench import Protocol, Run, Sample, controls, evaluate
from consbench.cli import cli
from consbench.clicks import ClickStrategy
from consbench_reports.inputs import Inputs, Unfinished, gather
from consbench_reports.significance import compared

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><img src=x onerror='window.hacked = 2'>",
    "\"quotes' & ampersands",
    "\u202egnp.exe",
    "{{ 7 * 7 }}",
]


class Outline(HTMLParser):
    """Elements with their attributes, and the text of table cells by section and row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True
        if tag == "small" and self._in_cell:
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def section(text: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)
    assert found
    return found[0]


def test_numbers_are_those_that_score_prints(page: Path, three_runs: list[Run]) -> None:
    """The page against the printed table of `consbench score`, cell by cell."""
    printed = CliRunner().invoke(cli, ["score", *(str(run.path) for run in three_runs)])
    assert printed.exit_code == 0, printed.output
    rows = Outline(section(page.read_text("utf-8"), "summary")).rows
    titles, body = rows[0], rows[1:]
    kept = [i for i, title in enumerate(titles) if title not in ("position 1 of 2 (%)", "images", "objects")]
    assert len(body) == 3
    for row in body:
        cells = [" ".join(row[i].split()).split(" ")[0] for i in kept]
        line = next(line for line in printed.output.splitlines() if re.search(rf"(^|\s){re.escape(row[0])}\s", line))
        words = [word.rstrip("×") for word in line.split()]
        assert words[-len(cells) :] == cells


def test_intervals_are_those_that_score_prints(page: Path, three_runs: list[Run]) -> None:
    printed = CliRunner().invoke(cli, ["score", *(str(run.path) for run in three_runs)]).output
    rows = Outline(section(page.read_text("utf-8"), "summary")).rows
    shown = [[cell.split()[1] for cell in row[2:9]] for row in rows[1:]]
    below = [line.split() for line in printed.splitlines() if line.count("–") > 5]

    assert [words[-len(row) :] for words, row in zip(below, shown, strict=True)] == shown


def test_the_page_refers_to_nothing_outside(page: Path) -> None:
    text = page.read_text("utf-8")
    for tag, attributes in Outline(text).elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|localStorage|sendBeacon|document\.cookie", text)
    assert "default-src 'none'" in text


def hostile_run(make_sample: Callable[..., Sample], folder: Path) -> tuple[Run, list[Sample]]:
    """A run whose every name is an attack: image, categories, parts, model."""
    samples = []
    for n, name in enumerate(HOSTILE):
        plain = make_sample(f"{name} {n}", seed=n)
        objects = tuple(
            dataclasses.replace(o, category=name, parts=tuple(dataclasses.replace(p, category=name) for p in o.parts))
            for o in plain.objects
        )
        samples.append(dataclasses.replace(plain, objects=objects))
    return evaluate(controls.click_disc(), samples, out=folder / "hostile", name=HOSTILE[0]), samples


def test_hostile_names_are_text_and_nothing_else(
    make_page: Callable[..., Path], make_sample: Callable[..., Sample], tmp_path: Path, page: Path
) -> None:
    run, samples = hostile_run(make_sample, tmp_path)
    text = make_page([run], samples=samples).read_text("utf-8")
    scripts = [attributes for tag, attributes in Outline(text).elements if tag == "script"]

    assert len(scripts) == text.count("<script") == page.read_text("utf-8").count("<script")
    assert "<img" not in text
    assert "<bdi>{{ 7 * 7 }}</bdi>" in section(text, "breakdowns")
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in section(text, "summary")


def test_an_unfinished_run_is_told_with_how_much_is_missing(
    make_page: Callable[..., Path], three_runs: list[Run]
) -> None:
    waiting = Unfinished(Path("runs/slow"), "slow", "samples (all)", 3, 8)
    text = make_page(three_runs, inputs=Inputs(tuple(three_runs), (waiting,))).read_text("utf-8")

    told = "slow on samples (all) is unfinished: 3 of 8 images are done, 5 are missing"
    assert told in text[: text.index('<section id="summary"')]
    assert told in section(text, "provenance")


def test_forced_protocols_are_labelled(
    make_page: Callable[..., Path], run_of: Callable[..., Run], three_runs: list[Run]
) -> None:
    other = run_of(controls.oracle(), "other", protocol=Protocol(min_part_area=20))
    inputs = gather([three_runs[0].path, other.path], force=True)
    text = make_page(inputs.runs, inputs=inputs, incomparable=inputs.mixed).read_text("utf-8")

    assert "Made with --force from runs of different protocols; these numbers are not comparable" in text
    assert text.count(other.protocol.id) >= 2


def test_a_deviation_from_the_papers_protocol_is_told(
    make_page: Callable[..., Path], run_of: Callable[..., Run]
) -> None:
    run = run_of(controls.oracle(), protocol=Protocol(click=ClickStrategy.parse("random#3")))

    assert "deviates from the paper: click=random#3" in make_page([run]).read_text("utf-8")


def test_a_group_without_eligible_objects_is_a_dash(
    make_page: Callable[..., Path], make_sample: Callable[..., Sample], tmp_path: Path
) -> None:
    """Objects of one part have no pair: CVR is undefined everywhere, and nothing else suffers."""
    plain = [make_sample(f"i{n}", seed=n) for n in range(3)]
    samples = [
        dataclasses.replace(s, objects=tuple(dataclasses.replace(o, parts=o.parts[:1]) for o in s.objects))
        for s in plain
    ]
    run = evaluate(controls.click_disc(), samples, out=tmp_path / "single")
    text = make_page([run], samples=samples).read_text("utf-8")
    broken = section(text, "breakdowns")
    rows = [row for row in Outline(broken).rows if row[0] == "10 and more"]

    assert rows
    assert all(row[1:] == ["0", "0", "0", "–"] for row in rows)
    assert "CVR@0.5, CVR@0.7, CVR@0.9: no value for 9 of 9 objects (click-disc)." in text


def test_provenance_leads_back_to_the_run(page: Path, three_runs: list[Run]) -> None:
    found = section(page.read_text("utf-8"), "provenance")
    for run in three_runs:
        identity = run.manifest["identity"]
        assert identity["dataset"]["fingerprint"] in found
        assert identity["protocol"]["id"] in found
        assert run.path.name in found


def test_bold_and_differences_come_from_the_comparison(
    make_page: Callable[..., Path], three_runs: list[Run], page: Path
) -> None:
    comparison, _ = compared(three_runs, [None], [0.5])
    text = make_page(three_runs, comparison=comparison).read_text("utf-8")
    assert comparison is not None
    told_apart = sum(d.told_apart for d in comparison.differences)

    assert section(text, "differences").count("<b>") == told_apart
    assert "<b>" not in section(page.read_text("utf-8"), "summary")
    assert 'id="differences"' not in page.read_text("utf-8")


@pytest.mark.parametrize(("kind", "words"), [("standin-paco", "drawn images"), ("samples", None)])
def test_stand_ins_are_marked(
    make_page: Callable[..., Path], samples: list[Sample], tmp_path: Path, kind: str, words: str | None
) -> None:
    from consbench import SampleList

    run = evaluate(controls.full_image(), SampleList(samples, name=kind), out=tmp_path / "run")
    text = make_page([run]).read_text("utf-8")

    assert ('class="tag">stand-in' in text) == (words is not None)
    assert words is None or words in text
