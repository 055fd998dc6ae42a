"""Photographs come from the dataset of the run or not at all: never from another one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from consbench import Run, Sample, SampleList, controls, evaluate, open_run
from consbench.errors import DataMissing
from consbench.registry import Reference
from consbench_reports.photographs import jpeg, of_run


def asked(run: Run, dataset: str) -> Run:
    """The run as if it had been made on this dataset by the command line."""
    file = run.path / "run.json"
    words = {"dataset": Reference.parse(dataset).to_dict()}
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "asked": words}), encoding="utf-8")
    return open_run(run.path)


def test_a_dataset_that_is_handed_over_is_used(run_of: Callable[..., Run], samples: list[Sample]) -> None:
    found = of_run(run_of(controls.oracle()), {"samples": SampleList(samples)})
    sample = found.sample("image-3")

    assert sample is not None
    assert sample.objects == samples[3].objects
    assert found.sample("no such image") is None


def test_another_dataset_of_that_name_is_refused(
    run_of: Callable[..., Run], samples: list[Sample], make_sample: Callable[..., Sample]
) -> None:
    altered = [*samples[:7], make_sample("image-7", seed=99)]
    found = of_run(run_of(controls.oracle()), {"samples": SampleList(altered)})

    assert found.dataset is None
    assert "its fingerprint differs" in found.reason


@pytest.mark.parametrize("options", [{"limit": 3}, {"ids": ["image-2", "image-5"]}], ids=str)
def test_a_run_on_some_of_the_images_finds_its_dataset(
    samples: list[Sample], tmp_path: Path, options: dict[str, Any]
) -> None:
    run = evaluate(controls.oracle(), samples, out=tmp_path / "some", **options)

    assert of_run(run, {"samples": SampleList(samples)}).dataset is not None


def test_a_run_from_python_says_how_to_name_its_dataset(run_of: Callable[..., Run]) -> None:
    found = of_run(run_of(controls.oracle()))

    assert found.dataset is None
    assert found.reason == "the record does not say how samples was opened; name it with --data"
    assert found.sample("image-0") is None


def test_what_the_run_was_asked_for_is_opened_again(
    run_of: Callable[..., Run], samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: dict[str, Any] = {}

    def load(count: int = 0, root: str = "") -> SampleList:
        came.update(count=count, root=root)
        return SampleList(samples)

    monkeypatch.setattr("consbench.registry.names", lambda kind: ["mine"])
    monkeypatch.setattr("consbench.registry.find", lambda kind, target: load)
    run = asked(run_of(controls.oracle()), dataset="mine,root=there,count=8")

    assert of_run(run).dataset is not None
    assert came == {"count": 8, "root": "there"}


def test_a_dataset_that_is_gone_is_a_reason_and_no_error(
    run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> SampleList:
        raise DataMissing("there is no folder /gone. Name another with --root")

    monkeypatch.setattr("consbench.registry.names", lambda kind: ["mine"])
    monkeypatch.setattr("consbench.registry.find", lambda kind, target: gone)
    found = of_run(asked(run_of(controls.oracle()), dataset="mine"))

    assert found.reason == "samples could not be opened (there is no folder /gone); name it with --data"


@pytest.mark.parametrize("target", ["strange.py:load", "strange:load", "no-such-dataset"])
def test_a_record_cannot_choose_what_code_is_run(
    run_of: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (tmp_path / "strange.py").write_text("raise SystemExit('this ran')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = of_run(asked(run_of(controls.oracle()), dataset=target))

    assert found.reason == "samples is no installed dataset; name it with --data if you trust it"


def test_photographs_keep_their_shape_and_are_never_enlarged() -> None:
    small = Image.open(io.BytesIO(jpeg(np.zeros((40, 64, 3), np.uint8), 640)))
    large = Image.open(io.BytesIO(jpeg(np.zeros((400, 640, 3), np.uint8), 320)))

    assert (small.size, large.size) == ((64, 40), (320, 200))
