"""Datasets written to disk in the formats of the genuine ones, small enough to count by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

Objects = Sequence[tuple[str, np.ndarray, Sequence[tuple[str, np.ndarray]]]]


def struct(fields: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """MATLAB's 1×N struct array; without rows the 0×0 that the genuine files have there."""
    shape = (1, len(rows)) if rows else (0, 0)
    array = np.empty(shape, dtype=[(field, object) for field in fields])
    for position, row in enumerate(rows):
        array[0, position] = tuple(row.values())
    return array


def mat_content(image_id: str, objects: Objects) -> dict[str, np.ndarray]:
    rows = [
        {
            "class": category,
            "class_ind": np.array([[1]], dtype=np.uint8),
            "mask": mask.astype(np.uint8),
            "parts": struct(
                ["part_name", "mask"], [{"part_name": name, "mask": part.astype(np.uint8)} for name, part in parts]
            ),
        }
        for category, mask, parts in objects
    ]
    objects_struct = struct(["class", "class_ind", "mask", "parts"], rows)
    return {"anno": struct(["imname", "objects"], [{"imname": image_id, "objects": objects_struct}])}


@pytest.fixture
def write_mat() -> Callable[..., None]:
    """Write one annotation of Pascal Part, compressed as the genuine ones are."""

    def write(path: Path, objects: Objects, *, compressed: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, mat_content(path.stem, objects), do_compression=compressed)

    return write


@pytest.fixture
def write_image() -> Callable[..., None]:
    def write(path: Path, height: int = 6, width: int = 8, **options: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
        Image.fromarray(values).save(path, **options)

    return write


@pytest.fixture
def box() -> Callable[..., np.ndarray]:
    """A bool mask of 6×8 (or another size) pixels, filled from (x0, y0) up to but without (x1, y1)."""

    def make(x0: int, y0: int, x1: int, y1: int, height: int = 6, width: int = 8) -> np.ndarray:
        mask = np.zeros((height, width), dtype=bool)
        mask[y0:y1, x0:x1] = True
        return mask

    return make


@pytest.fixture
def write_pascal(
    tmp_path: Path, write_mat: Callable[..., None], write_image: Callable[..., None]
) -> Callable[[Mapping[str, Objects]], Path]:
    """Write images with their objects as the split `val`; `train` holds one more image."""

    def write(contents: Mapping[str, Objects]) -> Path:
        root = tmp_path / "pascal"
        voc = root / "VOCdevkit" / "VOC2010"
        dog = np.ones((6, 8), dtype=bool)
        everything = {**contents, "2007_000001": [("dog", dog, [("head", dog)])]}
        for image_id, objects in everything.items():
            write_mat(root / "trainval" / "Annotations_Part" / f"{image_id}.mat", objects)
            write_image(voc / "JPEGImages" / f"{image_id}.jpg")
        lists = voc / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        (lists / "val.txt").write_text("".join(f"{image_id}\n" for image_id in contents))
        (lists / "train.txt").write_text("2007_000001\n")
        return root

    return write


@pytest.fixture
def square() -> Callable[..., list[float]]:
    """A polygon that covers exactly the pixels from (x0, y0) up to but without (x1, y1)."""

    def make(x0: int, y0: int, x1: int, y1: int) -> list[float]:
        return [x0, y0, x1, y0, x1, y1, x0, y1]

    return make


@pytest.fixture
def write_json() -> Callable[[Path, Any], None]:
    def write(path: Path, content: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    return write
