"""Every call that an examination makes to a model.

A probe hands a model fresh copies of everything, keeps a ledger of what came back, and turns an exception
of the model into a fault: an examination never crashes because a model does.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from consbench.errors import ContractError, last_line
from consbench.masks import BoolArray
from consbench.model import Clicks, Encoded, Model, Prediction, PrivilegedModel, as_model, check_prediction
from consbench.testing.findings import Slip
from consbench.testing.pictures import Picture, landscape
from consbench.types import Click, Image, Sample


class Fault(Exception):  # ends a check, as Skip and Doubt do; no error of this project
    """The model failed the check under way; `slips` replace the usual ones of the check."""

    def __init__(self, seen: str, *slips: Slip) -> None:
        super().__init__(seen)
        self.slips = slips


class Doubt(Fault):
    """The check under way ends in a warning."""


class Skip(Exception):
    """The check under way does not apply to this model."""


class Session(NamedTuple):
    """A picture as the model has encoded it; `given_HWC` is the very array the model was handed."""

    picture: Picture
    encoded: Encoded
    given_HWC: Image


class Answered(NamedTuple):
    """One entry of the ledger: the array the model returned, and a copy made at once."""

    what: str
    returned_NKHW: BoolArray
    prediction: Prediction


@dataclass(slots=True)
class Probe:
    """Every call to one model under examination, counted, with the ledger of what came back."""

    thing: object
    encodes: int = 0
    predicts: int = 0
    answers: list[Answered] = field(default_factory=list)
    tampered: list[str] = field(default_factory=list)
    score_faults: list[str] = field(default_factory=list)
    _sessions: dict[Callable[[], Picture], Session] = field(default_factory=dict)
    _first: dict[int, Prediction] = field(default_factory=dict)

    @property
    def model(self) -> Model | PrivilegedModel:
        """The thing under examination as a model. Raises Fault where it is none."""
        try:
            return as_model(self.thing)
        except ContractError as error:
            raise Fault(str(error)) from error

    def encode(self, picture: Picture) -> Session:
        """Encode a fresh copy of a picture. Raises Fault where the model raises."""
        model = self.model
        given_HWC = picture.image_HWC.copy()
        self.encodes += 1
        try:
            encoded = _Shown(model, picture.sample) if isinstance(model, PrivilegedModel) else model.encode(given_HWC)
        except Exception as error:
            raise Fault(f"encode raised {last_line(error)}, on the {picture.name} image") from error
        if not np.array_equal(given_HWC, picture.image_HWC):
            self.tampered.append("encode changed the image it was given")
        return Session(picture, encoded, given_HWC)

    def predict(self, session: Session, clicks: Sequence[Click]) -> Prediction:
        """Ask for the answers to some clicks. Raises Fault where the model raises or breaks the contract.

        A fault in the scores alone goes to the ledger and the masks are returned without scores: a
        model with wrong scores can still be examined for everything else.
        """
        what = f"{len(clicks)} click{'s' * (len(clicks) > 1)} on the {session.picture.name} image"
        before_N2 = np.array(clicks, dtype=np.float64)
        given_N2 = before_N2.copy()
        self.predicts += 1
        try:
            raw = session.encoded.predict(given_N2)
        except Exception as error:
            raise Fault(f"predict raised {last_line(error)}, for {what}") from error
        if not np.array_equal(given_N2, before_N2):
            self.tampered.append("predict changed the clicks it was given")
        try:
            answer = check_prediction(raw, len(clicks), session.picture.size)
        except ContractError as error:
            answer = self._masks_alone(raw, len(clicks), session.picture.size, f"{error} (for {what})")
        kept = copy.deepcopy(answer)
        self.answers.append(Answered(what, answer.masks_NKHW, kept))
        return kept

    def _masks_alone(self, raw: object, clicks: int, size: tuple[int, int], fault: str) -> Prediction:
        if isinstance(raw, tuple | list) and len(raw) in (2, 3):
            with contextlib.suppress(ContractError):
                answer = check_prediction((raw[0],), clicks, size)
                self.score_faults.append(fault)
                return answer
        raise Fault(fault)

    def session(self, picture: Callable[[], Picture]) -> Session:
        """The first encoding of a picture, made when it is first asked for."""
        if picture not in self._sessions:
            self._sessions[picture] = self.encode(picture())
        return self._sessions[picture]

    def first(self, click: int) -> Prediction:
        """The first answer to one blob of the landscape, clicked alone."""
        if click not in self._first:
            session = self.session(landscape)
            self._first[click] = self.predict(session, [session.picture.clicks[click]])
        return self._first[click]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A privileged model behind `predict`: a click stands for the one part that holds its pixel."""

    model: PrivilegedModel
    sample: Sample

    def predict(self, clicks_N2: Clicks) -> Prediction:
        targets = [(o, p, p.mask.array()) for o in self.sample.objects for p in o.parts]
        return self.model.answer(
            self.sample,
            [next((o, p) for o, p, part_HW in targets if part_HW[int(y), int(x)]) for x, y in clicks_N2],
        )
