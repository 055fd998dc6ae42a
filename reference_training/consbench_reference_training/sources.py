"""What is trained on: datasets of the bench, and drawn scenes kept in one compact file.

Comes in: references of datasets, or numbers for stand-ins. Goes out: datasets as in
`consbench.datasets.base`, and their images divided into two halves, one to learn from and one to look at.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as PILImage

from consbench import registry
from consbench.datasets.base import Counts, Dataset, fingerprint
from consbench.errors import UnknownName, UsageError
from consbench.files import replacing
from consbench.masks import Mask
from consbench.registry import Reference
from consbench.standins import scene
from consbench.standins.store import VERSION, default_cache
from consbench.types import Object, Part, Sample
from consbench_reference_training.config import Data, Standins
from consbench_reference_training.pseudo_parts import dataset as weak_labels

Progress = Callable[[int, int], None]

_PART = pa.struct([("part_id", pa.int32()), ("category", pa.string()), ("counts", pa.binary())])
_OBJECT = pa.struct(
    [("object_id", pa.int32()), ("category", pa.string()), ("counts", pa.binary()), ("parts", pa.list_(_PART))]
)
_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("jpeg", pa.binary()),
        ("objects", pa.list_(_OBJECT)),
    ]
)
_ROWS_AT_A_TIME = 200


class Split(NamedTuple):
    """The images of one dataset, divided: those that are learnt from, and those kept for validation."""

    dataset: Dataset
    train: tuple[str, ...]
    validation: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What the record keeps of it: counts, and fingerprints of ids and annotations of both halves."""
        return {
            "dataset": f"{self.dataset.name} ({self.dataset.split})",
            "train_images": len(self.train),
            "validation_images": len(self.validation),
            "train_fingerprint": self.dataset.fingerprint(self.train),
            "validation_fingerprint": self.dataset.fingerprint(self.validation),
        }


def open_sources(data: Data, seed: int, *, cache: Path | None = None, progress: Progress | None = None) -> list[Split]:
    """Open everything a recipe trains on, drawing stand-ins where the cache lacks them.

    Raises UsageError where there is nothing to train on; DataMissing and others where a dataset cannot be opened.
    """
    refuse_nothing(data)
    datasets: list[Dataset] = [registry.build("dataset", Reference.parse(text)) for text in data.sources]
    if data.standins.images:
        drawn = draw_standins(data.standins, cache=cache, progress=progress)
        labels = data.standins.labels
        datasets.append(weak_labels.attach(Path(labels), drawn) if labels else drawn)
    return [split(dataset, data.validation_share, seed) for dataset in datasets]


def refuse_nothing(data: Data) -> None:
    """Raise UsageError where a recipe names nothing to train on."""
    if not data.sources and not data.standins.images:
        raise UsageError(
            "data.sources is empty and data.standins.images is 0: there is nothing to train on. Name a dataset with "
            "--data REF, for instance the file of weak labels that 'consbench pseudo-parts' wrote"
        )


def split(dataset: Dataset, validation_share: float, seed: int) -> Split:
    """Divide a dataset's images at random; at least one on either side.

    The ids are sorted first, so that the division depends on them and on the seed alone.

    Raises UsageError for a dataset of fewer than two images.
    """
    ids = sorted(dataset.ids)
    if len(ids) < 2:
        raise UsageError(
            f"{dataset.name} ({dataset.split}) has {len(ids)} images; at least 2 are needed, to train and to validate"
        )
    order = np.random.default_rng([seed, 80, 20]).permutation(len(ids)).tolist()
    kept = min(max(1, round(len(ids) * validation_share)), len(ids) - 1)
    return Split(
        dataset,
        tuple(sorted(ids[i] for i in order[kept:])),
        tuple(sorted(ids[i] for i in order[:kept])),
    )


class SceneFile:
    """Drawn scenes in one Parquet file, as a dataset; a sample's annotation is decoded when it is loaded."""

    name = "training-standins"
    expected: Counts | None = None
    missing: Sequence[str] = ()

    def __init__(self, file: Path) -> None:
        self.split = file.stem
        self._file = file
        self._table = pq.read_table(file).combine_chunks()
        self._row_of = {image_id: row for row, image_id in enumerate(self._table["image_id"].to_pylist())}

    def __reduce__(self) -> tuple[type[SceneFile], tuple[Path]]:
        return SceneFile, (self._file,)  # a worker process opens the file itself

    @property
    def ids(self) -> Sequence[str]:
        return list(self._row_of)

    def load(self, image_id: str) -> Sample:
        if image_id not in self._row_of:
            raise UnknownName("image", image_id, list(self._row_of)[:3])
        row = self._table.slice(self._row_of[image_id], 1).to_pylist()[0]
        size = row["height"], row["width"]
        objects = tuple(
            Object(
                found["object_id"],
                found["category"],
                Mask(*size, found["counts"]),
                tuple(Part(p["part_id"], p["category"], Mask(*size, p["counts"])) for p in found["parts"]),
            )
            for found in row["objects"]
        )
        jpeg: bytes = row["jpeg"]
        return Sample(image_id, *size, objects, lambda: np.asarray(PILImage.open(io.BytesIO(jpeg))))

    def fingerprint(self, ids: Sequence[str]) -> str:
        # The file's name holds all that decides its content.
        return fingerprint(ids, [self._file.stem])

    def __len__(self) -> int:
        return len(self._row_of)

    def __iter__(self) -> Iterator[Sample]:
        return (self.load(image_id) for image_id in self._row_of)


def draw_standins(spec: Standins, *, cache: Path | None = None, progress: Progress | None = None) -> SceneFile:
    """Open the scenes of a recipe; they are drawn if the cache lacks them, whole or not at all.

    Image i of a profile is scene i of the training stream `spec.seed`, which shows neither an image nor a
    held-out kind of the evaluation's streams.
    """
    folder = (default_cache().parent if cache is None else cache) / "training"
    file = folder / f"{_key(spec)}.parquet"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(file) as draft:
            _write(draft, spec, progress)
    return SceneFile(file)


def _key(spec: Standins) -> str:
    """All that decides the content: the arguments, and what the generator makes of one of them."""
    first = hashlib.sha256()
    for profile in spec.profiles:
        drawn = scene(profile, spec.seed, 0, size=spec.size)  # type: ignore[arg-type]  # checked by Standins
        first.update(drawn.jpeg + repr(drawn.objects).encode())
    numbers = f"images{spec.images}-seed{spec.seed}-size{spec.size}"
    return f"{'+'.join(spec.profiles)}-{numbers}-v{VERSION}-{first.hexdigest()[:8]}"


def _write(file: Path, spec: Standins, progress: Progress | None) -> None:
    profiles = len(spec.profiles)
    wanted = [(spec.profiles[i % profiles], i // profiles) for i in range(spec.images)]
    with pq.ParquetWriter(file, _SCHEMA, compression="none") as writer:  # JPEG does not compress
        rows: list[dict[str, Any]] = []
        for done, row in enumerate(_drawn(wanted, spec), 1):
            rows.append(row)
            if len(rows) == _ROWS_AT_A_TIME or done == spec.images:
                writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
                rows = []
            if progress:
                progress(done, spec.images)


def _drawn(wanted: Sequence[tuple[str, int]], spec: Standins) -> Iterator[dict[str, Any]]:
    draw = partial(_row, seed=spec.seed, size=spec.size)
    if spec.processes == 1:
        yield from map(draw, wanted)
        return
    # Fresh processes: a fork would copy torch's threads half.
    with multiprocessing.get_context("spawn").Pool(spec.processes) as pool:
        yield from pool.imap(draw, wanted, chunksize=16)


def _row(wanted: tuple[Any, int], seed: int, size: int) -> dict[str, Any]:
    profile, index = wanted
    drawn = scene(profile, seed, index, size=size)
    return {
        "image_id": f"{profile}-{index:06d}",
        "height": drawn.height,
        "width": drawn.width,
        "jpeg": drawn.jpeg,
        "objects": [
            {
                "object_id": found.object_id,
                "category": found.category,
                "counts": found.mask.counts,
                "parts": [{"part_id": p.part_id, "category": p.category, "counts": p.mask.counts} for p in found.parts],
            }
            for found in drawn.objects
        ],
    }
