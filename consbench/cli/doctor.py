"""`consbench doctor`: look at this installation, say what is wrong and how it is mended.

Nothing that can be broken is imported here. Torch, the adapters' libraries and every plug-in are imported
in child processes, whose answers and error texts the functions below turn into findings.

comes in: nothing · goes out: lines, exit code 0 (healthy) or 1 · must not: change anything.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.text import Text

GROUPS = ("consbench.models", "consbench.datasets", "consbench.commands")
TORCH_PAIR = "torch+torchvision"
ADAPTER_LIBRARIES = ("segment_anything", "segment_anything_hq")
TIMEOUT_SECONDS = 300
SCARCE_BYTES = 2 * 2**30  # a ViT-H checkpoint alone is 2.6 GB; the stand-ins need some hundred MB

TORCH_MATCH = (
    "torch and torchvision come from different builds. Install both in ONE command from ONE index: "
    "pip install --force-reinstall torch torchvision (with --index-url, if you use one, for both)"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; a problem where there is something to mend."""

    section: str
    name: str
    seen: str
    mend: str = ""


class Tried(NamedTuple):
    """What became of one import in a child process: an empty error means it worked."""

    error: str = ""
    about: str = ""


@click.command()
def doctor() -> None:
    """Look at this installation and say what is wrong and how to mend it.

    Checks Python, the dependencies, torch with torchvision and their devices, the libraries of the
    adapters, every installed model, dataset and command, and the cache. Exit code 0: healthy; 1: not.
    """
    console = Console(highlight=False, soft_wrap=True)
    with console.status("importing torch, the adapters' libraries and every plug-in"):
        findings = examine()
    console.print(Text("\n".join(report(findings))))
    raise SystemExit(1 if any(finding.mend for finding in findings) else 0)


def examine() -> list[Finding]:
    """Everything there is to find out about this installation."""
    installed = [entry for group in GROUPS for entry in sorted(entry_points(group=group), key=lambda e: e.name)]
    tried = try_imports([TORCH_PAIR, *ADAPTER_LIBRARIES, *dict.fromkeys(entry.value for entry in installed)])
    return [
        *python_findings(),
        *dependency_findings(requires("consbench") or []),
        *torch_findings(tried[TORCH_PAIR]),
        *adapter_findings(tried),
        *plugin_findings(installed, tried),
        *cache_findings(cache_directory()),
    ]


def report(findings: Sequence[Finding]) -> list[str]:
    """Lines for the reader: every section with its findings, then the problems with their mends, then the verdict."""
    lines: list[str] = []
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            lines += ["", section] if lines else [section]
        lines.append(f"  {'✗ problem' if finding.mend else '✓ ok     '}  {finding.name:24} {finding.seen}")
    problems = [finding for finding in findings if finding.mend]
    if not problems:
        return [*lines, "", "✓ healthy"]
    lines += ["", f"✗ {len(problems)} problem{'s' * (len(problems) > 1)}"]
    for number, problem in enumerate(problems, start=1):
        lines += [f"  {number}. {problem.name}: {problem.seen}", f"     to mend: {problem.mend}"]
    return lines


# --- Python and the dependencies


def python_findings() -> list[Finding]:
    """The interpreter and the machine."""
    return [
        Finding("system", "python", f"{platform.python_version()} ({sys.executable})"),
        Finding("system", "platform", platform.platform()),
        Finding("system", "consbench", _installed_version("consbench") or "not installed"),
    ]


def dependency_findings(requirements: Iterable[str]) -> list[Finding]:
    """The installed version of every requirement, held against what is wanted; extras are left out.

    >>> [finding] = dependency_findings(["numpy>=9999"])
    >>> finding.mend
    "pip install 'numpy>=9999'"
    """
    findings = []
    for requirement in requirements:
        wanted, _, marker = requirement.partition(";")
        if "extra" in marker:
            continue
        match = re.match(r"[\w.-]+", wanted)
        assert match is not None, requirement
        name, mend = match.group(), f"pip install '{wanted.strip()}'"
        found = _installed_version(name)
        if found is None:
            findings.append(Finding("dependencies", name, "not installed", mend))
        elif not satisfies(found, wanted):
            findings.append(Finding("dependencies", name, f"{found}, but {wanted.strip()} is needed", mend))
        else:
            findings.append(Finding("dependencies", name, found))
    return findings


def satisfies(found: str, requirement: str) -> bool:
    """Whether a version meets the `>=` and `==` bounds of a requirement; other bounds are not judged.

    >>> satisfies("8.3.10", "click>=8.3.2"), satisfies("8.3.1", "click>=8.3.2"), satisfies("2.4.0+cu121", "torch>=2.4")
    (True, False, True)
    """
    for operator, bound in re.findall(r"(>=|==)\s*([\w.]+)", requirement):
        numbers, wanted = _numbers(found), _numbers(bound)
        padded = numbers + (0,) * (len(wanted) - len(numbers))
        if padded < wanted if operator == ">=" else padded[: len(wanted)] != wanted:
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(number) for number in release.group().split(".")) if release else ()


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


# --- what is imported in child processes

# One line of JSON per import, each written at once: where an import kills the process, those before it are known.
_CHILD = """
import importlib, json, sys, traceback

def devices(torch):
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_name(n) for n in range(count)] + ["MPS"] * torch.backends.mps.is_available()

def attempt(target):
    if "+" in target:
        import torch, torchvision
        found = ", ".join(devices(torch)) or "no GPU, models run on the CPU"
        return f"torch {torch.__version__} with torchvision {torchvision.__version__}; {found}"
    module, _, attribute = target.partition(":")
    thing = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        thing = getattr(thing, name)
    return ""

for target in sys.argv[1:]:
    try:
        outcome = {"target": target, "about": attempt(target)}
    except BaseException as error:
        outcome = {"target": target, "error": "".join(traceback.format_exception_only(error)).strip()}
    print("\\n@doctor " + json.dumps(outcome), flush=True)
"""


def try_imports(targets: Sequence[str]) -> dict[str, Tried]:
    """Import targets ("module" or "module:attribute") in one child process, torch being slow to load.

    An import that ends the process costs only itself: the targets after it go to another child.
    """
    tried: dict[str, Tried] = {}
    while remaining := [target for target in targets if target not in tried]:
        stdout, stderr, ending = _run_child(remaining)
        tried |= read_child(remaining, stdout, stderr, ending)
    return tried


def _run_child(targets: Sequence[str]) -> tuple[str, str, str]:
    # -P: a file called torch.py in the working directory is not what a run would import either.
    command = [sys.executable, "-P", "-W", "ignore", "-c", _CHILD, *targets]
    try:
        child = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired as expired:
        return (expired.stdout or b"").decode(errors="replace"), "", f"was not imported within {TIMEOUT_SECONDS} s"
    stdout, stderr = child.stdout.decode(errors="replace"), child.stderr.decode(errors="replace")
    return stdout, stderr, f"ended the process with code {child.returncode}"


def read_child(targets: Sequence[str], stdout: str, stderr: str, ending: str) -> dict[str, Tried]:
    """What became of the targets, from what a child wrote, up to the one it died of if it did.

    >>> read_child(["a", "b", "c"], '@doctor {"target": "a"}', "", "ended the process with code -11")
    {'a': Tried(error='', about=''), 'b': Tried(error='ended the process with code -11', about='')}
    """
    answers = [json.loads(line.removeprefix("@doctor ")) for line in stdout.splitlines() if line.startswith("@doctor ")]
    tried = {answer["target"]: Tried(answer.get("error", ""), answer.get("about", "")) for answer in answers}
    silent = next((target for target in targets if target not in tried), None)
    if silent is not None:
        last = stderr.strip().splitlines()[-1:]
        tried[silent] = Tried(f"{ending}: {last[0]}" if last else ending)
    return tried


def mend_of(error: str) -> str:
    """How the error text of a failed import is mended.

    >>> mend_of("ModuleNotFoundError: No module named 'timm'")
    'pip install timm (segment_anything_hq imports it without declaring it)'
    """
    if "torchvision::nms" in error:
        return TORCH_MATCH
    missing = re.search(r"No module named '([\w.]+)'", error)
    if missing:
        module = missing.group(1).partition(".")[0]
        if module == "timm":
            return "pip install timm (segment_anything_hq imports it without declaring it)"
        if module.startswith("consbench"):
            return "pip install --force-reinstall consbench (the installation is incomplete)"
        return f"pip install {module.replace('_', '-')}"
    library = re.search(r"(lib[\w.+-]+): cannot open shared object file", error)
    if library:
        return (
            f"the shared library {library.group(1)} is absent: install the build that fits this machine "
            "(torch and torchvision together), or the system package that holds it"
        )
    if "undefined symbol" in error or "DLL load failed" in error:
        return TORCH_MATCH
    return ""


def torch_findings(tried: Tried) -> list[Finding]:
    """Whether torch and torchvision load together, and which devices they see."""
    if not tried.error:
        return [Finding("torch", "torch with torchvision", tried.about)]
    return [Finding("torch", "torch with torchvision", _last(tried.error), mend_of(tried.error) or TORCH_MATCH)]


def adapter_findings(tried: dict[str, Tried]) -> list[Finding]:
    """Whether the libraries of the first-party adapters can be imported."""
    return [
        Finding("libraries of the adapters", module, "can be imported")
        if not tried[module].error
        else Finding(
            "libraries of the adapters",
            module,
            _last(tried[module].error),
            mend_of(tried[module].error) or f"pip install --force-reinstall {module.replace('_', '-')}",
        )
        for module in ADAPTER_LIBRARIES
    ]


def plugin_findings(installed: Sequence[EntryPoint], tried: dict[str, Tried]) -> list[Finding]:
    """Every installed model, dataset and command: who brings it, and whether it can be imported."""
    claims = Counter((entry.group, entry.name) for entry in installed)
    findings = []
    for entry in installed:
        owner = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown distribution"
        error, mend = tried[entry.value].error, ""
        seen = f"{owner}, {entry.value}"
        if error:
            seen += f": {_last(error)}"
            mend = mend_of(error) or f"update or uninstall the distribution that brings it ({owner})"
        elif claims[entry.group, entry.name] > 1:
            seen += ": another distribution claims the same name"
            mend = "uninstall one of the distributions that claim it"
        findings.append(Finding(entry.group.removeprefix("consbench."), entry.name, seen, mend))
    return findings


def _last(error: str) -> str:
    return error.splitlines()[-1]


# --- the cache


def cache_directory() -> Path:
    """Where stand-ins and downloads are kept: `consbench` below XDG_CACHE_HOME, or below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "consbench"


def cache_findings(directory: Path) -> list[Finding]:
    """Whether the cache can be written, and how much room it has; nothing is created in a cache that is absent."""
    existing = next(folder for folder in (directory, *directory.parents) if folder.exists())
    elsewhere = "set XDG_CACHE_HOME to a directory"
    if not existing.is_dir():
        return [Finding("cache", "directory", f"{existing} is a file", f"remove it, or {elsewhere} of your own")]
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return [
            Finding(
                "cache", "directory", f"{existing} cannot be written: {error.strerror}", f"{elsewhere} you can write"
            )
        ]
    _, _, free = shutil.disk_usage(existing)
    seen = f"{directory}, {'writable' if existing == directory else 'can be made'}, {free / 2**30:.1f} GiB free"
    return [
        Finding("cache", "directory", seen, f"free some space, or {elsewhere} with room" if free < SCARCE_BYTES else "")
    ]
