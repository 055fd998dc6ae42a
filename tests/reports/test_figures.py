"""Figures 4 and 5: what is drawn is what was counted, and the bytes depend on nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from consbench import Run, Sample, SampleList, Summary
from consbench.errors import UsageError
from consbench_reports.explorer import Budget, explorer_data
from consbench_reports.figures import figure_4, save
from consbench_reports.qualitative import figure_5, typical


@pytest.fixture(scope="module")
def summaries(three_runs: list[Run]) -> list[Summary]:
    return [run.summary(resamples=0) for run in three_runs]


@pytest.fixture(scope="module")
def data(three_runs: list[Run], samples: list[Sample]) -> dict[str, object]:
    return explorer_data(three_runs, Budget(), {"samples": SampleList(samples)})


def test_figure_4_draws_one_bar_per_model_with_the_shares_of_the_histogram(summaries: list[Summary]) -> None:
    left, right = figure_4(summaries).axes

    assert [t.get_text() for t in left.get_yticklabels()] == ["oracle", "click-disc", "faithful (area)"]
    for axes, field in ((left, "positions"), (right, "positions_of_2")):
        for row, summary in enumerate(summaries):
            bars = [b for c in axes.containers for b in c if round(b.get_y() + b.get_height() / 2) == row]
            wanted = [100 * n / summary.clicks for n in getattr(summary, field)]
            assert [bar.get_width() for bar in bars] == pytest.approx(wanted)
            assert [bar.get_x() for bar in bars] == pytest.approx([0.0, *np.cumsum(wanted)[:-1]])


@pytest.mark.parametrize("form", ["svg", "pdf", "png"])
def test_the_bytes_of_figure_4_depend_on_the_figure_alone(summaries: list[Summary], tmp_path: Path, form: str) -> None:
    (one,) = save(figure_4(summaries), tmp_path / "one", formats=[form])
    (two,) = save(figure_4(summaries), tmp_path / "two", formats=[form])
    (other,) = save(figure_4(summaries[:2]), tmp_path / "other", formats=[form])

    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_a_name_with_dollar_signs_is_no_formula(summaries: list[Summary], tmp_path: Path) -> None:
    hostile = dataclasses.replace(summaries[1], model=r"$x_{", dataset=r"$\frac")
    (file,) = save(figure_4([hostile]), tmp_path / "hostile", formats=["svg"])

    assert "$x_{" in file.read_text("utf-8")


def test_a_figure_of_nothing_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="a figure needs at least one run"):
        figure_4([])
    with pytest.raises(UsageError, match="figure 5 needs an object with two clicked parts and stored masks"):
        figure_5({**data, "objects": []})


def test_figure_5_has_the_image_and_a_mask_for_every_part_and_model(data: dict[str, object]) -> None:
    objects = data["objects"]
    assert isinstance(objects, list)
    index = next(i for i, obj in enumerate(objects) if len(obj["parts"]) == 3)
    figure = figure_5(data, [index])
    drawn = [axes for axes in figure.axes if axes.images]
    names = {text.get_text() for axes in figure.axes for text in axes.texts}

    assert names == {"click-disc", "faithful"}  # the ground truth is left out beside others
    assert len(drawn) == 1 + 2 * 3
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        objects[index]["category"], *(part["category"] for part in objects[index]["parts"]),
    ]  # fmt: skip


def test_figure_5_shows_the_first_mask_in_the_models_order(data: dict[str, object], three_runs: list[Run]) -> None:
    """The model `faithful` is sorted by area: its third output, everything but a margin, is its object mask."""
    objects, images = data["objects"], data["images"]
    assert isinstance(objects, list)
    assert isinstance(images, list)
    figure = figure_5({**data, "runs": data["runs"]}, [0])
    image = images[objects[0]["image"]]
    last = figure.axes[-1]
    filled = last.collections[0].get_paths()[0].get_extents()

    assert (filled.x0, filled.y0) == pytest.approx((1.5, 1.5))
    assert (filled.x1, filled.y1) == pytest.approx((image["width"] - 2.5, image["height"] - 2.5))


def test_the_bytes_of_figure_5_depend_on_the_figure_alone(data: dict[str, object], tmp_path: Path) -> None:
    chosen = typical(data)[:1]
    one = [file.read_bytes() for file in save(figure_5(data, chosen), tmp_path / "one", formats=["svg", "pdf"])]
    two = [file.read_bytes() for file in save(figure_5(data, chosen), tmp_path / "two", formats=["svg", "pdf"])]

    assert one == two


def test_typical_objects_are_the_least_the_middling_and_the_most_consistent(data: dict[str, object]) -> None:
    objects = data["objects"]
    assert isinstance(objects, list)

    def agreement(i: int) -> float:
        return float(np.mean([a["agreement"] for a in objects[i]["answers"] if a["run"] != 0]))

    eligible = [i for i, obj in enumerate(objects) if len(obj["parts"]) > 1]
    least, middling, most = typical(data)

    assert agreement(least) == min(map(agreement, eligible))
    assert agreement(most) == max(map(agreement, eligible))
    assert agreement(middling) == pytest.approx(sorted(map(agreement, eligible))[len(eligible) // 2])


def test_without_masks_there_is_no_figure_5(run_of: object, samples: list[Sample], tmp_path: Path) -> None:
    from consbench import controls, evaluate

    run = evaluate(controls.click_disc(), samples, out=tmp_path / "bare", keep_masks=False)

    assert typical(explorer_data([run], Budget())) == []
