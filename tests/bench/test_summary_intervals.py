"""What a summary says beside its numbers: intervals that depend on the record and the seed, and on nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from consbench import Run, Sample, evaluate
from consbench.cli.tables import interval_text, summary_table, wide_console
from consbench.errors import UsageError
from consbench.metrics import CVR, MIoU
from consbench.run import Score


def boxes(image: np.ndarray, clicks: np.ndarray) -> np.ndarray:
    """Three squares around each click, of a size that goes with where it is."""
    masks = np.zeros((len(clicks), 3, *image.shape[:2]), bool)
    for n, (x, y) in enumerate(clicks.astype(int)):
        for k, radius in enumerate((6 + x % 5, 3, 1 + y % 3)):
            masks[n, k, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = True
    return masks


@pytest.fixture
def run(run_of: Callable[..., Run]) -> Run:
    return run_of(boxes)


def test_every_headline_number_has_an_interval_around_it(run: Run) -> None:
    for name, score in run.summary().items():
        assert score.low <= score.value <= score.high, name
    assert sum(score.low < score.high for score in run.summary().values()) >= 8


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_intervals(run: Run) -> None:
    one, same, other = (json.dumps(run.summary(seed=seed).to_dict()) for seed in (0, 0, 1))

    assert one == same != other
    assert run.summary(seed=0).to_frame()["value"].equals(run.summary(seed=1).to_frame()["value"])


def test_intervals_do_not_depend_on_the_order_of_images(samples: list[Sample], tmp_path: Path) -> None:
    one, other = (
        evaluate(boxes, order, out=tmp_path / str(n)).summary() for n, order in enumerate((samples, samples[::-1]))
    )

    assert dict(one) == dict(other)


def test_intervals_do_not_depend_on_which_metrics_are_asked_together(run: Run) -> None:
    everything, alone = run.summary(), run.summary(metrics=[CVR(0.5)])

    assert alone["CVR@0.5"] == everything["CVR@0.5"]


def test_an_image_that_failed_is_none_of_the_sample(samples: list[Sample], tmp_path: Path) -> None:
    bad = samples[3].image().sum()

    def fails_once(image: np.ndarray, clicks: np.ndarray) -> np.ndarray:
        if image.sum() == bad:
            raise RuntimeError("no")
        return boxes(image, clicks)

    with_failure = evaluate(fails_once, samples, out=tmp_path / "a").summary()
    without = evaluate(boxes, [*samples[:3], *samples[4:]], out=tmp_path / "b").summary()

    assert with_failure.failed > 0
    assert dict(with_failure) == dict(without)


def test_one_image_has_numbers_and_no_intervals(samples: list[Sample], tmp_path: Path) -> None:
    summary = evaluate(boxes, samples[:1], out=tmp_path / "one").summary()

    assert not np.isnan(summary["mIoU-object"].value)
    assert np.isnan([(s.low, s.high) for s in summary.values()]).all()
    assert summary.to_dict()["scores"]["mIoU-object"]["low"] is None
    json.dumps(summary.to_dict(), allow_nan=False)


def test_intervals_can_be_left_out_and_impossible_ones_are_refused(run: Run) -> None:
    assert np.isnan(run.summary(resamples=0)["mIoU-part"].low)
    with pytest.raises(UsageError, match="need at least 39 resamples; got 3"):
        run.summary(resamples=3)


def test_a_frame_has_a_row_per_metric_with_its_interval(run: Run) -> None:
    frame = run.summary(metrics=[MIoU("object")]).to_frame()

    assert list(frame.columns) == ["value", "n", "undefined", "unit", "low", "high"]
    assert frame.index.tolist() == ["mIoU-object"]


def test_a_part_can_be_left_out_of_the_answers(run: Run) -> None:
    everything = run.answers()
    keep = np.arange(run.first_clicks.num_rows) % 3 != 0
    some = run.answers(among=keep)

    assert some.iou_object_NK.tolist() == everything.iou_object_NK[keep].tolist()
    assert 0 < len(some.object_P) < len(everything.object_P)


def test_the_table_shows_intervals_counts_and_what_is_undefined(run: Run) -> None:
    console = wide_console()
    summary = run.summary()
    with console.capture() as captured:
        console.print(summary_table([summary]))
    lines = captured.get().splitlines()

    assert interval_text(summary["CVR@0.7"]) in lines[2]
    assert f"{summary.images} images, {summary.objects} objects" in lines[2]
    assert max(len(line.rstrip()) for line in lines[:3]) <= 160
    assert "below each number: 95 % interval, 2000 bootstrap resamples of images, seed 0" in captured.get()
    undefined = summary["CVR@0.5"].undefined
    assert f"undefined for {undefined} object" in captured.get()


def test_the_table_of_a_summary_without_intervals_does_not_speak_of_them(run: Run) -> None:
    console = wide_console()
    with console.capture() as captured:
        console.print(summary_table([run.summary(resamples=0)]))

    assert "interval" not in captured.get()


def test_a_number_without_interval_has_no_text() -> None:
    assert interval_text(Score(1.0, 1, 0, "clicks")) == ""
