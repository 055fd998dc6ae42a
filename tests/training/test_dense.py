"""The head of the dense phase: where it looks, and what its loss rewards."""

import math

import pytest
import torch

from consbench_reference_training.dense import DenseHead, dense_loss


def test_the_answer_compares_the_clicked_pixel_with_every_pixel():
    """One dot product at a time, for a click whose cell is worked out by hand."""
    torch.manual_seed(0)
    head = DenseHead(channels=8, image_size=32, levels=2, width=4)
    embedding = torch.randn(8, 4, 4)
    logits = head(embedding, torch.tensor([[9.0, 30.9]]))  # 16 cells of 2 pixels: column 4, row 15
    assert logits.shape == (1, 2, 16, 16)
    features = head.upscale(embedding[None])[0]
    for level in range(2):
        rows = slice(4 * level, 4 * level + 4)
        query = (head.query.weight @ features[:, 15, 4] + head.query.bias)[rows]
        for y, x in ((0, 0), (15, 4), (7, 11)):
            key = (head.key.weight @ features[:, y, x] + head.key.bias)[rows]
            cosine = float((query @ key / query.norm() / key.norm()).detach())
            assert float(logits[0, level, y, x].detach()) == pytest.approx(8 * cosine - 2, abs=1e-4)


def test_the_loss_is_weighted_cross_entropy_and_dice_over_valid_targets():
    logits = torch.tensor([[[[1.0, -2.0], [0.5, 0.0]], [[9.0, 9.0], [9.0, 9.0]]]])
    targets = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    valid = torch.tensor([[True, False]])
    p = [1 / (1 + math.exp(-x)) for x in (1.0, -2.0, 0.5, 0.0)]
    weight = 1 / math.sqrt(1 / 4)
    entropy = (-weight * math.log(p[0]) - sum(math.log(1 - q) for q in p[1:])) / 4
    dice = 1 - (2 * p[0] + 1) / (sum(p) + 1 + 1)
    assert float(dense_loss(logits, targets, valid)) == pytest.approx(entropy + dice, rel=1e-5)
