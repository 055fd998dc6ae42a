"""Several clicks on each part from one encoding: their rows and pairs, and what they must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from consbench import Mask, Protocol, Run, Sample, controls, evaluate, runner
from consbench.cli import cli
from consbench.clicks import ClickStrategy
from consbench.errors import RecordMismatch
from consbench.metrics import WithinCVRArea
from consbench.model import Clicks, FunctionModel
from consbench.records import TABLES
from consbench.run import find_runs
from consbench.types import Image

EXTRA = Protocol(extra_clicks=(ClickStrategy("random", seed=3), ClickStrategy("jitter", radius=2, seed=3)))


def around(image: Image, clicks: Clicks) -> np.ndarray:
    """Squares around the click, of two sizes: an answer that depends on the pixel."""
    y, x = np.indices(image.shape[:2])
    far = np.maximum(np.abs(x - clicks[:, 0, None, None]), np.abs(y - clicks[:, 1, None, None]))
    return np.stack([far <= 6, far <= 2], axis=1)


class Counting:
    """`around` that counts its encodings, and stops with an exception at a chosen one."""

    def __init__(self, stop_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls, self.stop_at, self.error = 0, stop_at, error

    def describe(self) -> dict[str, Any]:
        return {}

    def encode(self, image: Image) -> Any:
        self.calls += 1
        if self.calls == self.stop_at and self.error is not None:
            raise self.error
        return FunctionModel(around).encode(image)


def raises(image: Image, clicks: Clicks) -> np.ndarray:
    raise ZeroDivisionError("no pixels left")


def table_bytes(path: Path) -> dict[str, bytes]:
    return {name: (path / f"{name}.parquet").read_bytes() for name in TABLES}


def test_extra_clicks_are_rows_of_their_own_from_one_encoding(samples: list[Sample], tmp_path: Path) -> None:
    model = Counting()
    run = evaluate(model, samples, out=tmp_path / "run", protocol=EXTRA)
    parts = [(s, o, p) for s in samples for o in s.objects for p in o.parts]

    assert model.calls == len(samples)
    keys = ["image_id", "object_id", "part_id", "click"]
    asked = [(s.image_id, o.object_id, p.part_id, number) for s, o, p in parts for number in range(3)]
    assert asked == list(run.clicks[keys].itertuples(index=False, name=None))
    assert asked == list(run.masks[keys].itertuples(index=False, name=None))
    clicked = [EXTRA.clicks[number].click(s.image_id, o, p) for s, o, p in parts for number in range(3)]
    assert clicked == list(run.clicks[["x", "y"]].itertuples(index=False, name=None))
    assert run.protocol == EXTRA


def test_pairs_are_between_first_clicks_and_from_each_first_click_to_the_others_on_its_part(
    samples: list[Sample], tmp_path: Path
) -> None:
    run = evaluate(around, samples, out=tmp_path / "run", protocol=EXTRA)
    expected = []
    for sample in samples:
        for obj in sample.objects:
            ids = [p.part_id for p in obj.parts]
            own = [(a, 0, b, 0) for a in ids for b in ids if a < b] + [(a, 0, a, n) for a in ids for n in (1, 2)]
            expected += [(sample.image_id, obj.object_id, *pair) for pair in sorted(own)]
    keys = ["image_id", "object_id", "part_a", "click_a", "part_b", "click_b"]
    assert expected == list(run.pairs[keys].itertuples(index=False, name=None))

    masks = {(r.image_id, r.object_id, r.part_id, r.click): r for r in run.masks.itertuples()}
    for pair in run.pairs.itertuples():
        a, b = (
            [Mask(m.height, m.width, c).array() for c in m.counts]
            for m in (
                masks[pair.image_id, pair.object_id, pair.part_a, pair.click_a],
                masks[pair.image_id, pair.object_id, pair.part_b, pair.click_b],
            )
        )
        assert pair.iou.tolist() == pytest.approx([(x & y).sum() / (x | y).sum() for x in a for y in b])


def test_headline_numbers_do_not_know_of_extra_clicks(samples: list[Sample], tmp_path: Path) -> None:
    with_extra = evaluate(around, samples, out=tmp_path / "extra", protocol=EXTRA)
    without = evaluate(around, samples, out=tmp_path / "plain")

    for order in ("native", "area"):
        one, other = with_extra.summary(order), without.summary(order)  # type: ignore[arg-type]
        assert one.scores == other.scores
        assert (one.clicks, one.objects, one.positions) == (other.clicks, other.objects, other.positions)
    assert one.protocol != other.protocol
    assert with_extra.summary(metrics=[WithinCVRArea()])["within-CVR-AUC"].value > 0
    first = with_extra.clicks[with_extra.clicks["click"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, without.clicks)


def test_first_clicks_are_asked_in_the_same_calls_with_and_without_extra_ones(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[tuple[float, ...]]] = []

    def spy(image: Image, clicks: Clicks) -> np.ndarray:
        calls.append([tuple(click) for click in clicks])
        return around(image, clicks)

    monkeypatch.setattr(runner, "PIXELS_PER_CALL", 4 * 40 * 64)
    evaluate(spy, samples[:1], out=tmp_path / "plain")
    plain, calls[:] = list(calls), []
    evaluate(spy, samples[:1], out=tmp_path / "extra", protocol=EXTRA)

    assert len(plain) > 1
    assert calls[: len(plain)] == plain
    assert len(calls) == 3 * len(plain)


def test_an_interrupted_run_with_extra_clicks_ends_in_the_same_bytes(samples: list[Sample], tmp_path: Path) -> None:
    evaluate(Counting(), samples, out=tmp_path / "whole", protocol=EXTRA)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Counting(4, KeyboardInterrupt()), samples, out=tmp_path / "broken", protocol=EXTRA)
    evaluate(Counting(), samples[::-1], out=tmp_path / "reversed", protocol=EXTRA)
    evaluate(Counting(), samples, out=tmp_path / "broken", protocol=EXTRA)

    assert table_bytes(tmp_path / "whole") == table_bytes(tmp_path / "broken") == table_bytes(tmp_path / "reversed")
    with pytest.raises(RecordMismatch, match=r"protocol.extra_clicks is \['random#3', 'jitter@2#3'\] there"):
        evaluate(Counting(), samples, out=tmp_path / "whole")


def test_a_failure_is_recorded_for_every_click(run_of: Callable[..., Run]) -> None:
    run = run_of(raises, protocol=EXTRA)

    assert run.clicks["click"].value_counts().nunique() == 1
    assert (run.clicks["status"] == "failed").all()
    assert len(run.pairs) == len(run.masks) == 0


def test_the_oracle_is_told_the_part_of_every_extra_click(run_of: Callable[..., Run]) -> None:
    run = run_of(controls.oracle(), protocol=EXTRA)

    within = run.pairs[run.pairs["part_a"] == run.pairs["part_b"]]
    assert all(row[0] == row[3] == 1 for row in within["iou"])


def test_what_lies_in_other_objects_and_between_outputs_is_recorded(
    run_of: Callable[..., Run], samples: list[Sample]
) -> None:
    run = run_of(around)
    objects = {s.image_id: [o.mask.array() for o in s.objects] for s in samples}
    masks = {(r.image_id, r.object_id, r.part_id): r for r in run.masks.itertuples()}
    held = 0

    assert (run.clicks["height"] == 40).all()
    assert (run.clicks["width"] == 64).all()
    for row in run.clicks.itertuples():
        stored = masks[row.image_id, row.object_id, row.part_id]
        outputs = [Mask(stored.height, stored.width, code).array() for code in stored.counts]
        own = objects[row.image_id][row.object_id]
        others = [o & ~own for n, o in enumerate(objects[row.image_id]) if n != row.object_id]
        assert row.iou_outputs.tolist() == pytest.approx(
            [(a & b).sum() / (a | b).sum() for a in outputs for b in outputs]
        )
        assert row.other_area.tolist() == [(m & np.any(others, axis=0)).sum() for m in outputs]
        held += sum(row.other_area)
    assert held > 0


def test_the_command_line_takes_the_first_click_for_the_numbers_and_the_others_beside_it(tmp_path: Path) -> None:
    data = f"standin-paco,images=2,size=64,cache={tmp_path}/cache"
    words = ["run", "-m", "oracle", "-d", data, "-o", str(tmp_path / "runs"), "-q", "--no-report"]
    done = CliRunner().invoke(cli, [*words, "--click", "part-centroid", "--click", "random#1", "--click", "random#2"])
    assert done.exit_code == 0, done.output
    (run,) = find_runs([tmp_path / "runs"])

    assert [str(click) for click in run.protocol.clicks] == ["part-centroid", "random#1", "random#2"]
    assert run.clicks["click"].value_counts().to_dict() == dict.fromkeys(range(3), len(run.clicks) // 3)
    refused = CliRunner().invoke(cli, [*words, "--click", "random#1", "--click", "random#1"])
    assert refused.exit_code == 2
    assert "the click 'random#1' is given twice" in refused.stderr
