"""A package that is none of ours is installed, found through its entry points, and passes the check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from consbench.cli.check import check

OUTSIDER = Path(__file__).parent / "outsider"

pytestmark = pytest.mark.skipif(
    find_spec("pip") is None or find_spec("hatchling") is None, reason="installing a package needs pip and hatchling"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which the outsider package is installed, as its own user would, without a network."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    pip += ["--no-deps", "--no-build-isolation", "--no-compile", "--target", str(site), str(OUTSIDER)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


def python(site: Path | None, folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter in an empty folder, with the outsider's packages on the path or without."""
    assert not list(folder.iterdir())
    path = {"PYTHONPATH": str(site)} if site else {}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | path
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


NAMES = "import json; from consbench.registry import names; print(json.dumps([names('model'), names('dataset')]))"
CHECK = "from consbench.cli.check import check; check()"


def test_an_installed_outsider_is_listed_and_without_it_it_is_not(site: Path, tmp_path: Path) -> None:
    models, datasets = json.loads(python(site, tmp_path, NAMES).stdout)
    assert "similar-colour" in models
    assert "two-squares" in datasets
    assert "oracle" in models, "an outsider must not push out our own"
    assert "similar-colour" not in json.loads(python(None, tmp_path, NAMES).stdout)[0]


def test_an_outsiders_model_passes_the_check_under_its_name(site: Path, tmp_path: Path) -> None:
    done = python(site, tmp_path, CHECK, "similar-colour,reach=90")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ similar-colour conforms to the model contract" in done.stdout
    assert "6 of 6 answers hold the clicked blob" in done.stdout


def test_an_outsiders_model_is_called_with_the_options_of_the_reference(site: Path, tmp_path: Path) -> None:
    done = python(site, tmp_path, CHECK, "similar-colour,raech=90")
    assert done.returncode != 0
    assert "no option of model 'similar-colour' is called 'raech'; did you mean 'reach'?" in done.stderr


def test_an_outsiders_dataset_loads_by_name_and_says_who_brings_it(site: Path, tmp_path: Path) -> None:
    code = """if True:
        from consbench import registry
        dataset = registry.build("dataset", registry.Reference.parse("two-squares"))
        [sample] = dataset
        [pair] = sample.objects
        areas = [pair.mask.area, *(part.mask.area for part in pair.parts)]
        print(registry.origin("dataset", "two-squares"), len(dataset), areas)
    """
    done = python(site, tmp_path, code)
    assert done.stdout.strip() == "consbench-outsider 0.1.0 1 [800, 400, 400]", done.stderr


def test_a_plain_function_in_a_file_passes_the_check_without_any_package(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "def near(image, clicks):\n"
        "    y, x = np.indices(image.shape[:2])\n"
        "    return np.stack([[np.hypot(x - cx, y - cy) < r for r in (20, 6)] for cx, cy in clicks])\n"
    )
    done = CliRunner().invoke(check, [f"{file}:near"])
    assert done.exit_code == 0, done.output
    assert "✓ mine-near conforms to the model contract" in done.output
    file.write_text(file.read_text().replace("for cx, cy in", "for cy, cx in"))
    done = CliRunner().invoke(check, [f"{file}:near"])
    assert done.exit_code == 1
    assert "likely slip: the click is read as (row, column)" in done.output
