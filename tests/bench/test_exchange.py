"""Masks and clicks in the files of other tools: what is in them, what comes back, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import assume, given
from hypothesis import strategies as st
from pycocotools import mask as codes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from consbench import Mask, Object, Part, Protocol, Run, Sample, SampleList, controls, evaluate
from consbench.cli import cli
from consbench.clicklist import ClickList, ImageClicks, ListedClick
from consbench.clicks import ClickStrategy, Listed
from consbench.errors import BadSample, RecordMismatch, RecordUnreadable, UnknownName, UsageError
from consbench.exchange import clicks_of, read_clicks, write_clicks, write_coco
from consbench.model import Clicks
from consbench.records import TABLES
from consbench.types import Click, Image

EXTRA = Protocol(click=ClickStrategy("random", seed=1), extra_clicks=(ClickStrategy("jitter", radius=2, seed=3),))
MASK = Mask.from_array(np.ones((8, 9), bool))


def around(image: Image, clicks: Clicks) -> tuple[np.ndarray, np.ndarray]:
    """Squares around the click, the smaller first, each with a score: an answer that depends on the pixel."""
    y, x = np.indices(image.shape[:2])
    far = np.maximum(np.abs(x - clicks[:, 0, None, None]), np.abs(y - clicks[:, 1, None, None]))
    return np.stack([far <= 2, far <= 6], axis=1), np.tile([0.25, 0.75], (len(clicks), 1))


def one_or_two(image: Image, clicks: Clicks) -> tuple[np.ndarray, None, np.ndarray]:
    """Two squares for the first click of a call, one for each other."""
    masks, scores = around(image, clicks)
    valid = np.ones(scores.shape, bool)
    valid[1:, 1] = False
    return masks, None, valid


def table_bytes(path: Path) -> dict[str, bytes]:
    return {name: (path / f"{name}.parquet").read_bytes() for name in TABLES}


def sample_of(image_id: str, objects: tuple[Object, ...], height: int = 8, width: int = 9) -> Sample:
    return Sample(image_id, height, width, objects, lambda: np.zeros((height, width, 3), np.uint8))


def ground_truth(samples: list[Sample]) -> dict[str, Any]:
    """The samples as COCO annotations of whole objects, with ids and categories of their own."""
    images = [
        {"id": 100 + n, "file_name": f"folder/{s.image_id}.jpg", "height": s.height, "width": s.width}
        for n, s in enumerate(samples)
    ]
    annotations = [
        {
            "image_id": 100 + n,
            "category_id": 7,
            "iscrowd": 0,
            "area": obj.mask.area,
            "bbox": list(obj.mask.box),
            "segmentation": {"size": list(obj.mask.shape), "counts": obj.mask.counts.decode()},
        }
        for n, s in enumerate(samples)
        for obj in s.objects
    ]
    numbered = [{"id": number, **entry} for number, entry in enumerate(annotations, start=1)]
    return {"images": images, "annotations": numbered, "categories": [{"id": 7, "name": "thing"}]}


class TestCoco:
    def test_pycocotools_loads_the_masks_that_the_model_gave(
        self, run_of: Callable[..., Run], samples: list[Sample], tmp_path: Path
    ) -> None:
        (tmp_path / "truth.json").write_text(json.dumps(ground_truth(samples)))
        run = run_of(around)
        count = write_coco(run, tmp_path / "results.json", ground_truth=tmp_path / "truth.json")
        loaded = COCO(str(tmp_path / "truth.json")).loadRes(str(tmp_path / "results.json"))

        assert len(loaded.anns) == count == 2 * len(run.clicks)
        at = {(r.image_id, r.object_id, r.part_id): np.array([[r.x, r.y]], float) for r in run.clicks.itertuples()}
        names = {100 + n: s.image_id for n, s in enumerate(samples)}
        for entry in loaded.anns.values():
            clicked = at[names[entry["image_id"]], entry["object_id"], entry["part_id"]]
            masks, scores = around(np.zeros((40, 64, 3), np.uint8), clicked)
            assert (loaded.annToMask(entry) == masks[0, entry["output"] - 1]).all()
            assert entry["score"] == scores[0, entry["output"] - 1]
            assert entry["click"] == 0

    def test_the_oracle_finds_every_object_by_cocos_own_reckoning(self, tmp_path: Path) -> None:
        boxes = [np.zeros((40, 40), bool) for _ in range(2)]
        boxes[0][2:15, 3:14], boxes[1][20:38, 18:36] = True, True
        objects = tuple(Object(n, "o", m := Mask.from_array(box), (Part(0, "p", m),)) for n, box in enumerate(boxes))
        samples = [sample_of("a", objects, 40, 40), sample_of("b", objects[:1], 40, 40)]
        (tmp_path / "truth.json").write_text(json.dumps(ground_truth(samples)))
        run = evaluate(controls.oracle(), samples, out=tmp_path / "run")
        write_coco(run, tmp_path / "results.json", ground_truth=tmp_path / "truth.json")
        objects_found = [e for e in json.loads((tmp_path / "results.json").read_text()) if e["position"] == 1]
        truth = COCO(str(tmp_path / "truth.json"))
        judged = COCOeval(truth, truth.loadRes(objects_found), "segm")
        judged.params.useCats, judged.params.catIds = 0, sorted({1, *judged.params.catIds})
        for step in (judged.evaluate, judged.accumulate, judged.summarize):
            step()

        assert judged.stats[0] == judged.stats[8] == 1.0  # average precision, average recall

    def test_an_entry_says_which_click_it_answers_and_in_which_place(
        self, run_of: Callable[..., Run], tmp_path: Path
    ) -> None:
        run = run_of(around, protocol=EXTRA)
        write_coco(run, tmp_path / "a.json", order="area")
        entries = json.loads((tmp_path / "a.json").read_text())
        first = run.clicks.iloc[0]

        assert entries[0] == {
            "image_id": first.image_id,
            "category_id": 1,
            "segmentation": {"size": [40, 64], "counts": run.masks.iloc[0].counts[1].decode()},
            "score": 0.75,
            "object_id": first.object_id,
            "part_id": first.part_id,
            "click": 0,
            "position": 1,
            "output": 2,
            "object_category": "cat",
            "part_category": "part 0",
        }
        assert [(e["click"], e["position"], e["output"]) for e in entries[:4]] == [
            (0, 1, 2), (0, 2, 1), (1, 1, 2), (1, 2, 1),
        ]  # fmt: skip

    def test_an_output_that_a_click_does_not_have_is_no_entry_and_a_score_it_does_not_have_is_one(
        self, run_of: Callable[..., Run], tmp_path: Path
    ) -> None:
        run = run_of(one_or_two, limit=1)
        count = write_coco(run, tmp_path / "a.json")
        entries = json.loads((tmp_path / "a.json").read_text())

        assert count == len(entries) == len(run.clicks) + 1
        assert {e["score"] for e in entries} == {1.0}
        with pytest.raises(UsageError, match="order 'score' needs a score for every output"):
            write_coco(run, tmp_path / "b.json", order="score")
        assert [p.name for p in tmp_path.glob("b.json*")] == []

    def test_batches_and_repetition_leave_the_same_bytes(
        self, run_of: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = run_of(around)
        write_coco(run, tmp_path / "one.json")
        monkeypatch.setattr("consbench.exchange.coco.ROWS_AT_ONCE", 3)
        write_coco(run, tmp_path / "many.json")

        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "many.json").read_bytes()
        areas = [codes.area(e["segmentation"]) for e in json.loads((tmp_path / "many.json").read_text())]
        assert sorted(areas) == sorted(area for row in run.clicks["area"] for area in row)

    def test_clicks_that_failed_have_no_entry(self, run_of: Callable[..., Run], tmp_path: Path) -> None:
        def half(image: Image, clicks: Clicks) -> Any:
            if len(clicks) > 6:
                raise MemoryError
            return around(image, clicks)

        run = run_of(half)
        ok = run.clicks[run.clicks["status"] == "ok"]
        write_coco(run, tmp_path / "a.json")
        entries = json.loads((tmp_path / "a.json").read_text())

        assert 0 < len(ok) < len(run.clicks)
        found = [(e["image_id"], e["object_id"], e["part_id"]) for e in entries[::2]]
        assert found == list(ok[["image_id", "object_id", "part_id"]].itertuples(index=False, name=None))

    def test_a_run_with_nothing_to_export_says_so(self, run_of: Callable[..., Run], tmp_path: Path) -> None:
        with pytest.raises(RecordUnreadable, match="the run was made without masks"):
            write_coco(run_of(around, "bare", keep_masks=False), tmp_path / "a.json")
        with pytest.raises(UsageError, match="has no answered click, and so no mask to export"):
            write_coco(run_of(lambda image, clicks: None, "failed"), tmp_path / "a.json")

    def test_masks_of_other_clicks_are_refused(self, run_of: Callable[..., Run], tmp_path: Path) -> None:
        run, other = run_of(around), run_of(around, "other", limit=2)
        (run.path / "masks.parquet").write_bytes((other.path / "masks.parquet").read_bytes())

        with pytest.raises(RecordUnreadable, match=r"is damaged: masks.parquet is of other clicks than clicks.parquet"):
            write_coco(run, tmp_path / "a.json")

    @pytest.mark.parametrize(
        ("content", "error", "message"),
        [
            ({"images": [{"id": 1, "file_name": "image-0.jpg"}]}, UnknownName, "is called 'image-1'; did you mean 'i"),
            ({"annotations": []}, UsageError, r"is no COCO ground truth with images of id and file_name \(KeyError"),
            ([1], UsageError, r"is no COCO ground truth .*\(TypeError"),
            (None, UsageError, "is no COCO ground truth"),
        ],
        ids=["absent image", "no images", "a list", "nothing"],
    )
    def test_a_ground_truth_of_other_images_is_refused(
        self, run_of: Callable[..., Run], tmp_path: Path, content: Any, error: type[Exception], message: str
    ) -> None:
        (tmp_path / "truth.json").write_text(json.dumps(content))

        with pytest.raises(error, match=message):
            write_coco(run_of(around), tmp_path / "a.json", ground_truth=tmp_path / "truth.json")

    def test_images_are_matched_by_id_before_file_name_and_never_by_a_name_that_is_there_twice(
        self, run_of: Callable[..., Run], samples: list[Sample], tmp_path: Path
    ) -> None:
        truth = tmp_path / "truth.json"
        crossed = [{"id": s.image_id, "file_name": f"{samples[-n].image_id}.jpg"} for n, s in enumerate(samples)]
        truth.write_text(json.dumps({"images": crossed}))
        write_coco(run_of(around), tmp_path / "a.json", ground_truth=truth)
        write_coco(run_of(around), tmp_path / "b.json")
        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()

        twice = [{"id": n, "file_name": f"{n}/{s.image_id}.jpg"} for n, s in enumerate([*samples, samples[0]])]
        truth.write_text(json.dumps({"images": twice}))
        with pytest.raises(UsageError, match="images of one name in several folders"):
            write_coco(run_of(around), tmp_path / "a.json", ground_truth=truth)

    def test_a_file_that_cannot_be_written_or_read_is_named(self, run_of: Callable[..., Run], tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        with pytest.raises(UsageError, match=r"taken/a.json cannot be written: .*Name another file"):
            write_coco(run_of(around), tmp_path / "taken" / "a.json")
        with pytest.raises(UsageError, match=r"the ground truth .*none.json cannot be read: No such file"):
            write_coco(run_of(around), tmp_path / "a.json", ground_truth=tmp_path / "none.json")


class TestReplay:
    @pytest.mark.parametrize("protocol", [Protocol(), EXTRA, Protocol(min_part_area=12)], ids=lambda p: p.id)
    def test_the_clicks_of_a_run_asked_again_give_the_same_record(
        self, samples: list[Sample], tmp_path: Path, protocol: Protocol
    ) -> None:
        run = evaluate(around, samples, out=tmp_path / "run", protocol=protocol)
        write_clicks(clicks_of(run), tmp_path / "clicks.json")
        again = evaluate(around, samples, out=tmp_path / "again", clicks=read_clicks(tmp_path / "clicks.json"))

        assert table_bytes(run.path) == table_bytes(again.path)
        assert run.manifest["identity"]["dataset"] == again.manifest["identity"]["dataset"]

    def test_a_list_that_went_through_its_file_is_the_same_list(
        self, run_of: Callable[..., Run], tmp_path: Path
    ) -> None:
        clicks = clicks_of(run_of(around, protocol=EXTRA))
        write_clicks(clicks, tmp_path / "clicks.json")
        back = read_clicks(tmp_path / "clicks.json")
        write_clicks(back, tmp_path / "again.json")

        assert back == clicks
        assert back.origin == EXTRA.id
        assert (tmp_path / "clicks.json").read_bytes() == (tmp_path / "again.json").read_bytes()

    def test_images_without_a_click_and_unreadable_ones_stay_part_of_the_run(
        self, samples: list[Sample], tmp_path: Path
    ) -> None:
        def broken() -> Image:
            raise BadSample("truncated")

        data = [*samples, replace(samples[0], image_id="bad", read_image=broken), sample_of("bare", ())]
        run = evaluate(around, data, out=tmp_path / "run")
        clicks = clicks_of(run)
        again = evaluate(around, data, out=tmp_path / "again", clicks=clicks)

        assert run.manifest["unclicked_images"] == ["bare"]
        assert clicks.unclicked == ("bad", "bare")
        assert sorted(clicks.ids) == sorted(s.image_id for s in data)
        assert again.manifest["identity"]["dataset"] == run.manifest["identity"]["dataset"]
        assert again.summary().skipped == 1

    def test_exactly_the_listed_clicks_are_asked(self, samples: list[Sample], tmp_path: Path) -> None:
        whole = clicks_of(evaluate(around, samples, out=tmp_path / "run"))
        moved = [
            replace(image, clicks=tuple(c._replace(click=Click(n, 5)) for n, c in enumerate(image.clicks[::2])))
            for image in whole.images
        ]
        run = evaluate(around, samples, out=tmp_path / "moved", clicks=replace(whole, images=tuple(moved)))
        wanted = [(i.image_id, c.object_id, c.part_id, *c.click) for i in moved for c in i.clicks]

        asked = run.clicks[["image_id", "object_id", "part_id", "x", "y"]]
        assert wanted == list(asked.itertuples(index=False, name=None))

    def test_the_runs_protocol_names_the_list_and_parses_back(self, run_of: Callable[..., Run]) -> None:
        clicks = clicks_of(run_of(around))
        run = run_of(around, "again", clicks=clicks)

        assert run.protocol == clicks.protocol == Protocol(click=Listed(clicks.digest))
        assert run.protocol.deviations == (f"click=listed:{clicks.digest}",)
        assert run.protocol.clicks == ()
        assert clicks_of(run).digest == clicks.digest

    def test_the_digest_is_of_the_clicks_and_of_nothing_else(self, run_of: Callable[..., Run]) -> None:
        one = clicks_of(run_of(around))
        image = one.images[0]
        shuffled = replace(one, images=(*one.images[1:], replace(image, clicks=image.clicks[::-1])), origin="mine")
        x, y = image.clicks[0].click
        changed = image.clicks[0]._replace(click=Click(x + 1, y))
        others = [
            replace(one, images=(replace(image, clicks=(changed, *image.clicks[1:])), *one.images[1:])),
            replace(one, images=one.images[1:]),
            replace(one, fingerprint="0" * 64),
        ]

        assert shuffled.protocol.id == one.protocol.id
        assert len({one.protocol.id, *(other.protocol.id for other in others)}) == 4

    def test_an_interrupted_run_of_a_list_ends_in_the_same_bytes(self, samples: list[Sample], tmp_path: Path) -> None:
        whole = evaluate(around, samples, out=tmp_path / "run")
        clicks, calls = clicks_of(whole), 0

        def stops(image: Image, asked: Clicks) -> Any:
            nonlocal calls
            calls += 1
            if calls == 4:
                raise KeyboardInterrupt
            return around(image, asked)

        with pytest.raises(KeyboardInterrupt):
            evaluate(stops, samples, out=tmp_path / "broken", clicks=clicks)
        evaluate(stops, samples, out=tmp_path / "broken", clicks=clicks)

        assert table_bytes(whole.path) == table_bytes(tmp_path / "broken")

    def test_a_directory_with_a_run_of_another_list_is_refused(self, run_of: Callable[..., Run]) -> None:
        clicks = clicks_of(run_of(around))
        run_of(around, "again", clicks=clicks)

        with pytest.raises(RecordMismatch, match=r"protocol\.click is 'listed:"):
            run_of(around, "again", clicks=replace(clicks, images=clicks.images[1:], unclicked=("image-0",)))


class TestRefused:
    @pytest.fixture
    def clicks(self, run_of: Callable[..., Run]) -> ClickList:
        return clicks_of(run_of(around))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"dataset": "paco"}, r"the clicks are of paco \(all\), and samples \(all\) was asked for"),
            ({"split": "val"}, r"the clicks are of samples \(val\), and samples \(all\) was asked for"),
            ({"fingerprint": "ab" * 32}, r"other annotations .* the fingerprint is \w{12}… here and abababababab… in"),
            ({"unclicked": ("image-99",)}, r"no image of samples \(all\) is called 'image-99'; did you mean"),
        ],
    )
    def test_a_list_of_another_dataset(
        self, run_of: Callable[..., Run], clicks: ClickList, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(UsageError, match=message):
            run_of(around, "again", clicks=replace(clicks, **change))

    @pytest.mark.parametrize(
        ("listed", "message"),
        [
            (ListedClick(9, 0, 0, Click(1, 1)), "image a has no object 9; its objects are: 0, 1, 2"),
            (ListedClick(0, 4, 0, Click(1, 1)), "image a, object 0, part 4: the object has no such part; it has: 0, 1"),
            (ListedClick(1, 0, 0, Click(1, 1)), "object 1, part 0 is not clicked: the object is a crowd region"),
            (ListedClick(0, 1, 0, Click(1, 1)), "object 0, part 1 is not clicked: it has no pixel"),
            (ListedClick(2, 0, 0, Click(1, 1)), "image a, object 2, part 0: the object has no such part; it has: none"),
        ],
    )
    def test_clicks_on_what_is_not_there_stop_the_run_before_the_model(
        self, tmp_path: Path, listed: ListedClick, message: str
    ) -> None:
        none = Mask.from_array(np.zeros((8, 9), bool))
        crowd = Object(1, "o", MASK, (Part(0, "p", MASK),), crowd=True)
        objects = (Object(0, "o", MASK, (Part(0, "p", MASK), Part(1, "q", none))), crowd, Object(2, "o", MASK, ()))
        data = SampleList([sample_of("a", objects)])
        images = (ImageClicks("a", 8, 9, (ListedClick(0, 0, 0, Click(1, 1)), listed)),)
        clicks = ClickList("samples", "all", data.fingerprint(["a"]), images)

        with pytest.raises(UsageError, match=message):
            evaluate(around, data, out=tmp_path / "run", clicks=clicks)
        assert not (tmp_path / "run").exists()

    def test_an_image_of_another_size(self, run_of: Callable[..., Run], clicks: ClickList) -> None:
        larger = replace(clicks, images=(replace(clicks.images[0], height=80), *clicks.images[1:]))

        with pytest.raises(UsageError, match=r"image image-0 has 40×64 pixels .* of one of 80×64: scale x and y"):
            run_of(around, "again", clicks=larger)

    def test_a_list_beside_something_else_that_says_what_is_clicked(
        self, run_of: Callable[..., Run], clicks: ClickList
    ) -> None:
        for beside in ({"limit": 2}, {"ids": ["image-0"]}, {"protocol": Protocol()}):
            with pytest.raises(UsageError, match="no other protocol, no ids and no limit"):
                run_of(around, "again", clicks=clicks, **beside)
        run_of(around, "again", clicks=clicks, protocol=clicks.protocol)

    def test_the_protocol_of_a_list_without_the_list(self, run_of: Callable[..., Run], clicks: ClickList) -> None:
        with pytest.raises(UsageError, match="is of a list of clicks: give the list too, with --clicks FILE"):
            run_of(around, "again", protocol=clicks.protocol)
        with pytest.raises(UsageError, match="names a list of clicks, which no name holds: give the file with"):
            ClickStrategy.parse(str(clicks.protocol.click))
        with pytest.raises(UsageError, match="give neither extra clicks nor a smallest part area"):
            replace(clicks.protocol, min_part_area=4)

    @pytest.mark.parametrize(
        ("clicks", "message"),
        [
            ([(0, 0, 0, (9, 0))], r"image a, object 0, part 0, click 0: \(9, 0\) lies outside .* from 0 to 8 .* to 7"),
            ([(0, 0, 0, (0, 8))], r"\(0, 8\) lies outside"),
            ([(0, 0, 0, (-1, 0))], r"\(-1, 0\) lies outside"),
            ([(0, 0, 0, (1, 1)), (0, 0, 0, (2, 1))], "numbered 0, 1, 2, …, each once; got 0, 0"),
            ([(0, 0, 1, (1, 1))], "object 0, part 0: the clicks on a part are numbered .*; got 1"),
            ([(0, 0, 0, (1, 1)), (0, 0, 2, (1, 1))], "got 0, 2"),
        ],
    )
    def test_clicks_that_cannot_be(self, clicks: list[Any], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            ImageClicks("a", 8, 9, tuple(ListedClick(o, p, n, Click(*at)) for o, p, n, at in clicks))

    def test_no_click_at_all_and_one_image_twice(self) -> None:
        image = ImageClicks("a", 8, 9, (ListedClick(0, 0, 0, Click(1, 1)),))
        with pytest.raises(UsageError, match="the list holds no click"):
            ClickList("d", "s", "f", [replace(image, clicks=())], ["b"])
        with pytest.raises(UsageError, match="image a is in the list more than once"):
            ClickList("d", "s", "f", [image, image])
        with pytest.raises(UsageError, match="image a is in the list more than once"):
            ClickList("d", "s", "f", [image], ["a"])


def a_list() -> dict[str, Any]:
    click = {"object_id": 0, "part_id": 0, "click": 0, "x": 3, "y": 4}
    return {
        "format": "consbench-clicks",
        "version": 1,
        "dataset": {"name": "samples", "split": "all", "fingerprint": "ab"},
        "images": [{"image_id": "a", "height": 8, "width": 9, "clicks": [click]}],
    }


def edited(path: str, value: Any) -> dict[str, Any]:
    """The list with one value exchanged, or taken out where the value is `...`; `path` is keys with dots."""
    *way, last = path.split(".")
    content = place = a_list()
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return content


def test_the_smallest_list_is_read(tmp_path: Path) -> None:
    (tmp_path / "clicks.json").write_text(json.dumps(a_list()))
    clicks = read_clicks(tmp_path / "clicks.json")

    assert clicks.images == (ImageClicks("a", 8, 9, (ListedClick(0, 0, 0, Click(3, 4)),)),)
    assert (clicks.dataset, clicks.unclicked, clicks.origin) == ("samples", (), "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (edited("format", "other"), 'this is no list of clicks: it does not begin with "format": "consbench-clicks"'),
        ([1, 2], "this is no list of clicks"),
        (edited("version", 2), "the list has version 2; this program reads version 1"),
        (edited("dataset", ...), "the list has no 'dataset', which must be an object"),
        (edited("dataset.fingerprint", 7), "dataset: 'fingerprint' must be text; got 7"),
        (edited("images", {}), "the list: 'images' must be a list; got {}"),
        (edited("images", ["a"]), "entry 1 of images must be an object; got 'a'"),
        (edited("images.0.image_id", 5), "entry 1 of images: 'image_id' must be text; got 5"),
        (edited("images.0.width", "9"), "image a: 'width' must be a whole number; got '9'"),
        (edited("images.0.clicks.0.x", ...), "image a, entry 1 of clicks has no 'x', which must be a whole number"),
        (edited("images.0.clicks.0.x", 3.5), "image a, entry 1 of clicks: 'x' must be a whole number; got 3.5"),
        (edited("images.0.clicks.0.click", True), "'click' must be a whole number; got True"),
        (edited("images.0.clicks.0.y", 8), r"image a, object 0, part 0, click 0: \(3, 8\) lies outside the image"),
        (edited("unclicked_images", [3]), r"'unclicked_images' must be a list of image ids; got \[3\]"),
        (edited("images", []), "the list holds no click"),
    ],
)  # fmt: skip
def test_a_damaged_list_is_refused_with_its_place(tmp_path: Path, content: Any, message: str) -> None:
    file = tmp_path / "clicks.json"
    file.write_text(json.dumps(content))

    with pytest.raises(UsageError, match=rf"clicks\.json: .*{message}"):
        read_clicks(file)


@pytest.mark.parametrize("content", [b"", b'{"format": "consbench-clicks", ', b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clicks.json").write_bytes(content)

    with pytest.raises(UsageError, match=r"clicks.json is no list of clicks, or a damaged one: .* writes such a file"):
        read_clicks(tmp_path / "clicks.json")
    with pytest.raises(UsageError, match=r"the clicks .*none.json cannot be read: No such file"):
        read_clicks(tmp_path / "none.json")


@given(data=st.data())
def test_any_list_comes_back_whole_and_its_digest_knows_no_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=4, unique=True))
    images = []
    for name in names:
        height, width = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 50))
        at = st.builds(Click, st.integers(0, width - 1), st.integers(0, height - 1))
        parts = data.draw(
            st.dictionaries(st.tuples(st.integers(), st.integers()), st.lists(at, max_size=3), min_size=1)
        )
        clicks = [ListedClick(o, p, n, c) for (o, p), found in parts.items() for n, c in enumerate(found)]
        images.append(ImageClicks(name, height, width, tuple(clicks)))
    assume(any(image.clicks for image in images))
    one = ClickList("d", "s", "f", tuple(images))
    file = tmp_path_factory.getbasetemp() / "any.json"
    write_clicks(one, file)
    other_order = [
        replace(i, clicks=tuple(data.draw(st.permutations(i.clicks)))) for i in data.draw(st.permutations(images))
    ]

    assert read_clicks(file) == one
    assert replace(one, images=other_order).digest == one.digest


def test_hostile_names_survive_both_files(tmp_path: Path) -> None:
    name = 'a"\\\u202e</script>\n\u2028é'
    run = evaluate(around, [sample_of(name, (Object(0, name, MASK, (Part(0, name, MASK),)),))], out=tmp_path / "run")
    write_clicks(clicks_of(run), tmp_path / "clicks.json")
    write_coco(run, tmp_path / "coco.json")

    assert read_clicks(tmp_path / "clicks.json").ids == [name]
    assert {(e["image_id"], e["part_category"]) for e in json.loads((tmp_path / "coco.json").read_bytes())} == {
        (name, name)
    }


class TestCommands:
    DATA = "standin-paco,images=2,size=96"

    @pytest.fixture
    def consbench(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

        def invoke(*words: str, run: bool = False) -> Result:
            options = ("-m", "click-disc", "--no-report", "-q") if run else ()
            return CliRunner().invoke(cli, [*words, *options])

        return invoke

    def test_export_and_run_again_from_the_command_line(self, consbench: Callable[..., Result], tmp_path: Path) -> None:
        done = [
            consbench("run", "-d", self.DATA, "-o", "one", run=True),
            consbench("export", "one/click-disc--standin-paco", "--coco", "coco.json", "--clicks", "out/clicks.json"),
            consbench("run", "-d", self.DATA, "--clicks", "out/clicks.json", "-o", "two", run=True),
        ]

        assert [result.exit_code for result in done] == [0, 0, 0], [result.output for result in done]
        one, two = (tmp_path / folder / "click-disc--standin-paco" for folder in ("one", "two"))
        assert table_bytes(one) == table_bytes(two)
        clicks = read_clicks(tmp_path / "out" / "clicks.json")
        assert done[1].stdout.splitlines() == [
            f"coco.json: {3 * len(clicks)} masks",
            f"out/clicks.json: {len(clicks)} clicks on 2 images; listed:{clicks.digest}",
        ]
        assert clicks.protocol.id in done[2].stdout
        assert json.loads((two / "run.json").read_text())["asked"]["clicks"] == "out/clicks.json"

        refused = consbench("export", str(one), "--clicks", "out/clicks.json")
        assert refused.exit_code == 2
        assert "clicks.json exists: name another file, or replace it with --overwrite" in refused.stderr
        assert consbench("export", str(one), "--clicks", "out/clicks.json", "--overwrite").exit_code == 0

        for words, message in (
            ((), "--clicks is a list for one dataset: name it, and no other, with -d standin-paco"),
            (("-d", self.DATA, "-d", "standin-partimagenet"), "--clicks is a list for one dataset"),
            (("-d", "standin-partimagenet,images=2,size=96"), "the clicks are of standin-paco (test), and standin-par"),
            (("-d", "standin-paco,images=2,size=96,seed=5"), "other annotations of standin-paco (test)"),
            (("-d", self.DATA, "--limit", "1"), "no other protocol, no ids and no limit"),
            (("-d", self.DATA, "--click", "random#1"), "no other protocol, no ids and no limit"),
            (("-d", self.DATA, "--min-part-area", "9"), "no other protocol, no ids and no limit"),
        ):
            refused = consbench("run", "--clicks", "out/clicks.json", "-o", "three", *words, run=True)
            assert refused.exit_code == 2, refused.output
            assert message in refused.stderr
        assert not (tmp_path / "three").exists()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("runs/none",), "say what to export: --coco FILE for the masks, --clicks FILE for the clicks, or both"),
            (("runs/none", "--clicks", "a.json", "--order", "area"), "--order and --ground-truth are about masks"),
            (("runs/none", "--coco", "a.json"), "there is no run directory runs/none"),
        ],
    )
    def test_what_cannot_be_exported_is_refused(
        self, consbench: Callable[..., Result], words: tuple[str, ...], message: str
    ) -> None:
        done = consbench("export", *words)

        assert done.exit_code == 2
        assert message in done.stderr
