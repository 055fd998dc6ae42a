"""The loop and its record: interruptions, faults, refusals, and the bytes they leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from consbench import Mask, Object, Part, Protocol, Run, Sample, controls, evaluate, open_run, runner
from consbench.errors import BadSample, RecordMismatch, RecordUnreadable, RunFailed, UnknownName, UsageError
from consbench.model import Clicks, FunctionModel
from consbench.records import TABLES
from consbench.types import Image


def halves(image: Image, clicks: Clicks) -> np.ndarray:
    """Left half, top half, everything: a plain function as a model."""
    masks = np.zeros((len(clicks), 3, *image.shape[:2]), bool)
    masks[:, 0, :, : image.shape[1] // 2] = True
    masks[:, 1, : image.shape[0] // 2] = True
    masks[:, 2] = True
    return masks


class Counting:
    """`halves` that counts its calls, and stops with an exception at a chosen one."""

    def __init__(self, stop_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls, self.stop_at, self.error = 0, stop_at, error

    def describe(self) -> dict[str, Any]:
        return {}

    def encode(self, image: Image) -> Any:
        self.calls += 1
        if self.calls == self.stop_at and self.error is not None:
            raise self.error
        return FunctionModel(halves).encode(image)


def table_bytes(path: Path) -> dict[str, bytes]:
    return {name: (path / f"{name}.parquet").read_bytes() for name in TABLES}


def test_a_record_holds_every_click_and_every_pair_sorted_by_ids(
    run_of: Callable[..., Run], samples: list[Sample]
) -> None:
    run = run_of(halves)
    clicks = [(s.image_id, o.object_id, p.part_id) for s in samples for o in s.objects for p in o.parts]
    pairs = [
        (s.image_id, o.object_id, a.part_id, b.part_id)
        for s in samples
        for o in s.objects
        for i, a in enumerate(o.parts)
        for b in o.parts[i + 1 :]
    ]

    assert clicks == list(run.clicks[["image_id", "object_id", "part_id"]].itertuples(index=False, name=None))
    assert pairs == list(run.pairs[["image_id", "object_id", "part_a", "part_b"]].itertuples(index=False, name=None))
    assert all(len(iou) == 9 for iou in run.pairs["iou"])
    assert not (run.path / "journal").exists()


def test_stored_masks_are_the_masks_the_model_gave(run_of: Callable[..., Run]) -> None:
    run = run_of(halves)
    expected = halves(np.zeros((40, 64, 3), np.uint8), np.zeros((1, 2)))[0]

    for row in run.masks.itertuples():
        decoded = np.stack([Mask(row.height, row.width, c).array() for c in row.counts])
        assert (decoded == expected).all()


def test_the_manifest_says_where_the_numbers_come_from(run_of: Callable[..., Run]) -> None:
    manifest = run_of(halves, asked={"model": "halves"}).manifest

    assert manifest["identity"]["protocol"]["id"] == Protocol().id
    assert len(manifest["identity"]["dataset"]["fingerprint"]) == 64
    assert len(manifest["identity"]["model"]["source_sha256"]) == 64
    assert manifest["environment"]["packages"]["numpy"] == np.__version__
    assert {"commit", "dirty"} <= set(manifest["environment"]["code"])
    assert manifest["asked"] == {"model": "halves"}


@pytest.mark.parametrize("stop_at", [1, 4, 8])
def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(
    samples: list[Sample], tmp_path: Path, stop_at: int
) -> None:
    evaluate(Counting(), samples, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        evaluate(Counting(stop_at, KeyboardInterrupt()), samples, out=tmp_path / "broken")
    with pytest.raises(RecordUnreadable, match="is an unfinished run; give the same 'consbench run' command again"):
        open_run(tmp_path / "broken")
    second = Counting()
    evaluate(second, samples, out=tmp_path / "broken")

    assert second.calls == len(samples) - (stop_at - 1)
    assert table_bytes(tmp_path / "whole") == table_bytes(tmp_path / "broken")


def test_many_small_batches_leave_the_same_bytes_as_one(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(halves, samples, out=tmp_path / "one")
    monkeypatch.setattr(runner, "SECONDS_BETWEEN_FLUSHES", -1.0)
    evaluate(halves, samples[::-1], out=tmp_path / "many")

    assert table_bytes(tmp_path / "one") == table_bytes(tmp_path / "many")


def test_a_run_that_died_between_its_tables_and_its_manifest_is_finished(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import consbench.records as records

    whole = evaluate(halves, samples, out=tmp_path / "whole")
    write = records.write_json

    def die(file: Path, content: Any) -> None:
        if file.name == "run.json":
            raise OSError("disk full")
        write(file, content)

    monkeypatch.setattr(records, "write_json", die)
    with pytest.raises(OSError, match="disk full"):
        evaluate(halves, samples, out=tmp_path / "died")
    monkeypatch.undo()
    evaluate(halves, samples, out=tmp_path / "died")

    assert table_bytes(whole.path) == table_bytes(tmp_path / "died")


def test_a_half_written_batch_is_thrown_away(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(Counting(3, KeyboardInterrupt()), samples, out=tmp_path / "run")
    leftover = tmp_path / "run" / "journal" / "000009.tmp"
    leftover.mkdir()
    (leftover / "clicks.parquet").write_bytes(b"half")

    evaluate(Counting(), samples, out=tmp_path / "run")

    assert not (tmp_path / "run" / "journal").exists()


def test_drafts_of_files_that_a_killed_process_left_are_thrown_away(samples: list[Sample], tmp_path: Path) -> None:
    journal = tmp_path / "run" / "journal"
    journal.mkdir(parents=True)
    for folder, name in ((journal, "identity.json"), (journal.parent, "clicks.parquet")):
        (folder / f".{name}.ab12.tmp").write_bytes(b"half")

    evaluate(Counting(), samples, out=tmp_path / "run")

    assert {path.suffix for path in (tmp_path / "run").iterdir()} == {".parquet", ".json"}


def test_a_finished_run_is_opened_and_not_computed_again(samples: list[Sample], tmp_path: Path) -> None:
    evaluate(Counting(), samples, out=tmp_path / "run")
    again = Counting()
    evaluate(again, samples, out=tmp_path / "run")

    assert again.calls == 0


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": controls.empty()}, "model.name is 'Counting' there, 'empty' was asked for"),
        ({"samples": slice(0, 5)}, "dataset.images is 8 there, 5 was asked for"),
        ({"protocol": Protocol(min_part_area=30)}, r"protocol.id is .* there, .* was asked for"),
        ({"keep_masks": False}, "masks is True there, False was asked for"),
    ],
    ids=["model", "dataset", "protocol", "masks"],
)
def test_a_directory_of_another_run_is_refused(
    samples: list[Sample], tmp_path: Path, change: dict[str, Any], message: str, finished: bool
) -> None:
    if finished:
        evaluate(Counting(), samples, out=tmp_path / "run")
    else:
        with pytest.raises(KeyboardInterrupt):
            evaluate(Counting(3, KeyboardInterrupt()), samples, out=tmp_path / "run")
    arguments = {"model": Counting(), "samples": slice(None), **change}
    model, other = arguments.pop("model"), samples[arguments.pop("samples")]

    with pytest.raises(RecordMismatch, match=message):
        evaluate(model, other, out=tmp_path / "run", **arguments)


def test_a_directory_of_other_files_is_refused(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter 1")

    with pytest.raises(RecordMismatch, match=r"is not a run directory: it holds thesis\.tex"):
        evaluate(halves, samples, out=tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "chapter 1"


def wrong_shape(image: Image, clicks: Clicks) -> np.ndarray:
    return halves(image, clicks)[:, 0]


def float_masks(image: Image, clicks: Clicks) -> np.ndarray:
    return halves(image, clicks).astype(np.float32)


def model_size(image: Image, clicks: Clicks) -> np.ndarray:
    return np.zeros((len(clicks), 3, 256, 256), bool)


def nan_scores(image: Image, clicks: Clicks) -> tuple[np.ndarray, np.ndarray]:
    return halves(image, clicks), np.full((len(clicks), 3), np.nan)


def raises(image: Image, clicks: Clicks) -> np.ndarray:
    raise ZeroDivisionError("no pixels left")


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (wrong_shape, "The axis of the clicks (or of the outputs) is missing"),
        (float_masks, "If these are logits, threshold them"),
        (model_size, "These look like masks at the model's own size"),
        (nan_scores, "scores must be finite"),
        (raises, "ZeroDivisionError: no pixels left"),
    ],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_a_broken_plug_in_is_recorded_as_failed_and_the_run_goes_on(
    plugin: Any, reason: str, run_of: Callable[..., Run]
) -> None:
    run = run_of(plugin, "broken")
    summary = run.summary()

    assert summary.failed == summary.clicks == len(run.clicks)
    assert all(reason in text for text in run.clicks["reason"])
    assert np.isnan(summary["mIoU-object"].value)
    with pytest.raises(RunFailed, match="--fail-fast stops there"):
        run_of(plugin, "fast", fail_fast=True)


def test_metrics_are_over_the_clicks_that_were_answered(samples: list[Sample], tmp_path: Path) -> None:
    failing = Counting(2, RuntimeError("out of memory"))
    run = evaluate(failing, samples, out=tmp_path / "run")
    rest = evaluate(Counting(), [samples[0], *samples[2:]], out=tmp_path / "rest").summary()
    summary = run.summary()
    lost = sum(len(o.parts) for o in samples[1].objects)

    assert summary.failed == lost
    assert summary.clicks == rest.clicks + lost
    assert summary.scores == rest.scores
    assert run.manifest["failed_images"] == [["image-1", "RuntimeError: out of memory"]]


def test_an_unreadable_image_is_named_skipped_and_counted(samples: list[Sample], tmp_path: Path) -> None:
    def broken() -> Image:
        raise BadSample("image broken: truncated file")

    bad = Sample("broken", 40, 64, samples[0].objects, broken)
    other_size = Sample("small", 40, 64, samples[0].objects, lambda: np.zeros((20, 32, 3), np.uint8))
    run = evaluate(halves, [*samples, bad, other_size], out=tmp_path / "run")

    assert run.summary().skipped == 2
    assert run.manifest["skipped_images"] == [
        ["broken", "image broken: truncated file"],
        ["small", "image small: expected uint8 of shape (40, 64, 3) (H, W, RGB); got uint8 of shape (20, 32, 3)"],
    ]
    assert set(run.clicks["image_id"]) == {s.image_id for s in samples}


def test_a_dataset_with_nothing_to_click_on_is_refused(tmp_path: Path) -> None:
    full = Mask.from_array(np.ones((4, 4), bool))
    crowd = Object(1, "crowd", full, (Part(0, "p", full),), crowd=True)
    bare = Sample("bare", 4, 4, (Object(0, "rock", full, ()), crowd),
                  lambda: np.zeros((4, 4, 3), np.uint8))  # fmt: skip

    with pytest.raises(UsageError, match=r"samples \(all\) has no part to click on in 1 images"):
        evaluate(halves, [bare], out=tmp_path / "run")


def test_limit_and_ids_choose_images(run_of: Callable[..., Run]) -> None:
    assert set(run_of(halves, "a", limit=2).clicks["image_id"]) == {"image-0", "image-1"}
    assert set(run_of(halves, "b", ids=["image-5", "image-2"]).clicks["image_id"]) == {"image-2", "image-5"}
    with pytest.raises(UnknownName, match=r"no image of samples \(all\) is called 'image-99'; did you mean 'image-"):
        run_of(halves, "c", ids=["image-99"])
    with pytest.raises(UsageError, match="--limit must be at least 1; got 0"):
        run_of(halves, "d", limit=0)


def test_clicks_are_answered_in_chunks_of_bounded_size(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def spy(image: Image, clicks: Clicks) -> np.ndarray:
        sizes.append(len(clicks))
        return halves(image, clicks)

    monkeypatch.setattr(runner, "PIXELS_PER_CALL", 3 * 40 * 64)
    chunked = evaluate(spy, samples, out=tmp_path / "chunked")
    monkeypatch.undo()
    evaluate(spy, samples, out=tmp_path / "whole")

    assert max(sizes[: len(sizes) // 2]) == 3
    assert table_bytes(chunked.path) == table_bytes(tmp_path / "whole")


def test_progress_counts_from_zero_to_all_images(run_of: Callable[..., Run]) -> None:
    seen: list[tuple[int, int]] = []
    run_of(halves, progress=lambda done, total: seen.append((done, total)))

    assert seen == [(n, 8) for n in range(9)]


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_table_is_named(run_of: Callable[..., Run], table: str) -> None:
    run = run_of(halves)
    (run.path / f"{table}.parquet").write_bytes(b"PAR1 nothing")

    with pytest.raises(RecordUnreadable, match=rf"{table}.parquet is damaged"):
        getattr(open_run(run.path), table)


def test_a_run_without_masks_says_so(run_of: Callable[..., Run]) -> None:
    with pytest.raises(RecordUnreadable, match=r"has no masks.parquet \(the run was made without masks\)"):
        run_of(halves, keep_masks=False).masks  # noqa: B018


def test_what_is_no_run_is_called_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RecordUnreadable, match="there is no run directory"):
        open_run(tmp_path / "absent")
    with pytest.raises(RecordUnreadable, match=r"is not a run directory: it has no run.json"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(RecordUnreadable, match="has record format 99; this version reads format 1"):
        open_run(tmp_path)


def test_tables_follow_the_documented_schema(run_of: Callable[..., Run]) -> None:
    from consbench.records import SCHEMAS

    run = run_of(halves)
    for name in TABLES:
        assert pq.read_schema(run.path / f"{name}.parquet").equals(SCHEMAS[name])
