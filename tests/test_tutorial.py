"""The tutorial runs from the first cell to the last, and shows what it says it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def shown(cell: Any, form: str) -> str:
    """What a cell shows in one form: "text/html", "image/png"; nothing where it does not."""
    found = [out.data[form] for out in cell.outputs if out.output_type == "execute_result" and form in out.data]
    return str(found[-1]) if found else ""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook with its outputs, run in an empty folder that is the home of all it might write."""
    folder = tmp_path_factory.mktemp("tutorial")
    notebook = read()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            patch.setenv(name, str(folder / name.lower()))
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def cell_with(notebook: Any, text: str) -> Any:
    (found,) = [cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source]
    return found


def test_it_is_committed_without_outputs_and_with_ids_that_stay() -> None:
    for number, cell in enumerate(read().cells, start=1):
        assert cell.id == f"cell-{number:02d}"
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_no_cell_complains(executed: Any) -> None:
    for cell in executed.cells:
        for out in cell.get("outputs", []):
            assert out.output_type == "execute_result", f"{cell.source}\n{out}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('out="runs/same-colour"', "run.summary() has every number with its interval"),
        ("comparison.to_frame()", "verdict"),
        ('first.groupby("object_category")', "iou_object"),
        ('out="runs/my-dog"', "torso"),
    ],
)
def test_runs_and_tables_are_shown_as_html(executed: Any, text: str, said: str) -> None:
    cell = cell_with(executed, text)

    assert "<table" in shown(cell, "text/html")
    assert said in shown(cell, "text/html")


@pytest.mark.parametrize("text", ["axes.imshow(sample.image())", "figure_4(["])
def test_figures_are_shown_as_pictures(executed: Any, text: str) -> None:
    assert len(shown(cell_with(executed, text), "image/png")) > 5000


def test_the_summary_shown_is_that_of_the_model_of_the_tutorial(executed: Any) -> None:
    (cell,) = [c for c in executed.cells if c.source.strip() == "run.summary()"]
    page = shown(cell, "text/html")

    assert "<bdi>same-colour</bdi></b> on <bdi>standin-pascal-part" in page
    assert "8 images" in page
    assert shown(cell_with(executed, 'run.summary()["CVR@0.5"]'), "text/plain").startswith("Score(value=")


def test_clicks_beside_the_centres_give_another_number(executed: Any) -> None:
    one, other = eval(shown(cell_with(executed, "runs/moved.json"), "text/plain"))

    assert 0 < one < 100
    assert one != other
