"""Fixtures shared by all tests: small drawn samples with known structure, and runs of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from consbench import Mask, Object, Part, Run, Sample, evaluate

BoxHW = tuple[int, int, int, int]


def box_mask(height: int, width: int, box: BoxHW) -> Mask:
    """A mask that is one rectangle, (top, left, bottom, right), the last two exclusive."""
    top, left, bottom, right = box
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return Mask.from_array(mask)


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., Sample]:
    """A factory of samples: rectangles inside rectangles on a grey image, all from one seed."""

    def make(image_id: str, seed: int, *, objects: int = 3, height: int = 40, width: int = 64) -> Sample:
        draw = np.random.default_rng(seed)
        found = []
        image = np.full((height, width, 3), 90, np.uint8)
        for object_id in range(objects):
            top, left = draw.integers(0, height - 20), draw.integers(0, width - 24)
            bottom, right = top + draw.integers(12, 20), left + draw.integers(14, 24)
            parts = []
            for part_id in range(draw.integers(1, 5)):
                y, x = draw.integers(top, bottom - 4), draw.integers(left, right - 4)
                box = (y, x, draw.integers(y + 2, bottom + 1), draw.integers(x + 2, right + 1))
                parts.append(Part(part_id, f"part {part_id}", box_mask(height, width, box)))
            image[top:bottom, left:right] = draw.integers(0, 256, 3)
            mask = box_mask(height, width, (top, left, bottom, right))
            found.append(Object(object_id, ("cat", "car")[object_id % 2], mask, tuple(parts)))
        return Sample(image_id, height, width, tuple(found), image.copy)

    return make


@pytest.fixture(scope="session")
def samples(make_sample: Callable[..., Sample]) -> list[Sample]:
    """Eight samples of three objects with one to four parts each."""
    return [make_sample(f"image-{n}", seed=n) for n in range(8)]


@pytest.fixture
def run_of(samples: list[Sample], tmp_path: Path) -> Callable[..., Run]:
    """Evaluate a model on `samples` into a fresh directory."""

    def run(model: object, name: str = "run", **options: object) -> Run:
        return evaluate(model, samples, out=tmp_path / name, **options)  # type: ignore[arg-type]

    return run
