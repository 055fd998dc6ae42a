"""Which runs may be compared, and on which clicks: one protocol, one set of images, the same clicks.

The rule for failures: a click that any of the compared models failed on is left out for all of them, and
counted. A model is thus neither punished nor rewarded for an error that is not about masks, and all are
measured on the same clicks. What a model fails on is no random sample, so the count belongs beside the
numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consbench.errors import RecordMismatch, UsageError
from consbench.masks import BoolArray
from consbench.metrics.unpack import find_rows, group, places
from consbench.ordering import Order
from consbench.run import Run

NAMED = 3  # ids that a message names before it counts the rest


class Contestant(NamedTuple):
    """One run in one order of outputs, under the name it has in the comparison."""

    label: str
    run: Run
    order: Order


class Field(NamedTuple):
    """The contestants on one dataset, and the clicks they are compared on.

    Attributes:
        dataset: name and split.
        contestants: in the order they were given.
        among: for each contestant, which rows of its `first_clicks` count.
        images, objects, clicks: how many are compared on.
        failed: how many clicks were left out because the model of that label failed on them.
        unshared: how many were left out because not all were asked; 0 unless forced.
        forced: what differs, and was allowed to.
    """

    dataset: str
    contestants: tuple[Contestant, ...]
    among: tuple[BoolArray, ...]
    images: int
    objects: int
    clicks: int
    failed: dict[str, int]
    unshared: int
    forced: tuple[str, ...]


def fields(runs: Sequence[Run], orders: Sequence[Order], *, force: bool = False) -> list[Field]:
    """Sort runs by dataset and pair their clicks.

    Args:
        runs: of any number of models and datasets.
        orders: of outputs; each run takes part in each of them, or in its own where there is none.
        force: compare what differs all the same, on the clicks that all have; what differs is kept as text.

    Raises UsageError where no dataset has two contestants, RecordMismatch where protocols, images,
    annotations or clicks differ.
    """
    contestants = _labelled([(run, order) for run in runs for order in orders or (run.default_order,)])
    by_dataset: dict[str, list[Contestant]] = {}
    for contestant in contestants:
        by_dataset.setdefault(contestant.run.dataset, []).append(contestant)
    shared = {dataset: found for dataset, found in by_dataset.items() if len(found) > 1}
    if not shared:
        ran = "; ".join(f"{c.label} ran on {c.run.dataset}" for c in contestants)
        if not force or len(contestants) < 2:
            raise UsageError(f"a comparison needs two runs on one dataset: {ran or 'there is none'}")
        return [_paired(" / ".join(by_dataset), contestants, [ran], force=True)]
    return [_paired(dataset, found, [], force=force) for dataset, found in shared.items()]


def _labelled(entries: Sequence[tuple[Run, Order]]) -> list[Contestant]:
    """Name each by its model; by its order and by what is its own in its path where that does not suffice."""
    given = Counter((run.path.resolve(), order) for run, order in entries)
    for (path, order), times in given.items():
        if times > 1:
            raise UsageError(f"{path} is given {times} times in the order {order}; a run has no difference from itself")
    several = {run.path for run, _ in entries if len({order for other, order in entries if other.path == run.path}) > 1}
    paths: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for path in dict.fromkeys(run.path.resolve() for run, _ in entries):
        run = next(run for run, _ in entries if run.path.resolve() == path)
        paths.setdefault((run.dataset, run.model), []).append(path.parts)
    contestants = []
    for run, order in entries:
        label = run.model + ("*" if run.manifest["privileged"] else "")
        if place := _own_part(run.path.resolve().parts, paths[run.dataset, run.model]):
            label += f" [{place}]"
        if run.path in several:
            label += f" [{order}]"
        contestants.append(Contestant(label, run, order))
    return contestants


def _own_part(path: Sequence[str], paths: Sequence[Sequence[str]]) -> str:
    """What tells a path from the others: its last part that differs, or all of it; nothing where it is alone.

    >>> _own_part(("runs", "before", "sam"), [("runs", "before", "sam"), ("runs", "after", "sam")])
    'before'
    """
    if len(paths) < 2:
        return ""
    for back in range(1, min(map(len, paths)) + 1):
        if len({other[-back] for other in paths}) == len(paths):
            return path[-back]
    return "/".join(path)


def _paired(dataset: str, contestants: Sequence[Contestant], forced: list[str], *, force: bool) -> Field:
    first = contestants[0]
    tables = [c.run.first_clicks for c in contestants]
    for contestant, table in zip(contestants[1:], tables[1:], strict=True):
        for difference in _differences(first, contestant, tables[0], table):
            if not force:
                raise RecordMismatch(
                    f"{first.label} and {contestant.label} cannot be compared on {dataset}: {difference}. "
                    "--force (force=True) compares them all the same and says so"
                )
            forced.append(f"{first.label} and {contestant.label}: {difference}")
    keys = _keys(tables)
    answered = [np.asarray(pc.equal(table["status"], "ok")) for table in tables]
    asked = _in_all(keys, [np.ones(len(ok), bool) for ok in answered])
    among = _in_all(keys, answered)
    counts = {c.label: int((a & ~ok).sum()) for c, a, ok in zip(contestants, asked, answered, strict=True)}
    failed = {label: count for label, count in counts.items() if count}
    rows = tables[0].filter(pa.array(among[0]))
    if not rows.num_rows:
        why = "; ".join(f"{label} failed on {count}" for label, count in failed.items()) or "none was asked of all"
        raise UsageError(f"no click of {dataset} was answered by all of the compared models: {why}")
    return Field(
        dataset,
        tuple(contestants),
        tuple(among),
        images=pc.count_distinct(rows["image_id"]).as_py(),
        objects=rows.group_by(["image_id", "object_id"]).aggregate([]).num_rows,
        clicks=rows.num_rows,
        failed=failed,
        unshared=len(group(*map(np.concatenate, zip(*keys, strict=True)))[0]) - int(asked[0].sum()),
        forced=tuple(forced),
    )


def _differences(a: Contestant, b: Contestant, clicks_a: pa.Table, clicks_b: pa.Table) -> Iterator[str]:
    """What makes two runs incomparable, the gravest first; nothing where they may be compared."""
    if a.run.protocol.id != b.run.protocol.id:
        one, other = a.run.protocol.to_dict(), b.run.protocol.to_dict()
        fields_unlike = [f"{k} is {one[k]!r} there and {other[k]!r} here" for k in one if one[k] != other[k]]
        why = "; ".join(fields_unlike) or "the rules of the protocol changed between them"
        yield f"their protocols differ ({a.run.protocol.id}, {b.run.protocol.id}): {why}"
    images_a, images_b = (set(pc.unique(table["image_id"]).to_pylist()) for table in (clicks_a, clicks_b))
    if images_a != images_b:
        sides = [(a.label, images_a - images_b), (b.label, images_b - images_a)]
        yield "their images differ: " + "; ".join(f"only {label} has {_some(ids)}" for label, ids in sides if ids)
    if unlike := _unlike(clicks_a, clicks_b, ["object_category", "part_category", "object_area", "part_area"]):
        yield f"the annotations differ: {unlike}"
    elif unlike := _unlike(clicks_a, clicks_b, ["x", "y"]):
        yield f"the clicks differ: {unlike}"
    elif images_a == images_b and _fingerprint(a) != _fingerprint(b):
        yield "the fingerprints of the dataset differ, though not in what was clicked: the masks are others"


def _unlike(clicks_a: pa.Table, clicks_b: pa.Table, columns: Sequence[str]) -> str:
    """Name the clicks on shared images that only one run has, or whose columns differ."""
    keys_a, keys_b = _keys([clicks_a, clicks_b])
    row_in_b = find_rows(keys_b, keys_a)
    shared_a = np.asarray(pc.is_in(clicks_a["image_id"], value_set=pc.unique(clicks_b["image_id"])))
    shared_b = np.asarray(pc.is_in(clicks_b["image_id"], value_set=pc.unique(clicks_a["image_id"])))
    lone_a = clicks_a.filter(pa.array(shared_a & (row_in_b < 0)))
    lone_b = clicks_b.filter(pa.array(shared_b & (find_rows(keys_a, keys_b) < 0)))
    if lone_a.num_rows or lone_b.num_rows:
        counts = f"{lone_a.num_rows} clicks are only in the first, {lone_b.num_rows} only in the second"
        return f"{counts}, such as {_click(lone_a if lone_a.num_rows else lone_b)}"
    both_a = clicks_a.filter(pa.array(row_in_b >= 0))
    both_b = clicks_b.take(pa.array(row_in_b[row_in_b >= 0]))
    for column in columns:
        unlike = pc.not_equal(both_a[column], both_b[column])
        if count := pc.sum(unlike).as_py():
            one, other = both_a.filter(unlike), both_b.filter(unlike)
            values = f"{column} is {one[column][0].as_py()!r} and {other[column][0].as_py()!r}"
            return f"{values} of {_click(one)}" + (f", and {count - 1} more" if count > 1 else "")
    return ""


def _keys(tables: Sequence[pa.Table]) -> list[list[np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """Image, object and part of each click as integer columns that mean the same in all tables."""
    texts = sorted({text for table in tables for text in pc.unique(table["image_id"]).to_pylist()})
    return [[places(t["image_id"], texts), t["object_id"].to_numpy(), t["part_id"].to_numpy()] for t in tables]


def _in_all(
    keys: Sequence[list[np.ndarray[tuple[int], np.dtype[np.int64]]]], chosen: Sequence[BoolArray]
) -> list[BoolArray]:
    """For each table, which of its rows are chosen in every table."""
    found = []
    for own, mine in zip(keys, chosen, strict=True):
        everywhere = mine.copy()
        for other, theirs in zip(keys, chosen, strict=True):
            if other is not own:
                row = find_rows(other, own)
                everywhere &= (row >= 0) & theirs[row]
        found.append(everywhere)
    return found


def _fingerprint(contestant: Contestant) -> str:
    return str(contestant.run.manifest["identity"]["dataset"]["fingerprint"])


def _click(rows: pa.Table) -> str:
    row = rows.slice(0, 1).to_pylist()[0]
    return f"image {row['image_id']}, object {row['object_id']}, part {row['part_id']}"


def _some(ids: set[str]) -> str:
    named = ", ".join(sorted(ids)[:NAMED])
    return named + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
