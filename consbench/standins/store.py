"""Writing a stand-in data set to disk, whole or not at all, and finding it again."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from consbench.errors import UnknownName, UsageError
from consbench.standins import layouts
from consbench.standins.scenes import Profile, Scene, scene

VERSION = 1
"""Version of the generator: raised with every change that changes a byte of what it draws."""

MANIFEST = "standin.json"

Like = Literal["pascal-part", "partimagenet", "paco"]
PROFILE_OF: dict[Like, Profile] = {"pascal-part": "several", "partimagenet": "single", "paco": "clutter"}
EVALUATED: dict[Like, str] = {"pascal-part": "val", "partimagenet": "test", "paco": "test"}
"""The split that the evaluation uses, which alone shows held-out kinds."""

_WRITERS = {"pascal-part": layouts.pascal_part, "partimagenet": layouts.partimagenet, "paco": layouts.paco}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stand-in folder holds: the arguments it was made with, and what came of them.

    Equal arguments, `generator` among them, give equal files.
    """

    generator: int
    like: Like
    split: str
    images: int
    seed: int
    size: int
    objects: int = 0
    parts: int = 0

    @property
    def arguments(self) -> dict[str, Any]:
        """What decides every byte; the counts follow from it."""
        return {name: value for name, value in asdict(self).items() if name not in ("objects", "parts")}


def write(
    like: Like,
    to: Path,
    *,
    images: int,
    seed: int,
    size: int = 192,
    split: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Manifest:
    """Draw a data set and write it in the layout of the one it is like.

    Nothing is seen at `to` before all is written. A complete set of the same arguments is left as it is.

    Args:
        like: the data set whose layout and manner it takes.
        to: the folder to make; it may exist if it is empty.
        images: how many, at least 1.
        seed: names the stream; see `consbench.standins.scene`.
        size: the long side of every image in pixels, at least 64.
        split: "train", or the split that is evaluated ("val" of Pascal Part, "test" of the others; the
            default), which also shows kinds that training never does.
        progress: called with (images done, images in all).

    Raises UnknownName for another `like` or split, UsageError for numbers out of range or where `to`
    holds something else.
    """
    if like not in PROFILE_OF:
        raise UnknownName("data set to be like", like, get_args(Like))
    chosen = EVALUATED[like] if split is None else split
    if chosen not in ("train", EVALUATED[like]):
        raise UnknownName(f"stand-in split of {like}", chosen, ("train", EVALUATED[like]))
    if images < 1 or seed < 0 or size < 64:
        raise UsageError(
            f"a stand-in needs images >= 1, seed >= 0 and size >= 64; got images={images}, seed={seed}, size={size}"
        )
    wanted = Manifest(VERSION, like, chosen, images, seed, size)
    if (found := _found(to, wanted)) is not None:
        return found
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    try:
        counted = _Counted(wanted, progress)
        _WRITERS[like](draft, counted.scenes(), chosen)
        manifest = counted.manifest()
        (draft / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
        draft.chmod(0o755)  # mkdtemp's folders are closed to others
        try:
            draft.rename(to)
        except OSError:
            # Another process may have finished the same set first; then it is as good as ours.
            if (found := _found(to, wanted)) is None:
                raise
            return found
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def default_cache() -> Path:
    """Where stand-ins are kept: `consbench/standins` in $XDG_CACHE_HOME, or in ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative values ignored.
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    return base / "consbench" / "standins"


class _Counted:
    """Draws the scenes of a manifest and counts what they hold."""

    def __init__(self, wanted: Manifest, progress: Callable[[int, int], object] | None) -> None:
        self._wanted, self._progress = wanted, progress
        self._objects = self._parts = 0

    def scenes(self) -> Iterator[Scene]:
        wanted = self._wanted
        held_out = wanted.split == EVALUATED[wanted.like]
        for index in range(wanted.images):
            drawn = scene(PROFILE_OF[wanted.like], wanted.seed, index, size=wanted.size, held_out=held_out)
            self._objects += len(drawn.objects)
            self._parts += sum(len(obj.parts) for obj in drawn.objects)
            yield drawn
            if self._progress is not None:
                self._progress(index + 1, wanted.images)

    def manifest(self) -> Manifest:
        return Manifest(**self._wanted.arguments, objects=self._objects, parts=self._parts)


def _found(to: Path, wanted: Manifest) -> Manifest | None:
    """The complete set at `to` if it is the wanted one; None if there is nothing."""
    if not to.exists():
        return None
    if not to.is_dir():
        raise UsageError(f"{to} is a file; name a folder for the stand-in to be written to")
    path = to / MANIFEST
    if not path.is_file():
        if not any(to.iterdir()):
            return None
        raise UsageError(f"{to} holds other files and no {MANIFEST}; name a new or an empty folder")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = Manifest(**content)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} cannot be read ({error}); remove the folder {to} or name another") from error
    differing = [
        f"{name} {content[name]!r} where {value!r} is wanted"
        for name, value in wanted.arguments.items()
        if content[name] != value
    ]
    if differing:
        raise UsageError(
            f"{to} holds another stand-in: {', '.join(differing)}; name another folder, or remove this one"
        )
    return found
