"""The evaluation protocol as a value: what is clicked and how answers are counted.

Every stored run and every printed number carries the protocol's id. Two runs are comparable only under
the same id.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consbench.clicks import ClickStrategy, Listed, parse_clicks
from consbench.errors import UsageError
from consbench.types import Object, Part

# What the protocol fixes beyond its fields. The text enters the id: whoever changes a rule changes it here.
RULES = {
    "unit": "one click is one annotated part of one object of one image",
    "extra clicks": "asked after the first click of every part; in no number that does not name them",
    "eligible": "non-empty part of a non-empty object that is no crowd region, of at least min_part_area pixels",
    "masks": "bool at original image size, logits > 0 after the model's own upsampling",
    "object, part": "the mask in position 1, the mask in position 2",
    "IoU of two empty masks": "0",
    "mIoU": "mean over clicks, x 100",
    "CVR@d": "per object of n >= 2 clicked parts, share of pairs of object masks of IoU < d; mean over objects, x 100",
    "ordering": "Hungarian, maximal total IoU of {object, part}; ties: lowest position of the object",
    "undefined": "NaN and counted",
}


PART_CENTRE = ClickStrategy()


@dataclass(frozen=True, slots=True)
class Protocol:
    """An evaluation protocol; the defaults are section 4.1 of the paper.

    >>> Protocol().id
    'consamme-2025.v1-...'
    >>> Protocol(min_part_area=100).deviations
    ('min_part_area=100',)

    Attributes:
        name, version: which protocol this is.
        click: where the click on each part is; every headline number is over these clicks alone. `Listed` where
            a list says where, and which parts are clicked.
        min_part_area: parts of fewer pixels are not clicked.
        extra_clicks: further clicks on each part, answered from the same encoding of the image; they
            serve the numbers about click sensitivity and nothing else.

    Raises UsageError where the area is below 1, a click strategy is named twice, or a list is not alone.
    """

    name: str = "consamme-2025"
    version: int = 1
    click: ClickStrategy | Listed = PART_CENTRE
    min_part_area: int = 1
    extra_clicks: tuple[ClickStrategy, ...] = ()

    def __post_init__(self) -> None:
        if self.min_part_area < 1:
            raise UsageError(f"the smallest part area is 1 pixel; got {self.min_part_area}")
        if isinstance(self.click, Listed) and (self.extra_clicks or self.min_part_area > 1):
            raise UsageError(
                f"{self.click} says itself what is clicked: give neither extra clicks nor a smallest part area"
            )
        for number, strategy in enumerate(self.clicks):
            if strategy in self.clicks[:number]:
                raise UsageError(
                    f"the click '{strategy}' is given twice, and would be the same pixel; give random or jitter "
                    f"another seed, as in random#{strategy.seed + 1}"
                )

    @property
    def clicks(self) -> tuple[ClickStrategy, ...]:
        """The clicks on each part, by their index in the record: the protocol's own, then the extra ones.

        None where a list holds them.
        """
        return () if isinstance(self.click, Listed) else (self.click, *self.extra_clicks)

    @property
    def id(self) -> str:
        """Name, version and the first 8 hex digits of the SHA-256 of every field and rule."""
        text = json.dumps({**self.to_dict(), "rules": RULES}, sort_keys=True)
        return f"{self.name}.v{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def deviations(self) -> tuple[str, ...]:
        """The fields that differ from the paper's protocol, as `field=value`."""
        usual = Protocol().to_dict()
        return tuple(f"{k}={v}" for k, v in self.to_dict().items() if v != usual[k])

    def eligible_parts(self, obj: Object) -> list[Part]:
        """The parts of an object that are clicked, in the order of the annotation."""
        if obj.crowd or obj.mask.area == 0:
            return []
        return [part for part in obj.parts if part.mask.area >= self.min_part_area]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-able values."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Protocol:
        """Rebuild a protocol that `to_dict` wrote."""
        extra = tuple(ClickStrategy.parse(text) for text in fields.get("extra_clicks", ()))
        return cls(**{**fields, "click": parse_clicks(fields["click"]), "extra_clicks": extra})


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, ClickStrategy | Listed) else value
