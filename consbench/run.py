"""A finished run: its tables, its numbers, where they come from. Reads records; never loads a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from consbench.errors import UsageError
from consbench.masks import BoolArray
from consbench.metrics import DELTAS, Answers, Metric, headline, histogram
from consbench.metrics.unpack import find_rows, places
from consbench.ordering import Order, parse_order
from consbench.protocol import Protocol
from consbench.records import read_manifest, read_table
from consbench.statistics.intervals import intervals
from consbench.statistics.resampling import LEVEL, RESAMPLES, SEED, restricted

if TYPE_CHECKING:
    import pandas as pd  # a second of start-up that only notebooks need


class Score(NamedTuple):
    """One number: the value (NaN if undefined), over how many units, how many had none, and its interval.

    `low` and `high` are the ends of the interval of `consbench.statistics.intervals`, NaN where there is none.
    """

    value: float
    n: int
    undefined: int
    unit: str
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Summary(Mapping[str, Score]):
    """The numbers of one run in one order of outputs, by metric name.

    Attributes:
        model, dataset: what was evaluated on what; the dataset with its split.
        order: the order the outputs were taken in.
        protocol: id of the protocol.
        images, objects, clicks: how many were asked about; extra clicks on a part are not counted.
        failed, skipped, missing: clicks the model failed on; images that could not be read; files of the
            dataset that were absent, and allowed to be.
        positions, positions_of_2: Figure 4: clicks whose object is in position 1, 2, …, none; matched
            among all outputs, and among the first two.
        scores: the metrics.
        level, resamples, seed: of the intervals: bootstrap over images.
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
    level: float
    resamples: int
    seed: int

    def __getitem__(self, name: str) -> Score:
        return self.scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def __hash__(self) -> int:
        return id(self)

    def _repr_html_(self) -> str:
        from consbench.notebook import summary_html

        return summary_html(self)

    @property
    def signature(self) -> str:
        """How the numbers were made, in one line that belongs under every table."""
        counted = f"{self.clicks} clicks, {self.objects} objects, {self.images} images"
        return f"protocol {self.protocol} · order {self.order} · {counted}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: undefined values, and ends of intervals that are none, become None."""
        plain = {k: v for k, v in vars(self).items() if k != "scores"}
        return {**plain, "scores": {name: without_nan(score._asdict()) for name, score in self.items()}}

    def to_frame(self) -> pd.DataFrame:
        """One row per metric: value, n, undefined, unit, low, high."""
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
        """How many clicks the model failed on; extra clicks on a part are not counted."""
        return int(pa.compute.sum(pa.compute.not_equal(self.first_clicks["status"], "ok")).as_py() or 0)

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

    @cached_property
    def first_clicks(self) -> pa.Table:
        """The table of clicks without the extra ones on a part: those that every headline number is over."""
        return self._clicks.filter(pa.compute.equal(self._clicks["click"], 0))

    def answers(self, order: Order | None = None, *, among: BoolArray | None = None) -> Answers:
        """The record as arrays, the outputs in `order`.

        Args:
            order: the order of the outputs; the model's declared one where absent.
            among: bool, for each row of `first_clicks` whether it counts; all where absent. What is left
                out is as if it had not been asked, and so are the extra clicks on its part.

        Raises UsageError where the order needs scores that the model did not give.
        """
        clicks, pairs = self._clicks, self._pairs
        if among is not None and not among.all():
            clicks, pairs = _only(clicks, pairs, self.first_clicks.filter(pa.array(among)))
        return Answers.from_tables(clicks, pairs, order or self.default_order)

    def summary(
        self,
        order: Order | None = None,
        *,
        deltas: Sequence[float] = DELTAS,
        metrics: Sequence[Metric] | None = None,
        resamples: int = RESAMPLES,
        level: float = LEVEL,
        seed: int = SEED,
    ) -> Summary:
        """Compute metrics and their intervals from the record; no model is loaded.

        Args:
            order: the order of the outputs; the model's declared one where absent.
            deltas: thresholds of CVR.
            metrics: these in place of the headline metrics.
            resamples: how many times the images are drawn anew for the intervals; 0: no intervals.
            level: how often an interval shall hold the true value.
            seed: of the draws; the same seed gives the same intervals.

        Raises UsageError where the order needs scores that the model did not give, and for intervals that
        cannot be had.
        """
        order = order or self.default_order
        answers = self.answers(order)
        outputs = answers.area_NK.shape[1]
        chosen = headline(deltas, outputs) if metrics is None else metrics
        tallies = [metric.tally(answers) for metric in chosen]
        # An image that the model failed on is none of the sample, whatever the metric.
        answered_I = answers.per_image(np.ones(len(answers.image_N)), answers.image_N) > 0
        sampled = [restricted(tally, answered_I) for tally in tallies]
        ends = intervals(sampled, resamples=resamples, level=level, seed=seed)
        return Summary(
            model=self.model,
            dataset=self.dataset,
            order=order,
            protocol=self.protocol.id,
            images=int(self.manifest["identity"]["dataset"]["images"]),
            objects=self.first_clicks.group_by(["image_id", "object_id"]).aggregate([]).num_rows,
            clicks=self.first_clicks.num_rows,
            failed=self.failed,
            skipped=len(self.manifest["skipped_images"]),
            missing=len(self.manifest["missing_files"]),
            privileged=bool(self.manifest["privileged"]),
            positions=tuple(histogram(answers)),
            positions_of_2=tuple(histogram(answers, first=2)),
            scores={
                str(metric): Score(tally.value, tally.count, tally.undefined, metric.unit, *interval)
                for metric, tally, interval in zip(chosen, tallies, ends, strict=True)
            },
            level=level,
            resamples=resamples,
            seed=seed,
        )

    def _repr_html_(self) -> str:
        from consbench.notebook import run_html

        return run_html(self)


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


def without_nan(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, NaN as None: JSON has no NaN.

    >>> without_nan({"value": math.nan, "n": 0})
    {'value': None, 'n': 0}
    """
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in fields.items()}


def _only(clicks: pa.Table, pairs: pa.Table, kept: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows of clicks and pairs that are about the parts of `kept` alone."""
    texts = pa.compute.unique(kept["image_id"]).to_pylist()

    def among(table: pa.Table, part: str) -> BoolArray:
        known, wanted = (
            [places(rows["image_id"], texts), rows["object_id"].to_numpy(), rows[name].to_numpy()]
            for rows, name in ((kept, "part_id"), (table, part))
        )
        return np.asarray(find_rows(known, wanted) >= 0)

    return (
        clicks.filter(pa.array(among(clicks, "part_id"))),
        pairs.filter(pa.array(among(pairs, "part_a") & among(pairs, "part_b"))),
    )
