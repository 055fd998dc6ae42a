"""What the README and the docs say can be done, can be done."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest

from consbench import registry
from consbench.cli import cli
from consbench.registry import Reference
from consbench.testing import check_model

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "adapters" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    return [text for language, text in found if language in languages]


def commands(page: Path) -> list[str]:
    """Every `consbench …` in a shell block or a code span."""
    shell = "\n".join(blocks(page, "bash", "sh", "console")).replace("\\\n", " ")
    spans = re.findall(r"`(consbench [a-z][^`]*)`", page.read_text(encoding="utf-8"))
    return [*re.findall(r"(?:^|&& )(consbench [a-z][^#\n]*)", shell, re.M), *spans]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_names_commands_and_options_that_exist(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line)[1:]
        command: click.Command | None = cli
        with click.Context(cli) as context:
            while isinstance(command, click.Group) and words:
                command = command.get_command(context, words.pop(0))
                assert command is not None, line
            assert command is not None
            known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
            for word in words:
                if word.startswith("-"):
                    assert word in known, f"{page.name}: {line}"


def test_the_pages_hold_commands_to_check() -> None:
    assert len(commands(ROOT / "README.md")) >= 8
    assert sum(len(commands(page)) for page in PAGES) >= 20


def test_the_readmes_ten_lines_are_a_model(tmp_path: Path) -> None:
    (source,) = [block for block in blocks(ROOT / "README.md", "python") if block.startswith("# mine.py")]
    (tmp_path / "mine.py").write_text(source)
    model = registry.build("model", Reference.parse(f"{tmp_path}/mine.py:predict"))

    check_model(model).raise_if_failed()


def test_the_adapters_ten_lines_are_a_model(tmp_path: Path) -> None:
    (source,) = [b for b in blocks(ROOT / "adapters" / "README.md", "python") if b.startswith("# my_model.py")]
    (tmp_path / "my_model.py").write_text(source)
    model = registry.build("model", Reference.parse(f"{tmp_path}/my_model.py:disc"))

    check_model(model).raise_if_failed()


def test_the_docs_sample_can_be_built(tmp_path: Path) -> None:
    (source,) = [b for b in blocks(ROOT / "docs" / "datasets.md", "python") if "evaluate(" in b]
    dog = np.zeros((480, 640), bool)
    dog[100:300, 200:400] = True
    head = dog & (np.indices(dog.shape)[1] < 260)
    image = np.zeros((480, 640, 3), np.uint8)
    space = {"dog": dog, "head": head, "image": image, "model": lambda i, c: np.ones((len(c), 3, 480, 640), bool)}
    exec(source.replace("runs/mine", str(tmp_path / "mine")), space)

    assert (tmp_path / "mine" / "run.json").exists()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda p: p.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
