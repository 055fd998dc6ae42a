"""The examination of a model: the table of checks with their likely slips, and the walk through it.

The cost is three encoded images of at most 131 pixels and sixteen calls of `predict`, all but one with a
single click. A call with no click at all is not made: a run never makes one.

A check that needs another one, and finds that it failed, is skipped: one slip should give one failure.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from consbench.testing import checks
from consbench.testing.findings import Conformance, Finding, Outcome, Slip
from consbench.testing.probe import Doubt, Fault, Probe, Skip


class Check(NamedTuple):
    """One thing that must be true. `examine` says what it saw, or raises Fault, Doubt or Skip."""

    name: str
    claim: str
    examine: Callable[[Probe], str]
    slips: tuple[Slip, ...]
    needs: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check(
        "answer",
        "a picture is encoded",
        checks.answer,
        (
            Slip("this is no model", "give an object with encode(image), or a function f(image, clicks) -> masks"),
            Slip("a float image is expected", "the image is uint8 (H, W, 3), RGB, 0 to 255: convert it in encode"),
        ),
    ),
    Check(
        "masks",
        "masks are a bool array (N, K, H, W) at the size of the image",
        checks.masks,
        (
            Slip("logits or probabilities are returned", "threshold the logits: logits > 0"),
            Slip("masks are at the model's own size", "resize the logits to (H, W) of the image, then threshold"),
            Slip("a tensor is returned", "hand over masks.cpu().numpy()"),
            Slip("a factory was given", "call it: check_model(load()), not check_model(load)"),
        ),
        needs=("answer",),
    ),
    Check(
        "repeat",
        "the same click on the same encoded image gets the same answer",
        checks.repeat,
        (
            Slip(
                "the model draws random numbers", "switch dropout off (model.eval()) and seed a generator of your own"
            ),
            Slip("a click remembers the one before it", "pass no mask or click of an earlier call to predict"),
        ),
        needs=("masks",),
    ),
    Check(
        "frame",
        "clicks are (x, y) in pixels of the image, and masks are (height, width)",
        checks.frame,
        (
            Slip("the click is read as (row, column)", "it is (x, y) = (column, row): image[y, x] is its pixel"),
            Slip("the masks are transposed", "their last two axes are (height, width)"),
        ),
        needs=("masks",),
    ),
    Check(
        "batch",
        "several clicks at once get the answers they get one by one, in their order",
        checks.batch,
        (
            Slip("all clicks enter one prompt", "give the network N prompts of one click, not one prompt of N clicks"),
            Slip("something is normalised over the batch", "treat every click on its own"),
            Slip("only one click is decoded", "loop over the clicks, or repeat the image embedding for each"),
        ),
        needs=("masks", "repeat"),
    ),
    Check(
        "sizes",
        "a portrait image of odd size is answered like any other",
        checks.sizes,
        (
            Slip("height and width are exchanged somewhere", "image.shape is (H, W, 3), PIL's size is (W, H)"),
            Slip("sides are divided without a remainder", "compute the resized side once, and use it both ways"),
        ),
        needs=("masks", "frame"),
    ),
    Check(
        "state",
        "encoding another image does not change what an encoded image answers",
        checks.state,
        (
            Slip("encode stores the image in the model", "store it in the object that encode returns"),
            Slip(
                "a predictor with set_image is shared", "keep its features and sizes per image, in the encoded object"
            ),
        ),
        needs=("masks", "repeat", "sizes"),
    ),
    Check(
        "again",
        "encoding an image again gives the same answers",
        checks.again,
        (
            Slip("encoding draws random numbers", "switch dropout off (model.eval()) and seed a generator of your own"),
            Slip("encode remembers the image before", "let nothing but the image decide what encode returns"),
        ),
        needs=("masks", "repeat", "state"),
    ),
    Check(
        "border",
        "clicks on the corner pixels are answered",
        checks.border,
        (
            Slip("a window around the click leaves the image", "clip it to 0 .. W-1 and 0 .. H-1"),
            Slip("an index is rounded up", "the last pixel is (W-1, H-1): use the click as it comes"),
        ),
        needs=("masks", "frame", "sizes", "state"),
    ),
    Check(
        "outputs",
        "the number of outputs K is the same in every answer",
        checks.outputs,
        (
            Slip(
                "outputs are filtered or merged",
                "pad to K masks and return a third array, valid (N, K), False for the padding",
            ),
            Slip("K follows the number of clicks", "the axes are (N, K, H, W), clicks first"),
        ),
        needs=("masks",),
    ),
    Check(
        "scores",
        "scores are finite floats (N, K), or None",
        checks.scores,
        (
            Slip("scores of several calls are not joined like the masks", "concatenate them along the axis of clicks"),
            Slip("a score is 0 divided by 0 for an empty mask", "give such a mask a low finite score"),
            Slip("the model has no scores", "return None in their place, always"),
        ),
        needs=("masks",),
    ),
    Check(
        "inputs",
        "the image and the clicks that are handed over stay as they are",
        checks.inputs,
        (
            Slip("normalising or scaling in place (-=, *=, out=)", "work on a copy: image.astype(np.float32)"),
            Slip("the array is shared with a tensor", "torch.from_numpy shares memory: clone it before changing it"),
        ),
        needs=("answer",),
    ),
    Check(
        "kept",
        "an encoded image does not depend on the array it was made from",
        checks.kept,
        (Slip("encode keeps the caller's array", "keep a copy, or what was computed from it"),),
        needs=("masks", "repeat", "state"),
    ),
    Check(
        "record",
        "default_order and describe(), where the model has them, can be recorded",
        checks.record,
        (
            Slip("describe() holds arrays, tensors, paths or NaN", "use str, int, finite float, list, dict and None"),
            Slip("another word for an order", "one of native, area, score"),
        ),
        needs=("answer",),
    ),
)


def check_model(model: object, *, report: Callable[[Finding], None] | None = None) -> Conformance:
    """Examine a model against the contract of `consbench.model`; never raises because of the model.

    Args:
        model: a Model, a PrivilegedModel or a plain function `f(image_HWC, clicks_N2) -> masks_NKHW`.
        report: called with every finding as it is made; a slow model takes its time.

    >>> import numpy as np
    >>> check_model(lambda image, clicks: np.ones((len(clicks), 1, *image.shape[:2]), bool)).ok
    True
    """
    probe, started = Probe(model), time.perf_counter()
    findings: list[Finding] = []
    unmet: set[str] = set()
    for check in CHECKS:
        outcome, seen, slips = _outcome(check, probe, unmet)
        findings.append(Finding(check.name, check.claim, outcome, seen, slips))
        if outcome == "failed" or unmet.intersection(check.needs):
            unmet.add(check.name)
        if report is not None:
            report(findings[-1])
    return Conformance(tuple(findings), probe.encodes, probe.predicts, time.perf_counter() - started)


def _outcome(check: Check, probe: Probe, unmet: set[str]) -> tuple[Outcome, str, tuple[Slip, ...]]:
    lacking = [need for need in check.needs if need in unmet]
    if lacking:
        return "skipped", f"needs {' and '.join(lacking)}, see above", ()
    try:
        return "passed", check.examine(probe), ()
    except Skip as skip:
        return "skipped", str(skip), ()
    except Fault as fault:
        return "warned" if isinstance(fault, Doubt) else "failed", str(fault), fault.slips or check.slips
