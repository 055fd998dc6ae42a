"""Finding models, datasets and commands by name.

Three groups of entry points, the same for this project and for outsiders:

    consbench.models     factory(**options) -> a model, see consbench.model
    consbench.datasets   factory(**options) -> a dataset, see consbench.datasets.base
    consbench.commands   a click command

A reference is a name with options: `sam,arch=vit_l,checkpoint=sam_l.pth`. In place of a name stands
`package.module:factory` or `path/to/file.py:factory` for what is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from consbench.errors import ConsbenchError, UnknownName, UsageError, last_line

Kind = Literal["model", "dataset", "command"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the user named: a target, its options as given, and a label for tables and directories."""

    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse `target[,key=value…]`; the key `name` sets the label.

        >>> Reference.parse("sam,arch=vit_l,name=big")
        Reference(target='sam', options={'arch': 'vit_l'}, label='big')
        >>> Reference.parse("models/mine.py:predict").label
        'mine-predict'
        """
        target, *pairs = text.split(",")
        options: dict[str, str] = {}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                raise UsageError(f"options are written key=value; got '{pair}' in '{text}'")
            options[key.strip().replace("-", "_")] = value.strip()
        label = options.pop("name", "") or _default_label(target)
        return cls(target.strip(), options, label)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: target and options. Paths become absolute, so that a record can be opened from anywhere."""
        plain = {k: str(v.absolute()) if isinstance(v, Path) else v for k, v in self.options.items()}
        return {"target": self.target, "options": plain}


def _default_label(target: str) -> str:
    if ":" not in target:
        return target.strip()
    where, attribute = target.rsplit(":", 1)
    last = Path(where).stem if where.endswith(".py") else where.rsplit(".", 1)[-1]
    return f"{last}-{attribute}"


def names(kind: Kind) -> list[str]:
    """The installed names of a kind, sorted.

    >>> "oracle" in names("model")
    True
    """
    return sorted(_installed(kind))


def origin(kind: Kind, name: str) -> str:
    """The distribution that brings a name, with its version: "consbench 0.1.0"."""
    dist = _installed(kind)[name].dist
    return f"{dist.name} {dist.version}" if dist else "unknown"


def find(kind: Kind, target: str) -> Any:
    """Import what a name, `module:attribute` or `file.py:attribute` stands for.

    Raises UnknownName with a suggestion, or UsageError with the cause where the import itself fails.
    """
    if ":" in target:
        where, attribute = target.rsplit(":", 1)
        module = _module_from_file(where) if where.endswith(".py") else _module_by_name(where)
        if not hasattr(module, attribute):
            public = [n for n in vars(module) if not n.startswith("_")]
            raise UnknownName(f"attribute of {where}", attribute, public)
        return getattr(module, attribute)
    if target.endswith(".py"):
        raise UsageError(f"name the function or class in the file: '{target}:NAME'")
    installed = _installed(kind)
    if target not in installed:
        raise UnknownName(kind, target, installed)
    entry = installed[target]
    try:
        return entry.load()
    except Exception as error:
        raise UsageError(
            f"{kind} '{target}' ({origin(kind, target)}, {entry.value}) cannot be imported: "
            f"{type(error).__name__}: {error}. Run 'consbench doctor' to see what is installed"
        ) from error


def complete(kind: Kind, reference: Reference, **defaults: Any) -> Reference:
    """The reference, with those of `defaults` (say `device`) that are given, that its factory takes and it lacks."""
    taken = _takes(kind, find(kind, reference.target))
    filled = {k: v for k, v in defaults.items() if v is not None and k in taken}
    return replace(reference, options={**filled, **reference.options})


def build(kind: Kind, reference: Reference, **defaults: Any) -> Any:
    """Find a factory and call it with the reference's options, see `complete` for `defaults`.

    Values given as text are converted to the factory's annotated types.
    """
    reference = complete(kind, reference, **defaults)
    factory = find(kind, reference.target)
    if not callable(factory) or (kind == "model" and is_model_function(factory)):
        if reference.options:
            raise UsageError(
                f"'{reference.target}' is no factory; it takes no options, got {', '.join(reference.options)}"
            )
        return factory
    accepted = _parameters(factory)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    options = {}
    for key, value in reference.options.items():
        if key not in accepted and not takes_any:
            raise UnknownName(f"option of {kind} '{reference.target}'", key, accepted)
        options[key] = _convert(value, accepted.get(key), f"{reference.target},{key}=")
    absent = [
        n
        for n, p in accepted.items()
        if p.default is p.empty and n not in options and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    if absent:
        how = ", ".join(f"--{n.replace('_', '-')} …" for n in absent)
        raise UsageError(
            f"{kind} '{reference.target}' needs {', '.join(absent)}: "
            f"give {how}, or write '{reference.target},{absent[0]}=…'"
        )
    try:
        return factory(**options)
    except ConsbenchError:
        raise
    except Exception as error:  # a factory is somebody's code
        raise UsageError(f"{kind} '{reference.target}' cannot be built: {last_line(error)}") from error


def refuse_unused(kind: Kind, references: Sequence[Reference], **options: Any) -> None:
    """Raise UsageError for a given option that none of the references' factories takes; None is not given."""
    taken = {name for ref in references for name in _takes(kind, find(kind, ref.target))}
    for name, value in options.items():
        if value is not None and name not in taken and "**" not in taken:
            named = ", ".join(ref.target for ref in references)
            raise UsageError(f"--{name.replace('_', '-')} is an option of no {kind} named here ({named})")


def is_model_function(thing: object) -> bool:
    """Whether `thing` is a plain function with two required arguments, `f(image, clicks)`.

    >>> is_model_function(lambda image, clicks: None), is_model_function(lambda checkpoint=None: None)
    (True, False)
    """
    if not isinstance(thing, types.FunctionType):
        return False
    positional = [
        p
        for p in inspect.signature(thing).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return sum(p.default is p.empty for p in positional) == 2


@cache
def _installed(kind: Kind) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"consbench.{kind}s"):
        earlier = found.get(entry.name)
        if earlier is not None and earlier.value != entry.value:
            owners = sorted(str(e.dist.name if e.dist else "?") for e in (earlier, entry))
            raise UsageError(
                f"two distributions claim the {kind} '{entry.name}': {' and '.join(owners)}; uninstall one"
            )
        found[entry.name] = entry
    return found


def _module_by_name(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"module '{name}' cannot be imported: {error}. Is it installed in this environment?"
        ) from error
    except Exception as error:
        raise UsageError(f"module '{name}' cannot be imported: {type(error).__name__}: {error}") from error


def _module_from_file(path: str) -> types.ModuleType:
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise UsageError(f"there is no file {path} (looked for {file})")
    name = f"consbench_plugin_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec, "a .py file always has a spec"
    assert spec.loader, "and a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(factory, eval_str=True).parameters)
    except NameError:  # an annotation that only a type checker can see
        return dict(inspect.signature(factory).parameters)


def _takes(kind: Kind, factory: Any) -> list[str]:
    if not callable(factory) or (kind == "model" and is_model_function(factory)):
        return []
    return ["**" if p.kind is p.VAR_KEYWORD else name for name, p in _parameters(factory).items()]


def _convert(value: Any, parameter: inspect.Parameter | None, where: str) -> Any:
    if not isinstance(value, str) or parameter is None:
        return value
    wanted = typing.get_args(parameter.annotation) if _is_union(parameter.annotation) else (parameter.annotation,)
    choices = [c for w in wanted if typing.get_origin(w) is Literal for c in typing.get_args(w)]
    if choices:
        if value not in choices:
            raise UnknownName(f"value for '{where}'", value, [str(c) for c in choices])
        return value
    try:
        if bool in wanted:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value.lower()]
        for kind in (int, float, Path):
            if kind in wanted:
                return kind(value)
    except (KeyError, ValueError):
        expected = "true or false" if bool in wanted else "a number"
        raise UsageError(f"'{where}{value}': expected {expected}") from None
    return value


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)
