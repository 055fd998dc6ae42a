"""Figure 5: an image, and the object mask that each model gives for clicks on several of its parts.

It is drawn from the explorer's data, so the figure and the page show the same masks.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from consbench.errors import UsageError
from consbench.masks import Mask
from consbench.ordering import Order, parse_order, permutation
from consbench_reports.palette import of_position

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Plain = Mapping[str, Any]
CLICK, ANNOTATION = "#ff4d7d", "#ffffff"
TILE_INCHES, NAME_INCHES, HEAD_INCHES, GAP_INCHES = 1.35, 0.2, 0.2, 0.04
SMALL = 0.12  # an object of less than this share of the image is shown enlarged
DIM = 0.42
NAME_STYLE: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center", "fontsize": 7, "parse_math": False}


def figure_5(data: Plain, objects: Sequence[int] = (), *, parts: int = 4) -> Figure:
    """Draw objects below one another: the image with its clicks left, then a row of masks for each model.

    Args:
        data: what `explorer_data` returned.
        objects: indices into `data["objects"]`; by default those of `typical`.
        parts: at most so many clicked parts of an object are shown, the largest first.

    Raises UsageError where no object has two clicked parts, or none has stored masks.
    """
    from matplotlib.figure import Figure

    chosen = [data["objects"][i] for i in objects or typical(data)]
    if not chosen:
        raise UsageError("figure 5 needs an object with two clicked parts and stored masks; there is none")
    columns = max(min(parts, len(obj["parts"])) for obj in chosen)
    width = TILE_INCHES + NAME_INCHES + columns * (TILE_INCHES + GAP_INCHES)
    heights = [HEAD_INCHES + len(_with_masks(data, obj)) * (_tile_height(data, obj) + GAP_INCHES) for obj in chosen]
    figure = Figure(figsize=(width, sum(heights)))
    below = 0.0
    for obj, height in zip(chosen, heights, strict=True):
        _draw_object(figure, below, data, obj, columns)
        below += height
    return figure


def typical(data: Plain) -> list[int]:
    """The least, the middling and the most consistent object among those with two clicked parts and masks.

    Consistency is the agreement of the object masks, averaged over the models that a figure shows.
    """
    ranked = []
    for i, obj in enumerate(data["objects"]):
        values = [answer["agreement"] for answer in _with_masks(data, obj) if answer["agreement"] is not None]
        if len(obj["parts"]) >= 2 and values:
            ranked.append((sum(values) / len(values), i))
    ranked.sort()
    return list(dict.fromkeys(ranked[place][1] for place in (0, len(ranked) // 2, -1))) if ranked else []


def _draw_object(figure: Figure, below: float, data: Plain, obj: Plain, columns: int) -> None:
    """Draw one object, `below` so many inches of what is there already."""
    image = data["images"][obj["image"]]
    photo, frame = _photo(image), _frame(obj, image)
    shown, height = _parts(obj, columns), _tile_height(data, obj)

    def tile(row: int, column: int, title: str, weight: str = "normal") -> Axes:
        left = column and TILE_INCHES + NAME_INCHES + (column - 1) * (TILE_INCHES + GAP_INCHES)
        axes = _axes_at(figure, left, below + HEAD_INCHES + row * (height + GAP_INCHES), height)
        if row == 0:
            axes.set_title(title, fontsize=7, pad=2, fontweight=weight, parse_math=False)
        return axes

    scene = tile(0, 0, obj["category"], "bold")
    _background(scene, photo, image, frame)
    _outline(scene, obj["mask"], image)
    for part in shown:
        _dot(scene, obj["parts"][part]["click"])
    for row, answer in enumerate(_with_masks(data, obj)):
        run = data["runs"][answer["run"]]
        for column, part in enumerate(shown, start=1):
            axes = tile(row, column, obj["parts"][part]["category"])
            _background(axes, photo, image, frame, dim=DIM if photo is not None else 0.0)
            click = answer["clicks"][part]
            if click and click.get("masks"):
                _fill(axes, click["masks"][_first(click, parse_order(run["order"]))], image, of_position(0))
            _outline(axes, obj["mask"], image)
            _dot(axes, obj["parts"][part]["click"])
            if column == 1:
                axes.text(-0.03, 0.5, run["model"], transform=axes.transAxes, **NAME_STYLE)


def _axes_at(figure: Figure, left: float, top: float, height: float) -> Axes:
    """Axes of one tile, in inches from the left and from the top: a layout that has no solver has no doubt."""
    width_in, height_in = figure.get_size_inches()
    place = (left / width_in, 1 - (top + height) / height_in, TILE_INCHES / width_in, height / height_in)
    axes = figure.add_axes(place)
    axes.set_axis_off()
    return axes


def _tile_height(data: Plain, obj: Plain) -> float:
    left, right, bottom, top = _frame(obj, data["images"][obj["image"]])
    return TILE_INCHES * (bottom - top) / (right - left)


def _with_masks(data: Plain, obj: Plain) -> list[Plain]:
    """The answers of a figure: those with masks, of models that are not shown the ground truth where there are such."""
    stored = [a for a in obj["answers"] if any(click and click.get("masks") for click in a["clicks"])]
    return [a for a in stored if not data["runs"][a["run"]]["privileged"]] or stored


def _parts(obj: Plain, most: int) -> list[int]:
    """The largest parts, in the order of the annotation; where their masks are not known, the first."""
    areas = [(-Mask(1, 1, part["mask"].encode()).area if part["mask"] else 0, i) for i, part in enumerate(obj["parts"])]
    return sorted(i for _, i in sorted(areas)[:most])


def _first(click: Plain, order: Order) -> int:
    """Native index of the output in position 1."""
    area_1K = np.array([[np.nan if a is None else a for a in click["area"]]], dtype=float)
    scores = click["score"] or [None] * len(click["area"])
    score_1K = np.array([[np.nan if s is None else s for s in scores]], dtype=float)
    return int(permutation(order, area_1K, score_1K)[0, 0])


def _frame(obj: Plain, image: Plain) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) of what is shown: the image, or a small object with a margin."""
    whole = (-0.5, image["width"] - 0.5, image["height"] - 0.5, -0.5)
    if not obj["mask"]:
        return whole
    x, y, width, height = Mask(image["height"], image["width"], obj["mask"].encode()).box
    if width * height >= SMALL * image["width"] * image["height"]:
        return whole
    margin = max(8.0, 0.35 * max(width, height))
    return (
        max(whole[0], x - margin),
        min(whole[1], x + width + margin),
        min(whole[2], y + height + margin),
        max(whole[3], y - margin),
    )


def _background(
    axes: Axes, photo: Any, image: Plain, frame: tuple[float, float, float, float], dim: float = 0.0
) -> None:
    extent = (-0.5, image["width"] - 0.5, image["height"] - 0.5, -0.5)
    pixels = np.full((1, 1, 3), 217, np.uint8) if photo is None else photo
    # uninterpolated, SVG and PDF hold the pixels of the photograph and not those of a resolution
    axes.imshow((pixels * (1 - dim) + 12 * dim).astype(np.uint8), extent=extent, interpolation="none")
    axes.set_xlim(frame[0], frame[1])
    axes.set_ylim(frame[2], frame[3])


def _fill(axes: Axes, code: str | None, image: Plain, colour: str) -> None:
    if code is not None:
        _shape(axes, code, image, filled=colour)


def _outline(axes: Axes, code: str | None, image: Plain) -> None:
    if code is not None:
        _shape(axes, code, image, filled=None)


def _shape(axes: Axes, code: str, image: Plain, filled: str | None) -> None:
    """A mask as a path, half-way between its pixels and their neighbours: sharp at any size."""
    mask_HW = Mask(image["height"], image["width"], code.encode("ascii")).array()
    if not mask_HW.any():
        return
    # Padded, so that a mask at the border of the image is closed there.
    height_HW = np.pad(mask_HW.astype(float), 1)
    x, y = np.arange(-1, image["width"] + 1), np.arange(-1, image["height"] + 1)
    if filled is None:
        axes.contour(x, y, height_HW, [0.5], colors=ANNOTATION, linewidths=0.7)
    else:
        axes.contourf(x, y, height_HW, [0.5, 1.5], colors=[filled], alpha=0.68)


def _dot(axes: Axes, click: Sequence[int]) -> None:
    axes.plot(*click, "o", markersize=3.2, color=CLICK, markeredgecolor="white", markeredgewidth=0.6)


def _photo(image: Plain) -> Any:
    if image["photo"] is None:
        return None
    content = base64.b64decode(image["photo"].split(",", 1)[1])
    return np.asarray(Pillow.open(io.BytesIO(content)).convert("RGB"))
