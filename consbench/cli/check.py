"""`consbench check MODEL`: examine a model against the contract and say what is likely wrong.

comes in: a model reference · goes out: one line per check and a verdict · must not: read any dataset.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from consbench import registry
from consbench.testing import Conformance, Finding, Outcome, check_model

# The word stands beside the sign, so that nothing rests on colour or on the font.
SIGNS: dict[Outcome, tuple[str, str]] = {
    "passed": ("✓", "green"),
    "warned": ("!", "yellow"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "bold red"),
}


@click.command()
@click.argument("model")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="File with the model's weights.")
@click.option("--device", help="Where the model runs: cpu, cuda, cuda:1, mps.")
@click.option("--dtype", help="Precision the model runs in: float32, bfloat16, float16.")
def check(model: str, checkpoint: Path | None, device: str | None, dtype: str | None) -> None:
    """Check that MODEL keeps to the model contract.

    MODEL is an installed name, package.module:factory or path/to/file.py:factory, with options as in
    'sam,arch=vit_l'. In place of a factory may stand a function f(image, clicks) -> masks.

    Three small drawn images and about fifteen calls tell whether masks, clicks, batches and state are
    handled as the evaluation expects. Every failure comes with its likely slips. Exit code 0: the model
    conforms; 1: it does not.
    """
    reference = registry.Reference.parse(model)
    console = Console(highlight=False, soft_wrap=True)
    subject = registry.build("model", reference, checkpoint=checkpoint, device=device, dtype=dtype)
    console.print(Text(f"{reference.label} against the model contract", style="bold"))
    try:
        conformance = check_model(subject, report=lambda finding: console.print(describe(finding)))
    finally:
        close = getattr(subject, "close", None)
        if callable(close):
            close()
    console.print(closing(reference.label, conformance))
    raise SystemExit(0 if conformance.ok else 1)


def describe(finding: Finding) -> Text:
    """One finding as lines: sign, outcome, name, what was seen; below a failure what should be, and the slips."""
    sign, style = SIGNS[finding.outcome]
    lines = Text(f"{sign} {finding.outcome:8}", style=style)
    lines.append(f"{finding.name:8}{finding.seen}", style="default")
    if finding.outcome in ("failed", "warned"):
        lines.append(f"\n{'':18}wanted: {finding.claim}", style="default")
        for slip in finding.slips:
            lines.append(f"\n{'':18}likely slip: {slip.cause}\n{'':18}    to mend: {slip.mend}", style="default")
    return lines


def closing(label: str, conformance: Conformance) -> Text:
    """What the examination cost and, last, the verdict."""
    cost = (
        f"{conformance.encodes} images encoded, {conformance.predicts} calls of predict, {conformance.seconds:.1f} s\n"
    )
    sign, style = SIGNS["passed" if conformance.ok else "failed"]
    return Text(cost).append(f"{sign} {label} {conformance.verdict}", style=style)
