"""The paper's recipe at its own size: SAM ViT-B on 1024 pixels, random weights, on the CPU."""

import pytest
import torch

from consbench_adapters import checkpoints
from consbench_reference_training import config
from consbench_reference_training.train import train


@pytest.mark.slow
def test_two_steps_of_the_papers_recipe_on_a_cpu(door, tmp_path):
    """Everything of `consamme-vit-b` but its weights, its data and its number of steps; one episode a step."""
    changes = [
        f"data.sources=['{door}:load']", "network.init=random", "run.epochs=0", "run.steps=2",
        "episodes.per_step=1", "episodes.most_clicks=2", "run.validation_episodes=1", "run.validation_images=1",
        "run.workers=0",
    ]  # fmt: skip
    recipe = config.load("consamme-vit-b", changes)
    said = []
    train(recipe, tmp_path / "run", device="cpu", say=said.append)
    groups = said[0].splitlines()
    assert len(groups) == 1 + 30 + 1
    assert groups[1].split()[-3:] == ["5.5e-07", "0.0550", "0.01"]  # embeddings: 1e-5 · 0.8^13
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["step"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in state["weights"].values())
    made = checkpoints.read(tmp_path / "run" / "checkpoint.safetensors")
    assert made.dimensions.embed_dim == 768
    assert sum(tensor.numel() for name, tensor in made.tensors.items()) == 93_735_472 + 2 * 128
