"""The losses against a transcription of the equations, one pixel and one pair at a time, in plain Python."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench_reference_training.losses import (
    contrastive_loss,
    dice_loss,
    focal_loss,
    ordered_loss,
    pairwise_losses,
)
from consbench_reference_training.sam_loss import best_iou, best_of_loss, quality_loss


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slow_focal(logits, targets, alpha, gamma):
    total, count = 0.0, 0
    for x, t in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True):
        p = sigmoid(x)
        of_one = -((1 - p) ** gamma) * math.log(p)
        of_zero = -(p**gamma) * math.log(1 - p)
        if alpha != -1:
            of_one, of_zero = alpha * of_one, (1 - alpha) * of_zero
        total += t * of_one + (1 - t) * of_zero
        count += 1
    return total / count


def slow_dice(logits, targets):
    p = [sigmoid(x) for x in logits.flatten().tolist()]
    t = targets.flatten().tolist()
    shared = sum(a * b for a, b in zip(p, t, strict=True))
    return 1 - (2 * shared + 1) / (sum(p) + sum(t) + 1)


def slow_cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b)))


def slow_contrast(rows, margin):
    n = len(rows)
    objects = parts = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                objects += 1 - slow_cosine(rows[i][1], rows[j][1])
                parts += max(0.0, slow_cosine(rows[i][2], rows[j][2]) - margin)
    pairs = n * (n - 1)
    return objects / pairs, parts / pairs


@pytest.fixture
def case():
    """Logits of three outputs and binary targets of two, for four clicks on a 5 × 5 square."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, 3, 5, 5, dtype=torch.float64, generator=generator)
    targets = (torch.rand(4, 2, 5, 5, generator=generator) < 0.3).double()
    return logits, targets


@pytest.mark.parametrize("alpha", [0.25, 0.7, -1])
@pytest.mark.parametrize("gamma", [2.0, 0.0, 1.5])
def test_focal_loss_is_the_equation(case, alpha, gamma):
    logits, targets = case[0][:, :2], case[1]
    wanted = [[slow_focal(logits[n, k], targets[n, k], alpha, gamma) for k in range(2)] for n in range(4)]
    np.testing.assert_allclose(focal_loss(logits, targets, alpha, gamma), wanted, rtol=1e-12)


def test_focal_loss_without_focus_is_cross_entropy(case):
    """An oracle that is not ours."""
    logits, targets = case[0][:, :2], case[1]
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean((-2, -1))
    torch.testing.assert_close(focal_loss(logits, targets, alpha=-1, gamma=0.0), wanted)


def test_dice_loss_is_the_equation(case):
    logits, targets = case[0][:, :2], case[1]
    wanted = [[slow_dice(logits[n, k], targets[n, k]) for k in range(2)] for n in range(4)]
    np.testing.assert_allclose(dice_loss(logits, targets), wanted, rtol=1e-12)


def test_equation_2_sums_object_and_part_and_averages_over_clicks(case):
    logits, targets = case
    wanted = 0.0
    for n in range(4):
        for k in range(2):  # output 1 with the object, output 2 with the part
            wanted += 20 * slow_focal(logits[n, k], targets[n, k], 0.25, 2.0) + slow_dice(logits[n, k], targets[n, k])
    assert float(ordered_loss(logits, targets)) == pytest.approx(wanted / 4, rel=1e-12)


def test_the_third_output_is_free(case):
    logits, targets = case
    logits.requires_grad_()
    ordered_loss(logits, targets).backward()
    assert (logits.grad[:, 2] == 0).all()
    assert (logits.grad[:, :2] != 0).all()


@pytest.mark.parametrize("clicks", [2, 3, 7])
@pytest.mark.parametrize("margin", [0.5, 0.0, -0.5])
def test_contrast_is_equations_3_to_6(clicks, margin):
    rows = torch.randn(clicks, 4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(clicks))
    objects, parts = contrastive_loss(rows, margin)
    wanted = slow_contrast(rows.tolist(), margin)
    assert (float(objects), float(parts)) == pytest.approx(wanted, rel=1e-10)


def test_contrast_reads_rows_2_and_3_counted_from_1():
    rows = torch.randn(3, 4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    sum(contrastive_loss(rows, margin=-1)).backward()
    moved = rows.grad.abs().sum(dim=(0, 2)) > 0
    assert moved.tolist() == [False, True, True, False]


def test_contrast_of_one_click_is_nothing():
    rows = torch.randn(1, 4, 8, requires_grad=True)
    objects, parts = contrastive_loss(rows)
    assert objects.item() == parts.item() == 0
    (objects + parts).backward()
    assert (rows.grad == 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 5), st.floats(0.1, 100), st.integers(0, 1000))
def test_contrast_does_not_depend_on_length_or_order(clicks, length, seed):
    rows = torch.randn(clicks, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    same = contrastive_loss(rows)
    other = contrastive_loss(length * rows.flip(0))
    torch.testing.assert_close(torch.stack(other), torch.stack(same))
    assert 0 <= float(same[0]) <= 2
    assert 0 <= float(same[1]) <= 0.5


def test_gradients_are_those_of_the_values():
    """Finite differences; targets away from the kinks of clamp and minimum."""
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 3, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    targets = torch.rand(2, 2, 3, 3, dtype=torch.float64, generator=generator)
    rows = torch.randn(3, 4, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    valid = torch.tensor([[True, True], [True, False]])
    assert torch.autograd.gradcheck(lambda x: ordered_loss(x, targets), logits)
    assert torch.autograd.gradcheck(lambda x: best_of_loss(x, targets, valid, mean_share=0.1), logits)
    assert torch.autograd.gradcheck(lambda t: sum(contrastive_loss(t, margin=-0.9)), rows)


def test_pairs_are_each_output_with_each_target(case):
    logits, targets = case
    targets = 0.8 * targets + 0.1  # shares, too
    focal, dice = pairwise_losses(logits, targets, alpha=0.25, gamma=2.0)
    for k in range(3):
        for t in range(2):
            torch.testing.assert_close(focal[:, k, t], focal_loss(logits[:, k], targets[:, t]))
            torch.testing.assert_close(dice[:, k, t], dice_loss(logits[:, k], targets[:, t]))


def slow_best_of(logits, targets, valid, mean_share):
    found = []
    for n in range(len(logits)):
        for t in range(targets.shape[1]):
            if valid[n, t]:
                costs = [
                    20 * slow_focal(logits[n, k], targets[n, t], 0.25, 2.0) + slow_dice(logits[n, k], targets[n, t])
                    for k in range(logits.shape[1])
                ]
                found.append((1 - mean_share) * min(costs) + mean_share * sum(costs) / len(costs))
    return sum(found) / len(found)


@pytest.mark.parametrize("mean_share", [0.0, 0.05])
def test_best_of_corrects_the_best_output_of_each_target(case, mean_share):
    logits, targets = case
    valid = torch.tensor([[True, True], [True, False], [False, True], [True, True]])
    assert float(best_of_loss(logits, targets, valid, mean_share=mean_share)) == pytest.approx(
        slow_best_of(logits, targets, valid, mean_share), rel=1e-12
    )


def test_only_the_best_output_gets_a_gradient(case):
    logits, targets = case[0][:1].clone(), case[1][:1, :1]
    logits[0, 1] = 8 * targets[0, 0] - 4  # output 2 is right
    logits.requires_grad_()
    best_of_loss(logits, targets, torch.tensor([[True]])).backward()
    assert (logits.grad.abs().sum(dim=(0, 2, 3)) > 0).tolist() == [False, True, False]


def test_quality_is_the_iou_with_the_target_that_fits_best():
    masks = torch.tensor([[[[1.0, 1], [0, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]]]) * 2 - 1
    targets = torch.tensor([[[[1.0, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]]])
    valid = torch.tensor([[True, True, False]])
    assert best_iou(masks, targets, valid).tolist() == [[0.5, 1.0, 0.0]]
    scores = torch.tensor([[0.5, 0.5, 0.5]])
    assert float(quality_loss(masks, scores, targets, valid)) == pytest.approx((0 + 0.25 + 0.25) / 3)
