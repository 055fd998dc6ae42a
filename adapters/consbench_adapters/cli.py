"""The command `consbench weights`: what weights are here, fetching them, checking them.

Loaded by `consbench --help`, so nothing heavy is imported here.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from consbench.errors import WeightsError
from consbench_adapters import weights as store


@click.group()
def weights() -> None:
    """Fetch and check the published weights of SAM and HQ-SAM."""


@weights.command("list")
def list_weights() -> None:
    """Show every known file: its size, and whether it is here and was verified."""
    click.echo(f"folder  {store.cache_directory()}   (set CONSBENCH_WEIGHTS for another)\n")
    click.echo(f"{'name':<14}{'size':>9}  {'state':<12}{'licence':<12}file")
    for entry in store.TABLE.values():
        state = store.status(entry)
        click.echo(f"{entry.name:<14}{entry.size:>9}  {state:<12}{entry.licence:<12}{entry.file}")


@weights.command()
@click.argument("name")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def fetch(name: str, quiet: bool) -> None:
    """Download the weights NAME, verify them and keep them."""
    entry = store.find(name)
    if not quiet:
        click.echo(f"{entry.url} ({entry.size}) -> {entry.cached()}", err=True)
    with closing(_ProgressBar(entry.file, silent=quiet)) as progress:
        click.echo(store.fetch(entry, progress))


@weights.command()
@click.argument("what", required=False, metavar="[NAME|FILE]")
def verify(what: str | None) -> None:
    """Compare a file with its published digest: NAME, any FILE, or without argument all that are here."""
    if what is None:
        _verify_all()
    elif what in store.TABLE:
        entry = store.find(what)
        store.verify(entry, entry.cached())
        click.echo(f"{entry.cached()}: verified, {entry.digest}")
    elif Path(what).exists():
        found = store.identify(Path(what))
        if found is None:
            sha256 = store.digest(Path(what), "sha256")
            raise WeightsError(f"{what} is none of the published files (sha256:{sha256})")
        click.echo(f"{what}: is '{found.name}', {found.digest}")
    else:
        store.find(what)


def _verify_all() -> None:
    present = [entry for entry in store.TABLE.values() if entry.cached().is_file()]
    if not present:
        click.echo(f"no weights in {store.cache_directory()}")
    wrong = []
    for entry in present:
        try:
            store.verify(entry, entry.cached())
            click.echo(f"{entry.name:<14}verified")
        except WeightsError as error:
            wrong.append(str(error))
            click.echo(f"{entry.name:<14}damaged")
    if wrong:
        raise WeightsError("\n".join(wrong))


class _ProgressBar:
    """A progress bar with the remaining time, in the form that pooch drives; silent without a terminal."""

    def __init__(self, title: str, silent: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        self._bar = Progress(*columns, console=console, disable=silent or not console.is_terminal)
        self._task = self._bar.add_task(title, total=None)

    @property
    def total(self) -> float | None:
        return self._bar.tasks[0].total

    @total.setter
    def total(self, total: int) -> None:
        self._bar.reset(self._task, total=total or None)
        self._bar.start()

    def update(self, size: int) -> None:
        self._bar.advance(self._task, size)

    def reset(self) -> None:
        self._bar.reset(self._task, total=self.total)

    def close(self) -> None:
        self._bar.stop()
