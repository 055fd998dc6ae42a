"""The smoke recipe, from nothing to a checkpoint: its loss curve is an asset that may not move unseen.

The asset is what `consbench train smoke` writes. After a change that is meant to move it, such as one of the
drawn scenes, copy `training.csv` and `validation.csv` of a new run to `smoke_curve/`.
"""

import csv
from pathlib import Path

import pytest
import torch

from consbench_reference_training import config
from consbench_reference_training.train import train

STORED = Path(__file__).parent / "smoke_curve"


def losses(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(stream)}


@pytest.mark.slow
def test_the_smoke_recipe_learns_along_the_stored_curve(tmp_path):
    torch.set_num_threads(1)
    train(config.load("smoke"), tmp_path / "run", device="cpu", cache=tmp_path / "cache")
    for name in ("training", "validation"):
        # Other processors round otherwise, and a hundred steps carry that on.
        assert losses(tmp_path / "run" / f"{name}.csv") == pytest.approx(losses(STORED / f"{name}.csv"), rel=0.05)


def test_the_stored_curve_falls_in_both_phases():
    steps, dense = losses(STORED / "training.csv"), config.load("smoke").dense.steps
    for phase in ([loss for s, loss in steps.items() if s <= dense], [loss for s, loss in steps.items() if s > dense]):
        assert phase[-1] < 0.9 * phase[0]
