"""Where files lie: the layouts a dataset is unpacked in, and what to say when something is absent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from consbench.errors import DataMissing, UnknownName

Candidates = Sequence[Path]


def resolve_root(root: Path | str, dataset: str, layout: str) -> Path:
    """The dataset's folder as a path; DataMissing with the wanted layout where there is none."""
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DataMissing(f"there is no folder {path} to read {dataset} from. Wanted:\n{layout}")
    return path


def first_existing(candidates: Candidates, what: str, layout: str) -> Path:
    """The first of some paths that exists; DataMissing that names them all where none does."""
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = "".join(f"\n    {candidate}" for candidate in candidates)
    raise DataMissing(f"found no {what}. Looked for:{looked}\nWanted:\n{layout}")


def check_split(dataset: str, split: str, known: Iterable[str]) -> None:
    """Raise UnknownName unless `split` is one of the known ones."""
    known = list(known)
    if split not in known:
        raise UnknownName(f"split of {dataset}", split, known)


def file_names(folder: Path, suffix: str = "") -> frozenset[str]:
    """The names in a folder that end in `suffix`; empty where there is no such folder.

    Names that start with a dot are left out: macOS puts a `._` twin beside every file it packs.
    """
    if not folder.is_dir():
        return frozenset()
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return frozenset(name for name in names if name.endswith(suffix) and not name.startswith("."))


def locate(names: Iterable[Sequence[str]], folders: Candidates) -> list[Path | None]:
    """Find files in some folders; each is given by the relative names it may have, best first.

    One listing per folder in place of a question per file: a set of 100,000 images on a network
    drive is then a matter of a second. A file that is nowhere comes back as None.
    """
    listing = cache(file_names)

    def find(alternatives: Sequence[str]) -> Path | None:
        for relative in alternatives:
            for folder in folders:
                path = folder / relative
                if path.name in listing(path.parent):
                    return path
        return None

    return [find(alternatives) for alternatives in names]


def require_complete(
    dataset: str, root: Path, missing: Sequence[str], found: int, *, allow_missing: bool, some: int = 5
) -> None:
    """Refuse an incomplete copy unless that was allowed, and an empty one always.

    Args:
        dataset: its name and split, for the message.
        root: where it was looked for.
        missing: the names of the absent files.
        found: how many images remain.
        allow_missing: go on with these images.
        some: how many names the message gives.

    Raises DataMissing.
    """
    if not missing and found:
        return
    named = ", ".join(missing[:some]) + (", …" if len(missing) > some else "")
    verb = "file is" if len(missing) == 1 else "files are"
    count = f"{len(missing):,} {verb} missing ({named})" if missing else "it lists no image"
    if not found:
        raise DataMissing(f"{dataset} under {root} has no complete image: {count}")
    if not allow_missing:
        raise DataMissing(
            f"{dataset} under {root} is incomplete: {count}; {found:,} of its images are complete. "
            f"Finish the copy, or go on with these images: --allow-missing (in Python, allow_missing=True)"
        )


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
