"""Runs and summaries as HTML: the numbers of the record, and names that can do no harm."""

from __future__ import annotations

import html
import html.parser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consbench import Mask, Object, Part, Protocol, Run, Sample, controls, evaluate
from consbench.cli.tables import interval_text, number
from consbench.datasets import SampleList

VOID = {"br", "hr", "img", "input", "link", "meta"}


class Balanced(html.parser.HTMLParser):
    """Reads a piece of HTML: its tags with their attributes, its rows of cells; fails where a tag is left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in VOID
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def everything(image: Any, clicks: Any) -> np.ndarray:
    return np.ones((len(clicks), 3, *image.shape[:2]), bool)


def test_a_summary_shows_every_number_with_its_interval_and_count(run_of: Callable[..., Run]) -> None:
    summary = run_of(controls.click_disc()).summary()
    page = Balanced(summary._repr_html_())

    assert page.rows[0] == ["", "value", "95 % interval", "over", "undefined"]
    assert page.rows[1:] == [
        [name, number(s.value, name), interval_text(s), f"{s.n} {s.unit}", str(s.undefined)]
        for name, s in summary.items()
    ]
    assert summary.signature in page.text
    shares = " / ".join(f"■ {100 * n / sum(summary.positions):.1f}" for n in summary.positions[:-1])
    assert f"of all outputs: {shares} %" in page.text


def test_a_run_shows_what_it_is_of_and_its_headline(run_of: Callable[..., Run], samples: list[Sample]) -> None:
    run = run_of(controls.oracle(), limit=3)
    page = Balanced(run._repr_html_())
    facts = {row[0]: row[1] for row in page.rows if len(row) == 2}

    assert facts["protocol"] == run.protocol.id
    assert facts["record"] == str(run.path)
    assert facts["asked"].endswith("in 3 images")
    assert page.rows[-2][:2] == ["mIoU-object", "mIoU-part"]
    assert page.rows[-1][:2] == ["100.00", "100.00"]
    assert "this model is shown the ground truth" in page.text


def test_failures_and_deviations_are_said(samples: list[Sample], tmp_path: Path) -> None:
    def half(image: Any, clicks: Any) -> np.ndarray:
        if len(clicks) > 6:
            raise MemoryError
        return everything(image, clicks)

    run = evaluate(half, samples, out=tmp_path / "run", protocol=Protocol(min_part_area=2))

    assert 0 < run.failed < len(run.clicks)
    for page in (run._repr_html_(), run.summary()._repr_html_()):
        assert f"{run.failed} clicks failed, and no number is over them" in page
    assert "(min_part_area=2)" in run._repr_html_()


def test_drawn_images_are_never_taken_for_a_dataset(samples: list[Sample], tmp_path: Path) -> None:
    run = evaluate(everything, SampleList(samples, name="standin-paco"), out=tmp_path / "run")

    for page in (run._repr_html_(), run.summary()._repr_html_()):
        assert "no number here is one of the paper's datasets" in Balanced(page).text


def test_a_run_in_which_everything_failed_is_shown(run_of: Callable[..., Run]) -> None:
    run = run_of(lambda image, clicks: None)

    for page in (run._repr_html_(), run.summary()._repr_html_(), run.summary(resamples=0)._repr_html_()):
        assert "–" in Balanced(page).text


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202egnp.exe", "a&b"]
)
def test_names_are_text_and_nothing_else(tmp_path: Path, name: str) -> None:
    mask = Mask.from_array(np.ones((8, 9), bool))
    sample = Sample(name, 8, 9, (Object(0, name, mask, (Part(0, name, mask),)),), lambda: np.zeros((8, 9, 3), np.uint8))
    run = evaluate(everything, SampleList([sample], name=name, split=name), out=tmp_path / "run", name=name)

    for shown in (run._repr_html_(), run.summary()._repr_html_()):
        page = Balanced(shown)
        assert page.tags <= {"div", "p", "b", "bdi", "table", "tr", "th", "td", "span"}
        assert page.attributes <= {"style", "scope"}
        assert f"{name} on {name} ({name})" in page.text
        assert f"<bdi>{html.escape(name)}</bdi>" in shown
