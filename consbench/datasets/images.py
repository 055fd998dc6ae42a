"""Image files -> uint8 RGB arrays in the frame of their annotation.

A file may be grayscale, palette, CMYK, 16-bit or carry transparency, and a camera's EXIF note may ask
for it to be turned. Models want one thing: uint8 (H, W, 3), RGB, on the pixel grid the masks were
drawn on. Transparency is dropped, as the usual image readers of the field do.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from consbench.errors import BadSample
from consbench.types import Image

# What Pillow's decoders let through when a file is damaged; SyntaxError is PNG's "broken file".
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Pillow.DecompressionBombError)

SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_rgb(path: Path, height: int, width: int) -> Image:
    """Read an image in the frame of its annotation of `height` × `width` pixels: uint8 (H, W, 3), RGB.

    The frame is the pixel grid as stored, if that has the annotation's size; the grid turned as EXIF
    asks, if only that has it. Raises BadSample where neither has, and where the file is absent,
    truncated or no image.
    """
    with _opened(path) as picture:
        stored = picture.size
        if stored != (width, height):
            turned = ImageOps.exif_transpose(picture)
            if turned.size != (width, height):
                seen = f"{stored[0]}×{stored[1]}"
                if turned.size != stored:
                    seen += f" (turned as its EXIF note asks: {turned.size[0]}×{turned.size[1]})"
                raise BadSample(
                    f"{path} is {seen} pixels (width × height), its annotation was made for {width}×{height}; "
                    f"is this the original file, not a resized copy?"
                )
            picture = turned
        return _to_rgb(picture, path)


def read_size(path: Path) -> tuple[int, int]:
    """The (height, width) of the pixel grid as stored. Raises BadSample where the file is no image."""
    with _opened(path) as picture:
        return picture.height, picture.width


def read_indices(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Read an image whose pixels are numbers of classes: int64 (H, W).

    Palette images give their indices, not their colours. Raises BadSample for colour images.
    """
    with _opened(path) as picture:
        values_HW = np.asarray(picture)
        if values_HW.ndim != 2:
            raise BadSample(
                f"{path}: expected one class number per pixel, got a {picture.mode} image of shape {values_HW.shape}"
            )
        return values_HW.astype(np.int64)


@contextmanager
def _opened(path: Path) -> Iterator[Pillow.Image]:
    # Pillow warns of large files, odd EXIF blocks and palettes; none of it changes the pixels.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Pillow.open(path) as picture:
                yield picture
        except FileNotFoundError as error:
            raise BadSample(f"there is no image {path}") from error
        except DAMAGE as error:
            raise BadSample(f"{path} cannot be read as an image: {type(error).__name__}: {error}") from error


def _to_rgb(picture: Pillow.Image, path: Path) -> Image:
    if picture.mode in SIXTEEN_BIT:
        values_HW = np.asarray(picture)
        if values_HW.min() < 0 or values_HW.max() > 65535:
            raise BadSample(f"{path}: gray values {values_HW.min()} to {values_HW.max()} are not 16-bit")
        gray_HW = (values_HW.astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(gray_HW[:, :, None], 3, axis=2)
    if picture.mode == "F":
        raise BadSample(f"{path} holds floating-point pixels, whose range is unknown; save it with 8 bits per channel")
    return np.array(picture.convert("RGB"))
