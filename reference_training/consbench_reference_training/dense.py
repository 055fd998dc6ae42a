"""The dense phase: an encoder learns which pixels belong together, before there is a mask decoder to train.

SAM starts from an encoder that was trained on other data before. A miniature that starts from nothing spends
most of its time on what an encoder should know already; this head teaches it that at a hundredth of the cost
of a click through the mask decoder. It is thrown away afterwards.

For a click, the answer of level t (whole, part, subpart) at pixel y is a cosine similarity of features,
a_t · cos(q_t(f(click)), k_t(f(y))) + b_t. In trials of 200 steps it learned faster than a plain dot product, whose
scale must grow first. Clicks and targets are those of the phase proper.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from consbench_reference_training.losses import dice_loss

_SMALLEST_SHARE = 0.002  # eight of the miniature's 4096 cells


class DenseHead(nn.Module):
    """Image embedding and clicks -> logits for every level.

    Args:
        channels: of the image embedding.
        image_size: side of the network's input; clicks are pixels in it.
        levels: how many targets a click has.
        width: of the features that are compared.
    """

    def __init__(self, channels: int, image_size: int, levels: int = 3, width: int = 32) -> None:
        super().__init__()
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2),
            nn.GELU(),
            nn.ConvTranspose2d(channels, width, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.query = nn.Linear(width, levels * width)
        self.key = nn.Linear(width, levels * width)
        # Most pixels are background; a start that says so spares the first hundred steps.
        self.bias = nn.Parameter(torch.full((levels, 1), -2.0))
        self.log_scale = nn.Parameter(torch.full((levels, 1), math.log(8.0)))
        self.levels, self.image_size = levels, image_size

    def forward(self, embedding_CHW: Tensor, clicks_N2: Tensor) -> Tensor:
        """The logits of N clicks on one image: (N, levels, 4 H, 4 W)."""
        features = self.upscale(embedding_CHW[None])[0]
        height, width = features.shape[1:]
        cells_MC = features.flatten(1).T
        column, row = (clicks_N2 * width / self.image_size).long().clamp(0, width - 1).unbind(1)
        clicked_NC = cells_MC[row * width + column]
        query_NTC = functional.normalize(self.query(clicked_NC).unflatten(1, (self.levels, -1)).float(), dim=-1)
        key_MTC = functional.normalize(self.key(cells_MC).unflatten(1, (self.levels, -1)).float(), dim=-1)
        logits = torch.einsum("ntc,mtc->ntm", query_NTC, key_MTC) * self.log_scale.exp() + self.bias
        shaped: Tensor = logits.reshape(*logits.shape[:2], height, width)
        return shaped


def dense_loss(logits_NTSS: Tensor, targets_NTSS: Tensor, valid_NT: Tensor) -> Tensor:
    """Cross-entropy, with foreground weighted by 1 / √(its share of the square), plus dice; mean over valid targets.

    The focal loss of the phase proper starts from empty masks and stays there for long. Weighted like this,
    masks of all sizes appear within two hundred steps.
    """
    logits, targets = logits_NTSS[valid_NT], targets_NTSS[valid_NT]
    weight = targets.mean(dim=(-2, -1), keepdim=True).clamp(min=_SMALLEST_SHARE).rsqrt()
    cross_entropy = targets * weight * functional.softplus(-logits) + (1 - targets) * functional.softplus(logits)
    return (cross_entropy.mean(dim=(-2, -1)) + dice_loss(logits, targets)).mean()
