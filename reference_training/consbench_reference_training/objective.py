"""What is optimised: a network, the episodes it is asked, and the loss of its answers.

One module whose forward pass is the loss, so that everything a distributed run must see goes through it.

Axes: E episodes, and those of `losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from consbench_adapters.dimensions import SamDimensions
from consbench_adapters.promptable import PromptableModel, Prompts
from consbench_reference_training.config import Recipe
from consbench_reference_training.dense import DenseHead, dense_loss
from consbench_reference_training.episodes import LEVELS, Episode
from consbench_reference_training.losses import contrastive_loss, ordered_loss
from consbench_reference_training.sam_loss import best_of_loss, quality_loss
from consbench_reference_training.tokens import RowTap

Phase = Literal["dense", "masks"]
CELLS_PER_PATCH = 4  # the mask decoder enlarges the embedding twice by two


class Losses(NamedTuple):
    """The losses of E episodes; the terms are what `total_E` is made of, without gradient."""

    total_E: Tensor
    terms_E: dict[str, Tensor]


class Answer(NamedTuple):
    """What the network says to the N clicks of one episode; all with gradient, float32."""

    logits_NKhw: Tensor
    scores_NK: Tensor
    rows_NRD: Tensor


class Objective(nn.Module):
    """A network together with the losses of a recipe.

    Args:
        network: a SAM or an HQ-SAM as the adapters build it.
        dimensions: its numbers.
        recipe: which losses, in which precision.
    """

    def __init__(self, network: Any, dimensions: SamDimensions, recipe: Recipe) -> None:
        super().__init__()
        self.network = network
        self.dimensions = dimensions
        self.recipe = recipe
        self.embed, self.decode = _halves(recipe)
        self._rows = RowTap(network.mask_decoder)
        self.dense_head: DenseHead | None = None
        if recipe.dense.steps:
            self.dense_head = DenseHead(dimensions.decoder_dim, dimensions.image_size, len(LEVELS))
        if recipe.run.activation_checkpointing:
            for block in network.image_encoder.blocks:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        device: torch.device = self.network.device
        return device

    def forward(self, episodes: Sequence[Episode], phase: Phase = "masks") -> Losses:
        """The loss of each episode; whoever calls it takes the mean."""
        with self._precision():
            pixels = torch.stack([self.network.preprocess(e.pixels_CHW.to(self.device)) for e in episodes])
            features = self.embed(self.network, pixels)
        losses = [
            self._dense(features, place, episode) if phase == "dense" else self._masks(features, place, episode)
            for place, episode in enumerate(episodes)
        ]
        terms = {name: torch.stack([loss[name].detach() for loss in losses]) for name in losses[0]}
        return Losses(torch.stack([sum(loss.values(), torch.zeros((), device=self.device)) for loss in losses]), terms)

    def answer(self, features: Any, place: int, clicks_N2: Tensor) -> Answer:
        """Answer N clicks, (x, y) in the network's frame, on image `place` of a batch of features."""
        points = clicks_N2.to(self.device)[:, None]
        labels = torch.ones(points.shape[:2], dtype=torch.int, device=self.device)
        # Positions of clicks need float32; only the decoder runs in less.
        sparse, dense = self.network.prompt_encoder(points=(points, labels), boxes=None, masks=None)
        prompts = Prompts(sparse, dense, self.network.prompt_encoder.get_dense_pe())
        with self._precision():
            logits, scores = self.decode(self.network, _one(features, place), prompts)
        return Answer(logits.float(), scores.float(), self._rows.take().float())

    def evaluated(self, name: str) -> PromptableModel:
        """The network as the bench evaluates models, sharing its weights."""
        return PromptableModel(
            network=self.network,
            embed=self.embed,
            decode=self.decode,
            outputs=self.dimensions.outputs,
            default_order="native",
            identity={"model": name},
            device=self.device,
            dtype=self.recipe.run.precision,
            chunk=32,
            scored=False,
        )

    def _masks(self, features: Any, place: int, episode: Episode) -> dict[str, Tensor]:
        loss = self.recipe.loss
        answer = self.answer(features, place, episode.clicks_N2)
        logits = _enlarged(answer.logits_NKhw, loss.upscale)
        targets, valid = episode.targets_NTSS.to(self.device), episode.valid_NT.to(self.device)
        weights = {"focal": loss.focal, "dice": loss.dice, "alpha": loss.focal_alpha, "gamma": loss.focal_gamma}
        if loss.kind == "best-of":
            terms = {"masks": best_of_loss(logits, targets, valid, mean_share=loss.mean_share, **weights)}
            if loss.quality:
                terms["quality"] = loss.quality * quality_loss(logits, answer.scores_NK, targets, valid)
            return terms
        terms = {"masks": ordered_loss(logits, targets, **weights)}
        if loss.contrast:
            objects, parts = contrastive_loss(answer.rows_NRD, loss.margin)
            terms |= {"contrast_object": loss.contrast * objects, "contrast_part": loss.contrast * parts}
        return terms

    def _dense(self, features: Any, place: int, episode: Episode) -> dict[str, Tensor]:
        assert self.dense_head is not None, "a dense phase has its head"
        embedding = _one(features, place)
        embedding = embedding if isinstance(embedding, Tensor) else embedding[0]
        with self._precision():
            logits = self.dense_head(embedding[0], episode.clicks_N2.to(self.device))
        logits = _enlarged(logits.float(), self.recipe.loss.upscale)
        targets, valid = episode.targets_NTSS.to(self.device), episode.valid_NT.to(self.device)
        return {"dense": dense_loss(logits, targets, valid)}

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.run.precision == "bfloat16")


def target_size(dimensions: SamDimensions, recipe: Recipe) -> int:
    """Side of the square in which masks are compared."""
    return dimensions.grid * CELLS_PER_PATCH * recipe.loss.upscale


def _halves(recipe: Recipe) -> tuple[Any, Any]:
    """Encoder and decoder as the adapter of the family runs them, so that what is trained is what is evaluated."""
    if recipe.network.family == "hq-sam":
        from consbench_adapters import hq_sam

        return hq_sam.embed, partial(hq_sam.decode, mode="sam+hq")
    from consbench_adapters import sam

    return sam.embed, sam.decode


def _one(features: Any, place: int) -> Any:
    """The features of one image of a batch: the decoder takes one image at a time."""
    rows = slice(place, place + 1)
    return features[rows] if isinstance(features, Tensor) else type(features)(*(part[rows] for part in features))


def _enlarged(logits: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return logits
    return functional.interpolate(logits, scale_factor=factor, mode="bilinear", align_corners=False)
