"""A model in ten lines: every click gets the pixels of similar colour, generously and strictly."""

import numpy as np


def load(reach: float = 120.0):
    """Return the model; `reach` is the largest distance in RGB that the first of the two masks allows."""

    def similar_colour(image_HWC, clicks_N2):
        columns_N, rows_N = clicks_N2.astype(int).T
        colours_N3 = image_HWC[rows_N, columns_N].astype(float)
        distance_NHW = np.linalg.norm(image_HWC - colours_N3[:, None, None], axis=-1)
        return np.stack([distance_NHW < reach, distance_NHW < reach / 3], axis=1)

    return similar_colour
