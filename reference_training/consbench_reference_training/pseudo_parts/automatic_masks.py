"""Regions by SAM's automatic mask generator, the class of segment_anything, on a network of any size."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, TypeGuard

import numpy as np
import torch
from segment_anything import SamAutomaticMaskGenerator, SamPredictor
from segment_anything.modeling import Sam
from segment_anything.utils.transforms import ResizeLongestSide

from consbench.errors import RunFailed, UsageError
from consbench.masks import Mask
from consbench.types import Image
from consbench_adapters.promptable import PromptableModel
from consbench_reference_training.pseudo_parts.algorithm import Region
from consbench_reference_training.pseudo_parts.proposers import Grid

PIXELS_OF_A_BATCH = 1024 * 1024


def is_sam(model: object) -> TypeGuard[PromptableModel]:
    """Whether `model` is an adapter around segment_anything's own network."""
    return isinstance(model, PromptableModel) and isinstance(model.network, Sam)


class AutomaticMasks:
    """SAM's automatic mask generator behind `RegionProposer`.

    The image encoder runs in the model's `dtype`, all else in float32.
    Raises UsageError where the model's scores are stale, because the generator chooses by them.
    """

    def __init__(self, model: PromptableModel, grid: Grid, name: str | None = None) -> None:
        if not model.scored:
            raise UsageError(
                f"automatic masks are chosen by the model's own scores, and those of '{name or 'this model'}' are "
                "stale: its training left them behind. Take the SAM it was trained from"
            )
        self._model, self._grid, self._name = model, grid, name
        self._generator = SamAutomaticMaskGenerator(
            model.network,
            points_per_side=grid.points_per_side,
            pred_iou_thresh=grid.pred_iou,
            stability_score_thresh=grid.stability,
            box_nms_thresh=grid.box_nms,
            crop_nms_thresh=grid.box_nms,
            crop_n_layers=grid.crop_layers,
            output_mode="coco_rle",
        )
        self._generator.predictor = _Predictor(model)

    def propose(self, image_HWC: Image) -> list[Region]:
        """The generator's masks in its own order, with the estimated IoU as score.

        Raises RunFailed, saying what to lower, where the device runs out of memory.
        """
        height, width = image_HWC.shape[:2]
        # Logits are upsampled to the size of the image: 64 clicks on a photograph of 12 megapixels take 9 GB.
        batch = max(
            1, min(self._grid.points_per_batch, self._grid.points_per_batch * PIXELS_OF_A_BATCH // (height * width))
        )
        self._generator.points_per_batch = batch
        try:
            found = self._generator.generate(image_HWC)
        except torch.cuda.OutOfMemoryError as error:
            raise RunFailed(
                f"the device ran out of memory on an image of {width}×{height} pixels with {batch} clicks at a time. "
                f"Lower --points-per-batch, for example to {max(1, self._grid.points_per_batch // 2)}"
            ) from error
        return [
            Region(Mask(height, width, one["segmentation"]["counts"].encode()), one["predicted_iou"]) for one in found
        ]

    def describe(self) -> dict[str, Any]:
        """The method, the model with its weights' SHA-256, and the numbers of the grid."""
        model = {"name": self._name, **self._model.describe()}
        return {"method": "sam-automatic-masks", "model": model, **self._grid.describe()}


class _Predictor(SamPredictor):  # type: ignore[misc]  # the package carries no types
    """SAM's predictor with the encoder in another precision, and clicks that MPS can take."""

    transform: Any

    def __init__(self, model: PromptableModel) -> None:
        super().__init__(model.network)
        self._dtype = model.dtype
        if model.device.type == "mps":
            self.transform = _SinglePrecision(self.transform.target_length)

    def set_torch_image(self, transformed_image: torch.Tensor, original_image_size: tuple[int, ...]) -> None:
        kind = getattr(torch, self._dtype)
        half = nullcontext() if kind is torch.float32 else torch.autocast(self.device.type, dtype=kind)
        with half:
            super().set_torch_image(transformed_image, original_image_size)


class _SinglePrecision(ResizeLongestSide):  # type: ignore[misc]
    """SAM's change of frame with float32 coordinates: MPS has no float64."""

    def apply_coords(self, coords: np.ndarray[Any, Any], original_size: tuple[int, ...]) -> np.ndarray[Any, Any]:
        moved: np.ndarray[Any, Any] = super().apply_coords(coords, original_size)
        return moved.astype(np.float32)
