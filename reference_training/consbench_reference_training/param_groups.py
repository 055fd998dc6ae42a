"""Which parameters learn, how fast, and by which optimiser: the groups that AdamW and Muon are given.

Section 3 of the paper scales the learning rate of the image encoder layer by layer. With L blocks and decay d

    position and patch embedding    d^(L+1)
    block i, from 0                 d^(L−i)
    neck, and all outside           1

which is the counting of BEiT and ViTDet: the last block has one factor d already.

# paper: "starting from the initial learning rate" may also mean that the last block has the full rate; then
every exponent of the encoder is one less (`last_block_decayed = false`).

Tensors of one axis are never decayed: biases, and the norms whatever their class is called. SAM's LayerNorm2d
is no nn.LayerNorm, so a test of the class would miss it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from consbench.errors import UsageError
from consbench_reference_training.config import Optimiser

_BLOCK = re.compile(r"image_encoder\.blocks\.(\d+)\.")
_EMBEDDINGS = ("image_encoder.pos_embed", "image_encoder.patch_embed.")


def choose_trained(network: nn.Module, spec: Optimiser) -> None:
    """Let exactly the parameters that a recipe trains require a gradient.

    Raises UsageError for a prefix that no parameter has, and where nothing is left to train.
    """
    names = [name for name, _ in network.named_parameters()]
    for key, prefixes in (("train", spec.train), ("frozen", spec.frozen), ("muon", spec.muon)):
        for prefix in prefixes:
            if not any(_under(name, prefix) for name in names):
                raise UsageError(f"optimiser.{key}: no parameter of the network is called '{prefix}' or lies under it")
    for name, parameter in network.named_parameters():
        wanted = any(_under(name, prefix) for prefix in spec.train)
        parameter.requires_grad_(wanted and not any(_under(name, prefix) for prefix in spec.frozen))
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UsageError("optimiser.train and optimiser.frozen leave nothing to train")


def param_groups(network: nn.Module, spec: Optimiser, extra: Iterable[nn.Parameter] = ()) -> list[dict[str, Any]]:
    """The groups of all parameters that require a gradient.

    Beside `params`, `lr` and `weight_decay` each has a `name`, the `scale` of its learning rate and `muon`,
    whether its parameters are Muon's; `extra` are further parameters, at the full rate.
    """
    depth = len(network.get_submodule("image_encoder.blocks"))  # type: ignore[arg-type]
    groups: dict[str, dict[str, Any]] = {}
    named = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    for name, parameter in [*named, *((f"extra.{i}", p) for i, p in enumerate(extra))]:
        exponent = layer_exponent(name, depth, last_block_decayed=spec.last_block_decayed)
        decayed = parameter.ndim > 1
        muon = parameter.ndim == 2 and any(_under(name, prefix) for prefix in spec.muon)
        label = f"{_layer(name)}, {'matrices' if muon else 'weights' if decayed else 'norms and biases'}"
        scale = spec.layer_decay**exponent
        group = groups.setdefault(
            label,
            {
                "name": label,
                "muon": muon,
                "params": [],
                "scale": scale,
                "lr": spec.learning_rate * scale,
                "weight_decay": spec.weight_decay if decayed else 0.0,
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def optimisers(groups: Sequence[dict[str, Any]], spec: Optimiser) -> list[torch.optim.Optimizer]:
    """AdamW for the groups of `param_groups`, and Muon for those that are Muon's.

    Muon's steps are brought to the size of AdamW's, so that both share one learning rate and one schedule.
    """
    mine = [[group for group in groups if group["muon"] is muon] for muon in (False, True)]
    made: list[torch.optim.Optimizer] = []
    if mine[False]:
        made.append(torch.optim.AdamW(mine[False], betas=spec.betas))
    if mine[True]:
        made.append(torch.optim.Muon(mine[True], adjust_lr_fn="match_rms_adamw"))
    return made


def layer_exponent(name: str, depth: int, *, last_block_decayed: bool = True) -> int:
    """How many factors of the decay a parameter's learning rate has.

    >>> layer_exponent("image_encoder.pos_embed", 12), layer_exponent("image_encoder.blocks.11.mlp.lin1.bias", 12)
    (13, 1)
    >>> layer_exponent("mask_decoder.iou_token.weight", 12)
    0
    """
    exponent = 0
    if name.startswith(_EMBEDDINGS):
        exponent = depth + 1
    elif block := _BLOCK.match(name):
        exponent = depth - int(block[1])
    return exponent - (0 if last_block_decayed or exponent == 0 else 1)


def describe(groups: Iterable[Mapping[str, Any]]) -> str:
    """The groups as a table to print."""
    lines = [f"{'group':<44}{'tensors':>8}{'parameters':>12}{'rate':>11}{'scale':>9}{'decay':>8}"]
    total = 0
    for group in groups:
        count = sum(p.numel() for p in group["params"])
        total += count
        lines.append(
            f"{group['name']:<44}{len(group['params']):>8}{count:>12,}{group['lr']:>11.3g}{group['scale']:>9.4f}"
            f"{group['weight_decay']:>8.3g}"
        )
    return "\n".join([*lines, f"{'all':<44}{'':>8}{total:>12,}"])


def _layer(name: str) -> str:
    if block := _BLOCK.match(name):
        return f"image encoder, block {block[1]}"
    if name.startswith(_EMBEDDINGS):
        return "image encoder, embeddings"
    return {"image_encoder": "image encoder, neck"}.get(name.split(".")[0], name.split(".")[0].replace("_", " "))


def _under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
