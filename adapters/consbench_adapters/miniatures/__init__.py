"""The miniatures: four small networks that ship with their weights, to see the method work without a download.

They have the architecture of SAM and HQ-SAM at a fortieth of ViT-B's parameters, see images of 128 pixels, and
were trained on drawn scenes by the recipes of the same names (`consbench train`). None of their numbers is the
paper's. Each `<name>.safetensors` carries the record of its training in its header; `<name>.safetensors.json`
is the same record for people.
"""

from __future__ import annotations

from pathlib import Path

from consbench_adapters import consamme, sam
from consbench_adapters.promptable import Precision, PromptableModel

NAMES = ("sam-mini", "hq-sam-mini", "consamme-vanilla-mini", "consamme-mini")


def checkpoint(name: str) -> Path:
    """The checkpoint of one of `NAMES`."""
    return Path(__file__).parent / f"{name}.safetensors"


def sam_mini(device: str = "auto", dtype: Precision = "float32", chunk: int = 16) -> PromptableModel:
    """Load the miniature SAM: whole, part and subpart as targets, the best of three outputs learnt."""
    return sam.load(checkpoint("sam-mini"), device=device, dtype=dtype, chunk=chunk)


def hq_sam_mini(device: str = "auto", dtype: Precision = "float32", chunk: int = 16) -> PromptableModel:
    """Load the miniature HQ-SAM: an HQ head on the frozen sam-mini."""
    from consbench_adapters import hq_sam  # imports timm, which the others do not need

    return hq_sam.load(checkpoint("hq-sam-mini"), device=device, dtype=dtype, chunk=chunk)


def consamme_vanilla_mini(device: str = "auto", dtype: Precision = "float32", chunk: int = 16) -> PromptableModel:
    """Load the miniature Vanilla: sam-mini fine-tuned to put the object first and the part second."""
    return consamme.load(checkpoint("consamme-vanilla-mini"), device=device, dtype=dtype, chunk=chunk)


def consamme_mini(device: str = "auto", dtype: Precision = "float32", chunk: int = 16) -> PromptableModel:
    """Load the miniature conSAMmé: as Vanilla, with the contrastive loss between the parts of an object."""
    return consamme.load(checkpoint("consamme-mini"), device=device, dtype=dtype, chunk=chunk)
