"""The protocol as a value."""

from __future__ import annotations

import json

import numpy as np
import pytest

from consbench import Mask, Object, Part, Protocol, protocol
from consbench.clicks import ClickStrategy
from consbench.errors import UsageError


def test_the_id_of_the_papers_protocol_is_fixed() -> None:
    """A change of this id is a change of the numbers: raise the version and say so in the changelog."""
    assert Protocol().id == "consamme-2025.v1-abad5e25"


@pytest.mark.parametrize(
    "other",
    [
        Protocol(min_part_area=2),
        Protocol(click=ClickStrategy("random", seed=1)),
        Protocol(version=2),
        Protocol(extra_clicks=(ClickStrategy("random", seed=1),)),
    ],
)
def test_every_field_enters_the_id(other: Protocol) -> None:
    assert other.id != Protocol().id
    assert other.deviations


def test_every_rule_enters_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Protocol().id
    monkeypatch.setitem(protocol.RULES, "unit", "one click is one image")

    assert Protocol().id != before


def test_a_protocol_survives_its_dictionary() -> None:
    one = Protocol(
        min_part_area=9,
        click=ClickStrategy("jitter", radius=2, seed=3),
        extra_clicks=(ClickStrategy("random", seed=4), ClickStrategy("object-centre")),
    )

    assert Protocol.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_the_first_click_is_the_protocols_own() -> None:
    one = Protocol(extra_clicks=(ClickStrategy("random", seed=4),))

    assert one.clicks == (ClickStrategy(), ClickStrategy("random", seed=4))
    assert Protocol().clicks == (ClickStrategy(),)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ((ClickStrategy(),), "the click 'part-centre' is given twice"),
        ((ClickStrategy("random", seed=4),) * 2, r"'random#4' is given twice.* as in random#5"),
    ],
)
def test_one_click_given_twice_is_refused(extra: tuple[ClickStrategy, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Protocol(extra_clicks=extra)


def test_empty_crowd_and_small_parts_are_not_clicked() -> None:
    full, none = Mask.from_array(np.ones((4, 4), bool)), Mask.from_array(np.zeros((4, 4), bool))
    dot = np.zeros((4, 4), bool)
    dot[0, 0] = True
    parts = (Part(0, "all", full), Part(1, "none", none), Part(2, "dot", Mask.from_array(dot)))

    def clicked(mask: Mask, *, crowd: bool = False, area: int = 1) -> list[int]:
        return [p.part_id for p in Protocol(min_part_area=area).eligible_parts(Object(0, "o", mask, parts, crowd))]

    assert clicked(full) == [0, 2]
    assert clicked(full, area=2) == [0]
    assert clicked(full, crowd=True) == []
    assert clicked(none) == []


def test_a_minimum_area_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="the smallest part area is 1 pixel; got 0"):
        Protocol(min_part_area=0)
