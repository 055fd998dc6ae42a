"""SAM, through the classes of segment_anything: three masks for one click.

The logits are those of the package's own SamPredictor; only the clicks go through the decoder
together instead of one by one. SAM states no order among its outputs, so by default they are scored
largest first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segment_anything import modeling
from torch import Tensor

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


def load(
    checkpoint: Path | None = None,
    arch: Arch = "vit_b",
    device: str = "auto",
    dtype: Precision = "float32",
    chunk: int = 16,
) -> PromptableModel:
    """Load SAM.

    Args:
        checkpoint: a state dict, .pth or .safetensors; without one the fetched published weights are
            used. Nothing is downloaded.
        arch: the published size. A file that carries its own dimensions is loaded with those.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        dtype: of image encoder and mask decoder; clicks, upsampling and threshold stay float32.
        chunk: how many clicks are decoded at a time; lower it where memory is short.

    Raises:
        WeightsError: where the checkpoint is absent, damaged or of another network.
        UsageError: where an option cannot be.
    """
    check_options(chunk, dtype)
    where = choose_device(device)
    file = checkpoints.read(checkpoint or weights.require(f"sam-{arch.replace('_', '-')}"))
    dimensions = checkpoints.choose_dimensions(file, arch)
    network = build_sam(dimensions)
    checkpoints.load_strictly(network, file, "sam", dimensions)
    return PromptableModel(
        network=network.to(where),
        embed=embed,
        decode=decode,
        outputs=dimensions.outputs,
        default_order="area",
        identity=identity("sam", file, dimensions, dtype=dtype),
        device=where,
        dtype=dtype,
        chunk=chunk,
    )


def build_sam(dimensions: SamDimensions) -> Any:
    """Build a `segment_anything.modeling.Sam` of any dimensions with random weights, in evaluation mode."""
    return assemble(modeling, modeling.MaskDecoder, dimensions)


def embed(network: Any, pixels: Tensor) -> Tensor:
    """The image embedding, (1, decoder_dim, grid, grid)."""
    embedding: Tensor = network.image_encoder(pixels)
    return embedding


def decode(network: Any, embedding: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    """The multimask logits (N, K, h, w) and predicted IoUs (N, K) of N clicks on one image."""
    logits, scores = network.mask_decoder(
        image_embeddings=embedding,
        image_pe=prompts.positions,
        sparse_prompt_embeddings=prompts.sparse,
        dense_prompt_embeddings=prompts.dense,
        multimask_output=True,
    )
    return logits, scores
