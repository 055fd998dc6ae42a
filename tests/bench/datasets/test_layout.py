"""Files are found wherever a dataset is commonly unpacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from consbench.datasets.layout import file_names, locate, require_complete, sha256
from consbench.errors import DataMissing


def test_names_that_start_with_a_dot_are_no_files_of_a_dataset(tmp_path: Path) -> None:
    for name in ("a.jpg", "._a.jpg", ".DS_Store", "b.txt"):
        (tmp_path / name).touch()
    assert file_names(tmp_path, ".jpg") == {"a.jpg"}
    assert file_names(tmp_path) == {"a.jpg", "b.txt"}
    assert file_names(tmp_path / "nowhere") == frozenset()


def test_best_name_wins_over_first_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first / "a.jpg", second / "in" / "a.jpg", second / "b.jpg", first / "b.jpg"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = locate([["in/a.jpg", "a.jpg"], ["b.jpg"], ["c.jpg"]], [first, second])
    assert found == [second / "in" / "a.jpg", first / "b.jpg", None]


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_set_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"mine under .* has no complete image: it lists no image"):
        require_complete("mine", tmp_path, [], 0, allow_missing=True)


def test_refusal_names_the_first_files_only(tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(1200)]
    with pytest.raises(
        DataMissing, match=r"1,200 files are missing \(0\.jpg, 1\.jpg, 2\.jpg, 3\.jpg, 4\.jpg, …\); 7 of"
    ):
        require_complete("mine", tmp_path, names, 7, allow_missing=False)
