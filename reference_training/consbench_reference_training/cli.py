"""The command `consbench train`. Loaded by `consbench --help`, so torch is imported only where it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click


@click.command("train", short_help="Train a model by a recipe: conSAMmé, Vanilla, and the miniatures.")
@click.argument("recipe")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the run; default: runs/training/RECIPE.",
)
@click.option(
    "-d",
    "--data",
    "sources",
    multiple=True,
    metavar="REF",
    help="Train on this dataset, written as for 'consbench run'; repeat for several.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one number of the recipe, as in run.epochs=3; repeat for several.",
)
@click.option("--steps", type=int, help="So many steps, in place of the recipe's.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps.")
@click.option("--print-groups", is_flag=True, help="Print what is trained at which rate, and stop.")
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the weights as a plain .pth state dict.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def train(
    recipe: str,
    out: Path | None,
    sources: tuple[str, ...],
    changes: tuple[str, ...],
    steps: int | None,
    device: str,
    print_groups: bool,
    export_to: Path | None,
    quiet: bool,
) -> None:
    """Train by RECIPE: one that ships, by name, or any TOML file of the same form.

    \b
    consbench train smoke
    consbench train sam-mini --set seed=1 --out runs/training/sam-mini-1
    torchrun --nproc-per-node 8 -m consbench train consamme-vit-b --data pseudo-parts,file=labels.parquet,root=images

    An interrupted run goes on when the same command is given again.
    """  # noqa: D301
    from dataclasses import replace

    from consbench_reference_training import config

    chosen = config.with_sources(config.load(recipe, changes), sources)
    if steps is not None:
        from consbench_reference_training.train import shortened

        chosen = shortened(chosen, steps)
    folder = out or Path("runs/training") / chosen.name
    if print_groups:
        from consbench_reference_training.checkpoint import build_network
        from consbench_reference_training.param_groups import choose_trained, describe, param_groups

        # What is trained does not depend on the weights, so none need be there.
        network, _, _ = build_network(replace(chosen.network, init="random"), chosen.seed, folder)
        choose_trained(network, chosen.optimiser)
        click.echo(describe(param_groups(network, chosen.optimiser)))
        return
    from consbench_reference_training import checkpoint
    from consbench_reference_training.train import train as run

    with _reports(quiet) as report:
        made = run(
            chosen, folder, device=device, report=report, say=lambda line: None if quiet else click.echo(line, err=True)
        )
    if export_to:
        checkpoint.export_state_dict(made, export_to)
    click.echo(made)


@contextmanager
def _reports(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """One progress bar after the other: each ends where the next thing begins."""
    from consbench.cli.progress import progress

    with ExitStack() as stack:
        current: dict[str, Callable[[int, int], None]] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in current:
                stack.close()
                current.clear()
                unit = "steps" if what.startswith("training") else "images"
                current[what] = stack.enter_context(progress(what, quiet=quiet, unit=unit))
            current[what](done, total)

        yield report
