"""Reading TOML into frozen dataclasses: every key known, every value of its type, every error by its key."""

from __future__ import annotations

import math
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal

from consbench.errors import UnknownName, UsageError


def put(content: dict[str, Any], change: str) -> None:
    """Set one value, written `section.key=value`, in nested dictionaries; raises UsageError where it cannot be.

    >>> content = {"run": {"steps": 5}}
    >>> put(content, "run.steps=7"); put(content, "loss.kind=ordered")
    >>> content
    {'run': {'steps': 7}, 'loss': {'kind': 'ordered'}}
    """
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"a change is written key=value, as in run.steps=100; got '{change}'")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a bare word is a string
    *sections, last = key.strip().split(".")
    for section in sections:
        content = content.setdefault(section, {})
        if not isinstance(content, dict):
            raise UsageError(f"'{change}': {section} is a value, not a section with keys")
    content[last] = value


def build(kind: Any, content: Any, path: str, where: str) -> Any:
    """Make a dataclass of a section; `path` is the section's own key, `where` the file's name, for errors.

    A ValueError of the dataclass, which starts with a field's name, becomes a UsageError with the full key.
    Raises UnknownName for a key that no field has.
    """
    if not isinstance(content, Mapping):
        raise UsageError(f"recipe {where}: {path} must be a section with keys; got {content!r}")
    hints = typing.get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    values = {}
    for key, value in content.items():
        dotted = f"{path}.{key}".lstrip(".")
        if key not in known:
            raise UnknownName(f"key of recipe {where}{f' in section [{path}]' if path else ''}", key, known)
        hint = hints[key]
        values[key] = build(hint, value, dotted, where) if is_dataclass(hint) else _value(hint, value, dotted, where)
    try:
        return kind(**values)
    except TypeError:
        absent = [name for name in ("run", "about") if name in known and name not in values]
        raise UsageError(f"recipe {where}: {' and '.join(absent)} missing") from None
    except ValueError as error:
        raise UsageError(f"recipe {where}: {f'{path}.' if path else ''}{error}") from None


def _value(hint: Any, value: Any, path: str, where: str) -> Any:
    """Check a value of a TOML file against a type; lists become tuples, whole numbers may stand for others."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise UnknownName(f"value of {path} in recipe {where}", str(value), arguments)
        return value
    if origin is tuple and isinstance(value, list):
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(_value(kind, item, path, where) for kind, item in zip(kinds, value, strict=True))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    if type(value) is hint and finite:
        return value
    wanted = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}.get(hint, str(hint))
    raise UsageError(f"recipe {where}: {path} must be {wanted}; got {value!r}")
