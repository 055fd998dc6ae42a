"""The doctor recognises what is broken from the texts that breaking it produces; nothing is broken for the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points, requires
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consbench.cli import doctor as room
from consbench.cli.doctor import Finding, Tried


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("RuntimeError: operator torchvision::nms does not exist", "Install both in ONE command from ONE index"),
        ("ImportError: /x/_C.so: undefined symbol: _ZN3c10", "torch and torchvision come from different builds"),
        ("ModuleNotFoundError: No module named 'timm'", "pip install timm (segment_anything_hq imports it"),
        ("ModuleNotFoundError: No module named 'timm.layers'", "pip install timm"),
        ("ModuleNotFoundError: No module named 'torch'", "pip install torch"),
        ("ModuleNotFoundError: No module named 'segment_anything'", "pip install segment-anything"),
        ("ModuleNotFoundError: No module named 'consbench_reports'", "the installation is incomplete"),
        ("OSError: libcudart.so.13: cannot open shared object file: No such file", "libcudart.so.13 is absent"),
        ("ValueError: something of its own", ""),
    ],
)
def test_error_texts_are_recognised(error: str, mend: str) -> None:
    found = room.mend_of(error)
    assert mend in found
    assert bool(mend) == bool(found)


def test_torch_that_does_not_fit_torchvision_is_a_problem_with_one_command_to_mend_it() -> None:
    [finding] = room.torch_findings(Tried(error="RuntimeError: operator torchvision::nms does not exist"))
    assert finding.seen == "RuntimeError: operator torchvision::nms does not exist"
    assert "pip install --force-reinstall torch torchvision" in finding.mend


def test_torch_that_fails_in_an_unknown_way_still_has_a_mend() -> None:
    [finding] = room.torch_findings(Tried(error="ended the process with code -11"))
    assert "pip install" in finding.mend


def test_torch_that_loads_is_no_problem() -> None:
    [finding] = room.torch_findings(Tried(about="torch 9 with torchvision 8; no GPU, models run on the CPU"))
    assert finding.mend == ""
    assert "torch 9" in finding.seen


def test_hq_sam_without_timm_says_to_install_timm() -> None:
    plain, hq = room.adapter_findings(
        {
            "segment_anything": Tried(),
            "segment_anything_hq": Tried(error="ModuleNotFoundError: No module named 'timm'"),
        }
    )
    assert (plain.name, plain.mend) == ("segment_anything", "")
    assert hq.mend.startswith("pip install timm")


# --- dependencies


def test_dependencies_are_held_against_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"click": "8.1.7", "numpy": "2.4.0", "segment-anything": "1.0"}
    monkeypatch.setattr(room, "_installed_version", installed.get)
    findings = room.dependency_findings(
        ["click>=8.3.2", "numpy>=1.26", "segment-anything==1.0", "rich>=13.7", 'pytest>=8; extra == "dev"']
    )
    assert {finding.name: finding.mend for finding in findings} == {
        "click": "pip install 'click>=8.3.2'",
        "numpy": "",
        "segment-anything": "",
        "rich": "pip install 'rich>=13.7'",
    }
    assert findings[0].seen == "8.1.7, but click>=8.3.2 is needed"
    assert findings[3].seen == "not installed"


@pytest.mark.parametrize(
    ("found", "requirement", "satisfied"),
    [
        ("8.3.2", "click>=8.3.2", True),
        ("8.10", "click>=8.3.2", True),
        ("8.3", "click>=8.3.2", False),
        ("8.3.1", "click>=8.3.2", False),
        ("1.0", "segment-anything==1.0", True),
        ("1.1", "segment-anything==1.0", False),
        ("2.4.0+cu130", "torch>=2.4", True),
        ("2.5.0rc1", "torch>=2.4", True),
        ("3.0", "anything", True),
    ],
)
def test_versions_are_compared_as_numbers(found: str, requirement: str, satisfied: bool) -> None:
    assert room.satisfies(found, requirement) is satisfied


def test_our_own_requirements_can_all_be_read() -> None:
    findings = room.dependency_findings(requires("consbench") or [])
    assert "click>=8.3.2" in (requires("consbench") or [])
    assert {"numpy", "click", "pycocotools"} <= {finding.name for finding in findings}


# --- child processes


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write modules that a child process can import: modules(name=code)."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(**codes: str) -> None:
        for name, code in codes.items():
            (tmp_path / f"{name}.py").write_text(code)

    return write


def test_a_child_imports_attributes_and_reports_what_fails_without_stopping(modules: Callable[..., None]) -> None:
    modules(
        sound="class load:\n    inner = 1\nprint('chatter @doctor, no newline', end='')",
        broken="raise RuntimeError('operator torchvision::nms does not exist')",
        leaves="import sys; sys.exit(3)",
    )
    tried = room.try_imports(["broken", "leaves", "sound:load.inner", "sound:lode", "absent_module"])
    assert tried["sound:load.inner"] == Tried()
    assert tried["broken"].error == "RuntimeError: operator torchvision::nms does not exist"
    assert tried["leaves"].error == "SystemExit: 3"
    assert tried["sound:lode"].error.startswith("AttributeError: module 'sound' has no attribute 'lode'")
    assert tried["absent_module"].error == "ModuleNotFoundError: No module named 'absent_module'"


def test_an_import_that_kills_the_process_costs_only_itself(modules: Callable[..., None]) -> None:
    modules(
        kills="import os, sys; print('Fatal: illegal instruction', file=sys.stderr, flush=True); os._exit(70)", sound=""
    )
    tried = room.try_imports(["sound", "kills:load", "json:dumps"])
    assert tried == {
        "sound": Tried(),
        "kills:load": Tried("ended the process with code 70: Fatal: illegal instruction"),
        "json:dumps": Tried(),
    }


def test_an_import_that_hangs_is_given_up(modules: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    modules(hangs="import time; time.sleep(60)")
    monkeypatch.setattr(room, "TIMEOUT_SECONDS", 2)
    assert room.try_imports(["hangs"]) == {"hangs": Tried("was not imported within 2 s")}


def test_no_targets_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert room.try_imports([]) == {}


# --- plug-ins


def test_plugins_are_listed_with_their_cause_and_their_mend() -> None:
    entries = [
        EntryPoint("good", "a.b:load", "consbench.models"),
        EntryPoint("bad", "c.d:load", "consbench.models"),
        EntryPoint("twice", "e:load", "consbench.datasets"),
        EntryPoint("twice", "f:load", "consbench.datasets"),
    ]
    tried = {
        "a.b:load": Tried(),
        "c.d:load": Tried("Traceback…\nValueError: my cause"),
        "e:load": Tried(),
        "f:load": Tried(),
    }
    good, bad, *twice = room.plugin_findings(entries, tried)
    assert (good.section, good.name, good.mend) == ("models", "good", "")
    assert bad.seen == "unknown distribution, c.d:load: ValueError: my cause"
    assert bad.mend == "update or uninstall the distribution that brings it (unknown distribution)"
    assert {finding.section for finding in twice} == {"datasets"}
    assert all("another distribution claims the same name" in finding.seen and finding.mend for finding in twice)


def test_a_plugin_of_ours_names_distribution_and_version() -> None:
    [oracle] = entry_points(group="consbench.models", name="oracle")
    [finding] = room.plugin_findings([oracle], {oracle.value: Tried()})
    assert finding.seen.startswith("consbench 0.")


# --- the cache


def test_the_cache_is_below_xdg_cache_home_or_below_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert room.cache_directory() == Path("/elsewhere/consbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert room.cache_directory() == Path.home() / ".cache" / "consbench"


def test_an_absent_cache_is_not_made_by_looking(tmp_path: Path) -> None:
    [finding] = room.cache_findings(tmp_path / "x" / "consbench")
    assert "can be made" in finding.seen
    assert not list(tmp_path.iterdir())


def test_a_cache_without_room_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: (10 * 2**30, 9.5 * 2**30, 2**29))
    [finding] = room.cache_findings(tmp_path)
    assert finding.seen == f"{tmp_path}, writable, 0.5 GiB free"
    assert finding.mend == "free some space, or set XDG_CACHE_HOME to a directory with room"


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:  # noqa: A002 - the name tempfile gives it
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(room.tempfile, "TemporaryFile", refuse)
    [finding] = room.cache_findings(tmp_path)
    assert finding.seen == f"{tmp_path} cannot be written: Permission denied"
    assert finding.mend == "set XDG_CACHE_HOME to a directory you can write"


def test_a_file_in_the_place_of_the_cache_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "consbench").write_text("")
    [finding] = room.cache_findings(tmp_path / "consbench")
    assert finding.seen.endswith("consbench is a file")
    assert finding.mend.startswith("remove it")


# --- the report and the command


def test_the_report_groups_by_section_and_ends_with_the_problems_and_their_mends() -> None:
    lines = room.report([Finding("a", "x", "1"), Finding("a", "y", "broken", "mend y"), Finding("b", "z", "2")])
    assert [line for line in lines if line in {"a", "b"}] == ["a", "b"]
    assert lines[-3:] == ["✗ 1 problem", "  1. y: broken", "     to mend: mend y"]
    assert [line for line in lines if "✗ problem" in line] == [f"  ✗ problem  {'y':24} broken"]


@pytest.mark.parametrize(("mend", "code", "last"), [("", 0, "✓ healthy"), ("do this", 1, "     to mend: do this")])
def test_the_exit_code_says_whether_there_are_problems(
    monkeypatch: pytest.MonkeyPatch, mend: str, code: int, last: str
) -> None:
    monkeypatch.setattr(room, "examine", lambda: [Finding("a", "x", "[bold]seen[/bold] " + "long " * 40, mend)])
    done = CliRunner().invoke(room.doctor)
    assert done.exit_code == code
    assert done.output.splitlines()[-1] == last
    assert "[bold]seen[/bold]" in done.output, "what was found is text, not markup"


def test_the_examination_joins_all_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pretend(targets: list[str]) -> dict[str, Tried]:
        asked.extend(targets)
        return {target: Tried(about="torch and torchvision") for target in targets}

    monkeypatch.setattr(room, "try_imports", pretend)
    sections = list(dict.fromkeys(finding.section for finding in room.examine()))
    assert sections == [
        "system", "dependencies", "torch", "libraries of the adapters", "models", "datasets", "commands", "cache",
    ]  # fmt: skip
    assert asked[:3] == ["torch+torchvision", "segment_anything", "segment_anything_hq"]
    assert len(asked) == len(set(asked))
    assert "consbench.controls:oracle" in asked


def test_the_doctor_itself_imports_neither_torch_nor_matplotlib() -> None:
    code = "import json, sys; import consbench.cli.doctor, consbench.cli.check; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert "consbench.cli.doctor" in loaded
    assert not {"torch", "torchvision", "matplotlib"} & set(loaded)


@pytest.mark.slow
def test_the_pair_of_torch_and_torchvision_is_imported_together() -> None:
    """The environment these tests run in is sound, so the true import must succeed and name both versions."""
    [tried] = room.try_imports([room.TORCH_PAIR]).values()
    assert tried.error == ""
    assert tried.about.startswith("torch ")
    assert " with torchvision " in tried.about
