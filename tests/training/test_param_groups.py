"""Which parameters of the paper's recipe learn, and how fast, written out by hand for SAM ViT-B."""

import pytest
import torch

from consbench.errors import UsageError
from consbench_adapters.dimensions import PUBLISHED
from consbench_adapters.sam import build_sam
from consbench_reference_training.config import load
from consbench_reference_training.param_groups import choose_trained, describe, param_groups


@pytest.fixture(scope="module")
def vit_b():
    with torch.device("meta"):  # shapes are enough
        return build_sam(PUBLISHED["vit_b"])


@pytest.fixture(scope="module")
def groups(vit_b):
    spec = load("consamme-vit-b").optimiser
    choose_trained(vit_b, spec)
    found = param_groups(vit_b, spec)
    name_of = {parameter: name for name, parameter in vit_b.named_parameters()}
    return {name_of[p]: group for group in found for p in group["params"]}, found


def test_each_layer_has_two_groups_and_no_parameter_is_in_two(vit_b, groups):
    by_name, found = groups
    assert len(found) == 2 * (1 + 12 + 1 + 1)  # embeddings, blocks, neck, decoder
    assert sum(len(group["params"]) for group in found) == len(by_name)


def test_prompt_encoder_and_quality_head_are_frozen_and_all_else_is_trained(vit_b, groups):
    frozen = {name for name, parameter in vit_b.named_parameters() if not parameter.requires_grad}
    assert frozen == {
        name
        for name, _ in vit_b.named_parameters()
        if name.startswith(("prompt_encoder.", "mask_decoder.iou_prediction_head."))
    }
    assert frozen.isdisjoint(groups[0])
    assert frozen | groups[0].keys() == {name for name, _ in vit_b.named_parameters()}


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("image_encoder.pos_embed", 1e-5 * 0.8**13),
        ("image_encoder.patch_embed.proj.weight", 1e-5 * 0.8**13),
        ("image_encoder.blocks.0.attn.qkv.weight", 1e-5 * 0.8**12),
        ("image_encoder.blocks.5.mlp.lin2.bias", 1e-5 * 0.8**7),
        ("image_encoder.blocks.11.norm1.weight", 1e-5 * 0.8),
        ("image_encoder.neck.0.weight", 1e-5),
        ("mask_decoder.mask_tokens.weight", 1e-5),
    ],
)
def test_rates_fall_by_a_fifth_with_every_layer(groups, name, rate):
    assert groups[0][name]["lr"] == pytest.approx(rate)


def test_the_other_reading_starts_the_last_block_at_the_full_rate(vit_b):
    spec = load("consamme-vit-b", ["optimiser.last_block_decayed=false"]).optimiser
    choose_trained(vit_b, spec)
    scale = {group["name"]: group["scale"] for group in param_groups(vit_b, spec)}
    assert scale["image encoder, block 11, weights"] == 1
    assert scale["image encoder, block 0, weights"] == pytest.approx(0.8**11)
    assert scale["image encoder, embeddings, weights"] == pytest.approx(0.8**12)
    assert scale["mask decoder, weights"] == 1


def test_norms_and_biases_are_never_decayed_whatever_their_class(vit_b, groups):
    by_name, _ = groups
    norms = {
        f"{path}.{leaf}"
        for path, module in vit_b.named_modules()
        if "Norm" in type(module).__name__
        for leaf, _ in module.named_parameters(recurse=False)
    }
    assert any("neck" in name for name in norms), "LayerNorm2d is among them"
    for name, group in by_name.items():
        undecayed = name in norms or name.endswith(".bias")
        assert group["weight_decay"] == (0.0 if undecayed else 0.01), name


def test_a_prefix_that_fits_nothing_is_refused(vit_b):
    spec = load("consamme-vit-b", ["optimiser.frozen=['mask_decoder.iou_head']"]).optimiser
    with pytest.raises(UsageError, match=r"optimiser\.frozen: no parameter .* 'mask_decoder\.iou_head'"):
        choose_trained(vit_b, spec)


def test_a_recipe_that_trains_nothing_is_refused(vit_b):
    spec = load("consamme-vit-b", ["optimiser.frozen=['image_encoder', 'mask_decoder']"]).optimiser
    with pytest.raises(UsageError, match="leave nothing to train"):
        choose_trained(vit_b, spec)


def test_groups_can_be_printed(groups):
    table = describe(groups[1])
    assert "image encoder, block 11, weights" in table
    prompt_encoder, quality_head = 6_220, 2 * (256 * 256 + 256) + 256 * 4 + 4
    assert table.splitlines()[-1].split()[-1] == f"{93_735_472 - prompt_encoder - quality_head:,}"
