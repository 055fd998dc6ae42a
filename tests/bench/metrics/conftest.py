"""A model of random answers, and the same answers as pixels in plain Python: what metrics are tested against."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from consbench import Protocol, Run, Sample, evaluate
from consbench.clicks import ClickStrategy
from consbench.model import Clicks, Prediction
from consbench.ordering import Order
from consbench.types import Image

PROTOCOL = Protocol(extra_clicks=(ClickStrategy("random", seed=1), ClickStrategy("jitter", radius=3, seed=2)))


class Noise:
    """Random rectangles as masks, the same for the same click on the same image; some outputs are absent."""

    def __init__(self, seed: int, outputs: int = 3, *, absent: bool = True, scores: bool = True) -> None:
        self.seed, self.outputs, self.absent, self.scores = seed, outputs, absent, scores

    def describe(self) -> dict[str, Any]:
        return vars(self)

    def encode(self, image_HWC: Image) -> Any:
        return _NoiseOn(self, image_HWC)


class _NoiseOn:
    def __init__(self, model: Noise, image: Image) -> None:
        self.model, self.image = model, image

    def predict(self, clicks: Clicks) -> Prediction:
        height, width = self.image.shape[:2]
        masks = np.zeros((len(clicks), self.model.outputs, height, width), bool)
        scores = np.zeros(masks.shape[:2])
        valid = np.ones(masks.shape[:2], bool)
        for n, (x, y) in enumerate(clicks.astype(int)):
            draw = np.random.default_rng([self.model.seed, x, y, int(self.image.sum())])
            for k in range(self.model.outputs):
                up, left = draw.integers(0, 14, 2)
                masks[n, k, max(0, y - up) : y + draw.integers(0, 14), max(0, x - left) : x + draw.integers(0, 14)] = (
                    True
                )
                scores[n, k] = draw.integers(0, 4) / 4  # ties on purpose
                valid[n, k] = k == 0 or not self.model.absent or draw.random() < 0.8
        return Prediction(masks, scores if self.model.scores else None, valid)


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    together = int((a | b).sum())
    return int((a & b).sum()) / together if together else 0.0


def slow_click(mask: np.ndarray) -> tuple[int, int]:
    best, where = -1, (0, 0)
    outside = np.argwhere(~np.pad(mask, 1)) - 1
    for y, x in np.argwhere(mask):
        nearest = int(((outside - (y, x)) ** 2).sum(axis=1).min())
        if nearest > best:
            best, where = nearest, (int(x), int(y))
    return where


def slow_answers(model: Noise, samples: list[Sample], order: Order, number: int = 0) -> list[dict[str, Any]]:
    """One dictionary per click of that number, the outputs as pixel arrays in the wanted order."""
    rows = []
    for sample in samples:
        for obj in sample.objects:
            for part in obj.parts:
                strategy = PROTOCOL.clicks[number]
                click = strategy.click(sample.image_id, obj, part) if number else slow_click(part.mask.array())
                masks, scores, valid = model.encode(sample.image()).predict(np.array([click], float))
                outputs = [
                    (k, masks[0, k], None if scores is None else scores[0, k])
                    for k in range(masks.shape[1])
                    if valid[0, k]
                ]
                if order == "area":
                    outputs.sort(key=lambda o: (-int(o[1].sum()), o[0]))
                if order == "score":
                    outputs.sort(key=lambda o: (-o[2], o[0]))
                rows.append(
                    {
                        "key": (sample.image_id, obj.object_id),
                        "native": [k for k, _, _ in outputs],
                        "masks": [mask for _, mask, _ in outputs],
                        "scores": [score for _, _, score in outputs],
                        "object": obj.mask.array(),
                        "part": part.mask.array(),
                        "others": [o.mask.array() for o in sample.objects if o is not obj],
                        "category": obj.category,
                        "part_category": part.category,
                        "parts": len(obj.parts),
                        "objects": sum(bool(o.parts) for o in sample.objects),
                    }
                )
    return rows


def slow_position(row: dict[str, Any], first: int | None = None) -> int:
    masks = row["masks"][:first]
    with_object = [slow_iou(m, row["object"]) for m in masks]
    with_part = [slow_iou(m, row["part"]) for m in masks]
    if len(masks) == 1:
        return 1 if with_object[0] >= with_part[0] else 0
    best = max((with_object[i] + with_part[j], -i, -j) for i in range(len(masks)) for j in range(len(masks)) if i != j)
    return 1 - best[1]


@pytest.fixture(scope="session")
def make_noise() -> type[Noise]:
    """`Noise(seed, outputs, absent=…, scores=…)`."""
    return Noise


@pytest.fixture(scope="session")
def slow() -> SimpleNamespace:
    """The slow oracle: `iou`, `answers`, `position`."""
    return SimpleNamespace(iou=slow_iou, answers=slow_answers, position=slow_position)


@pytest.fixture(scope="session", params=[(0, 3), (1, 3), (2, 1), (3, 5)], ids=lambda p: f"seed {p[0]}, K {p[1]}")
def noise(request: pytest.FixtureRequest) -> Noise:
    return Noise(*request.param)


@pytest.fixture(scope="session")
def noise_run(noise: Noise, samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The noise on all samples, with two extra clicks on every part."""
    return evaluate(noise, samples, out=tmp_path_factory.mktemp("noise") / "run", protocol=PROTOCOL)
