"""HQ-SAM, through the classes of segment_anything_hq: three masks from a decoder that returns one.

The released decoder predicts three masks and one high-quality residual, then returns a single sum:
the mask of the best predicted IoU plus the residual. To ask which output holds the object, all
three sums are needed, so the `mode` is part of the model's identity:

    sam+hq   K = 3: each of the three multimask logits plus the residual. The default; its
             best-scored member is the official output, and HQ-SAM 2 by the same authors sums alike.
    sam      K = 3: the three multimask logits without the residual.
    hq       K = 1: the official output. With one output there is no part mask.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from consbench.errors import UsageError
from consbench_adapters import checkpoints, weights
from consbench_adapters.dimensions import Arch, SamDimensions
from consbench_adapters.promptable import (
    Precision,
    PromptableModel,
    Prompts,
    assemble,
    check_options,
    choose_device,
    identity,
)

with warnings.catch_warnings():
    # The package uses names that timm has deprecated and registers models that timm has as well.
    warnings.simplefilter("ignore")
    from segment_anything_hq import modeling

Mode = Literal["sam+hq", "sam", "hq"]


class Features(NamedTuple):
    """What the decoder needs of one image."""

    embedding: Tensor
    hq_features: Tensor


def load(
    checkpoint: Path | None = None,
    arch: Arch = "vit_b",
    mode: Mode = "sam+hq",
    device: str = "auto",
    dtype: Precision = "float32",
    chunk: int = 16,
) -> PromptableModel:
    """Load HQ-SAM.

    Args:
        checkpoint: a state dict, .pth or .safetensors; without one the fetched published weights are
            used. Nothing is downloaded. A plain SAM file is refused, for it lacks the HQ decoder.
        arch: the published size. A file that carries its own dimensions is loaded with those.
        mode: which masks are returned, see the head of this module.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        dtype: of image encoder and mask decoder; clicks, upsampling and threshold stay float32.
        chunk: how many clicks are decoded at a time; lower it where memory is short.

    Raises:
        WeightsError: where the checkpoint is absent, damaged or of another network.
        UsageError: where an option cannot be.
    """
    check_options(chunk, dtype)
    if mode not in ("sam+hq", "sam", "hq"):
        raise UsageError(f"mode must be sam+hq, sam or hq; got '{mode}'")
    where = choose_device(device)
    file = checkpoints.read(checkpoint or weights.require(f"hq-sam-{arch.replace('_', '-')}"))
    dimensions = checkpoints.choose_dimensions(file, arch)
    network = build_hq_sam(dimensions)
    checkpoints.load_strictly(network, file, "hq-sam", dimensions)
    return PromptableModel(
        network=network.to(where),
        embed=embed,
        decode=partial(decode, mode=mode),
        outputs=1 if mode == "hq" else dimensions.outputs,
        default_order="area",
        identity=identity("hq-sam", file, dimensions, mode=mode, dtype=dtype),
        device=where,
        dtype=dtype,
        chunk=chunk,
    )


def build_hq_sam(dimensions: SamDimensions) -> Any:
    """Build a `segment_anything_hq.modeling.Sam` of any dimensions with random weights, in evaluation mode."""
    return assemble(modeling, modeling.MaskDecoderHQ, dimensions, vit_dim=dimensions.embed_dim)


def embed(network: Any, pixels: Tensor) -> Features:
    """The image embedding and the high-quality features, both (1, channels, rows, columns)."""
    embedding, early = network.image_encoder(pixels)
    decoder = network.mask_decoder
    # The encoder's features are channels-last after its first block of global attention.
    early_features = decoder.compress_vit_feat(early[0].permute(0, 3, 1, 2))
    return Features(embedding, decoder.embedding_encoder(embedding) + early_features)


def decode(network: Any, features: Features, prompts: Prompts, mode: Mode) -> tuple[Tensor, Tensor]:
    """The logits (N, K, h, w) and predicted IoUs (N, K) of N clicks on one image."""
    logits, scores = network.mask_decoder.predict_masks(
        image_embeddings=features.embedding,
        image_pe=prompts.positions,
        sparse_prompt_embeddings=prompts.sparse,
        dense_prompt_embeddings=prompts.dense,
        hq_features=features.hq_features,
    )
    # Output 0 answers unambiguous prompts, the last is the residual; between them lie the multimask outputs.
    multimask, residual, scores = logits[:, 1:-1], logits[:, -1:], scores[:, 1:]
    if mode == "sam":
        return multimask, scores
    if mode == "sam+hq":
        return multimask + residual, scores
    best_score, best = torch.max(scores, dim=1, keepdim=True)
    rows = torch.arange(len(best), device=best.device)[:, None]
    return multimask[rows, best] + residual, best_score
