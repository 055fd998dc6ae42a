"""Checkpoint files: reading them without running anything, loading them strictly, writing ours.

A checkpoint is a flat mapping of tensor names to tensors: a `.pth` saved with torch.save, or a
`.safetensors` file. The latter can carry a record of how it was made: a JSON object in its header
under the key `consbench`, which holds at least

    dimensions      the network's numbers, see consbench_adapters.dimensions
    recipe          name of the training recipe, or the whole recipe
    code_version, seed, …   whatever else the trainer knows

For a `.pth` the same object may lie beside it as `<file>.json`.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from consbench.errors import WeightsError
from consbench.files import replacing
from consbench_adapters.dimensions import PUBLISHED, Arch, Family, SamDimensions, likeness, published_arch

RECORD_KEY = "consbench"


class Checkpoint(NamedTuple):
    """What a file holds: its tensors on the CPU, its record (empty where it has none) and its hash."""

    path: Path
    tensors: Mapping[str, Tensor]
    record: Mapping[str, Any]
    sha256: str

    @property
    def dimensions(self) -> SamDimensions | None:
        """The dimensions in the record; None where it holds none. Raises WeightsError where they are wrong."""
        if "dimensions" not in self.record:
            return None
        try:
            return SamDimensions.from_json(self.record["dimensions"])
        except ValueError as error:
            raise WeightsError(f"{self.path}: the dimensions in its record cannot be used: {error}") from None


def read(path: Path) -> Checkpoint:
    """Read a checkpoint, executing nothing that is in it.

    Raises WeightsError where the file is absent, damaged, or holds something else than named tensors.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        kind = "a directory" if path.is_dir() else "no file"
        raise WeightsError(f"checkpoint {path}: there is {kind} of that name (looked for {path.absolute()})")
    tensors, record = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Checkpoint(path, tensors, record or _read_sidecar(path), sha256)


def write(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a `.safetensors` checkpoint with its record in the header; complete or not at all."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as draft:
        save_file(plain, draft, metadata={RECORD_KEY: json.dumps(record, sort_keys=True)})


def choose_dimensions(checkpoint: Checkpoint, arch: Arch) -> SamDimensions:
    """The dimensions a checkpoint is to be loaded with: those in its record, else those of `arch`.

    Raises WeightsError where a size other than the default was asked for and the record holds another.
    """
    recorded = checkpoint.dimensions
    if recorded is None:
        return PUBLISHED[arch]
    if arch != "vit_b" and recorded != PUBLISHED[arch]:
        raise WeightsError(
            f"{checkpoint.path} carries its own dimensions (embed dim {recorded.embed_dim}, {recorded.depth} blocks, "
            f"images of {recorded.image_size} px), which are not {arch}'s; leave arch out"
        )
    return recorded


def load_strictly(network: nn.Module, checkpoint: Checkpoint, family: Family, wanted: SamDimensions) -> None:
    """Copy a checkpoint's tensors into `network`; every name and every shape must fit.

    Raises WeightsError that says what the file looks like and how to run it where it does not fit.
    """
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    came = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    if own != came:
        raise WeightsError(f"{checkpoint.path} {_why_not(checkpoint.path.name, own, came, family, wanted)}")
    network.load_state_dict(dict(checkpoint.tensors), strict=True)


Shapes = dict[str, tuple[int, ...]]


def _why_not(name: str, own: Shapes, came: Shapes, family: Family, wanted: SamDimensions) -> str:
    looks = likeness(came)
    missing, extra = sorted(own.keys() - came.keys()), sorted(came.keys() - own.keys())
    if looks.family is None:
        return f"is {looks.phrase}. Give the file of a {family} model"
    arch = published_arch(wanted)
    if looks.arch != arch and looks.arch is not None:
        asked = f"{arch} (embed dim {wanted.embed_dim})" if arch else f"embed dim {wanted.embed_dim}"
        return f"looks like {looks.phrase}, but {asked} was asked for. Add arch={looks.arch}"
    if looks.arch is None and arch is not None:
        return (
            f"looks like {looks.phrase}, but {arch} was asked for. Sizes that were never published are read from the "
            f"file's own record: a .safetensors header with '{RECORD_KEY}', or {name}.json beside it"
        )
    if family == "hq-sam" and looks.family == "sam":
        return (
            f"looks like {looks.phrase}: {len(missing)} tensors of HQ-SAM's decoder are missing "
            f"({_first(missing)}). Give an HQ-SAM file, or run this one with --model sam"
        )
    if family == "sam" and looks.family == "hq-sam":
        return (
            f"looks like {looks.phrase}: SAM has no place for {len(extra)} of its tensors ({_first(extra)}). "
            "Run it with --model hq-sam, where mode=sam gives its plain masks"
        )
    wrong = [
        f"{name} {came[name]} for {own[name]}" for name in sorted(own.keys() & came.keys()) if own[name] != came[name]
    ]
    faults = (("missing", missing), ("not known to the model", extra), ("of another shape", wrong))
    found = "; ".join(f"{len(names)} tensors {what} ({_first(names)})" for what, names in faults if names)
    return f"looks like {looks.phrase}, but does not fit: {found}. Nothing was loaded"


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except SafetensorError as error:
        raise WeightsError(_damaged(path, error)) from error
    return tensors, _as_record(header.get(RECORD_KEY, "{}"), f"the header of {path}")


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        found = _unpickle(path)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than tensors, or no tensors at all, and is not opened, because unpickling it could run "
            f"code. Save the model's state_dict() with torch.save, or as .safetensors ({_line(error)})"
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError, KeyError) as error:
        raise WeightsError(_damaged(path, error)) from error
    if not isinstance(found, dict) or not found:
        raise WeightsError(f"{path} holds {_kind(found)}; expected a state dict, that is named tensors")
    others = [str(name) for name, value in found.items() if not isinstance(value, Tensor)]
    if others:
        nested = next((name for name in others if isinstance(found.get(name), dict)), None)
        how = f" Save what is under '{nested}' as a file of its own" if nested else ""
        raise WeightsError(
            f"{path} is no plain state dict: {len(others)} of its {len(found)} entries are no tensors "
            f"({_first(others)}).{how}"
        )
    return {str(name): value for name, value in found.items()}, {}


def _unpickle(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pickle protocols; what cannot be read raises
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
        return torch.load(path, map_location="cpu", weights_only=True)  # the format before torch 1.6


def _read_sidecar(path: Path) -> dict[str, Any]:
    sidecar = path.with_name(path.name + ".json")
    return _as_record(sidecar.read_text(encoding="utf-8"), str(sidecar)) if sidecar.is_file() else {}


def _as_record(text: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise WeightsError(f"{where}: the training record is no valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise WeightsError(f"{where}: the training record must be a JSON object; got {_kind(record)}")
    return record


def _damaged(path: Path, error: Exception) -> str:
    return (
        f"{path} ({path.stat().st_size:,} bytes) is damaged, cut short or of another format: {_line(error)}. "
        "Fetch or copy it again"
    )


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__


def _kind(value: object) -> str:
    return "an empty dictionary" if value == {} else f"a {type(value).__name__}"
