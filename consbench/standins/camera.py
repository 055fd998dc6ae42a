"""The photograph: exposure, vignette, a touch of blur, sensor noise, JPEG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def photograph(rng: np.random.Generator, rgb_HWC: NDArray[np.float32]) -> bytes:
    """Take a picture of a painted scene, float32 (H, W, 3) sRGB in about [0, 1]; return a JPEG file."""
    height, width = rgb_HWC.shape[:2]
    gain_C = rng.uniform(0.94, 1.10) * rng.uniform(0.96, 1.04, 3)
    y_H1, x_1W = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    vignette_HW = 1 - rng.uniform(0.0, 0.12) * (x_1W**2 + y_H1**2)
    grey_HW = rng.standard_normal((height, width), dtype=np.float32)
    colour_HWC = rng.standard_normal((height, width, 3), dtype=np.float32)
    noisy = rgb_HWC * (gain_C * vignette_HW[..., None]).astype(np.float32)
    noisy += np.float32(rng.uniform(0.002, 0.016)) * (grey_HW[..., None] + 0.4 * colour_HWC)
    image = Image.fromarray((noisy.clip(0, 1) * 255 + 0.5).astype(np.uint8))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.6)))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(82, 96)))
    return file.getvalue()
