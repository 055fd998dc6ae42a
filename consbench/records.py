"""The record: a run directory on disk. Touches disk (write), git and versions; knows no metric.

    runs/<name>/
        run.json         what was asked, what it resolved to, counts; written last, so it means "complete"
        clicks.parquet   one row per click, sorted by ids
        pairs.parquet    one row per pair of answered clicks that are compared, sorted by ids
        masks.parquet    the K masks of each answered click, run-length encoded (unless switched off)
        journal/         only while a run is under way: identity.json and one folder per batch of images

A batch of images is written into a temporary folder and renamed, so it is there whole or not at all. The
final tables are sorted by ids and hold nothing of time or machine: the same run in any number of batches,
with any interruptions, gives the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consbench.errors import RecordMismatch, RecordUnreadable
from consbench.files import replacing

FORMAT = 1
TABLES = ("clicks", "pairs", "masks")

_IDS = [("image_id", pa.string()), ("object_id", pa.int64()), ("part_id", pa.int64()), ("click", pa.int32())]
_PER_OUTPUT, _PER_PAIR_OF_OUTPUTS = pa.list_(pa.float64()), pa.list_(pa.float64())
SCHEMAS: Mapping[str, pa.Schema] = {
    "clicks": pa.schema(
        [
            *_IDS,
            ("object_category", pa.string()),
            ("part_category", pa.string()),
            ("x", pa.int32()),
            ("y", pa.int32()),
            ("k", pa.int32()),
            ("status", pa.string()),
            ("reason", pa.string()),
            ("iou_object", _PER_OUTPUT),
            ("iou_part", _PER_OUTPUT),
            ("area", pa.list_(pa.int64())),
            ("score", _PER_OUTPUT),
            ("other_area", pa.list_(pa.int64())),
            ("others", pa.list_(pa.int64())),
            ("iou_outputs", _PER_PAIR_OF_OUTPUTS),
            ("object_area", pa.int64()),
            ("part_area", pa.int64()),
            ("height", pa.int32()),
            ("width", pa.int32()),
        ]
    ),
    "pairs": pa.schema(
        [
            *_IDS[:2],
            ("part_a", pa.int64()),
            ("click_a", pa.int32()),
            ("part_b", pa.int64()),
            ("click_b", pa.int32()),
            ("iou", _PER_PAIR_OF_OUTPUTS),
        ]
    ),
    "masks": pa.schema([*_IDS, ("height", pa.int32()), ("width", pa.int32()), ("counts", pa.list_(pa.binary()))]),
    "images": pa.schema(
        [
            ("image_id", pa.string()),
            ("status", pa.string()),
            ("reason", pa.string()),
            ("dropped", pa.list_(pa.list_(pa.string()))),
            ("seconds", pa.float64()),
        ]
    ),
}
_SORT = {"pairs": ["image_id", "object_id", "part_a", "click_a", "part_b", "click_b"], "images": ["image_id"]}
_Row = dict[str, Any]


@dataclass(slots=True)
class ImageRows:
    """What one image adds to the tables.

    Attributes:
        image: status "ok", "unclicked" (nothing to click on), "failed" (the model's fault) or "skipped" (the
            data's), the reason,
            annotations dropped by the loader, and seconds.
        clicks, pairs, masks: rows of the tables.
    """

    image: _Row
    clicks: list[_Row] = field(default_factory=list)
    pairs: list[_Row] = field(default_factory=list)
    masks: list[_Row] = field(default_factory=list)


class Journal:
    """The unfinished part of a run directory: append images, then complete.

    Opening a directory that holds the same run, unfinished, continues it: `done` names the images that
    need not be computed again.

    Args:
        path: the run directory; made where it is absent.
        identity: what makes two runs the same run (model, dataset, protocol …), JSON-able.

    Raises RecordMismatch where the directory holds a different run or other files.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path, self._folder = path, path / "journal"
        self._pending: list[ImageRows] = []
        refuse_other_run(path, identity)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_json(self._folder / "identity.json", identity)
        for draft in [*path.glob("*.tmp"), *self._folder.glob("*.tmp")]:
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
        self._batches = sorted(p for p in self._folder.iterdir() if p.is_dir())
        self.done = {i for batch in self._batches for i in _read(batch / "images.parquet")["image_id"].to_pylist()}

    def append(self, rows: ImageRows) -> None:
        """Take one image; it is on disk after the next `flush`."""
        self._pending.append(rows)
        self.done.add(rows.image["image_id"])

    def flush(self) -> None:
        """Write the pending images as one batch, whole or not at all."""
        if not self._pending:
            return
        number = 1 + max((int(batch.name) for batch in self._batches), default=0)
        batch, temporary = self._folder / f"{number:06d}", self._folder / f"{number:06d}.tmp"
        temporary.mkdir()
        rows: dict[str, list[_Row]] = {
            "images": [p.image for p in self._pending],
            "clicks": [r for p in self._pending for r in p.clicks],
            "pairs": [r for p in self._pending for r in p.pairs],
            "masks": [r for p in self._pending for r in p.masks],
        }
        for name, table in rows.items():
            _write(temporary / f"{name}.parquet", pa.Table.from_pylist(table, schema=SCHEMAS[name]))
        temporary.rename(batch)
        _sync(self._folder)
        self._batches.append(batch)
        self._pending = []

    @property
    def clicks(self) -> int:
        """How many clicks are on disk."""
        return sum(pq.read_metadata(batch / "clicks.parquet").num_rows for batch in self._batches)

    def images(self) -> list[_Row]:
        """The rows of all images on disk, sorted by id."""
        rows: list[_Row] = self._gather("images").to_pylist()
        return rows

    def complete(self, manifest: Mapping[str, Any], *, masks: bool) -> None:
        """Write the sorted tables, then `run.json`, then drop the journal."""
        self.flush()
        for name in TABLES:
            if name != "masks" or masks:
                _write(self.path / f"{name}.parquet", self._gather(name))
        write_json(self.path / "run.json", manifest)
        shutil.rmtree(self._folder)

    def _gather(self, name: str) -> pa.Table:
        empty = SCHEMAS[name].empty_table()
        tables = [_read(batch / f"{name}.parquet") for batch in self._batches]
        keys = _SORT.get(name, [key for key, _ in _IDS])
        return pa.concat_tables([empty, *tables]).sort_by([(key, "ascending") for key in keys]).combine_chunks()


def refuse_other_run(path: Path, identity: Mapping[str, Any]) -> None:
    """Raise RecordMismatch unless `path` is absent, empty or holds the run of this identity."""
    if not path.exists():
        return
    found = stored_identity(path)
    if found is None:
        # A run that was killed before it said what it is leaves drafts, and folders without a file.
        strangers = sorted(
            {f.relative_to(path).parts[0] for f in path.rglob("*") if f.is_file() and f.suffix != ".tmp"}
        )
        if strangers:
            raise RecordMismatch(
                f"{path} is not a run directory: it holds {', '.join(strangers[:3])}. Name another with --out"
            )
        return
    differing = differences(found, _as_json(identity))
    if differing:
        raise RecordMismatch(
            f"{path} holds another run: {'; '.join(differing[:4])}. "
            f"Name another directory with --out, or replace this run with --overwrite"
        )


def stored_identity(path: Path) -> dict[str, Any] | None:
    """What the run in `path` is, finished or not; None where there is none."""
    for file, key in ((path / "run.json", "identity"), (path / "journal" / "identity.json", None)):
        if file.is_file():
            content = _read_json(file)
            identity: dict[str, Any] = content[key] if key else content
            return identity
    return None


def is_complete(path: Path) -> bool:
    """Whether `path` holds a finished run."""
    return (path / "run.json").is_file()


def read_manifest(path: Path) -> dict[str, Any]:
    """Read `run.json`. Raises RecordUnreadable for what is no finished run, saying what it is instead."""
    if not path.is_dir():
        raise RecordUnreadable(f"there is no run directory {path}")
    if not is_complete(path):
        if (path / "journal").is_dir():
            raise RecordUnreadable(
                f"{path} is an unfinished run; give the same 'consbench run' command again to finish it"
            )
        raise RecordUnreadable(f"{path} is not a run directory: it has no run.json")
    manifest = _read_json(path / "run.json")
    if manifest.get("format") != FORMAT:
        raise RecordUnreadable(f"{path} has record format {manifest.get('format')}; this version reads format {FORMAT}")
    return manifest


def read_table(path: Path, name: str) -> pa.Table:
    """Read one table of a finished run. Raises RecordUnreadable where the file is absent or damaged."""
    file = path / f"{name}.parquet"
    if not file.is_file():
        hint = " (the run was made without masks)" if name == "masks" else ""
        raise RecordUnreadable(f"{path} has no {name}.parquet{hint}")
    try:
        return _read(file)
    except (pa.ArrowException, OSError) as error:
        raise RecordUnreadable(f"{file} is damaged: {error}") from error


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write JSON in one step: the file is the old one or the new one, never half of it. NaN is refused."""
    with replacing(file) as draft, draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def differences(found: Any, wanted: Any, where: str = "") -> list[str]:
    """What differs between two trees of JSON, as phrases for a refusal.

    >>> differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})
    ['a.c is 2 there, 3 was asked for']
    """
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        keys = sorted({*found, *wanted})
        return [d for key in keys for d in differences(found.get(key), wanted.get(key), f"{where}.{key}".lstrip("."))]
    return [] if found == wanted else [f"{where} is {found!r} there, {wanted!r} was asked for"]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RecordUnreadable(f"{file} is damaged: {error}") from error
    return content


def _as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def _read(file: Path) -> pa.Table:
    return pq.read_table(file, memory_map=False)


def _write(file: Path, table: pa.Table) -> None:
    with replacing(file) as draft:
        pq.write_table(table, draft, compression="zstd", row_group_size=1 << 20)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
