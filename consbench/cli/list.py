"""`consbench list`: what can be named in a command."""

from __future__ import annotations

import ast
import importlib.util
from importlib.metadata import entry_points
from pathlib import Path

import click

from consbench import registry

KINDS: dict[str, registry.Kind] = {"models": "model", "datasets": "dataset", "commands": "command"}


@click.command("list", short_help="Models, datasets, metrics, orders and clicks that can be named.")
@click.argument("what", type=click.Choice([*KINDS, "metrics", "orders", "clicks"]), required=False)
def list_(what: str | None) -> None:
    """List what is installed, from this package and from others; nothing is imported for it."""
    from rich.table import Table

    from consbench import ordering
    from consbench.cli.tables import wide_console
    from consbench.clicks import ClickStrategy
    from consbench.metrics import headline

    console = wide_console()
    for title, kind in KINDS.items():
        if what in (None, title):
            table = Table(title, "", "from", box=None, pad_edge=False, header_style="bold")
            for name in registry.names(kind):
                table.add_row(name, _first_line(kind, name), registry.origin(kind, name))
            console.print(table)
            console.print()
    if what in (None, "metrics"):
        console.print("[bold]metrics[/]  " + "  ".join(str(m) for m in headline()), highlight=False)
    if what in (None, "orders"):
        console.print("[bold]orders[/]   " + "  ".join(ordering.ORDERS), highlight=False)
    if what in (None, "clicks"):
        console.print(
            f"[bold]clicks[/]   {ClickStrategy()}  object-centre  part-centroid  random#SEED  jitter@RADIUS#SEED",
            highlight=False,
        )


def _first_line(kind: registry.Kind, name: str) -> str:
    """First line of a factory's docstring, read from its source: importing it might load torch."""
    (entry,) = entry_points(group=f"consbench.{kind}s", name=name)
    try:
        spec = importlib.util.find_spec(entry.module)
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8")) if spec and spec.origin else ast.Module([], [])
    except (ImportError, OSError, SyntaxError):
        return "cannot be imported; 'consbench doctor' says why"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == entry.attr:
            return (ast.get_docstring(node) or "").split("\n")[0].rstrip(".")
    return ""
