"""T, taken by hooks, is what the decoder makes its masks of."""

import pytest
import torch

from consbench_adapters.dimensions import SamDimensions
from consbench_adapters.sam import build_sam
from consbench_reference_training.tokens import RowTap


@pytest.fixture
def passed(tiny):
    """One pass through a tiny decoder: the network, T, the upscaled features and all four masks."""
    network = build_sam(SamDimensions.from_json(tiny().network.dimensions))
    kept = {}
    network.mask_decoder.output_upscaling.register_forward_hook(lambda m, i, out: kept.update(features=out))
    tap = RowTap(network.mask_decoder)
    sparse, dense = network.prompt_encoder(points=(torch.rand(5, 1, 2) * 32, torch.ones(5, 1)), boxes=None, masks=None)
    masks, _ = network.mask_decoder.predict_masks(
        image_embeddings=torch.randn(1, 16, 4, 4),
        image_pe=network.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )
    return network, tap, kept["features"], masks


def test_rows_times_features_are_the_masks(passed):
    _, tap, features, masks = passed
    rows = tap.take()
    assert rows.shape == (5, 4, 2)
    torch.testing.assert_close((rows @ features.flatten(2)).view_as(masks), masks, rtol=0, atol=0)


def test_gradients_flow_through_the_rows(passed):
    network, tap, _, _ = passed
    tap.take()[:, 1].sum().backward()
    heads = network.mask_decoder.output_hypernetworks_mlps
    assert heads[1].layers[0].weight.grad.abs().sum() > 0
    assert float(heads[3].layers[0].weight.grad.abs().sum()) == 0  # another row's
    assert network.mask_decoder.mask_tokens.weight.grad is not None


def test_rows_are_taken_once(passed):
    _, tap, _, _ = passed
    tap.take()
    with pytest.raises(RuntimeError, match="there was none since"):
        tap.take()


def test_closing_leaves_the_decoder_as_it_was(passed):
    network, tap, _, _ = passed
    tap.close()
    assert not any(head._forward_hooks for head in network.mask_decoder.output_hypernetworks_mlps)
