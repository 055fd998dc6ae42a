"""What a dataset is to the bench: ids, samples by id, a fingerprint, and the counts it should have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from consbench.errors import UnknownName
from consbench.types import Sample


class Counts(NamedTuple):
    """How many images, objects and parts; None where nobody published the number."""

    images: int | None
    objects: int | None = None
    parts: int | None = None


class Dataset(Protocol):
    """A sized iterable of samples. Any object with these members can be evaluated.

    Attributes:
        name: what the user calls it ("pascal-part").
        split: the split and subset as one word ("val", "val-paper").
        ids: the image ids, in the order of the run.
        expected: published counts of this split, where there are any.
        missing: files of this split that are absent; empty unless the user allowed it.
    """

    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def expected(self) -> Counts | None: ...
    @property
    def missing(self) -> Sequence[str]: ...

    def load(self, image_id: str, /) -> Sample:
        """Read one sample's annotation. Raises BadSample if it is damaged."""
        ...

    def fingerprint(self, ids: Sequence[str], /) -> str:
        """Hex SHA-256 of these ids and of the annotations behind them."""
        ...

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Sample]: ...


class SampleList:
    """A dataset of samples held in memory, for notebooks and tests.

    >>> len(SampleList([], name="nothing"))
    0
    """

    expected: Counts | None = None
    missing: Sequence[str] = ()

    def __init__(self, samples: Sequence[Sample], *, name: str = "samples", split: str = "all") -> None:
        self.name, self.split = name, split
        self._samples = {sample.image_id: sample for sample in samples}
        if len(self._samples) != len(samples):
            raise ValueError("image ids must differ from one another")

    @property
    def ids(self) -> Sequence[str]:
        return list(self._samples)

    def load(self, image_id: str) -> Sample:
        if image_id not in self._samples:
            raise UnknownName("image", image_id, self._samples)
        return self._samples[image_id]

    def fingerprint(self, ids: Sequence[str]) -> str:
        digests = []
        for image_id in ids:
            digest = hashlib.sha256()
            for obj in self.load(image_id).objects:
                digest.update(repr((obj.object_id, obj.category, obj.mask, obj.crowd, obj.parts)).encode())
            digests.append(digest.hexdigest())
        return fingerprint(ids, digests)

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples.values())


def fingerprint(ids: Sequence[str], digests: Sequence[str]) -> str:
    """Hex SHA-256 of ids with the digests of their annotations; the order of the ids does not matter.

    `digests` holds one digest per id, or the digests of the files that annotate all of them.
    """
    lines = [f"{i}\t{d}" for i, d in zip(ids, digests, strict=True)] if len(ids) == len(digests) else [*ids, *digests]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
