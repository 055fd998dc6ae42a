"""What the sections of the page show, as values: runs and summaries in, rows for the template out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from consbench.cli.tables import is_standin
from consbench.metrics import CVRArea, cvr_curve
from consbench.run import Run, Summary
from consbench_reports import charts, details
from consbench_reports.details import Broken, Scored, Worst
from consbench_reports.tables import (
    Best,
    Cell,
    Table,
    labels,
    number,
    score_cell,
    title,
)


@dataclass(frozen=True, slots=True)
class Group:
    """What the page shows of one dataset.

    Attributes:
        dataset: its name and split.
        standin: whether it is drawn.
        caution: why its rows are not comparable, "" where they are.
        summary: the table of its runs.
        undefined: which metrics have no value for how many clicks, objects or pairs.
        positions, positions_of_2, curve, quadrants, mistakes, costs: charts.
        legend: label, colour, dashes and area of every line of `curve`.
        grid, breakdowns, worst: the sections of these names.
    """

    dataset: str
    standin: bool
    caution: str
    summary: Table
    undefined: tuple[str, ...]
    positions: Markup
    positions_of_2: Markup
    curve: Markup
    quadrants: Markup
    mistakes: Markup
    costs: Markup
    legend: tuple[Legend, ...]
    grid: Table
    breakdowns: tuple[Broken, ...]
    worst: tuple[Worst, ...]


class Legend(NamedTuple):
    """One line of the curve: its label, colour, dashes, and the area under it."""

    label: str
    colour: str
    dashes: str
    area: str


class Provenance(NamedTuple):
    """Where one run's numbers come from, as name and value."""

    title: str
    facts: tuple[tuple[str, str], ...]


def groups(scored: Sequence[Scored], best: Best = ()) -> list[Group]:
    """One group per dataset, in the order of the runs."""
    return [
        _group(dataset, list(members), best) for dataset, members in groupby(scored, key=lambda s: s.summary.dataset)
    ]


def cautions(scored: Sequence[Scored], mixed: str) -> list[str]:
    """What a reader must know before the first number."""
    found = []
    if mixed:
        found.append(f"Made with --force from runs of different protocols; these numbers are not comparable: {mixed}.")
    return found + labels([s.summary.dataset for s in scored], [s.summary.model for s in scored])


def provenance(run: Run) -> Provenance:
    """What the numbers of a run can be traced by: protocol, weights, dataset fingerprint, code, machine."""
    identity, environment = run.manifest["identity"], run.manifest["environment"]
    code, deviations = environment["code"], ", ".join(run.protocol.deviations)
    facts = {
        "protocol": run.protocol.id + (f" (deviates from the paper: {deviations})" if deviations else ""),
        **{f"model: {key.replace('_', ' ')}": _plain(value) for key, value in identity["model"].items()},
        "order of outputs": run.default_order,
        "dataset": f"{run.dataset}, {identity['dataset']['images']} images",
        "dataset fingerprint": identity["dataset"]["fingerprint"],
        "missing files": str(len(run.manifest["missing_files"])),
        "masks": "stored" if identity["masks"] else "not stored",
        "device": str(run.manifest["device"]),
        "code": code["commit"] + (", with uncommitted changes" if code["dirty"] else "") if code else "not a checkout",
        "python": f"{environment['python']} on {environment['platform']}",
        "packages": ", ".join(f"{name} {version}" for name, version in environment["packages"].items()),
        "finished": str(run.manifest["timings"]["finished"]),
        "run directory": run.path.name,
    }
    return Provenance(f"{run.model} on {run.dataset}", tuple((name, value) for name, value in facts.items() if value))


def _group(dataset: str, members: Sequence[Scored], best: Best) -> Group:
    summaries = [s.summary for s in members]
    curves = [cvr_curve(s.answers) for s in members]
    areas = [number(CVRArea().tally(s.answers).value) for s in members]
    pieces = charts.position_pieces(summaries)
    return Group(
        dataset=dataset,
        standin=is_standin(dataset),
        caution=_different_images(members),
        summary=_summary(summaries, best),
        undefined=tuple(_undefined(summaries)),
        positions=charts.stacked_bars(
            [charts.position_bar(s.label, s.summary.positions, pieces) for s in members],
            pieces,
            f"{dataset}: position of the object among all outputs, percent of clicks",
        ),
        positions_of_2=charts.stacked_bars(
            [charts.position_bar(s.label, s.summary.positions_of_2, pieces) for s in members],
            pieces,
            f"{dataset}: position of the object among the first two outputs, percent of clicks",
        ),
        curve=charts.curves(
            [charts.Line(s.label, curve.cvr_D.tolist()) for s, curve in zip(members, curves, strict=True)],
            curves[0].delta_D.tolist(),
            title=f"{dataset}: consistency violation rate against the threshold",
            x_label="threshold δ",
            y_label="CVR@δ (%)",
        ),
        quadrants=details.quadrant_bars(members, dataset),
        mistakes=details.mistake_bars(members, dataset),
        costs=details.cost_bars(members, dataset),
        legend=tuple(
            Legend(s.label, charts.line_colour(i), charts.line_dash(i), areas[i]) for i, s in enumerate(members)
        ),
        grid=details.selection_grid(members),
        breakdowns=tuple(details.breakdowns(members)),
        worst=tuple(details.worst_objects(members)),
    )


def _summary(summaries: Sequence[Summary], best: Best) -> Table:
    metrics = _shown(summaries)
    titles = ("model", "order", *(title(n) for n in metrics), "images", "objects", "clicks", "failed")
    rows = [
        (
            Cell(f"{s.model}*" if s.privileged else s.model),
            Cell(s.order),
            *(score_cell(s, name, best) for name in metrics),
            *(Cell(str(n)) for n in (s.images, s.objects, s.clicks, s.failed)),
        )
        for s in summaries
    ]
    return Table(titles, tuple(rows), ())


def _shown(summaries: Sequence[Summary]) -> list[str]:
    """The columns: those of `consbench score`, and position 1 among the first two outputs."""
    names = dict.fromkeys(name for s in summaries for name in s)
    firsts = ("placement@1", "placement@1/2")
    return [n for n in names if n in firsts or not n.startswith(("placement", "pooled"))]


def _undefined(summaries: Sequence[Summary]) -> list[str]:
    """Which numbers are not over everything: one line for all metrics and models of which the same is true."""
    lines: dict[tuple[str, str], list[str]] = {}
    for s in summaries:
        without: dict[str, list[str]] = {}
        for name in _shown([s]):
            score = s[name]
            if score.undefined:
                count = f"{score.undefined} of {score.n + score.undefined} {score.unit}"
                without.setdefault(count, []).append(title(name))
        for count, names in without.items():
            lines.setdefault((count, ", ".join(names)), []).append(s.model)
    return [
        f"{names}: no value for {count} ({', '.join(dict.fromkeys(models))})."
        for (count, names), models in lines.items()
    ]


def _different_images(members: Sequence[Scored]) -> str:
    prints = {str(s.run.manifest["identity"]["dataset"]["fingerprint"]) for s in members}
    if len(prints) == 1:
        return ""
    return "These runs were made on different images or annotations of this dataset: their rows are not comparable."


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return "" if value is None else str(value)
