"""What is done to a model, and what must come of it, check by check.

Every function makes its calls through a `Probe` and says in a few words what it saw. It raises Fault where
the model failed, Doubt where the pictures cannot decide, Skip where the check does not apply. The functions
stand in the order of the examination and count on what came before: see `needs` in `examination`.
"""

from __future__ import annotations

import json

import numpy as np

from consbench.model import FunctionModel, Model, Prediction
from consbench.testing.compare import agree, order_of, row
from consbench.testing.findings import Slip
from consbench.testing.pictures import landscape, portrait
from consbench.testing.probe import Doubt, Fault, Probe, Skip
from consbench.types import Click

ORDERS = ("native", "area", "score")


def answer(probe: Probe) -> str:
    session = probe.session(landscape)
    if not callable(getattr(session.encoded, "predict", None)):
        raise Fault(f"encode returned {type(session.encoded).__name__}, which has no method predict(clicks)")
    return f"encoded the {session.picture.name} image"


def masks(probe: Probe) -> str:
    masks_NKHW = probe.first(0).masks_NKHW
    return f"{masks_NKHW.dtype} of shape {masks_NKHW.shape}"


def repeat(probe: Probe) -> str:
    session = probe.session(landscape)
    answer = probe.predict(session, session.picture.clicks[:1])
    return agree([(probe.first(0), answer)], "asked twice with the same click")


def frame(probe: Probe) -> str:
    """Tell (x, y) from (y, x) by blobs that mirror each other: read the wrong way, a click lands on its twin.

    Masks that ignore the click vote for neither or, over a pair, for both; so only an undivided vote counts.
    """
    clicks = probe.session(landscape).picture.clicks
    answers = [probe.first(n) for n in range(len(clicks))]
    votes = [_vote(answer, click) for answer, click in zip(answers, clicks, strict=True)]
    right, wrong = votes.count(1), votes.count(-1)
    if right > 2 and not wrong:
        return f"{right} of {len(votes)} answers hold the clicked blob and not its mirror image in x = y"
    if wrong > 2 and not right:
        raise Fault(f"{wrong} of {len(votes)} answers hold the pixel at (y, x) and not the clicked one at (x, y)")
    masks_NKHW = [answer.masks_NKHW for answer in answers]
    if not any(masks_KHW.any() for masks_KHW in masks_NKHW):
        raise Skip("every mask is empty, so (x, y) cannot be told from (y, x)")
    if all(np.array_equal(masks_NKHW[0], others) for others in masks_NKHW[1:]):
        raise Skip("the answers do not depend on the click, so (x, y) cannot be told from (y, x)")
    holding = sum(bool(answer.masks_NKHW[0, :, y, x].any()) for answer, (x, y) in zip(answers, clicks, strict=True))
    unscaled = Slip("clicks are not scaled to the frame of the network", "resize them by the factor of the image")
    untrained = Slip("the model is not trained, or not for such images", "look at its mask for a plain coloured disc")
    raise Doubt(
        f"undecided: {right} of {len(votes)} answers speak for (x, y), {wrong} for (y, x); "
        f"in {holding} some mask holds the clicked pixel",
        *((untrained,) if holding > len(votes) // 2 else (unscaled, untrained)),
    )


def _vote(answer: Prediction, click: Click) -> int:
    """1 where more masks hold only the click than only its mirror image; -1 the other way round; else 0."""
    masks_KHW = answer.masks_NKHW[0]
    if answer.valid_NK is not None:
        masks_KHW = masks_KHW[answer.valid_NK[0]]
    here_K, there_K = masks_KHW[:, click.y, click.x], masks_KHW[:, click.x, click.y]
    return int(np.sign(int((here_K & ~there_K).sum()) - int((there_K & ~here_K).sum())))


def batch(probe: Probe) -> str:
    session = probe.session(landscape)
    clicks = session.picture.clicks
    singles = [probe.first(n) for n in range(len(clicks))]
    together = probe.predict(session, clicks)
    order = order_of(singles, together)
    if order is not None and order != list(range(len(clicks))):
        raise Fault(
            f"{len(clicks)} clicks at once: the answers are right but in another order, "
            f"row by row those of clicks {order} instead of {list(range(len(clicks)))}",
            Slip("clicks are sorted or grouped before decoding", "put the answers back in the order of the clicks"),
        )
    pairs = [(single, row(together, n)) for n, single in enumerate(singles)]
    return agree(pairs, f"{len(clicks)} clicks at once against one by one")


def sizes(probe: Probe) -> str:
    session = probe.session(portrait)
    for click in session.picture.clicks[::2]:
        probe.predict(session, [click])
    return f"answers on the {session.picture.name} image as on the landscape one"


def state(probe: Probe) -> str:
    probe.session(portrait)
    session = probe.session(landscape)
    seen = agree(
        [(probe.first(0), probe.predict(session, session.picture.clicks[:1]))],
        "an image asked again after another was encoded",
    )
    changed = [a.what for a in probe.answers if not np.array_equal(a.returned_NKHW, a.prediction.masks_NKHW)]
    if changed:
        raise Fault(
            f"{len(changed)} earlier answers changed after they were given, the first for {changed[0]}",
            Slip("one output buffer is used again and again", "return a new array, or a copy, from every call"),
        )
    return seen


def again(probe: Probe) -> str:
    """Encode the landscape a second time; the portrait came between, so what encode remembers shows too."""
    session = probe.encode(landscape())
    answer = probe.predict(session, session.picture.clicks[:1])
    return agree([(probe.first(0), answer)], "the same image encoded again, after another one")


def border(probe: Probe) -> str:
    for picture in (landscape, portrait):
        session = probe.session(picture)
        probe.predict(session, session.picture.corners[-1:])
    probe.predict(session, session.picture.corners[:1])
    return "answers at (0, 0) and at (W-1, H-1)"


def outputs(probe: Probe) -> str:
    outputs = sorted({answer.prediction.masks_NKHW.shape[1] for answer in probe.answers})
    if len(outputs) > 1 and any(answer.prediction.valid_NK is None for answer in probe.answers):
        first = {answer.prediction.masks_NKHW.shape[1]: answer.what for answer in reversed(probe.answers)}
        raise Fault("the number of outputs changes: " + ", ".join(f"K={k} for {first[k]}" for k in outputs))
    return f"K={' or '.join(map(str, outputs))} in all {len(probe.answers)} answers"


def scores(probe: Probe) -> str:
    if probe.score_faults:
        raise Fault(probe.score_faults[0])
    scored = [answer.prediction.scores_NK is not None for answer in probe.answers]
    if not any(scored):
        raise Skip("the model gives no scores")
    if not all(scored):
        raise Fault(f"{scored.count(False)} of {len(scored)} answers came without scores")
    return f"finite, of shape (N, K), in all {len(scored)} answers"


def inputs(probe: Probe) -> str:
    if probe.tampered:
        raise Fault(f"{probe.tampered[0]} ({len(probe.tampered)} times in {probe.encodes + probe.predicts} calls)")
    return f"unchanged after {probe.encodes + probe.predicts} calls"


def kept(probe: Probe) -> str:
    """Overwrite the array that was handed to encode: a caller may use one buffer for all its images."""
    if isinstance(probe.model, FunctionModel) or not isinstance(probe.model, Model):
        raise Skip("a function or a control is not handed an array to keep")
    session = probe.session(landscape)
    session.given_HWC[:] = 0
    answer = probe.predict(session, session.picture.clicks[:1])
    return agree([(probe.first(0), answer)], "the caller's image overwritten after encode")


def record(probe: Probe) -> str:
    order = getattr(probe.model, "default_order", "native")
    if order not in ORDERS:
        raise Fault(f"default_order is {order!r}; known: {', '.join(ORDERS)}")
    if not hasattr(probe.model, "describe"):
        return f"default_order {order!r}, no describe()"
    try:
        described = probe.model.describe()
        json.dumps(described, allow_nan=False)
    except Exception as error:
        raise Fault(f"describe() cannot be written as JSON: {type(error).__name__}: {error}") from error
    if not isinstance(described, dict):
        raise Fault(f"describe() must return a dict; got {type(described).__name__}")
    return f"default_order {order!r}, describe() gives {', '.join(described) or 'nothing'}"
