"""What is finished so far: a folder of small files beside the output, filled by any number of processes.

    labels.parquet.unfinished/
        identity.json          the job; a process of another job is refused
        <digest>.parquet       the finished images of one stretch of work: outcomes in the metadata, objects as rows

A file is there whole or not at all, and says itself which images it holds, so the division into shards may
change from one attempt to the next. Which files the images came in leaves no trace in the output.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consbench.errors import RecordMismatch, RecordUnreadable, UsageError
from consbench.files import replacing
from consbench.records import differences
from consbench_reference_training.pseudo_parts import table
from consbench_reference_training.pseudo_parts.table import About, Row

IMAGES_AT_A_TIME = 1024  # when merging; with a share of all images this bounds memory and the number of readings
SHARE_AT_A_TIME = 1 / 16


class Outcome(NamedTuple):
    """What became of one image.

    skipped     why the image could not be used; "" where it could
    objects     that the source has on it
    left_out    annotations that the source left out, with a reason of its own
    one_part    objects discarded because they have fewer than two parts
    parts       of the objects that were kept
    slivers     parts that were too small
    """

    image_id: str
    skipped: str = ""
    objects: int = 0
    left_out: int = 0
    one_part: int = 0
    parts: int = 0
    slivers: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """The `index`-th of `count` processes that share a job, counted from 0.

    >>> Shard.parse("1/3").of(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse "i/n". Raises UsageError unless 0 <= i < n."""
        index, slash, count = text.partition("/")
        if not slash or not index.isdecimal() or not count.isdecimal() or not int(index) < int(count):
            raise UsageError(f"a shard is written i/n and counted from 0, so 0/8 to 7/8 are the 8 shards; got '{text}'")
        return cls(int(index), int(count))

    def of(self, ids: Sequence[str]) -> list[str]:
        """This shard's ids: every `count`-th of all, so that sets of large images are shared as well."""
        return list(ids[self.index :: self.count])


def folder_of(out: Path) -> Path:
    """Where the batches of an output lie while it is unfinished."""
    return out.with_name(out.name + ".unfinished")


def claim(out: Path, identity: Mapping[str, Any]) -> bool:
    """Prepare the folder of batches; False where `out` is this job, finished.

    Raises RecordMismatch where `out` or the folder belongs to another job, RecordUnreadable where `out`
    is another file.
    """
    if out.exists():
        _refuse_other(out, table.read_about(out).identity, identity)
        return False
    folder = folder_of(out)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "identity.json"
    if note.is_file():
        _refuse_other(folder, json.loads(note.read_text(encoding="utf-8")), identity)
    else:
        with replacing(note) as temporary:
            temporary.write_text(json.dumps(identity, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return True


def _refuse_other(where: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if differing := differences(found, wanted):
        raise RecordMismatch(
            f"{where} holds labels of another job: {'; '.join(differing[:4])}. "
            f"Name another file with --out, or remove {where}"
        )


def save(folder: Path, outcomes: Sequence[Outcome], rows: Sequence[Row]) -> None:
    """Write one batch; nothing happens where there are no outcomes."""
    if outcomes:
        digest = hashlib.sha256("\n".join(outcome.image_id for outcome in outcomes).encode()).hexdigest()
        found = pa.Table.from_pylist(list(rows), schema=table.SCHEMA)
        table.write(folder / f"{digest[:24]}.parquet", [found], {"outcomes": [list(o) for o in outcomes]})


def finished(folder: Path) -> dict[str, tuple[Outcome, Path]]:
    """The images that are done: what became of each, and the batch it is in. Damaged batches do not count."""
    done: dict[str, tuple[Outcome, Path]] = {}
    for batch in sorted(folder.glob("*.parquet")):
        try:
            outcomes = table.content(table.read_metadata(batch))["outcomes"]
        except RecordUnreadable:
            continue
        done |= {outcome[0]: (Outcome(*outcome), batch) for outcome in outcomes}
    return done


def merge(out: Path, identity: Mapping[str, Any], done: Mapping[str, tuple[Outcome, Path]]) -> About:
    """Write the one file of a job whose images are all done, and drop the batches.

    Several processes may merge at once; they write the same bytes. Raises UsageError where no object has two parts.
    """
    outcomes = [done[image_id][0] for image_id in sorted(done)]
    about = About(dict(identity), _counts(outcomes), [[o.image_id, o.skipped] for o in outcomes if o.skipped])
    _refuse_nothing(about)
    try:
        table.write(out, _sorted_tables(done), about._asdict())
    except FileNotFoundError:
        if not out.exists():  # another process was first, and its batches are gone
            raise
    shutil.rmtree(folder_of(out), ignore_errors=True)
    return about


def _sorted_tables(done: Mapping[str, tuple[Outcome, Path]]) -> Iterator[pa.Table]:
    ids = sorted(done)
    step = max(IMAGES_AT_A_TIME, int(len(ids) * SHARE_AT_A_TIME))
    for start in range(0, len(ids), step):
        of_batch: dict[Path, list[str]] = {}
        for image_id in ids[start : start + step]:
            of_batch.setdefault(done[image_id][1], []).append(image_id)
        rows = [_rows_of(batch, some) for batch, some in of_batch.items()]
        yield pa.concat_tables(rows).sort_by([("image_id", "ascending"), ("object_id", "ascending")]).combine_chunks()


def _rows_of(batch: Path, ids: Sequence[str]) -> pa.Table:
    rows = pq.read_table(batch, memory_map=False).replace_schema_metadata(None)
    return rows.filter(pc.is_in(rows["image_id"], value_set=pa.array(ids, pa.string())))


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for outcome in outcomes:
        sums.update({name: getattr(outcome, name) for name in Outcome._fields[2:]})
    kept = sums["objects"] - sums["one_part"]
    return {
        "images": len(outcomes),
        "images_skipped": sum(bool(o.skipped) for o in outcomes),
        **sums,
        "objects_kept": kept,
    }


def _refuse_nothing(about: About) -> None:
    counts = about.counts
    if counts["objects_kept"]:
        return
    first = f" (the first, '{about.skipped[0][0]}': {about.skipped[0][1]})" if about.skipped else ""
    raise UsageError(
        f"no object has two parts, so there are no labels to write: of {counts['images']} images "
        f"{counts['images_skipped']} could not be used{first}; the others have {counts['objects']} objects, all of "
        f"fewer than two parts ({counts['slivers']} slivers were dropped, {counts['left_out']} annotations were left "
        "out by the source). Look at some with --preview FILE.png; with other options, name another file with --out"
    )
