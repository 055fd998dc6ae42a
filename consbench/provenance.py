"""Where a number comes from: versions of packages, commit of the code, the machine."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "consbench", "numpy", "scipy", "pandas", "pyarrow", "pycocotools", "pillow",
    "torch", "torchvision", "segment-anything", "segment-anything-hq", "timm",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Python, platform, package versions and the commit of this code, as JSON-able values."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "code": commit(Path(__file__).parent),
        "argv": sys.argv[1:],
    }


def commit(folder: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the git checkout that `folder` belongs to; None where it is in none.

    Only a checkout that tracks the folder counts: an environment inside somebody's checkout does not.
    """
    try:
        if not _git(folder, "ls-files", "."):
            return None
        return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": bool(_git(folder, "status", "--porcelain", "."))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20)  # noqa: S603, S607
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
