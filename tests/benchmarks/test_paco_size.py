"""How long numbers take on a record as large as PACO's test set; only with `pytest tests/benchmarks --benchmark-only`.

No test here asserts a time. Read the table by its ratios: `without intervals` is the baseline of its group.
The peak memory of the process so far stands in the extra column of the JSON report and is printed (`-s`).
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consbench import Protocol, Run, compare, open_run
from consbench.records import FORMAT, SCHEMAS, write_json

IMAGES, CLICKS, OUTPUTS = 9_443, 86_000, 3


def write_record(path: Path, name: str, seed: int) -> Run:
    """Write a record of random answers: objects of 1 to 6 parts, images of a skewed number of objects."""
    draw = np.random.default_rng([5, seed])
    shared = np.random.default_rng(5)  # what is clicked is the same for every model
    sizes = shared.choice([1, 2, 3, 4, 5, 6], p=[0.2, 0.25, 0.25, 0.15, 0.1, 0.05], size=CLICKS)
    sizes = sizes[: np.searchsorted(np.cumsum(sizes), CLICKS) + 1]
    sizes[-1] -= sizes.sum() - CLICKS
    popularity = shared.lognormal(0, 0.8, IMAGES)
    image_O = np.sort(
        np.concatenate(
            [np.arange(IMAGES), shared.choice(IMAGES, p=popularity / popularity.sum(), size=len(sizes) - IMAGES)]
        )
    )
    object_N = np.repeat(np.arange(len(sizes)), sizes)
    part_N = np.arange(CLICKS) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    a_P, b_P = np.nonzero(np.triu(np.ones((6, 6), bool), 1))
    pair_O = [np.flatnonzero(b_P < size) for size in range(7)]
    object_P = np.repeat(np.arange(len(sizes)), [len(pair_O[size]) for size in sizes])
    which_P = np.concatenate([pair_O[size] for size in sizes])

    def image(image_index: np.ndarray) -> list[str]:
        return [f"{i:012d}" for i in image_index.tolist()]

    def lists(rows: int, length: int, scale: float = 1.0) -> list[list[float]]:
        return (scale * draw.random((rows, length))).round(3).tolist()

    def whole(rows: int) -> list[list[int]]:
        return draw.integers(1, 90_000, (rows, OUTPUTS)).tolist()

    area_N = shared.integers(50, 90_000, CLICKS)
    clicks: dict[str, Any] = {
        "image_id": image(image_O[object_N]),
        "object_id": object_N,
        "part_id": part_N,
        "click": np.zeros(CLICKS, int),
        "object_category": shared.choice(["mug", "chair", "dog"], CLICKS),
        "part_category": shared.choice(["handle", "leg", "head"], CLICKS),
        "x": shared.integers(0, 640, CLICKS),
        "y": shared.integers(0, 480, CLICKS),
        "k": np.full(CLICKS, OUTPUTS),
        "status": ["ok"] * CLICKS,
        "reason": [""] * CLICKS,
        "iou_object": lists(CLICKS, OUTPUTS),
        "iou_part": lists(CLICKS, OUTPUTS),
        "area": whole(CLICKS),
        "score": lists(CLICKS, OUTPUTS),
        "other_area": whole(CLICKS),
        "others": (draw.random((CLICKS, OUTPUTS)) < 0.1).astype(int).tolist(),
        "iou_outputs": lists(CLICKS, OUTPUTS**2),
        "object_area": area_N,
        "part_area": area_N // 3 + 1,
        "height": np.full(CLICKS, 480),
        "width": np.full(CLICKS, 640),
    }
    pairs: dict[str, Any] = {
        "image_id": image(image_O[object_P]),
        "object_id": object_P,
        "part_a": a_P[which_P],
        "click_a": np.zeros(len(object_P), int),
        "part_b": b_P[which_P],
        "click_b": np.zeros(len(object_P), int),
        "iou": lists(len(object_P), OUTPUTS**2),
    }
    path.mkdir(parents=True)
    for table, columns in (("clicks", clicks), ("pairs", pairs)):
        pq.write_table(pa.table(columns, schema=SCHEMAS[table]), path / f"{table}.parquet", compression="zstd")
    protocol = Protocol()
    manifest = {
        "format": FORMAT,
        "identity": {
            "model": {"name": name},
            "dataset": {"name": "made-up", "split": "test", "images": IMAGES, "fingerprint": "made-up"},
            "protocol": {"id": protocol.id, **protocol.to_dict()},
        },
        "default_order": "area",
        "privileged": False,
        "skipped_images": [],
        "missing_files": [],
    }
    write_json(path / "run.json", manifest)
    return open_run(path)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("paco-size")
    return [write_record(folder / name, name, seed).path for seed, name in enumerate(("first", "second"))]


def peak_memory_gib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 30 if sys.platform == "darwin" else 1 << 20)


def measured(benchmark: Any, work: Callable[[], object]) -> None:
    benchmark.pedantic(work, rounds=3, warmup_rounds=1)
    benchmark.extra_info["peak memory so far (GiB)"] = round(peak_memory_gib(), 2)
    print(f"\n{benchmark.name}: peak memory so far {peak_memory_gib():.2f} GiB")  # noqa: T201


@pytest.mark.benchmark(group="score a record of 86,000 clicks: all headline metrics")
@pytest.mark.parametrize("resamples", [0, 2000], ids=["without intervals", "2000 resamples"])
def test_score(benchmark: Any, paths: list[Path], resamples: int) -> None:
    measured(benchmark, lambda: open_run(paths[0]).summary(resamples=resamples))


@pytest.mark.benchmark(group="compare two records of 86,000 clicks")
@pytest.mark.parametrize(
    ("resamples", "permutations"), [(0, 1), (2000, 9_999)], ids=["without intervals", "2000 resamples, 9999 swaps"]
)
def test_compare(benchmark: Any, paths: list[Path], resamples: int, permutations: int) -> None:
    measured(benchmark, lambda: compare(*map(open_run, paths), resamples=resamples, permutations=permutations))
