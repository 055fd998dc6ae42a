"""Paths the user named -> runs that may stand in one report, and those that are not finished yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from consbench.errors import UsageError
from consbench.records import is_complete, stored_identity
from consbench.run import Run, open_run


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that is under way or was interrupted: what it is, and how many of its images are done."""

    path: Path
    model: str
    dataset: str
    done: int
    images: int

    def __str__(self) -> str:
        """One line for tables and messages.

        >>> print(Unfinished(Path("runs/a"), "sam", "paco (test)", 3, 10))
        sam on paco (test) is unfinished: 3 of 10 images are done, 7 are missing
        """
        return (
            f"{self.model} on {self.dataset} is unfinished: {self.done} of {self.images} images are done, "
            f"{self.images - self.done} are missing"
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a report is made from.

    Attributes:
        runs: the finished runs, those of one dataset together, in the order they were named.
        unfinished: runs whose numbers do not exist yet.
        mixed: why the runs are not comparable, where the user insisted; "" where they are.
    """

    runs: tuple[Run, ...]
    unfinished: tuple[Unfinished, ...] = ()
    mixed: str = ""


def gather(paths: Sequence[str | Path], *, force: bool = False) -> Inputs:
    """Open run directories, and all runs directly inside directories that are none.

    Raises RecordUnreadable for a path that is neither, UsageError where no run is finished, or where
    runs were made under different protocols; `force` turns that last refusal into `Inputs.mixed`.
    """
    runs: list[Run] = []
    unfinished: list[Unfinished] = []
    for path in (found for named in paths for found in _run_directories(Path(named))):
        if not is_complete(path) and stored_identity(path) is not None:
            unfinished.append(progress_of(path))
        else:
            runs.append(open_run(path))
    if not runs:
        under_way = "; ".join(map(str, unfinished))
        raise UsageError(
            f"there is no finished run to report: {under_way}. Give the same 'consbench run' command again to finish it"
            if unfinished
            else f"{', '.join(map(str, paths))}: no run is in there; 'consbench run' makes one"
        )
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    runs.sort(key=lambda run: datasets.index(run.dataset))
    mixed = _mixed_protocols(runs)
    if mixed and not force:
        raise UsageError(
            f"numbers of different protocols do not belong in one table: {mixed}. "
            f"Report them apart, or give --force to have the report say so on every page"
        )
    return Inputs(tuple(runs), tuple(unfinished), mixed)


def progress_of(path: Path) -> Unfinished:
    """Count the images in the journal of an unfinished run."""
    identity = stored_identity(path)
    if identity is None:
        raise UsageError(f"{path} holds no run")
    about = identity["dataset"]
    done = sum(pq.read_metadata(file).num_rows for file in (path / "journal").glob("[0-9]*[0-9]/images.parquet"))
    return Unfinished(path, identity["model"]["name"], f"{about['name']} ({about['split']})", done, about["images"])


def _run_directories(path: Path) -> list[Path]:
    if path.is_dir() and not is_complete(path) and not (path / "journal").is_dir():
        inside = {file.parent for file in path.glob("*/run.json")} | {
            folder.parent for folder in path.glob("*/journal")
        }
        if inside:
            return sorted(inside)
        if not any(path.iterdir()):
            raise UsageError(f"{path} is empty; 'consbench run' makes a run")
    return [path]


def _mixed_protocols(runs: Sequence[Run]) -> str:
    of: dict[str, Run] = {}
    for run in runs:
        of.setdefault(run.protocol.id, run)
    return "; ".join(f"{run.path.name} has {protocol}" for protocol, run in of.items()) if len(of) > 1 else ""
