"""SAM's own way to train on ambiguous clicks: of three outputs the best one learns.

A click may mean the whole, a part or a subpart. Each of these that exists is a target of its own, as if the
same click had been drawn once for each; for each target only the output with the lowest loss is corrected.
A small share of the mean over the outputs may be mixed in, because an output that is never the best never
learns (Kirillov et al., Segment Anything, appendix A, "Losses" and "Training algorithm").

The quality head learns the IoU of its mask with whichever target it fits best: a click with several meanings
has no single right mask, and the head cannot know which was meant.
"""

from __future__ import annotations

import torch
from torch import Tensor

from consbench_reference_training.losses import pairwise_losses


def best_of_loss(
    logits_NKSS: Tensor,
    targets_NTSS: Tensor,
    valid_NT: Tensor,
    *,
    focal: float = 20.0,
    dice: float = 1.0,
    alpha: float = 0.25,
    gamma: float = 2.0,
    mean_share: float = 0.0,
) -> Tensor:
    """The loss of the best output for each valid target, mean over all valid targets of the episode.

    Every click must have at least one valid target.
    """
    focal_NKT, dice_NKT = pairwise_losses(logits_NKSS, targets_NTSS, alpha, gamma)
    cost_NKT = focal * focal_NKT + dice * dice_NKT
    each_NT = (1 - mean_share) * cost_NKT.amin(dim=1) + mean_share * cost_NKT.mean(dim=1)
    return each_NT[valid_NT].mean()


def quality_loss(logits_NKSS: Tensor, scores_NK: Tensor, targets_NTSS: Tensor, valid_NT: Tensor) -> Tensor:
    """Mean squared error of the predicted IoUs; the true ones carry no gradient."""
    return (scores_NK - best_iou(logits_NKSS, targets_NTSS, valid_NT)).square().mean()


@torch.no_grad()
def best_iou(logits_NKSS: Tensor, targets_NTSS: Tensor, valid_NT: Tensor) -> Tensor:
    """IoU of each output, cut at 0, with the valid target it fits best, cut at half a cell: (N, K)."""
    masks = (logits_NKSS > 0).flatten(2).float()
    targets = (targets_NTSS > 0.5).flatten(2).float()
    shared_NKT = masks @ targets.mT
    union_NKT = masks.sum(dim=-1)[:, :, None] + targets.sum(dim=-1)[:, None] - shared_NKT
    iou_NKT = shared_NKT / union_NKT.clamp(min=1)
    return iou_NKT.masked_fill(~valid_NT[:, None], 0).amax(dim=-1)
