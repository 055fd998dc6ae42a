"""conSAMmé: a SAM that was fine-tuned so that its outputs keep their places.

The network is SAM's own; what makes it conSAMmé is how it was trained. A checkpoint must therefore
say how: a training record in the header of a .safetensors file, or as JSON beside a .pth (see
`consbench_adapters.checkpoints`). The first output is the object and the second the part, so outputs
are scored in the order in which they come. Fine-tuning leaves the IoU head behind: its scores would
be those of another model, so none are given.
"""

from __future__ import annotations

from pathlib import Path

from consbench.errors import WeightsError
from consbench_adapters import checkpoints, sam
from consbench_adapters.checkpoints import RECORD_KEY, Checkpoint
from consbench_adapters.promptable import Precision, PromptableModel, check_options, choose_device, identity


def load(checkpoint: Path, device: str = "auto", dtype: Precision = "float32", chunk: int = 16) -> PromptableModel:
    """Load a conSAMmé checkpoint together with its training record.

    Args:
        checkpoint: a state dict with its training record.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        dtype: of image encoder and mask decoder; clicks, upsampling and threshold stay float32.
        chunk: how many clicks are decoded at a time; lower it where memory is short.

    Raises:
        WeightsError: where the checkpoint is absent, damaged, of another network or without record.
        UsageError: where an option cannot be.
    """
    check_options(chunk, dtype)
    where = choose_device(device)
    file = checkpoints.read(checkpoint)
    dimensions = file.dimensions
    if dimensions is None or "recipe" not in file.record:
        raise WeightsError(_no_record(file))
    network = sam.build_sam(dimensions)
    checkpoints.load_strictly(network, file, "sam", dimensions)
    described = identity("consamme", file, dimensions, dtype=dtype)
    return PromptableModel(
        network=network.to(where),
        embed=sam.embed,
        decode=sam.decode,
        outputs=dimensions.outputs,
        default_order="native",
        identity={**described, "training": dict(file.record)},
        device=where,
        dtype=dtype,
        chunk=chunk,
        scored=False,
    )


def _no_record(file: Checkpoint) -> str:
    absent = [key for key in ("dimensions", "recipe") if key not in file.record]
    return (
        f"{file.path} does not say how it was trained: {' and '.join(absent)} missing from its record. A conSAMmé "
        f"checkpoint carries a JSON object with both, under '{RECORD_KEY}' in the header of a .safetensors file or in "
        f"{file.path.name}.json beside a .pth. A file of the original SAM is run with --model sam"
    )
