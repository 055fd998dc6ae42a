"""The training run, from a recipe to a checkpoint, top to bottom.

    recipe -> data -> network -> parameter groups -> (state of an interrupted run) -> loop -> checkpoint

A run's state is its step, weights, optimiser and logs. Nothing draws from a global generator: episodes are a
function of seed and number (see `episodes`), and the network has no dropout. So a run that was killed goes on
from its last saved state to the weights it would have had, bit for bit on the CPU.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from consbench.errors import RunFailed, UsageError
from consbench.ordering import Order
from consbench_adapters.promptable import choose_device
from consbench_reference_training import checkpoint
from consbench_reference_training.config import Recipe
from consbench_reference_training.episodes import Episode, EpisodeStream, streams
from consbench_reference_training.journal import Journal, Row
from consbench_reference_training.objective import Objective, Phase, target_size
from consbench_reference_training.parallel import Processes, join
from consbench_reference_training.param_groups import choose_trained, describe, optimisers, param_groups
from consbench_reference_training.sources import open_sources, refuse_nothing
from consbench_reference_training.validation import bench_metrics, validation_loss

Report = Callable[[str, int, int], None]
"""Called with (what is under way, done, total)."""


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "auto",
    cache: Path | None = None,
    report: Report = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train by a recipe and return the checkpoint of the best validation loss.

    A directory that holds the same run, unfinished, is continued; a finished one is left as it is.

    Args:
        recipe: everything that decides the result.
        out: the run's directory.
        device: "auto", "cpu", "cuda", "mps".
        cache: where drawn scenes are kept; the user's cache where absent.
        report: progress.
        say: called with lines for people.

    Raises UsageError (data, weights or options cannot be), RecordMismatch (`out` holds another run), RunFailed
    (a loss that is no number, memory that is not enough).
    """
    refuse_nothing(recipe.data)
    place = choose_device(device)
    processes = join(place)
    try:
        _check_share(recipe, processes)
        out.mkdir(parents=True, exist_ok=True)
        state = checkpoint.load_state(out, recipe)

        # The network first: it fails faster than the data.
        network, dimensions, started_from = checkpoint.build_network(recipe.network, recipe.seed, out)
        choose_trained(network, recipe.optimiser)
        objective = _seeded_objective(network, dimensions, recipe).to(place)
        head = objective.dense_head.parameters() if objective.dense_head else ()
        groups = param_groups(network, recipe.optimiser, head)
        movers = optimisers(groups, recipe.optimiser)
        model = processes.wrap(objective, changing=bool(recipe.dense.steps))
        if processes.first:
            say(describe(groups))

        # One process draws what the cache lacks; the others then find it.
        for turn in range(2):
            if (turn == 0) == processes.first:
                splits = open_sources(
                    recipe.data, recipe.seed, cache=cache, progress=lambda d, t: report("drawing scenes", d, t)
                )
            processes.wait()
        sizes = {"image_size": dimensions.image_size, "target_size": target_size(dimensions, recipe)}
        reading = lambda d, t: report("reading annotations", d, t)  # noqa: E731
        training, validation, dense = streams(recipe, splits, progress=reading, **sizes)

        per_epoch = max(1, len(training) // recipe.episodes.per_step)
        steps_dense = recipe.dense.steps
        steps_in_all = steps_dense + (recipe.run.steps or recipe.run.epochs * per_epoch)
        validate_every = recipe.run.validate_every or per_epoch
        data = {"splits": [half.as_json() for half in splits], "episodes": len(training), "seed": recipe.seed}
        if processes.first:
            say(
                f"{len(training)} training and {len(validation)} validation episodes; {steps_in_all} steps, "
                f"{per_epoch} an epoch"
            )

        # The loop's own state.
        step, best, seconds = 0, math.inf, 0.0
        window: dict[str, float] = {}
        journal = Journal(out) if processes.first and state is None else None
        if state is not None:
            step, best, seconds, window = state["step"], state["best"], state["seconds"], state["window"]
            objective.load_state_dict(state["weights"])
            for mover, its_state in zip(movers, state["optimisers"], strict=True):
                mover.load_state_dict(its_state)
            if processes.first:
                journal = Journal(out, state["training"], state["validation"])
                say(f"going on after step {step} of {steps_in_all}")
        started = time.monotonic() - seconds

        while step < steps_in_all:
            phase: Phase = "dense" if step < steps_dense else "masks"
            stream, first, last = (dense, 0, steps_dense) if phase == "dense" else (training, steps_dense, steps_in_all)
            assert stream is not None, "there is a stream for the dense phase where there is one"
            model.train()
            for episodes in _batches(stream, step - first, last - first, recipe, processes):
                report(f"training, {phase}", step, steps_in_all)
                rate = learning_rate(recipe, step)
                for group in (group for mover in movers for group in mover.param_groups):
                    group["lr"] = rate * group["scale"]
                terms = _backward(model, objective, episodes, phase, recipe, processes)
                norm = _gradient_norm(groups, recipe.optimiser.clip)
                if not math.isfinite(terms["loss"] + norm):
                    raise RunFailed(_not_finite(terms["loss"], step, stream, first, recipe, out))
                for mover in movers:
                    mover.step()
                    mover.zero_grad(set_to_none=True)
                step += 1
                for name, value in {**terms, "gradient_norm": norm}.items():
                    window[name] = window.get(name, 0.0) + value
                window["steps"] = window.get("steps", 0.0) + 1

                if journal and (step % recipe.run.log_every == 0 or step == last):
                    count = window.pop("steps")
                    means: Row = {name: value / count for name, value in window.items()}
                    journal.add("training", {"step": step, "phase": phase, **means, "learning_rate": rate})
                    window = {}
                validated = phase == "masks" and ((step - first) % validate_every == 0 or step == last)
                if validated:
                    objective.eval()
                    loss = validation_loss(objective, validation, processes)
                    evaluated = objective.evaluated(recipe.name)
                    order: Order = "native" if recipe.loss.kind == "ordered" else "area"
                    metrics = bench_metrics(evaluated, splits, recipe.run.validation_images, order, processes)
                    objective.train()
                    if journal:
                        journal.add("validation", {"step": step, "loss": loss, **metrics})
                        say(
                            f"step {step}: validation loss {loss:.4f}"
                            + "".join(f" · {k} {v:.1f}" for k, v in metrics.items())
                        )
                    if loss < best:
                        best = loss
                        if journal:
                            made = checkpoint.record(
                                recipe, dimensions, step=step, validation_loss=loss, started_from=started_from,
                                data=data, curve=journal.validation,
                                seconds=round(time.monotonic() - started), processes=processes.count,
                            )  # fmt: skip
                            checkpoint.save_checkpoint(out, network, made)
                if journal and (validated or step % recipe.run.save_every == 0 or step == last):
                    checkpoint.save_state(
                        out,
                        {
                            "recipe": json.dumps(recipe.as_json(), sort_keys=True), "step": step, "best": best,
                            "seconds": time.monotonic() - started, "window": window,
                            "weights": objective.state_dict(), "optimisers": [mover.state_dict() for mover in movers],
                            "training": journal.training, "validation": journal.validation,
                        },
                    )  # fmt: skip
        report("training", step, steps_in_all)
        if journal:
            journal.close()
        processes.wait()
        return out / checkpoint.CHECKPOINT
    finally:
        processes.leave()


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of step `step`, counted from 0 over the whole run; each phase warms up and decays on its own.

    >>> from consbench_reference_training.config import load
    >>> learning_rate(load("consamme-vit-b"), 1000)
    1e-05
    """
    spec = recipe.optimiser
    highest, steps = spec.learning_rate, recipe.run.steps
    if step < recipe.dense.steps:
        highest, steps = recipe.dense.learning_rate, recipe.dense.steps
    else:
        step -= recipe.dense.steps
    if step < spec.warmup:
        return highest * (step + 1) / spec.warmup
    if spec.schedule == "constant":
        return highest
    done = (step - spec.warmup) / max(1, steps - spec.warmup)
    return highest * (spec.final_share + (1 - spec.final_share) * (1 + math.cos(math.pi * min(done, 1.0))) / 2)


def _check_share(recipe: Recipe, processes: Processes) -> None:
    if recipe.episodes.per_step % processes.count:
        raise UsageError(
            f"episodes.per_step is {recipe.episodes.per_step}, which {processes.count} processes cannot share evenly; "
            f"start a number that divides it, or change it with --set episodes.per_step=…"
        )


def _seeded_objective(network: Any, dimensions: Any, recipe: Recipe) -> Objective:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed + 1)  # of the head of the dense phase
        return Objective(network, dimensions, recipe)


def _batches(
    stream: EpisodeStream, step: int, last: int, recipe: Recipe, processes: Processes
) -> Iterator[list[Episode]]:
    """This process's episodes of each step, from `step` of the phase to its end."""
    per_step = recipe.episodes.per_step
    share = per_step // processes.count
    mine = [
        list(range(s * per_step + processes.rank * share, s * per_step + (processes.rank + 1) * share))
        for s in range(step, last)
    ]
    loader: DataLoader[Episode] = DataLoader(
        stream, batch_sampler=mine, collate_fn=list, num_workers=recipe.run.workers, generator=torch.Generator()
    )
    yield from loader


def _backward(
    model: nn.Module,
    objective: Objective,
    episodes: Sequence[Episode],
    phase: Phase,
    recipe: Recipe,
    processes: Processes,
) -> dict[str, float]:
    """Accumulate the gradient of the mean loss over the step's episodes; return the means over all processes."""
    size = recipe.run.micro_batch or len(episodes)
    sums: dict[str, torch.Tensor] = {}
    for start in range(0, len(episodes), size):
        part = episodes[start : start + size]
        with (
            _decent_out_of_memory(recipe, len(part)),
            processes.without_averaging(model, when=start + size < len(episodes)),
        ):
            losses = model(part, phase)
            (losses.total_E.sum() / len(episodes)).backward()
        for name, values_E in {"loss": losses.total_E.detach(), **losses.terms_E}.items():
            sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + values_E.double().sum().cpu()
    means = torch.stack(list(sums.values())) / (len(episodes) * processes.count)
    processes.add(means)
    return dict(zip(sums, means.tolist(), strict=True))


def _gradient_norm(groups: Sequence[dict[str, Any]], clip: float) -> float:
    parameters = [p for group in groups for p in group["params"]]
    return float(nn.utils.clip_grad_norm_(parameters, clip or math.inf))


def _not_finite(loss: float, step: int, stream: EpisodeStream, first: int, recipe: Recipe, out: Path) -> str:
    per_step = recipe.episodes.per_step
    names = [stream.item((step - first) * per_step + k).name for k in range(per_step)]
    what = (
        f"the loss of step {step + 1} is {loss}"
        if not math.isfinite(loss)
        else f"a gradient of step {step + 1} is not finite"
    )
    kept = (
        f"{out / checkpoint.CHECKPOINT} keeps the best weights so far"
        if (out / checkpoint.CHECKPOINT).is_file()
        else "no checkpoint was made yet"
    )
    return (
        f"{what}; its episodes (image/object) are {', '.join(names)}. Look at these, or lower optimiser.learning_rate "
        f"or set optimiser.clip. Nothing of this step was learnt; {kept}"
    )


@contextmanager
def _decent_out_of_memory(recipe: Recipe, episodes: int) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.cuda.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        smaller = []
        if episodes > 1:
            smaller.append(f"run.micro_batch (now {episodes}) to {max(1, episodes // 2)}, which changes no result")
        if not recipe.run.activation_checkpointing:
            smaller.append("set run.activation_checkpointing = true, which costs time only")
        smaller.append(f"episodes.most_clicks (now {recipe.episodes.most_clicks})")
        raise RunFailed(
            f"the device ran out of memory with {episodes} episodes at a time. Lower {', or '.join(smaller)}. "
            f"({str(error).splitlines()[0]})"
        ) from error


def shortened(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with so many steps in place of its epochs or steps; the dense phase stays."""
    if steps < 1:
        raise UsageError(f"--steps must be at least 1; got {steps}")
    return replace(recipe, run=replace(recipe.run, steps=steps, epochs=0))
