"""Kinds of mistakes: drawn one by one, against a reading on pixels, and their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from consbench import Mask, Object, Part, Run, Sample, evaluate
from consbench.metrics import KINDS, Answers, MIoU, Mistake, MistakeCost, kinds
from consbench.model import Prediction, Target
from consbench.ordering import ORDERS

TAU = 0.5
HEIGHT, WIDTH = 20, 60


def box(left: int, right: int, top: int = 0, bottom: int = HEIGHT) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


OBJECT, PART, NEIGHBOUR, SMALL = box(20, 40, 4, 16), box(20, 26, 4, 16), box(44, 56, 4, 16), box(0, 4, 0, 4)
DRAWN: dict[str, tuple[str, list[np.ndarray]]] = {
    "the object": ("right", [OBJECT]),
    "exactly half of the object": ("right", [box(20, 30, 4, 16)]),
    "the object, second": ("wrong-position", [PART, OBJECT]),
    "nothing, and the object second": ("wrong-position", [box(0, 0), OBJECT]),
    "nothing": ("empty", [box(0, 0), PART]),
    "the part": ("part", [PART, box(0, 0)]),
    "another object": ("miss", [NEIGHBOUR]),
    "both objects": ("merged", [OBJECT | NEIGHBOUR | box(20, 56)]),
    "half of each object": ("merged", [box(30, 50, 0, 20)]),
    "the image": ("merged", [box(0, WIDTH)]),
    "a little less than half of the neighbour": ("background", [box(20, 49, 0, 20)]),
    "the neighbour with a rim of the object": ("neighbour", [box(34, 56, 4, 16)]),
    "a strip that lies mostly in no object": ("background", [box(36, 44, 0, 20) | box(18, 56, 0, 4)]),
    "the other end of the object": ("fragment", [box(34, 40, 4, 16)]),
    "a pixel": ("fragment", [box(30, 31, 10, 11)]),
}


def scene(objects: Sequence[tuple[np.ndarray, np.ndarray]]) -> Sample:
    found = tuple(
        Object(n, "thing", Mask.from_array(whole), (Part(0, "end", Mask.from_array(part)),))
        for n, (whole, part) in enumerate(objects)
    )
    return Sample("scene", HEIGHT, WIDTH, found, lambda: np.zeros((HEIGHT, WIDTH, 3), np.uint8))


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_mistake_is_of_its_kind(name: str, tmp_path: Any) -> None:
    expected, outputs = DRAWN[name]
    sample = scene([(OBJECT, PART), (NEIGHBOUR, NEIGHBOUR), (SMALL, SMALL)])

    def model(image: np.ndarray, clicks: np.ndarray) -> np.ndarray:
        return np.tile(np.array(outputs)[None], (len(clicks), 1, 1, 1))

    answers = evaluate(model, [sample], out=tmp_path / "run").answers()
    assert KINDS[kinds(answers, TAU)[0]] == expected


def test_every_kind_is_drawn_at_least_once() -> None:
    assert {kind for kind, _ in DRAWN.values()} == set(KINDS)


class Mistaken:
    """Is shown the annotation and makes every mistake by turns."""

    name = "mistaken"

    def answer(self, sample: Sample, targets: Sequence[Target]) -> Prediction:
        masks = np.zeros((len(targets), 2, sample.height, sample.width), bool)
        for n, (obj, part) in enumerate(targets):
            draw = np.random.default_rng([n, obj.object_id, len(sample.objects[0].parts)])
            everything = np.array([o.mask.array() for o in sample.objects])
            own, piece = obj.mask.array(), part.mask.array()
            shift = tuple(draw.integers(-9, 10, 2))
            choices = [
                own,
                piece,
                everything.any(axis=0),
                np.roll(own, shift, (0, 1)),
                own | np.roll(own, shift, (0, 1)) | np.roll(own, -9, 1),
                own & (np.indices(own.shape)[1] % 5 == 0),
                np.ones_like(own),
                ~own,
                np.zeros_like(own),
            ]
            masks[n, 0], masks[n, 1] = (choices[k] for k in draw.integers(0, len(choices), 2))
        return Prediction(masks)

    def describe(self) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def mistaken(make_sample: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Sample], Run]:
    many = [make_sample(f"image-{n:02}", seed=100 + n, objects=4) for n in range(30)]
    return many, evaluate(Mistaken(), many, out=tmp_path_factory.mktemp("mistaken") / "run")


def slow_kind(masks: list[np.ndarray], obj: np.ndarray, part: np.ndarray, others: list[np.ndarray], slow: Any) -> str:
    mask = masks[0]
    if slow.iou(mask, obj) >= TAU:
        return "right"
    if any(slow.iou(m, obj) >= TAU for m in masks[1:]):
        return "wrong-position"
    if not mask.any():
        return "empty"
    if slow.iou(mask, part) >= TAU:
        return "part"
    if not (mask & obj).any():
        return "miss"
    if (mask & obj).sum() >= obj.sum() / 2 and any((mask & o & ~obj).sum() >= o.sum() / 2 for o in others):
        return "merged"
    outside = mask & ~obj
    if outside.sum() < (obj & ~mask).sum():
        return "fragment"
    return "neighbour" if (outside & np.any(others, axis=0)).sum() >= outside.sum() / 2 else "background"


def test_kinds_and_costs_equal_the_slow_oracle(mistaken: tuple[list[Sample], Run], slow: Any) -> None:
    many, run = mistaken
    stored = [[Mask(row.height, row.width, code).array() for code in row.counts] for row in run.masks.itertuples()]
    targets = [(s, o, p) for s in many for o in s.objects for p in o.parts]
    for order, flip in (("native", False), ("area", True)):
        answers = run.answers(order)  # type: ignore[arg-type]
        found, lost = [], []
        for masks, (sample, obj, part) in zip(stored, targets, strict=True):
            ordered = sorted(masks, key=lambda m: -int(m.sum())) if flip else masks
            whole = obj.mask.array()
            others = [o.mask.array() for o in sample.objects if o is not obj]
            found.append(slow_kind(ordered, whole, part.mask.array(), others, slow))
            lost.append(1 - slow.iou(ordered[0], whole))
        assert [KINDS[k] for k in kinds(answers, TAU)] == found
        counts = Counter(found)
        for kind in KINDS:
            share = 100 * counts[kind] / len(found)
            cost = 100 * sum(c for c, k in zip(lost, found, strict=True) if k == kind) / len(found)
            assert Mistake(kind, TAU).tally(answers).value == pytest.approx(share)
            assert MistakeCost(kind, TAU).tally(answers).value == pytest.approx(cost, abs=1e-10)
        assert flip or set(found) == set(KINDS), "the test sees every kind"


@pytest.mark.parametrize("tau", [0.3, 0.5, 0.9])
def test_kinds_add_up_to_100_and_costs_to_what_quality_lacks(noise_run: Run, tau: float) -> None:
    for order in ORDERS:
        answers: Answers = noise_run.answers(order)
        lacking = 100 - MIoU("object").tally(answers).value
        assert sum(Mistake(kind, tau).tally(answers).value for kind in KINDS) == pytest.approx(100)
        assert sum(MistakeCost(kind, tau).tally(answers).value for kind in KINDS) == pytest.approx(lacking)
