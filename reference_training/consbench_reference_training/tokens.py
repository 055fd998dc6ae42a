"""T, the rows from which the mask decoder makes its masks, without a copy of the decoder.

The decoder of segment_anything multiplies the output of one small network per mask (a "hypernetwork") with
the upscaled image features. Those outputs, stacked, are the paper's T; inside the decoder they are a local
variable. Forward hooks on the four networks collect them, with their gradients.

Axes: N clicks · R rows of T, one for each mask token, the single-mask one first · D channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class RowTap:
    """Collects T of each pass through a mask decoder, until it is taken.

    Args:
        decoder: a mask decoder of segment_anything, segment_anything_hq, or any with the same networks.
    """

    def __init__(self, decoder: Any) -> None:
        networks: list[nn.Module] = list(decoder.output_hypernetworks_mlps)
        self._rows: list[Tensor | None] = [None] * len(networks)
        self._hooks = [network.register_forward_hook(self._keeper(row)) for row, network in enumerate(networks)]

    def take(self) -> Tensor:
        """T of the last pass, (N, R, D), part of its graph; may be taken once.

        Raises RuntimeError where there was no pass since.
        """
        rows = [row for row in self._rows if row is not None]
        if len(rows) != len(self._rows):
            raise RuntimeError("T is taken after a pass through the mask decoder, and once; there was none since")
        self._rows = [None] * len(rows)  # so that the graph can be freed
        return torch.stack(rows, dim=1)

    def close(self) -> None:
        """Leave the decoder as it was."""
        for hook in self._hooks:
            hook.remove()

    def _keeper(self, row: int) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            self._rows[row] = output

        return keep
