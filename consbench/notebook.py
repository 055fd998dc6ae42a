"""What a notebook shows of a run and of its numbers: HTML that needs nothing else, on a light or dark page.

Colours are the page's own, thinned by opacity. Names come from data, so they are escaped, and kept from
turning the direction of the text around them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from consbench.cli.tables import STANDIN_NOTE, interval_text, number

if TYPE_CHECKING:
    from consbench.run import Run, Summary

COLOURS = ("#3b7dd8", "#d9822b", "#3a9d5d", "#a259c4")  # of positions 1, 2, 3 and further; seen on white and on black
CELL = "text-align:right;padding:.15em .7em;font-variant-numeric:tabular-nums"
WORD = "text-align:left;padding:.15em .7em"
SOFT = "opacity:.7;font-size:.85em"
RULE = "border-bottom:1px solid rgba(128,128,128,.45)"


def summary_html(summary: Summary) -> str:
    """Every number with its interval and what it is over, Figure 4 as a bar, and how it was all made."""
    interval = f"{100 * summary.level:g} % interval" if summary.resamples else ""
    head = ("", "value", interval, "over", "undefined")
    rows = [
        (
            name,
            number(score.value, name),
            interval_text(score),
            f"{score.n} {score.unit}",
            str(score.undefined),
        )
        for name, score in summary.items()
    ]
    made = f"; {summary.resamples} bootstrap resamples of images, seed {summary.seed}" if summary.resamples else ""
    return _block(
        _title(summary.model, summary.dataset),
        _table(head, rows),
        _placements("object in position 1, 2, … of all outputs", summary.positions),
        _placements("of the first two", summary.positions_of_2),
        *(_note(text) for text in (summary.signature + made, *_cautions(summary))),
    )


def run_html(run: Run) -> str:
    """What was evaluated on what, under which protocol, and the numbers without their intervals."""
    summary = run.summary(resamples=0)
    facts = [
        ("protocol", run.protocol.id + (f" ({', '.join(run.protocol.deviations)})" if run.protocol.deviations else "")),
        ("asked", f"{summary.clicks} clicks on {summary.objects} objects in {summary.images} images"),
        ("order of outputs", summary.order),
        ("device", str(run.manifest["device"])),
        ("finished", str(run.manifest["timings"]["finished"])),
        ("record", str(run.path)),
    ]
    shown = {name: score for name, score in summary.items() if not name.startswith(("placement", "pooled"))}
    return _block(
        _title(run.model, run.dataset),
        _table((), facts),
        _table(tuple(shown), [tuple(number(score.value, name) for name, score in shown.items())], words=0),
        *map(_note, _cautions(summary)),
        _note("run.summary() has every number with its interval; run.clicks has every click"),
    )


def _cautions(summary: Summary) -> list[str]:
    counts = (
        (summary.failed, "clicks failed, and no number is over them"),
        (summary.skipped, "images could not be read"),
        (summary.missing, "files are missing, and were allowed to be"),
    )
    found = [f"{count} {what}" for count, what in counts if count]
    if summary.privileged:
        found.append("this model is shown the ground truth")
    if summary.dataset.startswith("standin"):
        found.append(STANDIN_NOTE)
    return found


def _block(*parts: str) -> str:
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def _title(model: str, dataset: str) -> str:
    return f"<p><b>{_name(model)}</b> on {_name(dataset)}</p>"


def _note(text: str) -> str:
    return f'<div style="{SOFT}">{_name(text)}</div>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A table whose first `words` columns are words and whose others are numbers; all are words without a head."""
    styles = [WORD if column < words or not head else CELL for column in range(16)]
    lines = []
    if head:
        cells = "".join(
            f'<th scope="col" style="{style}">{_name(text)}</th>' for text, style in zip(head, styles, strict=False)
        )
        lines.append(f'<tr style="{RULE};background:none">{cells}</tr>')
    for row in rows:
        cells = "".join(f'<td style="{style}">{_name(text)}</td>' for text, style in zip(row, styles, strict=False))
        lines.append(f'<tr style="background:none">{cells}</tr>')
    return f'<table style="border-collapse:collapse;margin:.3em 0;color:inherit">{"".join(lines)}</table>'


def _placements(what: str, positions: Sequence[int]) -> str:
    """Figure 4 as one bar: the share of clicks whose object is in each position; what is left over is in none."""
    total = sum(positions)
    if not total:
        return ""
    bars, shares = [], []
    for k, count in enumerate(positions[:-1]):
        share = 100 * count / total
        colour = COLOURS[min(k, len(COLOURS) - 1)]
        bars.append(f'<span style="width:{share:.2f}%;background:{colour}"></span>')
        shares.append(f'<span style="color:{colour}">■</span> {share:.1f}')
    return (
        f'<div style="{SOFT}">{html.escape(what)}: {" / ".join(shares)} %</div>'
        f'<div style="display:flex;width:22em;height:.8em;background:rgba(128,128,128,.25)">{"".join(bars)}</div>'
    )


def _name(text: str) -> str:
    """Text from data as HTML; a right-to-left mark in it turns nothing beyond it."""
    return f"<bdi>{html.escape(text)}</bdi>" if text else ""
