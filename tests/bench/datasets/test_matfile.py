"""Class names read from the first bytes of a file are those that scipy reads from the whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from consbench.datasets.matfile import object_classes

WriteMat = Callable[..., None]
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz_é0123456789", min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3)), max_size=5), st.booleans())
def test_names_of_any_objects_are_read_in_order(
    tmp_path: Path, write_mat: WriteMat, contents: list[tuple[str, list[str]]], compressed: bool
) -> None:
    noise_HW = np.random.default_rng(0).random((50, 61)) < 0.5
    objects = [(name, noise_HW, [(part, noise_HW) for part in parts]) for name, parts in contents]
    write_mat(tmp_path / "a.mat", objects, compressed=compressed)
    assert list(object_classes(tmp_path / "a.mat")) == [name for name, _ in contents]


def test_first_name_needs_only_the_head_of_the_file(tmp_path: Path, write_mat: WriteMat) -> None:
    noise_HW = np.random.default_rng(0).random((500, 500)) < 0.5
    write_mat(tmp_path / "a.mat", [("dog", noise_HW, []), ("sofa", noise_HW, [])])
    (tmp_path / "head.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:6000])
    classes = object_classes(tmp_path / "head.mat")
    assert next(classes) == "dog"
    with pytest.raises(ValueError, match="ends early"):
        next(classes)


@pytest.mark.parametrize("length", [0, 60, 128, 130, 150, 300, 420])
def test_cut_files_are_refused(tmp_path: Path, write_mat: WriteMat, length: int) -> None:
    write_mat(tmp_path / "a.mat", [("dog", np.ones((300, 300), dtype=bool), [])], compressed=False)
    (tmp_path / "cut.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:length])
    with pytest.raises(ValueError):  # noqa: PT011
        list(object_classes(tmp_path / "cut.mat"))


def test_other_content_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "numbers.mat", {"anno": np.eye(3)})
    with pytest.raises(ValueError, match="expected a struct"):
        list(object_classes(tmp_path / "numbers.mat"))
    savemat(tmp_path / "other.mat", {"anno": {"imname": "a"}})
    with pytest.raises(ValueError, match="no field 'objects'"):
        list(object_classes(tmp_path / "other.mat"))
    header = b" " * 124 + b"\x00\x01IM"
    (tmp_path / "noise.mat").write_bytes(
        header + (15).to_bytes(4, "little") + bytes(4) + zlib.compress(b"x" * 99)[::-1]
    )
    with pytest.raises(ValueError, match=r"noise\.mat"):
        list(object_classes(tmp_path / "noise.mat"))
