"""Who may import whom, what stays light, and what a wheel brings into the world."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import consbench

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "torchvision", "matplotlib", "pandas")


def loaded_by(code: str, names: tuple[str, ...] = HEAVY) -> list[str]:
    """The modules of `names` that a fresh interpreter has loaded after running `code`."""
    program = f"import sys\n{code}\nprint('loaded:', *[n for n in {names!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.rsplit("loaded:", 1)[1].split()


def test_import_consbench_is_light() -> None:
    assert loaded_by("import consbench") == []


def test_the_probe_itself_can_fail() -> None:
    assert loaded_by("import matplotlib") == ["matplotlib"]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["report", "--help"], ["list"]], ids=" ".join)
def test_help_and_list_load_neither_torch_nor_matplotlib(words: list[str]) -> None:
    code = (
        f"from consbench.cli import cli\ntry:\n    cli({words!r})\nexcept SystemExit as stop:\n    assert not stop.code"
    )

    assert loaded_by(code, ("torch", "torchvision", "matplotlib")) == []


def test_report_on_a_finished_run_never_imports_torch(tmp_path: Path) -> None:
    code = f"""
import numpy as np, consbench
from consbench.cli import cli
full = consbench.Mask.from_array(np.ones((8, 9), bool))
thing = consbench.Object(0, "o", full, (consbench.Part(0, "p", full),))
sample = consbench.Sample("a", 8, 9, (thing,), lambda: np.zeros((8, 9, 3), np.uint8))
consbench.evaluate(lambda image, clicks: np.ones((len(clicks), 3, 8, 9), bool), [sample], out=r"{tmp_path}/run")
try:
    cli(["report", r"{tmp_path}/run", "-o", r"{tmp_path}/report"])
except SystemExit as stop:
    assert not stop.code
"""

    assert loaded_by(code, ("torch", "torchvision")) == []
    assert (tmp_path / "report" / "figure4.svg").exists()


def test_imports_follow_the_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint)], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_public_names_are_sorted_and_exist() -> None:
    assert consbench.__all__ == sorted(consbench.__all__)
    for name in consbench.__all__:
        assert getattr(consbench, name).__doc__, name


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert consbench.__version__ == version("consbench")


@pytest.mark.slow
def test_the_wheel_brings_four_packages_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}

    assert {n for n in top if not n.endswith(".dist-info")} == {
        "consbench",
        "consbench_adapters",
        "consbench_reference_training",
        "consbench_reports",
    }
    assert {f"{package}/py.typed" for package in top if "." not in package} <= set(names)
    for name in ("sam-mini", "hq-sam-mini", "consamme-vanilla-mini", "consamme-mini"):
        assert {f"consbench_adapters/miniatures/{name}.{end}" for end in ("safetensors", "safetensors.json")} <= set(
            names
        )
