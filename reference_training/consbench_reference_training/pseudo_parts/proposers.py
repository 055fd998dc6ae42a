"""Asking a model everywhere: image -> regions, for models of the bench that are no SAM, and the choice between the two.

SAM's own automatic mask generator is in `automatic_masks`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from consbench.errors import UsageError
from consbench.masks import Mask, encode
from consbench.model import Clicks, Model, as_model, check_prediction, identity_of
from consbench.types import Image
from consbench_reference_training.pseudo_parts.algorithm import Region

PIXELS_AT_A_TIME = 64 * 1024 * 1024  # of masks that are held in memory


class RegionProposer(Protocol):
    """What Algorithm 1 needs: regions that may overlap, may leave pixels out, may be none."""

    def propose(self, image_HWC: Image, /) -> list[Region]:
        """Propose regions of one image, uint8 (H, W, 3) RGB, at its size. Must not change the array."""
        ...

    def describe(self) -> dict[str, Any]:
        """JSON-able: the method, its model and every number that decides about a pixel."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """How SAM's automatic mask generator is asked; defaults are the generator's own, and the paper's 32.

    Attributes:
        points_per_side: of the square grid of clicks.
        points_per_batch: how many clicks are decoded together on an image of 1024×1024 pixels; fewer on a
            larger one, so that memory is bounded. Changes no region.
        pred_iou: masks need a higher IoU by the model's own estimate.
        stability: masks need at least this IoU between those at logits > 1 and > -1.
        box_nms: of two masks whose boxes have a higher IoU, the one of the lower estimate goes.
        crop_layers: how often the image is asked again in crops; layer i has 4^i of them.

    Raises UsageError, naming the field, where a number cannot be.
    """

    points_per_side: int = 32
    points_per_batch: int = 64
    pred_iou: float = 0.88
    stability: float = 0.95
    box_nms: float = 0.7
    crop_layers: int = 0

    def __post_init__(self) -> None:
        for name, least in (("points_per_side", 1), ("points_per_batch", 1), ("crop_layers", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name.replace('_', ' ')} must be at least {least}; got {getattr(self, name)}")
        for name in ("pred_iou", "stability", "box_nms"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name.replace('_', ' ')} is a share from 0 to 1; got {getattr(self, name)}")

    def describe(self) -> dict[str, Any]:
        """The numbers that decide about a region."""
        return {name: value for name, value in asdict(self).items() if name != "points_per_batch"}


class ClickGrid:
    """Any model of the bench, clicked on a square grid: each different mask among its outputs is a region.

    No threshold is applied: what a model's scores mean is its own affair.
    """

    def __init__(self, model: Model, points_per_side: int, name: str | None = None) -> None:
        self._model, self._side = model, points_per_side
        self._identity = identity_of(model, name)

    def propose(self, image_HWC: Image) -> list[Region]:
        """The different, non-empty masks, each with the best score it came with, in the order of the clicks."""
        height, width = image_HWC.shape[:2]
        encoded, clicks_N2 = self._model.encode(image_HWC), click_grid(self._side, height, width)
        chunk = max(1, PIXELS_AT_A_TIME // (4 * height * width))
        best: dict[Mask, float] = {}
        for start in range(0, len(clicks_N2), chunk):
            some_N2 = clicks_N2[start : start + chunk]
            answer = check_prediction(encoded.predict(some_N2), len(some_N2), (height, width))
            masks = encode(answer.masks_NKHW.reshape(-1, height, width))
            scores = np.zeros(len(masks)) if answer.scores_NK is None else answer.scores_NK.ravel()
            valid = np.ones(len(masks), dtype=bool) if answer.valid_NK is None else answer.valid_NK.ravel()
            for mask, score, counts in zip(masks, scores, valid, strict=True):
                if counts and mask.area:
                    best[mask] = max(best.get(mask, -np.inf), float(score))
        return [Region(mask, score) for mask, score in best.items()]

    def describe(self) -> dict[str, Any]:
        """The model and the grid."""
        return {"method": "click-grid", "points_per_side": self._side, "model": self._identity}


def click_grid(points_per_side: int, height: int, width: int) -> Clicks:
    """The pixels in the middle of a grid's cells, float64 (N, 2) as (x, y), row by row.

    >>> click_grid(2, height=4, width=8).tolist()
    [[2.0, 1.0], [6.0, 1.0], [2.0, 3.0], [6.0, 3.0]]
    """
    middle = (np.arange(points_per_side) + 0.5) / points_per_side
    y, x = np.meshgrid(np.floor(middle * height), np.floor(middle * width), indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def choose_proposer(model: object, grid: Grid, name: str | None = None) -> RegionProposer:
    """Ask SAMs through SAM's automatic mask generator, other models through `ClickGrid`.

    Raises UsageError for a model that cannot be asked: one that needs the ground truth, or a SAM whose
    estimates of quality are stale.
    """
    made = as_model(model)
    if not isinstance(made, Model):
        raise UsageError(
            f"'{name or type(made).__name__}' is shown the ground truth; regions come from a model that is not"
        )
    if hasattr(made, "network"):  # an adapter's: torch is loaded already
        from consbench_reference_training.pseudo_parts import automatic_masks

        if automatic_masks.is_sam(made):
            return automatic_masks.AutomaticMasks(made, grid, name)
    return ClickGrid(made, grid.points_per_side, name)
