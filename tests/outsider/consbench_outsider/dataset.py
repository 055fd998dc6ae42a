"""A dataset of one drawn image: two squares side by side, together one object, each a part."""

import numpy as np

from consbench import Mask, Object, Part, Sample, SampleList


def load():
    """Return the dataset."""
    left_HW, right_HW = np.zeros((2, 40, 60), bool)
    left_HW[10:30, 10:30], right_HW[10:30, 30:50] = True, True
    image_HWC = np.full((40, 60, 3), 90, np.uint8)
    image_HWC[left_HW], image_HWC[right_HW] = (220, 60, 60), (240, 100, 60)
    parts = (Part(1, "left", Mask.from_array(left_HW)), Part(2, "right", Mask.from_array(right_HW)))
    pair = Object(1, "pair", Mask.from_array(left_HW | right_HW), parts)
    return SampleList([Sample("squares", 40, 60, (pair,), image_HWC.copy)], name="two-squares")
