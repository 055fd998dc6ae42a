"""The loop: what it leaves behind, that it can be killed, and how it stops when something is wrong."""

import csv
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

import consbench_reference_training.objective as objective_module
from consbench import evaluate
from consbench.errors import RecordMismatch, RecordUnreadable, RunFailed, UsageError, WeightsError
from consbench_adapters import checkpoints, consamme, miniatures, sam
from consbench_reference_training import checkpoint
from consbench_reference_training.config import Network, load
from consbench_reference_training.train import learning_rate, train


def weights_of(folder):
    return torch.load(folder / "state.pt", weights_only=True)["weights"]


def assert_same(one, other):
    """Equal bit for bit."""
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)


def assert_close(one, other):
    """Equal to float tolerance, apart from biases of keys.

    Softmax does not see a constant added to all scores, so their true gradient is 0 and the computed one is
    rounding, of which Adam makes full steps.
    """
    assert one.keys() == other.keys()
    for name in one:
        if name.endswith("k_proj.bias"):
            continue
        a, b = one[name], other[name]
        if name.endswith("qkv.bias"):
            (a, _, c), (b, _, d) = a.chunk(3), b.chunk(3)
            a, b = torch.cat([a, c]), torch.cat([b, d])
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}")


def rows(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """A finished run of the tiny recipe, to be read only."""
    out = tmp_path_factory.mktemp("trained") / "tiny"
    train(tiny(), out, device="cpu")
    return out


@pytest.fixture
def finished(trained, tmp_path):
    """A finished run of the tiny recipe, as one's own copy."""
    return shutil.copytree(trained, tmp_path / "tiny")


def test_a_run_leaves_checkpoint_record_logs_and_picture(finished):
    names = {file.name for file in finished.iterdir()} - {"tensorboard"}
    assert names == {
        "checkpoint.safetensors",
        "checkpoint.safetensors.json",
        "curve.png",
        "state.pt",
        "training.csv",
        "validation.csv",
    }
    assert [int(row["step"]) for row in rows(finished / "training.csv")] == [1, 2, 3, 4, 5, 6]
    for row in rows(finished / "training.csv"):
        terms = [float(row[name]) for name in ("masks", "contrast_object", "contrast_part")]
        assert float(row["loss"]) == pytest.approx(sum(terms), rel=1e-4)
    validated = rows(finished / "validation.csv")
    assert [int(row["step"]) for row in validated] == [3, 6]
    assert {"mIoU-object", "mIoU-part", "CVR@0.5", "placement@1", "best-object"} <= validated[0].keys()


def test_the_checkpoint_is_of_the_best_validation_loss(tiny, tmp_path):
    """With a rate at which it gets worse and worse, the first validation is the best."""
    out = tmp_path / "worse"
    train(tiny(optimiser__learning_rate=0.5), out, device="cpu")
    losses = [float(row["loss"]) for row in rows(out / "validation.csv")]
    kept = json.loads((out / "checkpoint.safetensors.json").read_text())
    assert kept["validation_loss"] == pytest.approx(min(losses), rel=1e-4)
    assert kept["step"] == (3, 6)[losses.index(min(losses))]


def test_the_checkpoint_is_one_that_the_bench_evaluates_as_consamme(finished, samples, tmp_path):
    box = np.zeros((24, 32), bool)
    box[3:12, 4:20] = True
    model = consamme.load(finished / "checkpoint.safetensors", device="cpu")
    run = evaluate(model, samples([[[box]]]), out=tmp_path / "run")
    assert run.summary().clicks == 1
    assert model.describe()["training"]["name"] == "tiny"


def test_the_record_is_in_the_header_and_beside_it_and_names_no_folder(finished, tmp_path):
    inside = checkpoints.read(finished / "checkpoint.safetensors").record
    beside = (finished / "checkpoint.safetensors.json").read_text()
    assert json.loads(beside) == inside
    assert inside["recipe"]["loss"]["contrast"] == 0.5
    assert inside["data"]["splits"][0]["train_images"] == 9
    assert [point["step"] for point in inside["curve"]] == [3, 6][: len(inside["curve"])]
    assert str(tmp_path) not in beside


def test_the_export_is_a_plain_state_dict_that_sam_loads(finished, tmp_path, tiny):
    checkpoint.export_state_dict(finished / "checkpoint.safetensors", tmp_path / "plain.pth")
    network, *_ = checkpoint.build_network(tiny().network, 0, finished)
    network.load_state_dict(torch.load(tmp_path / "plain.pth", weights_only=True), strict=True)


def test_frozen_parameters_stay_and_all_others_move(tiny, finished):
    start, *_ = checkpoint.build_network(tiny().network, tiny().seed, finished)
    after = weights_of(finished)
    moved = {name for name, tensor in start.state_dict().items() if not torch.equal(tensor, after[f"network.{name}"])}
    frozen = {
        name
        for name, _ in start.named_parameters()
        if name.startswith(("prompt_encoder.", "mask_decoder.iou_prediction_head."))
    }
    assert moved.isdisjoint(frozen)
    # The decoder's rows that no loss reaches are decayed at most, and biases of theirs not even that.
    free = {
        n
        for n in start.state_dict()
        if n.startswith(tuple(f"mask_decoder.output_hypernetworks_mlps.{k}." for k in (0, 3)))
    }
    missing = {name for name, _ in start.named_parameters()} - frozen - free - moved
    assert missing == set()


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(trained, tiny, tmp_path):
    for name, seed in (("same", 3), ("other", 4)):
        train(tiny(seed=seed), tmp_path / name, device="cpu")
    assert_same(weights_of(trained), weights_of(tmp_path / "same"))
    with pytest.raises(AssertionError):
        assert_same(weights_of(trained), weights_of(tmp_path / "other"))


KILLED = """
import os, signal, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from consbench_reference_training import config
from consbench_reference_training.train import train

def report(what, done, total):
    if what.startswith("training") and done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

import json
train(config.parse(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2]), device="cpu", report=report)
"""


def run_script(script, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1", **environment}
    )


@pytest.mark.slow
def test_a_run_killed_by_force_goes_on_to_the_weights_of_an_unbroken_one(tiny, tmp_path):
    """Killed in the dense phase, then in the middle between two saved states of the phase proper."""
    recipe = tiny(dense={"steps": 4, "clicks": 4})
    torch.set_num_threads(1)
    train(recipe, tmp_path / "whole", device="cpu")
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.as_json()))
    for at in (3, 9):  # states are saved after every second step
        killed = run_script(KILLED, str(tmp_path / "recipe.json"), str(tmp_path / "broken"), str(at))
        assert killed.wait(120) == -signal.SIGKILL
        assert torch.load(tmp_path / "broken" / "state.pt", weights_only=True)["step"] == at - 1
    train(recipe, tmp_path / "broken", device="cpu")
    assert_same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken"))
    for file in ("training.csv", "validation.csv"):
        assert (tmp_path / "whole" / file).read_text() == (tmp_path / "broken" / file).read_text()
    one, other = (checkpoints.read(tmp_path / name / "checkpoint.safetensors").tensors for name in ("whole", "broken"))
    assert_same(one, other)


def test_a_finished_run_is_left_as_it_is(finished, tiny):
    before = (finished / "checkpoint.safetensors").stat().st_mtime_ns
    steps = []
    train(tiny(), finished, device="cpu", report=lambda what, done, total: steps.append((what, done)))
    assert ("training, masks", 0) not in steps
    assert (finished / "checkpoint.safetensors").stat().st_mtime_ns == before


def test_a_directory_of_another_recipe_is_refused(finished, tiny):
    with pytest.raises(RecordMismatch, match=r"another recipe: loss\.margin is 0\.5 there, 0\.3 was asked for"):
        train(tiny(loss__margin=0.3), finished, device="cpu")


def test_a_damaged_state_is_refused(finished, tiny):
    (finished / "state.pt").write_bytes(b"no state")
    with pytest.raises(RecordUnreadable, match=r"state\.pt is damaged .* remove .* to start anew"):
        train(tiny(), finished, device="cpu")


@pytest.mark.parametrize(
    "changes",
    [{"run__micro_batch": 1}, {"run__micro_batch": 3}, {"run__activation_checkpointing": True}, {"run__workers": 1}],
)
def test_means_of_saving_memory_and_time_change_no_result(tiny, tmp_path, changes):
    train(tiny(run__steps=2), tmp_path / "plain", device="cpu")
    train(tiny(run__steps=2, **changes), tmp_path / "saving", device="cpu")
    assert_close(weights_of(tmp_path / "plain"), weights_of(tmp_path / "saving"))


def test_the_other_losses_and_the_dense_phase_learn(tiny, tmp_path):
    recipe = tiny(
        episodes__of="image", loss={"kind": "best-of", "mean_share": 0.05, "upscale": 2}, optimiser__frozen=[],
        dense={"steps": 12, "clicks": 16, "learning_rate": 3e-3}, optimiser__learning_rate=3e-3,
        run={"steps": 30, "validate_every": 30, "log_every": 6, "precision": "bfloat16"},
    )  # fmt: skip
    train(recipe, tmp_path / "run", device="cpu")
    found = rows(tmp_path / "run" / "training.csv")
    by_phase = {phase: [float(r["loss"]) for r in found if r["phase"] == phase] for phase in ("dense", "masks")}
    assert by_phase["dense"][-1] < by_phase["dense"][0]
    assert by_phase["masks"][-1] < by_phase["masks"][0]
    assert all(float(r["quality"]) > 0 for r in found if r["phase"] == "masks")
    assert sam.load(tmp_path / "run" / "checkpoint.safetensors", device="cpu").outputs == 3


def test_hq_sam_trains_its_head_on_a_frozen_sam(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("consbench_reference_training.config.names", lambda: ["tiny"])
    train(tiny(run__steps=2), tmp_path / "tiny", device="cpu")
    head = load("hq-sam-mini").optimiser.train
    recipe = tiny(
        name="hq", network={"family": "hq-sam", "init": "tiny"}, episodes__of="image",
        loss={"kind": "best-of", "quality": 0.0}, optimiser={"learning_rate": 1e-3, "train": list(head)},
    )  # fmt: skip
    train(recipe, tmp_path / "hq", device="cpu")
    before = checkpoints.read(tmp_path / "tiny" / "checkpoint.safetensors")
    after = checkpoints.read(tmp_path / "hq" / "checkpoint.safetensors")
    for name, tensor in before.tensors.items():
        assert torch.equal(tensor, after.tensors[name]), name
    extra = after.tensors.keys() - before.tensors.keys()
    assert extra
    assert all(name.startswith(head) for name in extra)
    assert after.record["started_from"] == {"init": "checkpoint.safetensors", "sha256": before.sha256, "recipe": "tiny"}


def test_a_recipe_that_was_not_trained_yet_cannot_be_started_from(tiny, tmp_path):
    with pytest.raises(
        WeightsError, match=r"'sam-mini-continued', but that recipe was not trained yet.*consbench train sam-mini-cont"
    ):
        train(tiny(network={"init": "sam-mini-continued"}), tmp_path / "run", device="cpu")


def test_a_run_beside_goes_before_the_miniature_that_ships(finished, tmp_path):
    spec = Network(init="sam-mini")
    _, _, started_from = checkpoint.build_network(spec, 0, tmp_path / "run")
    assert started_from["sha256"] == checkpoints.read(miniatures.checkpoint("sam-mini")).sha256
    shutil.copytree(finished, tmp_path / "sam-mini")
    _, _, started_from = checkpoint.build_network(spec, 0, tmp_path / "run")
    assert started_from["sha256"] == checkpoints.read(finished / "checkpoint.safetensors").sha256


def test_a_checkpoint_of_other_dimensions_is_refused_with_both(finished, tiny, tmp_path):
    dimensions = {**tiny().network.dimensions, "embed_dim": 32}
    network = {"init": str(finished / "checkpoint.safetensors"), "dimensions": dimensions}
    with pytest.raises(
        WeightsError, match=r"does not fit network\.dimensions: embed_dim is 16 there, 32 was asked for"
    ):
        train(tiny(network=network), tmp_path / "run", device="cpu")
    checkpoint.export_state_dict(finished / "checkpoint.safetensors", tmp_path / "plain.pth")
    with pytest.raises(WeightsError, match=r"plain\.pth looks like"):  # no record: told by its shapes
        train(tiny(network={**network, "init": str(tmp_path / "plain.pth")}), tmp_path / "run", device="cpu")


def test_dimensions_that_cannot_be_are_refused_by_key(tiny, tmp_path):
    with pytest.raises(UsageError, match=r"network\.dimensions: .*embed_dim"):
        train(tiny(network__dimensions__embed_dim=15), tmp_path / "run", device="cpu")


def test_a_loss_that_is_no_number_stops_with_the_episodes_and_keeps_the_checkpoint(tiny, tmp_path, monkeypatch):
    real, calls = objective_module.ordered_loss, []

    def spoilt(*arguments, **options):
        calls.append(1)
        # Four steps of four episodes, and one validation of three.
        return real(*arguments, **options) * (math.nan if len(calls) > 4 * 4 + 3 else 1)

    monkeypatch.setattr(objective_module, "ordered_loss", spoilt)
    names = r"(image-\d\d/1(, )?){4}"
    with pytest.raises(
        RunFailed, match=rf"loss of step 5 is nan; its episodes \(image/object\) are {names}\. .* keeps the best"
    ):
        train(tiny(), tmp_path / "run", device="cpu")
    kept = checkpoints.read(tmp_path / "run" / "checkpoint.safetensors")
    assert kept.record["step"] == 3
    assert all(tensor.isfinite().all() for tensor in kept.tensors.values())
    monkeypatch.undo()
    train(tiny(), tmp_path / "run", device="cpu")  # goes on from the last good state
    assert len(rows(tmp_path / "run" / "training.csv")) == 6


def test_out_of_memory_says_what_to_lower(tiny, tmp_path, monkeypatch):
    def greedy(*arguments, **options):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(objective_module, "ordered_loss", greedy)
    with pytest.raises(
        RunFailed, match=r"4 episodes at a time\. Lower run\.micro_batch \(now 4\) to 2.*activation_checkpointing"
    ):
        train(tiny(), tmp_path / "run", device="cpu")


def test_the_rate_warms_up_and_falls_in_each_phase(tiny):
    recipe = tiny(
        dense={"steps": 10, "learning_rate": 1e-2}, run={"steps": 100},
        optimiser={"learning_rate": 1e-3, "schedule": "cosine", "warmup": 4, "final_share": 0.1},
    )  # fmt: skip
    rates = [learning_rate(recipe, step) for step in range(110)]
    assert rates[0] == pytest.approx(1e-2 / 4)
    assert max(rates[:10]) == pytest.approx(1e-2)
    assert rates[10] == pytest.approx(1e-3 / 4)
    assert max(rates[10:]) == pytest.approx(1e-3)
    assert rates[10 + 52] == pytest.approx(1e-3 * 0.55)  # half way: the middle of 1 and a tenth
    assert rates[-1] == pytest.approx(1e-4, rel=0.01)
    assert rates[14:] == sorted(rates[14:], reverse=True)


RANK = """
import json, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from consbench_reference_training import config
from consbench_reference_training.train import train
train(config.parse(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2]), device="cpu")
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tiny, tmp_path):
    """The same global batch; sums in another order, so equal to float tolerance."""
    recipe = tiny(dense={"steps": 2, "clicks": 4}, run={"steps": 4, "validate_every": 2, "micro_batch": 1})
    train(recipe, tmp_path / "one", device="cpu")
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.as_json()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ranks = [
        run_script(RANK, str(tmp_path / "recipe.json"), str(tmp_path / "two"), RANK=str(rank), LOCAL_RANK=str(rank),
                   WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        for rank in range(2)
    ]  # fmt: skip
    assert [rank.wait(180) for rank in ranks] == [0, 0]
    assert_close(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"))
    for one, two in zip(rows(tmp_path / "one" / "training.csv"), rows(tmp_path / "two" / "training.csv"), strict=True):
        assert float(one["loss"]) == pytest.approx(float(two["loss"]), rel=1e-4)
    one, two = (rows(tmp_path / name / "validation.csv") for name in ("one", "two"))
    assert [float(r["loss"]) for r in one] == pytest.approx([float(r["loss"]) for r in two], rel=1e-4)
    assert [r["mIoU-object"] for r in one] == [r["mIoU-object"] for r in two]


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tiny, tmp_path, monkeypatch):
    from consbench_reference_training import train as module
    from consbench_reference_training.parallel import Processes

    monkeypatch.setattr(module, "join", lambda device: Processes(0, 3))
    monkeypatch.setattr(Processes, "leave", lambda self: None)
    with pytest.raises(UsageError, match=r"episodes\.per_step is 4, which 3 processes cannot share evenly"):
        train(tiny(), tmp_path / "run", device="cpu")
