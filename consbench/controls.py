"""Control models with known answers: a metric that cannot tell them apart is wrong.

    oracle       the annotated object and part of the clicked pixel: mIoU 100, CVR 0
    swapped      the oracle with positions 1 and 2 exchanged
    full-image   everything, always: CVR 0 with a poor mIoU, the reason why CVR never stands alone
    empty        nothing, always: mIoU 0, CVR 100
    click-disc   discs around the click, three sizes

`oracle` and `swapped` are shown the ground truth and say so in every record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from consbench.model import Clicks, Prediction, Target
from consbench.types import Image, Sample


def oracle() -> GroundTruthModel:
    """Answer every click with (object, part) of the annotation."""
    return GroundTruthModel("oracle", positions=(0, 1))


def swapped() -> GroundTruthModel:
    """Answer every click with (part, object) of the annotation."""
    return GroundTruthModel("swapped", positions=(1, 0))


def full_image() -> ConstantModel:
    """Answer every click with three masks of the whole image."""
    return ConstantModel(
        "full-image", lambda clicks_N2, height, width: np.ones((len(clicks_N2), 3, height, width), bool)
    )


def empty() -> ConstantModel:
    """Answer every click with three empty masks."""
    return ConstantModel("empty", lambda clicks_N2, height, width: np.zeros((len(clicks_N2), 3, height, width), bool))


def click_disc() -> ConstantModel:
    """Answer every click with three discs around it, of 1/4, 1/8 and 1/16 of the image's longer side."""

    def discs(clicks_N2: Clicks, height: int, width: int) -> Any:
        y_HW, x_HW = np.indices((height, width))
        x_N, y_N = clicks_N2.T[:, :, None, None]
        squared_NHW = (x_HW - x_N) ** 2 + (y_HW - y_N) ** 2
        radii_K = max(height, width) / np.array([4, 8, 16])
        return squared_NHW[:, None] <= radii_K[:, None, None] ** 2

    return ConstantModel("click-disc", discs)


@dataclass(frozen=True)
class ConstantModel:
    """A model that looks at the click and the image's size only."""

    name: str
    masks: Callable[[Clicks, int, int], Any]
    default_order: str = "native"

    def encode(self, image_HWC: Image) -> _EncodedSize:
        return _EncodedSize(self.masks, *image_HWC.shape[:2])

    def describe(self) -> dict[str, Any]:
        return {"control": self.name}


@dataclass(frozen=True)
class _EncodedSize:
    masks: Callable[[Clicks, int, int], Any]
    height: int
    width: int

    def predict(self, clicks_N2: Clicks) -> Prediction:
        return Prediction(self.masks(clicks_N2, self.height, self.width))


@dataclass(frozen=True)
class GroundTruthModel:
    """A model that is shown the annotation: (object, part) in the given positions."""

    name: str
    positions: tuple[int, int]
    default_order: str = "native"

    def answer(self, sample: Sample, targets: Sequence[Target]) -> Prediction:
        truth_N2HW = np.array([[obj.mask.array(), part.mask.array()] for obj, part in targets])
        return Prediction(truth_N2HW[:, list(self.positions)])

    def describe(self) -> dict[str, Any]:
        return {"control": self.name, "privileged": "is shown the ground truth"}
