"""The explorer's data: what the record has, no more and no less."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from consbench import Run, Sample, SampleList, controls, evaluate
from consbench.masks import Mask
from consbench_reports.explorer import Budget, explorer_data
from consbench_reports.page import json_for_page


@pytest.fixture(scope="module")
def data(three_runs: list[Run], samples: list[Sample]) -> dict[str, Any]:
    return explorer_data(three_runs, Budget(), {"samples": SampleList(samples)})


def test_every_answer_is_that_of_the_record(data: dict[str, Any], three_runs: list[Run]) -> None:
    for r, run in enumerate(three_runs):
        clicks = run.clicks.set_index(["image_id", "object_id", "part_id"])
        masks = run.masks.set_index(["image_id", "object_id", "part_id"])
        seen = 0
        for obj in data["objects"]:
            image = data["images"][obj["image"]]
            answer = next(a for a in obj["answers"] if a["run"] == r)
            for part, click in zip(obj["parts"], answer["clicks"], strict=True):
                row = clicks.loc[(image["id"], obj["id"], part["id"])]
                assert click["object"] == list(row["iou_object"])
                assert click["part"] == list(row["iou_part"])
                assert click["area"] == list(row["area"])
                assert part["click"] == [row["x"], row["y"]]
                counts = masks.loc[(image["id"], obj["id"], part["id"])]["counts"]
                assert click["masks"] == [code.decode() for code in counts]
                seen += 1
        assert seen == len(run.clicks)


def test_pairs_are_between_the_parts_they_name(data: dict[str, Any]) -> None:
    """The IoU of two masks, counted on pixels."""
    checked = 0
    for obj in data["objects"]:
        image = data["images"][obj["image"]]
        for answer in obj["answers"]:
            for name, values in answer["pairs"].items():
                i, j = map(int, name.split("-"))
                arrays = [
                    [
                        Mask(image["height"], image["width"], code.encode()).array()
                        for code in answer["clicks"][p]["masks"]
                    ]
                    for p in (i, j)
                ]
                wanted = [(a & b).sum() / (a | b).sum() if (a | b).any() else 0.0 for a in arrays[0] for b in arrays[1]]
                assert values == pytest.approx(wanted)
                checked += 1
    assert checked > 50


def test_annotations_and_photographs_are_those_of_the_dataset(data: dict[str, Any], samples: list[Sample]) -> None:
    by_id = {sample.image_id: sample for sample in samples}
    for image in data["images"]:
        photo = Image.open(io.BytesIO(base64.b64decode(image["photo"].split(",")[1])))
        assert photo.size == (image["width"], image["height"]) == (64, 40)
        assert np.abs(np.asarray(photo).astype(int) - by_id[image["id"]].image()).mean() < 12
    for obj in data["objects"]:
        known = {o.object_id: o for o in by_id[data["images"][obj["image"]]["id"]].objects}[obj["id"]]
        assert obj["mask"] == known.mask.counts.decode()
        assert {p["id"]: p["mask"] for p in obj["parts"]} == {p.part_id: p.mask.counts.decode() for p in known.parts}
    assert data["notes"] == []


def test_without_the_dataset_masks_are_shown_and_the_page_says_so(three_runs: list[Run]) -> None:
    data = explorer_data(three_runs, Budget())

    assert {image["photo"] for image in data["images"]} == {None}
    assert {(image["width"], image["height"]) for image in data["images"]} == {(64, 40)}
    assert all(obj["mask"] is None for obj in data["objects"])
    assert all(answer["clicks"][0]["masks"] for obj in data["objects"] for answer in obj["answers"])
    assert data["notes"] == [
        "samples (all): photographs and annotations are not shown, because the record does not say how samples "
        "was opened; name it with --data."
    ]


def test_a_run_without_masks_shows_its_numbers_and_says_so(samples: list[Sample], tmp_path: Path) -> None:
    run = evaluate(controls.click_disc(), samples, out=tmp_path / "bare", keep_masks=False)
    data = explorer_data([run], Budget(), {"samples": SampleList(samples)})

    assert data["notes"] == ["click-disc on samples (all): its masks were not stored (--no-masks); IoUs are shown."]
    assert data["runs"][0]["masks"] is False
    assert {click["masks"] for obj in data["objects"] for click in obj["answers"][0]["clicks"]} == {None}
    assert data["objects"][0]["answers"][0]["clicks"][0]["object"]


def test_a_failed_click_is_there_with_its_reason(run_of: Callable[..., Run], three_runs: list[Run]) -> None:
    def fails(image: np.ndarray, clicks: np.ndarray) -> np.ndarray:
        raise ValueError("out of </script> memory")

    data = explorer_data([run_of(fails, "fails"), three_runs[1]], Budget())
    failed, answered = data["objects"][0]["answers"]

    assert failed["clicks"][0] == {"failed": "ValueError: out of </script> memory"}
    assert (failed["object"], failed["agreement"], failed["pairs"]) == (None, None, {})
    assert answered["object"] is not None


def test_an_image_that_one_run_was_not_asked_about_is_told_apart(
    samples: list[Sample], three_runs: list[Run], tmp_path: Path
) -> None:
    few = evaluate(controls.full_image(), samples, out=tmp_path / "few", limit=2)
    data = explorer_data([few, three_runs[1]], Budget(), {"samples": SampleList(samples)})
    of_last = next(obj for obj in data["objects"] if data["images"][obj["image"]]["id"] == "image-7")

    assert set(map(str, of_last["answers"][0]["clicks"])) == {"None"}
    assert of_last["answers"][1]["clicks"][0]["object"]
    assert all(image["photo"] for image in data["images"])


def test_extra_clicks_on_a_part_are_left_out(samples: list[Sample], tmp_path: Path) -> None:
    from consbench import Protocol
    from consbench.clicks import ClickStrategy

    protocol = Protocol(extra_clicks=(ClickStrategy.parse("jitter@3#1"),))
    run = evaluate(controls.click_disc(), samples, out=tmp_path / "several", protocol=protocol)
    plain = evaluate(controls.click_disc(), samples, out=tmp_path / "one")

    assert len(run.clicks) == 2 * len(plain.clicks)
    assert explorer_data([run], Budget())["objects"] == explorer_data([plain], Budget())["objects"]


def test_the_budget_limits_objects_and_photographs(three_runs: list[Run], samples: list[Sample]) -> None:
    data = explorer_data(three_runs, Budget(objects=5, longest=32), {"samples": SampleList(samples)})

    assert len(data["objects"]) == 5
    assert {obj["image"] for obj in data["objects"]} == set(range(len(data["images"])))
    photo = Image.open(io.BytesIO(base64.b64decode(data["images"][0]["photo"].split(",")[1])))
    assert photo.size == (32, 20)


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!-- ", "a\u2028b\u2029c & d", "\u202egnp", '"\\']
)
def test_json_in_a_page_cannot_leave_its_element(text: str) -> None:
    written = str(json_for_page({text: text}))

    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: text}
