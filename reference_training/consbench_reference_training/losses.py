"""The losses of section 3, equations 2 to 8, as they are implemented here.

For an object with n clicked parts, click i answered with logits m̂1, m̂2, … and hypernetwork rows T_i:

    (2)  L_seg = 1/n Σ_i [ ℓ(m̂1_i, object) + ℓ(m̂2_i, part_i) ],   ℓ = 20 · focal + dice
    (3)  s(a, b) = a · b / (‖a‖ ‖b‖)                       cosine similarity
    (4)  o_i, p_i = rows 2 and 3 of T_i, counted from 1     (row 1 belongs to the single-mask output)
    (5)  L_obj = mean over ordered pairs i ≠ j of 1 − s(o_i, o_j)
    (6)  L_part = mean over ordered pairs i ≠ j of max(0, s(p_i, p_j) − μ)
    (7)  L_con = L_obj + L_part
    (8)  L = L_seg + λ L_con

Object rows of one object are pulled together; part rows of different parts are pushed apart until their
similarity is below the margin μ. An object with one click has no pair: L_con is 0.

# paper: section 3 gives no size that masks are compared at. Here it is that of the logits (256 for ViT-B),
with the share of a cell that the mask covers as the target; for masks that fill cells whole this is the
usual binary target.

# paper: section 3 names neither α nor γ of the focal loss, nor a smoothing of dice. Here: α 0.25 and γ 2 as in
the work that introduced the focal loss, and 1 added to numerator and denominator of dice.

Axes: N clicks · K outputs · T targets · S side of the square masks are compared in · D channels of a row.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

OBJECT_ROW, PART_ROW = 1, 2  # of T, counted from 0; the outputs they make are 0 and 1


class Terms(NamedTuple):
    """The loss of one episode and what it is made of; scalars."""

    total: Tensor
    parts: dict[str, Tensor]


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """The focal loss of binary masks, mean over the last two axes.

    Args:
        logits: (…, S, S).
        targets: (…, S, S) in [0, 1]; between 0 and 1 the loss is interpolated linearly.
        alpha: weight of foreground against background; -1 for none.
        gamma: exponent that plays down pixels already right.

    >>> round(float(focal_loss(torch.zeros(1, 2, 2), torch.ones(1, 2, 2), alpha=-1, gamma=0)), 4)
    0.6931
    """
    foreground, background = _focal_maps(logits, alpha, gamma)
    return (targets * foreground + (1 - targets) * background).mean(dim=(-2, -1))


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The dice loss of binary masks, 1 − (2 Σ p t + 1) / (Σ p + Σ t + 1), over the last two axes.

    >>> float(dice_loss(torch.full((1, 2, 2), 50.0), torch.ones(1, 2, 2)))
    0.0
    """
    share = logits.sigmoid()
    shared = (share * targets).sum(dim=(-2, -1))
    return 1 - (2 * shared + 1) / (share.sum(dim=(-2, -1)) + targets.sum(dim=(-2, -1)) + 1)


def pairwise_losses(
    logits_NKSS: Tensor, targets_NTSS: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> tuple[Tensor, Tensor]:
    """Focal and dice loss of every output with every target of the same click: two tensors (N, K, T).

    Equal to `focal_loss` and `dice_loss` of each pair, but both are linear in the target, so the pairs are
    one matrix product.
    """
    foreground, background = _focal_maps(logits_NKSS.flatten(2), alpha, gamma)
    targets = targets_NTSS.flatten(2)
    cells = targets.shape[-1]
    focal = ((foreground - background) @ targets.mT + background.sum(dim=-1, keepdim=True)) / cells
    share = logits_NKSS.flatten(2).sigmoid()
    total = share.sum(dim=-1)[:, :, None] + targets.sum(dim=-1)[:, None]
    return focal, 1 - (2 * share @ targets.mT + 1) / (total + 1)


def ordered_loss(
    logits_NKSS: Tensor,
    targets_NTSS: Tensor,
    focal: float = 20.0,
    dice: float = 1.0,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Tensor:
    """Equation 2: output t with target t, summed over the T targets, mean over clicks; further outputs are free."""
    first = logits_NKSS[:, : targets_NTSS.shape[1]]
    each_NT = focal * focal_loss(first, targets_NTSS, alpha, gamma) + dice * dice_loss(first, targets_NTSS)
    return each_NT.sum(dim=1).mean()


def contrastive_loss(rows_NRD: Tensor, margin: float = 0.5) -> tuple[Tensor, Tensor]:
    """Equations 3 to 6: the terms of object rows and of part rows of the clicks on one object.

    Args:
        rows_NRD: T for each click, all rows; which two are used is fixed by the equations.
        margin: μ.

    >>> rows = torch.tensor([[[9.0, 9], [1, 0], [1, 0]], [[9.0, 9], [0, 1], [0, 1]]])
    >>> [float(term) for term in contrastive_loss(rows)]
    [1.0, 0.0]
    """
    clicks = len(rows_NRD)
    if clicks < 2:
        nothing = rows_NRD.sum() * 0  # keeps the graph, which distributed training counts on
        return nothing, nothing
    unit_NRD = functional.normalize(rows_NRD, dim=-1)
    other = ~torch.eye(clicks, dtype=torch.bool, device=rows_NRD.device)
    objects, parts = ((unit_NRD[:, row] @ unit_NRD[:, row].T)[other] for row in (OBJECT_ROW, PART_ROW))
    return (1 - objects).mean(), (parts - margin).clamp(min=0).mean()


def _focal_maps(logits: Tensor, alpha: float, gamma: float) -> tuple[Tensor, Tensor]:
    """What each pixel costs if it is foreground, and if it is background."""
    share = logits.sigmoid()
    foreground = (1 - share) ** gamma * functional.softplus(-logits)
    background = share**gamma * functional.softplus(logits)
    return (foreground, background) if alpha == -1 else (alpha * foreground, (1 - alpha) * background)
