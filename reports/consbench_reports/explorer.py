"""The explorer's data: chosen objects, what every model answered to every click, photographs.

The page gets native outputs and sorts them itself, so that the reader can switch the order. Masks are
COCO's run-length codes as the record has them, at the size of the original image.

    runs     model, dataset, order (its declared one), privileged, masks (kept or not)
    images   dataset, id, width, height, photo (a data URI or null)
    objects  image (index), id, category, why, mask (code or null),
             parts    id, category, click [x, y], mask (code or null)
             answers  one per run of the dataset: run (index), object, part, agreement (means),
                      clicks  one per part: k lists over outputs `object`, `part`, `area`, `score`, `masks`,
                              or `failed` with the reason
                      pairs   "i-j" -> IoU of every output of part i with every output of part j
    notes    what could not be shown, and why
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from consbench.datasets.base import Dataset
from consbench.errors import BadSample
from consbench.masks import Mask
from consbench.run import Run
from consbench.types import Sample
from consbench_reports.photographs import Photographs, data_uri, jpeg, of_run
from consbench_reports.selection import Chosen, Key, Means, choose, object_means, shares

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a page may carry: objects in all, the longer side of photographs in pixels, the seed."""

    objects: int = 60
    longest: int = 640
    seed: int = 0


@dataclass(slots=True)
class _Data:
    runs: list[Plain] = field(default_factory=list)
    images: list[Plain] = field(default_factory=list)
    objects: list[Plain] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def explorer_data(runs: Sequence[Run], budget: Budget, given: Mapping[str, Dataset] | None = None) -> Plain:
    """Gather what the explorer shows of finished runs, as JSON-able values (see above).

    Args:
        runs: finished runs, those of one dataset together.
        budget: how much to show.
        given: datasets by name that are open already.
    """
    data = _Data()
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    for dataset, places in zip(datasets, shares(budget.objects, len(datasets)), strict=True):
        _add_dataset(data, [run for run in runs if run.dataset == dataset], places, budget, given)
    return {"runs": data.runs, "images": data.images, "objects": data.objects, "notes": data.notes}


def _add_dataset(
    data: _Data, runs: Sequence[Run], places: int, budget: Budget, given: Mapping[str, Dataset] | None
) -> None:
    tables = [object_means(run) for run in runs]
    ranked = [table for run, table in zip(runs, tables, strict=True) if not run.manifest["privileged"]]
    chosen = choose(ranked or tables, places, budget.seed)
    sources = [of_run(run, given) for run in _one_per_fingerprint(runs)]
    for reason in dict.fromkeys(source.reason for source in sources if source.dataset is None):
        data.notes.append(f"{runs[0].dataset}: photographs and annotations are not shown, because {reason}.")
    for run in runs:
        if not run.manifest["identity"]["masks"]:
            data.notes.append(f"{run.model} on {run.dataset}: its masks were not stored (--no-masks); IoUs are shown.")

    first_run = len(data.runs)
    answered = [_Answers(run, table, chosen) for run, table in zip(runs, tables, strict=True)]
    data.runs += [
        {
            "model": run.model,
            "dataset": run.dataset,
            "order": run.default_order,
            "privileged": bool(run.manifest["privileged"]),
            "masks": bool(run.manifest["identity"]["masks"]),
        }
        for run in runs
    ]
    samples = {image_id: _sample(sources, image_id) for image_id in dict.fromkeys(c.image_id for c in chosen)}
    index = {}
    for image_id, sample in samples.items():
        index[image_id] = len(data.images)
        data.images.append(_image(runs[0].dataset, image_id, sample, answered, budget.longest))
    for one in chosen:
        described = _object(one, samples[one.image_id], answered)
        described["image"] = index[one.image_id]
        described["answers"] = [
            {"run": first_run + i, **answers.of(one, [part["id"] for part in described["parts"]])}
            for i, answers in enumerate(answered)
        ]
        data.objects.append(described)


def _one_per_fingerprint(runs: Sequence[Run]) -> list[Run]:
    of: dict[str, Run] = {}
    for run in runs:
        of.setdefault(run.manifest["identity"]["dataset"]["fingerprint"], run)
    return list(of.values())


def _sample(sources: Sequence[Photographs], image_id: str) -> Sample | None:
    return next((sample for source in sources if (sample := source.sample(image_id))), None)


class _Answers:
    """The rows of one run that belong to the chosen objects."""

    def __init__(self, run: Run, table: Mapping[Key, Means], chosen: Sequence[Chosen]) -> None:
        wanted = {(one.image_id, one.object_id) for one in chosen}
        self.table = table
        clicks, pairs = run.clicks, run.pairs
        self.clicks = _by_object(clicks[clicks["click"] == 0], wanted)
        self.pairs = _by_object(pairs[pairs["part_a"] != pairs["part_b"]], wanted)
        self.masks: dict[Key, list[Plain]] = {}
        if run.manifest["identity"]["masks"]:
            self.masks = _by_object(run.masks[run.masks["click"] == 0], wanted)

    def of(self, one: Chosen, part_ids: Sequence[int]) -> Plain:
        key = (one.image_id, one.object_id)
        rows = {row["part_id"]: row for row in self.clicks.get(key, [])}
        masks = {row["part_id"]: row for row in self.masks.get(key, [])}
        place = {part_id: i for i, part_id in enumerate(part_ids)}
        means = self.table.get(key)
        return {
            **{name: _number(getattr(means, name, None)) for name in ("object", "part", "agreement")},
            "clicks": [_click(rows.get(part_id), masks.get(part_id)) for part_id in part_ids],
            "pairs": {
                f"{place[pair['part_a']]}-{place[pair['part_b']]}": [_number(v) for v in pair["iou"]]
                for pair in self.pairs.get(key, [])
            },
        }

    def size(self, image_id: str) -> tuple[int, int] | None:
        """(height, width) of an image; None where this run was not asked about it."""
        rows = (row for (image, _), found in self.clicks.items() if image == image_id for row in found)
        return next(((int(row["height"]), int(row["width"])) for row in rows), None)


def _by_object(frame: pd.DataFrame, wanted: set[Key]) -> dict[Key, list[Plain]]:
    images = {image_id for image_id, _ in wanted}
    found: dict[Key, list[Plain]] = {}
    for row in frame[frame["image_id"].isin(images)].to_dict("records"):
        key = (str(row["image_id"]), int(row["object_id"]))
        if key in wanted:
            found.setdefault(key, []).append({str(name): value for name, value in row.items()})
    return found


def _click(row: Plain | None, masks: Plain | None) -> Plain | None:
    if row is None:
        return None
    if row["status"] != "ok":
        return {"failed": str(row["reason"])}
    scores = row["score"]
    return {
        "object": [_number(v) for v in row["iou_object"]],
        "part": [_number(v) for v in row["iou_part"]],
        "area": [None if v is None or math.isnan(v) else int(v) for v in row["area"]],
        "score": None if scores is None else [_number(v) for v in scores],
        "masks": None
        if masks is None
        else [None if code is None else code.decode("ascii") for code in masks["counts"]],
    }


def _image(dataset: str, image_id: str, sample: Sample | None, answered: Sequence[_Answers], longest: int) -> Plain:
    height, width = next(size for a in answered if (size := a.size(image_id)))
    photo = None
    if sample is not None:
        try:
            photo = data_uri(jpeg(sample.image(), longest), "image/jpeg")
        except BadSample:
            photo = None  # the run skipped nothing of this image, so it was readable once
    return {"dataset": dataset, "id": image_id, "width": width, "height": height, "photo": photo}


def _object(one: Chosen, sample: Sample | None, answered: Sequence[_Answers]) -> Plain:
    rows = next(rows for a in answered if (rows := a.clicks.get((one.image_id, one.object_id))))
    found = next((o for o in sample.objects if o.object_id == one.object_id), None) if sample else None
    masks = {part.part_id: part.mask for part in found.parts} if found else {}
    return {
        "id": int(one.object_id),
        "category": str(rows[0]["object_category"]),
        "why": one.why,
        "mask": _code(found.mask if found else None),
        "parts": [
            {
                "id": int(row["part_id"]),
                "category": str(row["part_category"]),
                "click": [int(row["x"]), int(row["y"])],
                "mask": _code(masks.get(row["part_id"])),
            }
            for row in rows
        ],
    }


def _code(mask: Mask | None) -> str | None:
    return None if mask is None else mask.counts.decode("ascii")


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
