"""The sections beyond Table 1: selection grid, consistent and right, mistakes, breakdowns, worst objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from consbench.metrics import BY, CVR, KINDS, QUADRANTS, Answers, Metric, MIoU, Mistake, MistakeCost, Quadrants
from consbench.metrics import breakdown as groups_of
from consbench.metrics import selection_grid as grid_of
from consbench.run import Run, Summary
from consbench_reports import palette
from consbench_reports.charts import Bar, Piece, stacked_bars
from consbench_reports.selection import object_means, over_models
from consbench_reports.tables import Cell, Table, number

TAU, DELTA = 0.5, 0.5
WORST = 8
QUADRANT_PIECES = [Piece(q.replace("-", ", "), colour) for q, colour in zip(QUADRANTS, palette.QUADRANTS, strict=True)]
KIND_PIECES = [Piece(kind.replace("-", " "), colour) for kind, colour in zip(KINDS, palette.KINDS, strict=True)]
BREAKDOWNS = {
    "category": "category of the object",
    "part-category": "category of the clicked part",
    "object-size": "size of the object",
    "object-share": "share of the image that the object covers",
    "parts": "clicked parts of the object",
    "objects": "clicked objects of the image",
}


class Scored(NamedTuple):
    """A finished run with its numbers in one order of outputs."""

    run: Run
    summary: Summary

    @property
    def label(self) -> str:
        """The model, and the order where it is not the native one."""
        return self.summary.model if self.summary.order == "native" else f"{self.summary.model} ({self.summary.order})"

    @property
    def answers(self) -> Answers:
        """The record as arrays in that order."""
        return self.run.answers(self.summary.order)


class Broken(NamedTuple):
    """One breakdown: by what, and a table of groups × models for each metric."""

    by: str
    tables: tuple[tuple[str, Table], ...]


class Worst(NamedTuple):
    """One of the worst objects: where it is, what it is, and (object IoU, agreement) per model."""

    link: str
    category: str
    image_id: str
    object_id: int
    numbers: tuple[tuple[str, str], ...]


def selection_grid(members: Sequence[Scored]) -> Table:
    """Object and part IoU under every way to choose an output: one row per run and target.

    Runs that differ only in their order are one row: the grid states its own orders.
    """
    distinct = list({id(s.run): s for s in members}.values())
    answers = [s.answers for s in distinct]
    widest = max(a.area_NK.shape[1] for a in answers)
    rows = []
    for scored, own in zip(distinct, answers, strict=True):
        metrics = grid_of(widest)
        half = len(metrics) // 2
        for target, cells in (("object", metrics[:half]), ("part", metrics[half:])):
            values = (Cell(_value(metric, own)) for metric in cells)
            rows.append((Cell(scored.summary.model), Cell(target), *values))
    natives = (f"native {k}" for k in range(1, widest + 1))
    notes = ("Best of K is an oracle that picks for each click; the gap is what the order of the table loses to it.",)
    return Table(("model", "target", *natives, "by area", "by score", "best of K", "gap"), tuple(rows), notes)


def quadrant_bars(members: Sequence[Scored], dataset: str) -> Markup:
    """Pairs that agree and are right, agree and are wrong, and so on: percent of an object's pairs."""
    bars = [Bar(s.label, _values([Quadrants(q, DELTA, TAU) for q in QUADRANTS], s.answers)) for s in members]
    return stacked_bars(bars, QUADRANT_PIECES, f"{dataset}: pairs of object masks that agree and are right, percent")


def mistake_bars(members: Sequence[Scored], dataset: str) -> Markup:
    """What is wrong with object masks: percent of clicks by kind."""
    bars = [Bar(s.label, _values([Mistake(kind, TAU) for kind in KINDS], s.answers)) for s in members]
    return stacked_bars(bars, KIND_PIECES, f"{dataset}: kinds of mistakes of object masks, percent of clicks")


def cost_bars(members: Sequence[Scored], dataset: str) -> Markup:
    """What each kind of mistake costs: points of object mIoU; all of them make 100 - mIoU."""
    bars = [Bar(s.label, _values([MistakeCost(kind, TAU) for kind in KINDS], s.answers)) for s in members]
    return stacked_bars(bars, KIND_PIECES, f"{dataset}: points of object mIoU that each kind of mistake costs")


def breakdowns(members: Sequence[Scored]) -> list[Broken]:
    """Object IoU and CVR by category, size, number of parts and number of objects; undefined is a dash."""
    answers = [s.answers for s in members]
    found = []
    for by in BY:
        tables = []
        for name, metric in (("mIoU object", MIoU("object")), (f"CVR@{DELTA:g}", CVR(DELTA))):
            columns = [{group.name: group for group in groups_of(own, metric, by)} for own in answers]
            names = list(dict.fromkeys(name for column in columns for name in column))
            rows = []
            for group_name in names:
                groups = [column.get(group_name) for column in columns]
                largest = max((g for g in groups if g), key=lambda g: g.clicks)
                counts = (Cell(str(n)) for n in (largest.images, largest.objects, largest.clicks))
                values = (Cell("–" if g is None else number(g.tally.value)) for g in groups)
                rows.append((Cell(group_name), *counts, *values))
            titles = (BREAKDOWNS[by], "images", "objects", "clicks", *(s.label for s in members))
            tables.append((name, Table(titles, tuple(rows), ())))
        found.append(Broken(BREAKDOWNS[by], tuple(tables)))
    return found


def worst_objects(members: Sequence[Scored]) -> list[Worst]:
    """The objects of lowest object IoU, averaged over the models that are not shown the ground truth."""
    tables = [object_means(s.run, s.summary.order) for s in members]
    honest = [t for s, t in zip(members, tables, strict=True) if not s.summary.privileged] or tables
    quality = over_models(honest, "object")
    found = []
    for key in sorted(quality, key=lambda key: -1.0 if math.isnan(quality[key]) else quality[key])[:WORST]:
        image_id, object_id = key
        link = urlencode({"dataset": members[0].summary.dataset, "image": image_id, "object": object_id})
        category = next(table[key].category for table in tables if key in table)
        numbers = (
            (number(table[key].object), number(table[key].agreement)) if key in table else ("–", "–")
            for table in tables
        )
        found.append(Worst(f"#{link}", category, image_id, object_id, tuple(numbers)))
    return found


def _values(metrics: Sequence[Metric], answers: Answers) -> list[float]:
    return [metric.tally(answers).value for metric in metrics]


def _value(metric: Metric, answers: Answers) -> str:
    return number(metric.tally(answers).value)
