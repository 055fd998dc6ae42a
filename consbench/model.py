"""The contract between the bench and a model: encode an image once, answer many clicks.

A model is anything with `encode(image) -> Encoded`; an `Encoded` is anything with
`predict(clicks) -> Prediction`. No base class is needed. A plain function
`f(image, clicks) -> masks` is accepted too, see `as_model`.

Optional attributes of a model:
    default_order   "native", "area" or "score": the order its outputs are scored in unless the user
                    asks for another (default "native")
    describe()      JSON-able dict for the record: architecture, weights, sha256, options, licence
    close()         called when a run ends

Order is applied outside the model: a model always returns its masks as it emits them.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from consbench.errors import ContractError
from consbench.masks import BoolArray
from consbench.types import Image, Object, Part, Sample

Clicks = NDArray[np.float64]
Target = tuple[Object, Part]


class Prediction(NamedTuple):
    """What a model answers to N clicks on one image.

    masks_NKHW  bool, at the size of the encoded image; position k is the model's k-th output
    scores_NK   the model's own estimate of quality, higher is better; None where it has none
    valid_NK    bool, False where a click has fewer than K outputs; None: all are valid
    """

    masks_NKHW: BoolArray
    scores_NK: NDArray[np.floating[Any]] | None = None
    valid_NK: BoolArray | None = None


class Encoded(Protocol):
    """An image that has been encoded once and answers any number of clicks."""

    def predict(self, clicks_N2: Clicks, /) -> Prediction | tuple[Any, ...] | BoolArray:
        """Answer N clicks, float64 (N, 2) as (x, y) pixels of the original image, each on its own."""
        ...


@runtime_checkable
class Model(Protocol):
    """A promptable model with one or more outputs for a click."""

    def encode(self, image_HWC: Image, /) -> Encoded:
        """Encode one image, uint8 (H, W, 3) RGB. Must neither keep nor change the array."""
        ...


@runtime_checkable
class PrivilegedModel(Protocol):
    """A control that is shown the ground truth, to prove what a metric does (`oracle`, `swapped`)."""

    def answer(self, sample: Sample, targets: Sequence[Target], /) -> Prediction:
        """Answer one click on each target; a pixel alone does not tell which of two nested parts is meant."""
        ...


ModelFunction = Callable[[Image, Clicks], Any]


class FunctionModel:
    """A plain function `f(image_HWC, clicks_N2) -> masks_NKHW`, behind the contract of a model."""

    def __init__(self, function: ModelFunction) -> None:
        self.function = function

    def encode(self, image_HWC: Image) -> Encoded:
        return _EncodedFunction(self.function, image_HWC.copy())


class _EncodedFunction:
    def __init__(self, function: ModelFunction, image_HWC: Image) -> None:
        self._function, self._image = function, image_HWC

    def predict(self, clicks_N2: Clicks) -> Any:
        return self._function(self._image.copy(), clicks_N2)


def as_model(thing: object) -> Model | PrivilegedModel:
    """Return `thing` as a model: it already is one, or it is a function `f(image, clicks) -> masks`.

    Raises ContractError where it is neither.
    """
    # text has a method `encode` too, and a class has its instances' methods: neither is a model
    if isinstance(thing, Model | PrivilegedModel) and not isinstance(thing, str | type):
        return thing
    if callable(thing) and not isinstance(thing, type):
        return FunctionModel(thing)
    raise ContractError(
        f"a model needs encode(image), or is a function f(image, clicks) -> masks; "
        f"got {type(thing).__module__}.{type(thing).__qualname__}, which is neither"
    )


def identity_of(model: Model | PrivilegedModel, name: str | None = None) -> dict[str, Any]:
    """What makes this the same model in another run: its name, its class, and what it says of itself.

    A model that describes nothing is identified by the SHA-256 of the file, or the notebook's cell, its code stands in.
    """
    code: Any = model.function if isinstance(model, FunctionModel) else type(model)
    if not hasattr(code, "__qualname__"):  # a partial, or an object that can be called
        code = type(code)
    about: dict[str, Any] = {
        "name": name or getattr(model, "name", code.__name__),
        "code": f"{code.__module__}:{code.__qualname__}",
    }
    describe = getattr(model, "describe", None)
    if describe is not None:
        return {**about, **describe()}
    source = _source(code)
    return {**about, "source_sha256": hashlib.sha256(source).hexdigest() if source else None}


def _source(code: Any) -> bytes | None:
    try:
        file = inspect.getsourcefile(code)
        if file and Path(file).is_file():
            return Path(file).read_bytes()
        return inspect.getsource(code).encode()  # a cell of a notebook: there is text, and no file
    except (TypeError, OSError):  # written in C, or typed into a shell
        return None


def check_prediction(answer: object, clicks: int, size: tuple[int, int]) -> Prediction:
    """Check a model's answer to `clicks` clicks on an image of `size` (height, width).

    Accepts a Prediction, a tuple (masks, scores[, valid]) or bare masks; returns a Prediction of
    numpy arrays. Raises ContractError that says what came, what was wanted and the likely slip.
    """
    masks, scores, valid = _unpack(answer)
    height, width = size
    wanted = f"bool of shape (N={clicks}, K, H={height}, W={width})"
    if not isinstance(masks, np.ndarray):
        raise ContractError(f"masks must be a numpy array, {wanted}; got {type(masks).__name__}{_slip_type(masks)}")
    came = f"got {masks.dtype} of shape {masks.shape}"
    if masks.dtype != np.bool_:
        raise ContractError(f"masks must be {wanted}; {came}. If these are logits, threshold them: logits > 0")
    if masks.ndim != 4 or masks.shape[0] != clicks or masks.shape[2:] != (height, width) or masks.shape[1] < 1:
        raise ContractError(f"masks must be {wanted}; {came}.{_slip_shape(masks.shape, clicks, size)}")
    outputs = masks.shape[1]
    if valid is not None:
        valid = np.asarray(valid)
        if valid.dtype != np.bool_ or valid.shape != (clicks, outputs):
            raise ContractError(
                f"valid must be bool of shape (N={clicks}, K={outputs}); got {valid.dtype} of shape {valid.shape}"
            )
    if scores is not None:
        scores = np.asarray(scores)
        if scores.shape != (clicks, outputs) or not np.issubdtype(scores.dtype, np.floating):
            raise ContractError(
                f"scores must be float of shape (N={clicks}, K={outputs}), or None; "
                f"got {scores.dtype} of shape {scores.shape}"
            )
        unusable = ~np.isfinite(scores) & (True if valid is None else valid)
        if unusable.any():
            raise ContractError(
                f"scores must be finite; got {int(unusable.sum())} NaN or infinite of {scores.size}. "
                f"A model without scores returns None"
            )
    return Prediction(masks, scores, valid)


def _unpack(answer: object) -> tuple[Any, Any, Any]:
    if isinstance(answer, tuple | list):
        if not 1 <= len(answer) <= 3:
            raise ContractError(
                "predict must return masks, (masks, scores) or (masks, scores, valid); "
                f"got a {type(answer).__name__} of {len(answer)}"
            )
        masks, scores, valid = (*answer, None, None)[:3]
        return masks, scores, valid
    return answer, None, None


def _slip_type(masks: object) -> str:
    if type(masks).__module__.startswith("torch"):
        return ". A torch tensor becomes one with .cpu().numpy()"
    return ""


def _slip_shape(shape: tuple[int, ...], clicks: int, size: tuple[int, int]) -> str:
    height, width = size
    if len(shape) == 3 and shape[1:] == size:
        return " The axis of the clicks (or of the outputs) is missing: add it with masks[:, None] or masks[None]"
    if len(shape) != 4:
        return f" There must be 4 axes, not {len(shape)}"
    if shape[2:] == (width, height) and width != height:
        return " Height and width look exchanged"
    if shape[0] != clicks and shape[1] == clicks:
        return " The first two axes look exchanged: clicks come first"
    if shape[0] != clicks:
        return " Every click needs its answer, in the order of the clicks"
    if shape[1] < 1:
        return " K must be at least 1"
    ratio = math.sqrt(shape[2] * shape[3] / (height * width)) if height * width else math.nan
    return (
        f" These look like masks at the model's own size ({ratio:.2g} × the image): "
        f"resize the logits to the image first"
    )
