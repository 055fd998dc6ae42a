"""Colours of positions and models, the same in every figure and on the page.

Positions differ in lightness as well as in hue, so that they stay apart in grey and for the colour-blind;
the gap between bars and the printed share help where they are close.
"""

from __future__ import annotations

POSITIONS = ("#24609f", "#f2b04b", "#4b9b87", "#a77bb5", "#8a8f98", "#c9705b")
NO_POSITION = "#c9ccd1"
QUADRANTS = ("#2c7a5b", "#b4553f", "#a9d3bd", "#e9c2b4")
KINDS = ("#2c7a5b", "#24609f", "#c9ccd1", "#f2b04b", "#5d6470", "#a77bb5", "#d9799b", "#b79a6b", "#efdf9a")
MODELS = ("#24609f", "#d1702f", "#2f8f6f", "#9a57a8", "#7a6a3a", "#c23b5a", "#4f7f95", "#6b6b6b")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 2 1 2", "12 2")


def of_position(index: int) -> str:
    """The colour of position `index`, counted from 0."""
    return POSITIONS[index % len(POSITIONS)]


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (relative luminance of WCAG 2).

    >>> ink_on("#24609f"), ink_on("#f2b04b")
    ('#ffffff', '#161616')
    """
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if (luminance + 0.05) ** 2 < 0.0525 * 1.05 else "#161616"
