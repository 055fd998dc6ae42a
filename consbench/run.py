"""A finished run: its tables, its numbers, where they come from. Reads records; never loads a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute

from consbench.errors import UsageError
from consbench.metrics import DELTAS, Answers, Metric, headline, histogram
from consbench.ordering import Order, parse_order
from consbench.protocol import Protocol
from consbench.records import read_manifest, read_table

if TYPE_CHECKING:
    import pandas as pd  # a second of start-up that only notebooks need


class Score(NamedTuple):
    """One number: the value (NaN if undefined), over how many units, and how many had no value."""

    value: float
    n: int
    undefined: int
    unit: str


@dataclass(frozen=True)
class Summary(Mapping[str, Score]):
    """The numbers of one run in one order of outputs, by metric name.

    Attributes:
        model, dataset: what was evaluated on what; the dataset with its split.
        order: the order the outputs were taken in.
        protocol: id of the protocol.
        images, objects, clicks: how many were asked about.
        failed, skipped, missing: clicks the model failed on; images that could not be read; files of the
            dataset that were absent, and allowed to be.
        positions, positions_of_2: Figure 4: clicks whose object is in position 1, 2, …, none; matched
            among all outputs, and among the first two.
        scores: the metrics.
    """

    model: str
    dataset: str
    order: Order
    protocol: str
    images: int
    objects: int
    clicks: int
    failed: int
    skipped: int
    missing: int
    privileged: bool
    positions: tuple[int, ...]
    positions_of_2: tuple[int, ...]
    scores: Mapping[str, Score]

    def __getitem__(self, name: str) -> Score:
        return self.scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def __hash__(self) -> int:
        return id(self)

    @property
    def signature(self) -> str:
        """How the numbers were made, in one line that belongs under every table."""
        counted = f"{self.clicks} clicks, {self.objects} objects, {self.images} images"
        return f"protocol {self.protocol} · order {self.order} · {counted}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: undefined values become None beside their counts."""
        plain = {k: v for k, v in vars(self).items() if k != "scores"}
        scores = {n: {**s._asdict(), "value": None if math.isnan(s.value) else s.value} for n, s in self.items()}
        return {**plain, "scores": scores}

    def to_frame(self) -> pd.DataFrame:
        """One row per metric: value, n, undefined, unit."""
        import pandas as pd

        return pd.DataFrame.from_dict(dict(self.scores), orient="index", columns=pd.Index(Score._fields))


@dataclass(frozen=True)
class Run:
    """A finished run directory.

    Attributes:
        path: where it is.
        manifest: the content of `run.json`.
    """

    path: Path
    manifest: Mapping[str, Any]

    @property
    def model(self) -> str:
        """What tables call the model."""
        return str(self.manifest["identity"]["model"]["name"])

    @property
    def dataset(self) -> str:
        """Dataset and split: "pascal-part (val-paper)"."""
        about = self.manifest["identity"]["dataset"]
        return f"{about['name']} ({about['split']})"

    @property
    def protocol(self) -> Protocol:
        """The protocol of the run."""
        fields = {k: v for k, v in self.manifest["identity"]["protocol"].items() if k != "id"}
        return Protocol.from_dict(fields)

    @property
    def default_order(self) -> Order:
        """The order the model declared for its outputs."""
        return parse_order(self.manifest["default_order"])

    @property
    def failed(self) -> int:
        """How many clicks the model failed on."""
        return int(pa.compute.sum(pa.compute.not_equal(self._clicks["status"], "ok")).as_py() or 0)

    @cached_property
    def clicks(self) -> pd.DataFrame:
        """One row per click, see `consbench.records.SCHEMAS`."""
        frame: pd.DataFrame = self._clicks.to_pandas()
        return frame

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row per pair of answered clicks on one object; `iou` is K×K, row-major."""
        frame: pd.DataFrame = self._pairs.to_pandas()
        return frame

    @cached_property
    def masks(self) -> pd.DataFrame:
        """One row per answered click: COCO run-length codes of its K masks. Raises RecordUnreadable if not kept."""
        frame: pd.DataFrame = read_table(self.path, "masks").to_pandas()
        return frame

    @cached_property
    def _clicks(self) -> pa.Table:
        return read_table(self.path, "clicks")

    @cached_property
    def _pairs(self) -> pa.Table:
        return read_table(self.path, "pairs")

    def answers(self, order: Order | None = None) -> Answers:
        """The record as arrays, outputs in `order` (the model's declared order where absent)."""
        return Answers.from_tables(self._clicks, self._pairs, order or self.default_order)

    def summary(
        self,
        order: Order | None = None,
        *,
        deltas: Sequence[float] = DELTAS,
        metrics: Sequence[Metric] | None = None,
    ) -> Summary:
        """Compute metrics from the record; no model is loaded.

        Args:
            order: the order of the outputs; the model's declared one where absent.
            deltas: thresholds of CVR.
            metrics: these in place of the headline metrics.

        Raises UsageError where the order needs scores that the model did not give.
        """
        order = order or self.default_order
        answers = self.answers(order)
        outputs = answers.area_NK.shape[1]
        chosen = headline(deltas, outputs) if metrics is None else metrics
        tallies = {str(metric): (metric.tally(answers), metric.unit) for metric in chosen}
        return Summary(
            model=self.model,
            dataset=self.dataset,
            order=order,
            protocol=self.protocol.id,
            images=int(self.manifest["identity"]["dataset"]["images"]),
            objects=self._clicks.group_by(["image_id", "object_id"]).aggregate([]).num_rows,
            clicks=self._clicks.num_rows,
            failed=self.failed,
            skipped=len(self.manifest["skipped_images"]),
            missing=len(self.manifest["missing_files"]),
            privileged=bool(self.manifest["privileged"]),
            positions=tuple(histogram(answers)),
            positions_of_2=tuple(histogram(answers, first=2)),
            scores={name: Score(t.value, t.count, t.undefined, unit) for name, (t, unit) in tallies.items()},
        )


def open_run(path: str | Path) -> Run:
    """Open a finished run directory. Raises RecordUnreadable, saying what it is instead."""
    return Run(Path(path), read_manifest(Path(path)))


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Open run directories, and all finished runs directly inside directories that are none.

    Raises RecordUnreadable for a path that is neither, UsageError where a directory holds no run.
    """
    runs: list[Run] = []
    for path in map(Path, paths):
        if path.is_dir() and not (path / "run.json").exists() and not (path / "journal").exists():
            inside = sorted(p.parent for p in path.glob("*/run.json"))
            if not inside:
                raise UsageError(f"{path} holds no finished run; 'consbench run' makes one")
            runs += [open_run(p) for p in inside]
        else:
            runs.append(open_run(path))
    return runs
