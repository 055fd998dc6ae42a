"""Progress on the error stream: a bar with ETA at a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0
Report = Callable[[int, int], None]


@contextmanager
def progress(label: str, *, quiet: bool = False, unit: str = "images") -> Iterator[Report]:
    """Yield a function to call with (done, total); what takes under a second prints nothing at all."""
    console = Console(stderr=True)
    if quiet:
        yield lambda done, total: None
    elif console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bars:
            task = bars.add_task(label, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    else:
        yield _Lines(label, unit)


class _Lines:
    def __init__(self, label: str, unit: str) -> None:
        self._label, self._unit = label, unit
        self._began: float | None = None
        self._first = 0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = self._printed = now
            self._first = done
        if now - self._printed < SECONDS_BETWEEN_LINES:
            return
        self._printed = now
        speed = (done - self._first) / (now - self._began)
        eta = f", about {_duration((total - done) / speed)} left" if speed else ""
        click.echo(f"{self._label}: {done} of {total} {self._unit}{eta}", err=True)


def _duration(seconds: float) -> str:
    """Format a duration for a human.

    >>> _duration(42), _duration(3660)
    ('42 s', '1 h 01 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
