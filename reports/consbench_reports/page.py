"""index.html: everything of a report in one file that opens from disk and loads nothing.

Style sheet, scripts, charts, photographs and masks are inside; a content security policy in the page's head
forbids the rest. Text from data is escaped by the template; the explorer's data are JSON in a script
element, written so that nothing in them can end it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from consbench.cli.tables import interval_text
from consbench.statistics.comparison import Comparison
from consbench_reports import sections
from consbench_reports.charts import position_pieces
from consbench_reports.details import KIND_PIECES, QUADRANT_PIECES, Scored
from consbench_reports.explorer import Budget
from consbench_reports.inputs import Inputs
from consbench_reports.palette import POSITIONS
from consbench_reports.selection import RULE
from consbench_reports.significance import significantly_best
from consbench_reports.tables import table_2

SCRIPTS = ("theme.js", "rle.js", "painter.js", "explorer.js")
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def render(
    inputs: Inputs,
    scored: Sequence[Scored],
    *,
    data: Mapping[str, Any],
    budget: Budget,
    comparison: Comparison | None = None,
    incomparable: str = "",
    delta: float = 0.5,
) -> str:
    """Return the page as text.

    Args:
        inputs: what the report is made from.
        scored: the finished runs with their numbers, those of one dataset together.
        data: what `explorer_data` returned.
        budget: what it was asked for.
        comparison: of the runs; what it tells apart is bold, and its differences are a table.
        incomparable: why there is no comparison.
        delta: the threshold below which the explorer marks a pair of masks as a violation.
    """
    best = significantly_best(comparison) if comparison else set()
    environment = Environment(
        loader=DictLoader({"template.html": _asset("template.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html").render(
        style=Markup(_asset("report.css")),  # noqa: S704  our own file, no text from data
        scripts=[Markup(_asset(name)) for name in SCRIPTS],  # noqa: S704  likewise
        data=json_for_page({**data, "positions": POSITIONS, "delta": delta}),
        version=version("consbench"),
        cautions=sections.cautions(scored, inputs.mixed),
        unfinished=inputs.unfinished,
        groups=sections.groups(scored, best),
        bold=bool(best),
        differences=table_2(comparison) if comparison else None,
        incomparable=incomparable,
        levels=sorted({f"{100 * s.summary.level:g} %" for s in scored if any(map(interval_text, s.summary.values()))}),
        position_pieces=position_pieces([s.summary for s in scored]),
        quadrant_pieces=QUADRANT_PIECES,
        kind_pieces=KIND_PIECES,
        provenance=[sections.provenance(run) for run in inputs.runs],
        protocols=list(dict.fromkeys(run.protocol.id for run in inputs.runs)),
        privileged=any(s.summary.privileged for s in scored),
        notes=data["notes"],
        budget=budget,
        shown=len(data["objects"]),
        rule=RULE,
    )


def json_for_page(content: Any) -> Markup:
    r"""JSON for a script element: no character in it can open or close a tag.

    >>> print(json_for_page({"name": "</script>"}))
    {"name":"\u003c/script\u003e"}
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE))  # noqa: S704  nothing of HTML is left in it


def _asset(name: str) -> str:
    return files("consbench_reports").joinpath("page", name).read_text(encoding="utf-8")
