"""Many tests at once: Holm's correction, and which of several models cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import combinations
from string import ascii_lowercase


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold for the family: the chance of even one false finding stays below the level.

    Holm (1979): the smallest of m is multiplied by m, the next by m - 1, and so on; none is smaller than
    the one before it, none above 1. NaN, a test that could not be made, is not counted and stays NaN.

    >>> holm([0.01, 0.04, math.nan, 0.03])
    [0.03, 0.06, nan, 0.06]
    """
    order = sorted((i for i, p in enumerate(p_values) if not math.isnan(p)), key=lambda i: p_values[i])
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def alike_groups(names: Sequence[str], told_apart: Collection[frozenset[str]]) -> list[tuple[str, ...]]:
    """Return the largest sets of names in which no two are told apart, in the order of `names`.

    A name may be in several: A may be like B, and B like C, while A and C differ.

    Args:
        names: best or largest first, as the groups shall be listed.
        told_apart: the pairs that differ.

    >>> alike_groups(["a", "b", "c"], [frozenset("ac")])
    [('a', 'b'), ('b', 'c')]
    """
    groups: list[frozenset[str]] = [frozenset(names)] if names else []
    for pair in (frozenset(p) for p in combinations(names, 2) if frozenset(p) in told_apart):
        # A group that holds both becomes two, each without one of them.
        split = [group - {name} for group in groups if pair <= group for name in pair]
        kept = [group for group in groups if not pair <= group]
        for group in sorted(split, key=len, reverse=True):
            if not any(group <= other for other in kept):
                kept.append(group)
        groups = kept
    rank = {name: i for i, name in enumerate(names)}
    return sorted((tuple(sorted(group, key=rank.__getitem__)) for group in groups), key=lambda g: [rank[n] for n in g])


def letters(names: Sequence[str], groups: Sequence[Collection[str]]) -> dict[str, str]:
    """Return letters for each name; names that share a letter cannot be told apart.

    >>> letters(["a", "b", "c"], [("a", "b"), ("b", "c")])
    {'a': 'a', 'b': 'ab', 'c': 'b'}
    """
    signs = [ascii_lowercase[i] if i < len(ascii_lowercase) else f"({i + 1})" for i in range(len(groups))]
    return {name: "".join(sign for sign, group in zip(signs, groups, strict=True) if name in group) for name in names}
