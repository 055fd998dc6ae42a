"""Charts of the page as inline SVG: no script, no font, no colour of their own beyond the palette.

Text, axes and grid take their colours from the page's style sheet, so that a chart follows light and dark.
What a mark means stands in its `<title>`: a mouse shows it, a screen reader says it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from consbench.run import Summary
from consbench_reports.palette import DASHES, MODELS, NO_POSITION, ink_on, of_position

WIDTH = 520
LABEL = 150  # room for a model's name, left of its bar
ROW, BAR = 30, 22
NARROWEST_LABELLED = 7.0  # percent: below, the number does not fit into its piece of the bar


class Piece(NamedTuple):
    """What one colour of a bar stands for."""

    name: str
    colour: str


class Bar(NamedTuple):
    """One stacked bar: its label, and one value for each piece; NaN where undefined."""

    label: str
    values: Sequence[float]


class Line(NamedTuple):
    """One curve: its label and its values at the common abscissae; NaN where undefined."""

    label: str
    values: Sequence[float]


def position_pieces(summaries: Sequence[Summary]) -> list[Piece]:
    """The pieces of Figure 4: every position of the widest summary, then none."""
    widest = max(len(s.positions) - 1 for s in summaries)
    return [*(Piece(f"position {k + 1}", of_position(k)) for k in range(widest)), Piece("in none", NO_POSITION)]


def position_bar(label: str, counts: Sequence[int], pieces: Sequence[Piece]) -> Bar:
    """Counts by position and, last, in none -> a bar in percent of clicks; NaN where no click was answered."""
    total = sum(counts)
    shares = [100 * count / total if total else math.nan for count in counts]
    return Bar(label, [*shares[:-1], *[0.0] * (len(pieces) - len(counts)), shares[-1]])


def stacked_bars(bars: Sequence[Bar], pieces: Sequence[Piece], title: str) -> Markup:
    """One stacked bar a model on an axis from 0 to 100; what the pieces mean is the caller's legend."""
    height = ROW * len(bars) + 26
    room = WIDTH - LABEL - 14
    marks = [Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, title)]
    for tick in (0, 25, 50, 75, 100):
        x = LABEL + room * tick / 100
        marks.append(
            Markup(
                '<line class="grid" x1="{0:.1f}" y1="0" x2="{0:.1f}" y2="{1}"/>'
                '<text class="tick" x="{0:.1f}" y="{2}" text-anchor="middle">{3}</text>'
            ).format(x, ROW * len(bars), height - 8, tick)
        )
    for row, bar in enumerate(bars):
        marks += _bar(bar, pieces, ROW * row + (ROW - BAR) / 2, room)
    return Markup("").join([*marks, Markup("</svg>")])


def curves(lines: Sequence[Line], x_N: Sequence[float], *, title: str, x_label: str, y_label: str) -> Markup:
    """Lines over a common abscissa from 0 to 1, values in percent; a legend is the caller's."""
    left, top, width, height = 52, 12, WIDTH - 52 - 12, 250
    pieces = [
        Markup('<svg class="chart lines" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            WIDTH, top + height + 46, title
        )
    ]
    for tick in (0, 25, 50, 75, 100):
        y = top + height * (1 - tick / 100)
        pieces.append(
            Markup(
                '<line class="grid" x1="{0}" y1="{1:.1f}" x2="{2}" y2="{1:.1f}"/>'
                '<text class="tick" x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
            ).format(left, y, left + width, left - 8, y + 4, tick)
        )
    pieces += [
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>').format(
            left + width * tick, top + height + 18, tick
        )
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    pieces.append(
        Markup(
            '<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>'
            '<text class="axis" transform="translate(13 {}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format(left + width / 2, top + height + 38, x_label, top + height / 2, y_label)
    )
    for i, line in enumerate(lines):
        points = [
            (left + width * x, top + height * (1 - y / 100))
            for x, y in zip(x_N, line.values, strict=True)
            if not math.isnan(y)
        ]
        if points:
            pieces.append(
                Markup(
                    '<polyline fill="none" stroke="{}" stroke-width="2.2" stroke-dasharray="{}" points="{}">'
                    "<title>{}</title></polyline>"
                ).format(line_colour(i), line_dash(i), " ".join(f"{x:.1f},{y:.1f}" for x, y in points), line.label)
            )
    return Markup("").join([*pieces, Markup("</svg>")])


def line_colour(index: int) -> str:
    """The colour of the model at `index` in its dataset."""
    return MODELS[index % len(MODELS)]


def line_dash(index: int) -> str:
    """The dashes of the model at `index`: lines stay apart without colour."""
    return DASHES[index % len(DASHES)]


def _bar(bar: Bar, pieces: Sequence[Piece], y: float, room: float) -> list[Markup]:
    x, baseline = float(LABEL), y + BAR / 2 + 4.5
    marks = [
        Markup('<text class="name" x="{}" y="{:.1f}" text-anchor="end">{}<title>{}</title></text>').format(
            LABEL - 8, baseline, _shortened(bar.label), bar.label
        )
    ]
    if any(map(math.isnan, bar.values)):
        return [*marks, Markup('<text class="tick" x="{}" y="{:.1f}">undefined</text>').format(LABEL + 6, baseline)]
    for piece, value in zip(pieces, bar.values, strict=True):
        width = room * value / 100
        if value > 0:
            marks.append(
                Markup(
                    '<rect class="piece" x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{}" fill="{}">'
                    "<title>{}: {} {:.2f}</title></rect>"
                ).format(x, y, width, BAR, piece.colour, bar.label, piece.name, value)
            )
        if value >= NARROWEST_LABELLED:
            marks.append(
                Markup('<text class="share" x="{:.2f}" y="{:.1f}" text-anchor="middle" fill="{}">{:.0f}</text>').format(
                    x + width / 2, baseline, ink_on(piece.colour), value
                )
            )
        x += width
    return marks


def _shortened(label: str, longest: int = 22) -> str:
    """A label that fits left of its bar.

    >>> _shortened("a-very-long-name-of-a-model-with-options")
    'a-very-long-name-of-a…'
    """
    return label if len(label) <= longest else f"{label[: longest - 1]}…"
