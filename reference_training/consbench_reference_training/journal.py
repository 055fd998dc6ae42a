"""The log of a run: rows in memory, two CSV files, TensorBoard where it is installed, and a picture at the end."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, float | int | str]


class Journal:
    """Two tables: `training.csv`, the mean loss of the last steps; `validation.csv`, one row per validation.

    Args:
        folder: the run's directory.
        training, validation: rows of the run so far, where it goes on after an interruption.
    """

    def __init__(self, folder: Path, training: Sequence[Row] = (), validation: Sequence[Row] = ()) -> None:
        self._folder = folder
        self.training, self.validation = list(training), list(validation)
        self._columns: dict[str, list[str]] = {}
        self._board = _tensorboard(folder)
        # Rows that were written after the last saved state will come again, so the files start from the state.
        self._write("training", self.training)
        self._write("validation", self.validation)

    def add(self, table: str, row: Row) -> None:
        """Append a row to "training" or "validation"."""
        rows: list[Row] = getattr(self, table)
        rows.append(row)
        if row.keys() <= set(self._columns[table]):
            with (self._folder / f"{table}.csv").open("a", newline="", encoding="utf-8") as stream:
                csv.DictWriter(stream, self._columns[table]).writerow(_rounded(row))
        else:  # a new phase has new terms
            self._write(table, rows)
        if self._board:
            for name, value in row.items():
                if name != "step" and isinstance(value, int | float):
                    self._board.add_scalar(f"{table}/{name}", value, row["step"])

    def close(self) -> None:
        """Draw the curves and finish the files."""
        if self._board:
            self._board.close()
        draw_curves(self._folder / "curve.png", self.training, self.validation)

    def _write(self, table: str, rows: Sequence[Row]) -> None:
        self._columns[table] = list(dict.fromkeys(name for row in rows for name in row))
        with (self._folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, self._columns[table])
            writer.writeheader()
            writer.writerows(_rounded(row) for row in rows)


def draw_curves(file: Path, training: Sequence[Row], validation: Sequence[Row]) -> None:
    """Draw both losses against the step; where there is nothing to draw, nothing is written."""
    if not training:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="loss")
    for phase in dict.fromkeys(row["phase"] for row in training):
        rows = [row for row in training if row["phase"] == phase]
        axes.plot([r["step"] for r in rows], [r["loss"] for r in rows], linewidth=1, label=f"training, {phase}")
    if validation:
        axes.plot([r["step"] for r in validation], [r["loss"] for r in validation], "o-", label="validation")
    axes.legend()
    figure.savefig(file, dpi=120)


def _rounded(row: Row) -> dict[str, Any]:
    return {
        k: "" if isinstance(v, float) and math.isnan(v) else f"{v:.6g}" if isinstance(v, float) else v
        for k, v in row.items()
    }


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
