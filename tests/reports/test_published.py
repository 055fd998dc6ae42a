"""What is published: every table follows from the records beside it, and what ships is what was evaluated."""

import hashlib
import json
from pathlib import Path

import pytest

from consbench.metrics import DELTAS
from consbench_adapters import checkpoints, miniatures
from consbench_reports.claims import claims_table, judge, open_seeds, read_plan, results_table
from consbench_reports.inputs import gather
from consbench_reports.report import tables
from consbench_reports.significance import compared
from consbench_reports.tables import to_csv, to_latex, to_markdown

MINI = Path(__file__).parents[2] / "reports" / "published" / "mini"
SEEDS = ("seed-0", "seed-1")
FORMATS = {".md": to_markdown, ".csv": to_csv, ".tex": to_latex}


def assert_published(made, folder):
    """Equal to the committed files, in every format."""
    for name, table in made.items():
        for suffix, written in FORMATS.items():
            assert written(table) == (folder / name).with_suffix(suffix).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_tables_of_a_report_follow_from_its_records(seed):
    runs = gather([MINI / "runs" / seed]).runs
    comparison, incomparable = compared(runs, [None], DELTAS)
    assert not incomparable
    assert_published(tables([run.summary() for run in runs], comparison), MINI / seed)


def test_the_verdicts_follow_from_the_records():
    plan = read_plan(MINI / "claims.toml")
    seeds = open_seeds([MINI / "runs" / seed for seed in SEEDS], plan)
    made = {"claims": claims_table(plan, seeds, judge(plan, seeds)), "results": results_table(plan, seeds)}
    assert_published(made, MINI)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_manifest_names_the_records_beside_it(seed):
    manifest = json.loads((MINI / seed / "manifest.json").read_text(encoding="utf-8"))
    assert {run["path"] for run in manifest["runs"]} == {path.name for path in (MINI / "runs" / seed).iterdir()}
    for run in manifest["runs"]:
        folder = MINI / "runs" / seed / run["path"]
        assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["identity"] == run["identity"]
        for table in ("clicks.parquet", "pairs.parquet"):
            assert hashlib.sha256((folder / table).read_bytes()).hexdigest() == run["sha256"][table]


@pytest.mark.parametrize("name", miniatures.NAMES)
def test_what_ships_is_what_was_evaluated(name):
    shipped = checkpoints.read(miniatures.checkpoint(name)).sha256
    for dataset in ("standin-pascal-part", "standin-partimagenet", "standin-paco"):
        run = json.loads((MINI / "runs" / "seed-0" / f"{name}--{dataset}" / "run.json").read_text(encoding="utf-8"))
        assert run["identity"]["model"]["sha256"] == shipped
