"""A dataset of files on disk: ids known at once, annotations read one image at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from consbench.datasets.base import Counts, fingerprint
from consbench.errors import UnknownName
from consbench.types import Sample, Skip


@dataclass(frozen=True, slots=True)
class LazyDataset:
    """What every loader of this room returns; it fulfils `consbench.datasets.base.Dataset`.

    A variation is made with `dataclasses.replace`, say `replace(dataset, name="mine", expected=None)`.

    Attributes:
        name: what the user calls it ("pascal-part").
        split: the split and subset as one word ("val", "val-paper").
        ids: the image ids, in the order of the run.
        read: reads the sample of one id; raises BadSample if its annotation is damaged.
        digests: hex SHA-256 of the annotation files behind some ids, one per id or one per file.
        expected: the published counts of the complete split, where there are any.
        missing: names of files of this split that are absent; empty unless the user allowed it.
        skipped: annotations that belong to no image, and so to no sample's own list.
    """

    name: str
    split: str
    ids: tuple[str, ...]
    read: Callable[[str], Sample] = field(repr=False)
    digests: Callable[[Sequence[str]], Sequence[str]] = field(repr=False)
    expected: Counts | None = None
    missing: tuple[str, ...] = ()
    skipped: tuple[Skip, ...] = ()
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(self.ids))

    def load(self, image_id: str) -> Sample:
        """Read one sample's annotation; UnknownName for a foreign id, BadSample for damaged files."""
        if image_id not in self._known:
            # A dataset has thousands of ids: the nearest one is a help, the full list is not.
            raise UnknownName(f"image of {self.name} {self.split}", image_id, _near(image_id, self.ids))
        return self.read(image_id)

    def fingerprint(self, ids: Sequence[str]) -> str:
        """Hex SHA-256 of these ids and of the annotation files behind them."""
        return fingerprint(ids, self.digests(ids))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples in order; a damaged one ends the iteration, `load` goes one by one."""
        return map(self.load, self.ids)


def _near(image_id: str, ids: Sequence[str], count: int = 5) -> list[str]:
    def shared(other: str) -> int:
        return sum(a == b for a, b in zip(image_id, other, strict=False))

    return sorted(ids, key=shared, reverse=True)[:count]
