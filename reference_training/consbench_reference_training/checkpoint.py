"""What a training run leaves behind, and what it starts from.

    checkpoint.safetensors        weights of the best validation loss; the record in its header
    checkpoint.safetensors.json   the same record, for people
    state.pt                      all that is needed to go on: weights, optimiser, step, logs

The record is what `consbench_adapters.checkpoints` reads: `dimensions` and `recipe`, and beside them data
fingerprints, seed, code version, step and curve. Folders are left out of it: they tell nothing to others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from consbench import provenance
from consbench.errors import RecordMismatch, RecordUnreadable, UsageError, WeightsError
from consbench.files import replacing
from consbench.records import differences
from consbench_adapters import checkpoints, miniatures, sam, weights
from consbench_adapters.checkpoints import Checkpoint
from consbench_adapters.dimensions import PUBLISHED, SamDimensions
from consbench_reference_training import config
from consbench_reference_training.config import Network, Recipe

CHECKPOINT, STATE = "checkpoint.safetensors", "state.pt"


def build_network(spec: Network, seed: int, beside: Path) -> tuple[Any, SamDimensions, dict[str, Any]]:
    """Build the network of a recipe with the weights it starts from.

    Args:
        spec: which network.
        seed: of random weights.
        beside: the run's directory; `init` may name a recipe whose run lies beside it.

    Returns:
        the network, its dimensions, and for the record what it started from.

    Raises WeightsError where a checkpoint is absent, or of other dimensions than the recipe wants.
    """
    file = _find_init(spec.init, beside)
    start = checkpoints.read(file) if file else None
    dimensions = _dimensions(spec, start)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # `assemble` keeps the caller's random state as it is, and so starts from this seed.
        network = _build(spec.family, dimensions)
    if start is None:
        if spec.tied_attention:
            _tie_attention(network)
        return network, dimensions, {"init": "random"}
    _load(network, start, spec, dimensions)
    return network, dimensions, {"init": start.path.name, "sha256": start.sha256, "recipe": start.record.get("name")}


def record(recipe: Recipe, dimensions: SamDimensions, **history: Any) -> dict[str, Any]:
    """The record of a checkpoint; `history` says what else is known of the run."""
    plain = recipe.as_json()
    plain["network"]["init"] = _bare(plain["network"]["init"])
    plain["data"]["sources"] = [_bare(source) for source in plain["data"]["sources"]]
    plain["data"]["standins"]["labels"] = _bare(plain["data"]["standins"]["labels"])
    environment = provenance.environment()
    return {
        "name": recipe.name,
        "recipe": plain,
        "dimensions": dimensions.as_json(),
        "scores": "trained" if recipe.loss.kind == "best-of" else "stale: the quality head was left as it was",
        "seed": recipe.seed,
        "code_version": {**environment["packages"], "python": environment["python"], "code": environment["code"]},
        **history,
    }


def save_checkpoint(folder: Path, network: nn.Module, made: Mapping[str, Any]) -> Path:
    """Write weights and record; each file is whole or is not there. Returns the checkpoint's path."""
    file = folder / CHECKPOINT
    checkpoints.write(file, network.state_dict(), made)
    sidecar = file.with_name(f"{file.name}.json")
    with replacing(sidecar) as draft:
        draft.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return file


def export_state_dict(file: Path, to: Path) -> None:
    """Write a checkpoint as a plain `.pth` state dict, for tools that know SAM and not its record."""
    torch.save(dict(checkpoints.read(file).tensors), to)


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a run in one step: a crash leaves the old one or the new one."""
    with replacing(folder / STATE) as draft:
        torch.save(dict(state), draft)


def load_state(folder: Path, recipe: Recipe) -> dict[str, Any] | None:
    """Read the state of the run in `folder`; None where there is none.

    Raises RecordMismatch where it is of another recipe, RecordUnreadable where it is damaged.
    """
    file = folder / STATE
    if not file.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        theirs = state["recipe"]
    except Exception as error:  # torch raises whatever the damage led it to
        raise RecordUnreadable(f"{file} is damaged ({type(error).__name__}); remove {folder} to start anew") from error
    ours = json.dumps(recipe.as_json(), sort_keys=True)
    if theirs != ours:
        differing = differences(json.loads(theirs), json.loads(ours))
        raise RecordMismatch(
            f"{folder} holds a run of another recipe: {'; '.join(differing[:4])}. Name another directory with --out, "
            f"or remove this one"
        )
    return state


def _find_init(init: str, beside: Path) -> Path | None:
    if init == "random":
        return None
    if init in weights.TABLE:
        return weights.require(init)
    if init in config.names():
        file = beside.parent / init / CHECKPOINT
        if not file.is_file() and init in miniatures.NAMES:
            return miniatures.checkpoint(init)
        if not file.is_file():
            raise WeightsError(
                f"network.init is '{init}', but that recipe was not trained yet: there is no {file}. Train it with "
                f"'consbench train {init} --out {file.parent}', or name a checkpoint with --set network.init=FILE"
            )
        return file
    return Path(init)


def _dimensions(spec: Network, start: Checkpoint | None) -> SamDimensions:
    try:
        wanted = SamDimensions.from_json(spec.dimensions) if spec.dimensions else None
    except ValueError as error:
        raise UsageError(f"network.dimensions: {error}") from None
    if start is None:
        return wanted or PUBLISHED["vit_b"]
    recorded = start.dimensions
    if recorded is not None and wanted is not None and recorded != wanted:
        differing = "; ".join(differences(recorded.as_json(), wanted.as_json()))
        raise WeightsError(f"{start.path} does not fit network.dimensions: {differing}. Leave network.dimensions out")
    return recorded or wanted or PUBLISHED["vit_b"]


def _build(family: str, dimensions: SamDimensions) -> Any:
    if family == "hq-sam":
        from consbench_adapters import hq_sam  # imports timm, which SAM does not need

        return hq_sam.build_hq_sam(dimensions)
    return sam.build_sam(dimensions)


def _load(network: Any, start: Checkpoint, spec: Network, dimensions: SamDimensions) -> None:
    own = network.state_dict()
    if spec.family == "hq-sam" and start.tensors.keys() < own.keys():
        # A SAM under a new HQ head: all of SAM must be there, and all that is missing must be the head's.
        plain = sam.build_sam(dimensions).state_dict().keys()
        if start.tensors.keys() == plain:
            start = start._replace(tensors={**own, **start.tensors})
    checkpoints.load_strictly(network, start, spec.family, dimensions)


def _tie_attention(network: Any) -> None:
    """Start the keys of every attention from clicks to the image equal to the queries.

    A query and a key of the same place carry the same positional code, so with equal projections a click
    attends to where it is. Random projections have to find that out.
    """
    transformer = network.mask_decoder.transformer
    for attention in (
        *(layer.cross_attn_token_to_image for layer in transformer.layers),
        transformer.final_attn_token_to_image,
    ):
        attention.k_proj.load_state_dict(attention.q_proj.state_dict())


def _bare(reference: str) -> str:
    """A reference without folders.

    >>> _bare("pseudo-parts,file=/home/me/labels.parquet")
    'pseudo-parts,file=labels.parquet'
    """
    return re.sub(r"[^,=]*[/\\]", "", reference)
