"""The processes of a run: one, or as many as torchrun started. Every process holds the whole network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among the others."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def add(self, sums: Tensor) -> None:
        """Replace a tensor by its sum over all processes."""
        if self.count > 1:
            device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
            moved = sums.to(device)
            distributed.all_reduce(moved)
            sums.copy_(moved)

    def gather(self, mine: Sequence[T]) -> list[T]:
        """The items of all processes, in the order of their ranks."""
        if self.count == 1:
            return list(mine)
        parts: list[Any] = [None] * self.count
        distributed.all_gather_object(parts, list(mine))
        return [item for part in parts for item in part]

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def wrap(self, module: nn.Module, *, changing: bool) -> nn.Module:
        """Have gradients averaged over the processes; `changing`: not every step uses every parameter."""
        return DistributedDataParallel(module, find_unused_parameters=changing) if self.count > 1 else module

    def without_averaging(self, module: nn.Module, *, when: bool) -> AbstractContextManager[Any]:
        """Keep gradients to this process for one of several micro-batches."""
        return module.no_sync() if when and isinstance(module, DistributedDataParallel) else nullcontext()

    def leave(self) -> None:
        """End the group, if there is one."""
        if self.count > 1:
            distributed.destroy_process_group()


def join(device: torch.device) -> Processes:
    """Join the processes that torchrun started, if it did: NCCL between GPUs, gloo between CPUs."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes()
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if device.type == "cuda" else "gloo"
    # The first process may draw the training scenes while the others wait.
    distributed.init_process_group(backend, timeout=timedelta(hours=2))
    return Processes(distributed.get_rank(), count)
