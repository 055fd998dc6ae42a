"""The clicks of a run as JSON, and back: what was asked, for whoever wants to ask it of something else.

    {"format": "consbench-clicks", "version": 1,
     "dataset": {"name": …, "split": …, "fingerprint": …},
     "protocol": {"id": …},
     "unclicked_images": [image_id, …],
     "images": [
    {"image_id": …, "height": …, "width": …,
     "clicks": [{"object_id": …, "part_id": …, "click": 0, "x": …, "y": …}, …]},
    …]}

The order of images and of clicks means nothing; what else an entry holds is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from consbench.clicklist import ClickList, ImageClicks, ListedClick
from consbench.errors import UsageError
from consbench.exchange.files import replacing_text, write_array
from consbench.records import read_table
from consbench.run import Run
from consbench.types import Click

FORMAT, VERSION = "consbench-clicks", 1
MEND = "'consbench export RUN --clicks FILE' writes such a file"

Value = TypeVar("Value")


def clicks_of(run: Run) -> ClickList:
    """The clicks of a run, failed ones too: what the model was asked, whatever it answered."""
    identity = run.manifest["identity"]
    skipped = [image_id for image_id, _ in run.manifest["skipped_images"]]
    return ClickList(
        dataset=identity["dataset"]["name"],
        split=identity["dataset"]["split"],
        fingerprint=identity["dataset"]["fingerprint"],
        images=tuple(_images(run)),
        unclicked=tuple(sorted([*skipped, *run.manifest.get("unclicked_images", [])])),
        origin=run.protocol.id,
    )


def _images(run: Run) -> Iterator[ImageClicks]:
    columns = ["image_id", "height", "width", "object_id", "part_id", "click", "x", "y"]
    rows = read_table(run.path, "clicks").select(columns).to_pylist()
    for (image_id, height, width), group in groupby(rows, key=lambda r: (r["image_id"], r["height"], r["width"])):
        clicks = (ListedClick(r["object_id"], r["part_id"], r["click"], Click(r["x"], r["y"])) for r in group)
        yield ImageClicks(image_id, height, width, tuple(clicks))


def write_clicks(clicks: ClickList, file: str | Path) -> None:
    """Write a list of clicks: the same list gives the same bytes. Raises UsageError where it cannot be written."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "dataset": {"name": clicks.dataset, "split": clicks.split, "fingerprint": clicks.fingerprint},
        "protocol": {"id": clicks.origin},
        "unclicked_images": list(clicks.unclicked),
    }
    with replacing_text(Path(file)) as stream:
        stream.write(_json(head).removesuffix("}") + ', "images": ')
        write_array(stream, (_json(_entry(image)) for image in clicks.images))
        stream.write("}\n")


def _entry(image: ImageClicks) -> dict[str, Any]:
    clicks = [
        {"object_id": object_id, "part_id": part_id, "click": number, "x": click.x, "y": click.y}
        for object_id, part_id, number, click in image.clicks
    ]
    return {"image_id": image.image_id, "height": image.height, "width": image.width, "clicks": clicks}


def read_clicks(file: str | Path) -> ClickList:
    """Read a list of clicks. Raises UsageError, saying where and what, for a file that holds none."""
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the clicks {file} cannot be read: {error.strerror}. {MEND}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no list of clicks, or a damaged one: {error}. {MEND}") from error
    try:
        return _parse(content)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _parse(content: object) -> ClickList:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f'this is no list of clicks: it does not begin with "format": "{FORMAT}". {MEND}')
    if content.get("version") != VERSION:
        raise UsageError(f"the list has version {content.get('version')!r}; this program reads version {VERSION}")
    dataset = _get(content, "dataset", dict, "the list")
    return ClickList(
        dataset=_get(dataset, "name", str, "dataset"),
        split=_get(dataset, "split", str, "dataset"),
        fingerprint=_get(dataset, "fingerprint", str, "dataset"),
        images=tuple(_parse_images(_get(content, "images", list, "the list"))),
        unclicked=tuple(_texts(content.get("unclicked_images", []))),
        origin=_origin(content.get("protocol")),
    )


def _parse_images(entries: Iterable[object]) -> Iterator[ImageClicks]:
    for position, entry in enumerate(entries, start=1):
        image_id = _get(entry, "image_id", str, f"entry {position} of images")
        where = f"image {image_id}"
        height, width = (_get(entry, key, int, where) for key in ("height", "width"))
        clicks = []
        for place, click in enumerate(_get(entry, "clicks", list, where), start=1):
            about = f"{where}, entry {place} of clicks"
            object_id, part_id, number, x, y = (
                _get(click, key, int, about) for key in ("object_id", "part_id", "click", "x", "y")
            )
            clicks.append(ListedClick(object_id, part_id, number, Click(x, y)))
        yield ImageClicks(image_id, height, width, tuple(clicks))


def _get(entry: object, key: str, kind: type[Value], where: str) -> Value:
    """The value of a key, which must be of exactly this type: true is no number, 3.0 no pixel."""
    nouns = {str: "text", int: "a whole number", list: "a list", dict: "an object"}
    if not isinstance(entry, dict):
        raise UsageError(f"{where} must be an object; got {entry!r:.60}")
    if key not in entry:
        raise UsageError(f"{where} has no '{key}', which must be {nouns[kind]}")
    value = entry[key]
    if type(value) is not kind:
        raise UsageError(f"{where}: '{key}' must be {nouns[kind]}; got {value!r:.60}")
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"'unclicked_images' must be a list of image ids; got {value!r:.60}")
    return value


def _origin(protocol: object) -> str:
    return str(protocol.get("id", "")) if isinstance(protocol, dict) else ""


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)
