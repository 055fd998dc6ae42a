"""Whatever the file, a model gets uint8 RGB on the grid its annotation was made on."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from consbench.datasets.images import read_indices, read_rgb, read_size
from consbench.errors import BadSample

HEIGHT, WIDTH = 5, 7
GRADIENT_HW = np.linspace(0, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)
COLOUR_HWC = np.stack([GRADIENT_HW, GRADIENT_HW[::-1], 255 - GRADIENT_HW], axis=2)


def turned_by_exif(path: Path, orientation: int) -> None:
    picture = Image.fromarray(COLOUR_HWC)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)


def test_rgb_comes_back_unchanged(tmp_path: Path) -> None:
    Image.fromarray(COLOUR_HWC).save(tmp_path / "a.png")
    image_HWC = read_rgb(tmp_path / "a.png", HEIGHT, WIDTH)
    assert image_HWC.dtype == np.uint8
    assert image_HWC.flags.writeable
    np.testing.assert_array_equal(image_HWC, COLOUR_HWC)


def test_grayscale_fills_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(GRADIENT_HW).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_rgb(tmp_path / "a.png", HEIGHT, WIDTH), np.repeat(GRADIENT_HW[:, :, None], 3, axis=2)
    )


def test_sixteen_bit_keeps_the_high_byte(tmp_path: Path) -> None:
    deep_HW = (np.arange(HEIGHT * WIDTH, dtype=np.uint32) * 1900).astype(np.uint16).reshape(HEIGHT, WIDTH)
    Image.fromarray(deep_HW).save(tmp_path / "a.png")
    image_HWC = read_rgb(tmp_path / "a.png", HEIGHT, WIDTH)
    np.testing.assert_array_equal(image_HWC[:, :, 1], deep_HW // 256)


def test_palette_gives_colours(tmp_path: Path) -> None:
    indexed = Image.fromarray((np.arange(HEIGHT * WIDTH) % 3).astype(np.uint8).reshape(HEIGHT, WIDTH), mode=None)
    palette = indexed.convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    indices_HW = np.asarray(palette)
    palette.save(tmp_path / "a.png")
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", HEIGHT, WIDTH), colours[indices_HW])


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_dropped_not_blended(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(COLOUR_HWC).convert(mode)
    picture.putalpha(3)
    picture.save(tmp_path / "a.png")
    expected = Image.fromarray(COLOUR_HWC).convert("L" if mode == "LA" else "RGB").convert("RGB")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", HEIGHT, WIDTH), np.asarray(expected))


def test_transparent_palette_makes_no_warning(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOUR_HWC).quantize(4)
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128, 255, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_rgb(tmp_path / "a.png", HEIGHT, WIDTH).shape == (HEIGHT, WIDTH, 3)


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    red = Image.new("RGB", (WIDTH, HEIGHT), (200, 30, 40)).convert("CMYK")
    red.save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as stored:
        assert stored.mode == "CMYK"
    image_HWC = read_rgb(tmp_path / "a.jpg", HEIGHT, WIDTH)
    np.testing.assert_allclose(image_HWC.reshape(-1, 3), np.tile([200, 30, 40], (HEIGHT * WIDTH, 1)), atol=6)


def test_exif_is_ignored_where_the_stored_grid_has_the_size_of_the_annotation(tmp_path: Path) -> None:
    turned_by_exif(tmp_path / "a.png", orientation=6)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", HEIGHT, WIDTH), COLOUR_HWC)


def test_exif_is_followed_where_only_the_turned_grid_has_the_size_of_the_annotation(tmp_path: Path) -> None:
    turned_by_exif(tmp_path / "a.png", orientation=6)  # 6: show it turned clockwise by a quarter
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", WIDTH, HEIGHT), np.rot90(COLOUR_HWC, -1))


def test_upside_down_by_exif_stays_as_stored(tmp_path: Path) -> None:
    turned_by_exif(tmp_path / "a.png", orientation=3)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", HEIGHT, WIDTH), COLOUR_HWC)


def test_another_size_names_both(tmp_path: Path) -> None:
    turned_by_exif(tmp_path / "a.png", orientation=6)
    with pytest.raises(BadSample, match=r"a\.png is 7×5 \(turned as its EXIF note asks: 5×7\).*made for 9×5"):
        read_rgb(tmp_path / "a.png", 5, 9)


def test_truncated_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    with pytest.raises(BadSample, match=r"cut\.jpg cannot be read as an image: .*truncated"):
        read_rgb(tmp_path / "cut.jpg", 64, 64)


def test_no_image_at_all_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html>not found</html>")
    with pytest.raises(BadSample, match=r"a\.jpg cannot be read as an image: UnidentifiedImageError"):
        read_rgb(tmp_path / "a.jpg", 5, 7)
    with pytest.raises(BadSample, match=r"there is no image .*b\.jpg"):
        read_rgb(tmp_path / "b.jpg", 5, 7)


@pytest.mark.parametrize("damage", range(8, 120, 7))
def test_damaged_png_never_escapes_as_another_error(tmp_path: Path, damage: int) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(COLOUR_HWC).save(path)
    data = bytearray(path.read_bytes())
    data[damage % len(data)] ^= 0xFF
    path.write_bytes(bytes(data))
    try:
        image_HWC = read_rgb(path, HEIGHT, WIDTH)
    except BadSample as error:
        assert "a.png" in str(error)  # noqa: PT017
    else:
        assert image_HWC.shape == (HEIGHT, WIDTH, 3)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(GRADIENT_HW.astype(np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(BadSample, match="floating-point pixels"):
        read_rgb(tmp_path / "a.tiff", HEIGHT, WIDTH)


def test_size_is_that_of_the_stored_grid(tmp_path: Path) -> None:
    turned_by_exif(tmp_path / "a.png", orientation=6)
    assert read_size(tmp_path / "a.png") == (HEIGHT, WIDTH)


def test_indices_of_a_palette_are_not_its_colours(tmp_path: Path) -> None:
    indices_HW = (np.arange(HEIGHT * WIDTH) % 41).astype(np.uint8).reshape(HEIGHT, WIDTH)
    picture = Image.fromarray(indices_HW).copy()
    picture.putpalette([255 - v // 3 for v in range(768)])
    assert picture.mode == "P"
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_indices(tmp_path / "a.png"), indices_HW)


def test_class_numbers_in_colour_are_refused(tmp_path: Path) -> None:
    Image.fromarray(COLOUR_HWC).save(tmp_path / "a.png")
    with pytest.raises(BadSample, match="one class number per pixel, got a RGB image"):
        read_indices(tmp_path / "a.png")
