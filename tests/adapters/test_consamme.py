"""The conSAMmé adapter: SAM's network, its own order, and no run without a training record."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from consbench import registry
from consbench.errors import UsageError, WeightsError
from consbench_adapters import consamme, sam


def test_masks_are_those_of_the_network_without_scores_in_native_order(
    consamme_file, sam_file, official_sam, picture, clicks_on
):
    image = picture((90, 160), seed=3)
    clicks = clicks_on(image)
    model = consamme.load(consamme_file, device="cpu")
    answer = model.encode(image).predict(clicks)

    plain = sam.load(sam_file, device="cpu").encode(image).predict(clicks)
    np.testing.assert_array_equal(answer.masks_NKHW, plain.masks_NKHW)
    assert plain.scores_NK is not None
    assert answer.scores_NK is None
    assert model.default_order == "native"


def test_the_training_record_is_part_of_the_identity(consamme_file, dimensions):
    described = json.loads(json.dumps(consamme.load(consamme_file, device="cpu").describe()))

    assert described["model"] == "consamme"
    assert described["training"]["recipe"] == "consamme_small"
    assert described["training"]["seed"] == 7
    assert described["dimensions"] == dimensions.as_json()
    assert described["licence"] == "CC0-1.0"


def test_a_pth_file_takes_its_record_from_the_json_beside_it(official_sam, dimensions, tmp_path):
    path = tmp_path / "tuned.pth"
    torch.save(official_sam.state_dict(), path)
    (tmp_path / "tuned.pth.json").write_text(json.dumps({"dimensions": dimensions.as_json(), "recipe": "r"}))

    assert consamme.load(path, device="cpu").describe()["training"]["recipe"] == "r"


def test_a_file_without_record_is_refused(official_sam, sam_file, tmp_path):
    bare = tmp_path / "bare.safetensors"
    save_file(official_sam.state_dict(), bare)
    message = (
        f"{bare} does not say how it was trained: dimensions and recipe missing from its record. A conSAMmé checkpoint "
        "carries a JSON object with both, under 'consbench' in the header of a .safetensors file or in "
        "bare.safetensors.json beside a .pth. A file of the original SAM is run with --model sam"
    )
    with pytest.raises(WeightsError, match=f"^{re.escape(message)}$"):
        consamme.load(bare)
    with pytest.raises(WeightsError, match="does not say how it was trained: recipe missing from its record"):
        consamme.load(sam_file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{not json", "the training record is no valid JSON"),
        ("[1, 2]", "the training record must be a JSON object; got a list"),
        ('{"recipe": "r", "dimensions": {"embed_dim": 32}}', "the dimensions in its record cannot be used: incomplete"),
        ('{"recipe": "r", "dimensions": {"width": 32}}', r"cannot be used: unknown dimensions \['width'\]; known are"),
        ('{"recipe": "r", "dimensions": 5}', "the dimensions in its record cannot be used: expected an object"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused(official_sam, tmp_path, text, message):
    path = tmp_path / "tuned.pth"
    torch.save(official_sam.state_dict(), path)
    (tmp_path / "tuned.pth.json").write_text(text)

    with pytest.raises(WeightsError, match=message):
        consamme.load(path)


def test_the_checkpoint_must_be_given():
    with pytest.raises(UsageError, match=r"model 'consamme' needs checkpoint: give --checkpoint"):
        registry.build("model", registry.Reference.parse("consamme"))
