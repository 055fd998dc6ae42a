"""Small networks of random weights, built by hand from the official classes, and files that hold them."""

import os
from functools import partial

import numpy as np
import pytest
import torch
from segment_anything import modeling as sam_modeling
from torch import nn

from consbench_adapters import checkpoints
from consbench_adapters.dimensions import SamDimensions
from consbench_adapters.hq_sam import modeling as hq_modeling  # imports it with its warnings silenced

SMALL = SamDimensions(
    embed_dim=32,
    depth=3,
    heads=2,
    global_attention=(1, 2),  # two, so that "the first" means something
    image_size=128,
    patch_size=8,
    window_size=5,  # does not divide the grid of 16, so windows are padded
    decoder_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=64,
    iou_hidden_dim=24,
)


def _by_hand(modeling, decoder, **extra):
    """The network of SMALL, its numbers written out again: an oracle for `assemble`."""
    return modeling.Sam(
        image_encoder=modeling.ImageEncoderViT(
            depth=3,
            embed_dim=32,
            img_size=128,
            mlp_ratio=4,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=8,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[1, 2],
            window_size=5,
            out_chans=32,
        ),
        prompt_encoder=modeling.PromptEncoder(
            embed_dim=32, image_embedding_size=(16, 16), input_image_size=(128, 128), mask_in_chans=16
        ),
        mask_decoder=decoder(
            num_multimask_outputs=3,
            transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=4),
            transformer_dim=32,
            iou_head_depth=3,
            iou_head_hidden_dim=24,
            **extra,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    ).eval()


def _randomise(network, seed, gain=12.0):
    """Fill every tensor, also those that start at zero, so that every part counts and logits spread by about a half.

    `gain` is that of the last layers before the logits."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            if tensor.ndim < 2:
                tensor.copy_(0.1 * noise + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
            elif "pos" in name or "token" in name or "embed.weight" in name or "point_embeddings" in name:
                tensor.copy_(noise)
            else:
                fan_in = tensor[0].numel()
                last = "mlps" in name or "hf_mlp" in name
                tensor.copy_(noise * ((gain if last and "layers.2" in name else 1.4) / fan_in**0.5))
    return network


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


@pytest.fixture(scope="session")
def dimensions():
    return SMALL


@pytest.fixture(scope="session")
def randomise():
    return _randomise


@pytest.fixture(scope="session")
def official_sam():
    """segment_anything's network, built without our code."""
    return _randomise(_by_hand(sam_modeling, sam_modeling.MaskDecoder), seed=0)


@pytest.fixture(scope="session")
def official_hq_sam():
    """segment_anything_hq's network, built without our code."""
    return _randomise(_by_hand(hq_modeling, hq_modeling.MaskDecoderHQ, vit_dim=32), seed=1)


@pytest.fixture(scope="session")
def sam_file(official_sam, tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "small.safetensors"
    checkpoints.write(path, official_sam.state_dict(), {"dimensions": SMALL.as_json()})
    return path


@pytest.fixture(scope="session")
def hq_sam_file(official_hq_sam, tmp_path_factory):
    path = tmp_path_factory.mktemp("hq-sam") / "small-hq.safetensors"
    checkpoints.write(path, official_hq_sam.state_dict(), {"dimensions": SMALL.as_json()})
    return path


@pytest.fixture(scope="session")
def consamme_file(official_sam, tmp_path_factory):
    path = tmp_path_factory.mktemp("consamme") / "tuned.safetensors"
    record = {"dimensions": SMALL.as_json(), "recipe": "consamme_small", "seed": 7, "licence": "CC0-1.0"}
    checkpoints.write(path, official_sam.state_dict(), record)
    return path


SIZES = [(90, 160), (160, 90), (128, 128), (300, 211), (61, 47), (9, 200)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def image(request):
    """Random blobs: landscape, portrait and square; smaller and larger than the network's input."""
    return _picture(request.param, seed=sum(request.param))


@pytest.fixture(scope="session")
def picture():
    return _picture


def _picture(size, seed):
    height, width = size
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, size=(height // 7 + 1, width // 7 + 1, 3), dtype=np.uint8)
    noise = generator.integers(0, 30, size=(height, width, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, 7, 0), 7, 1)[:height, :width] // 2 + noise


@pytest.fixture(scope="session")
def clicks_on():
    """Random clicks on an image, corners included."""

    def clicks(image, count=9):
        height, width = image.shape[:2]
        generator = np.random.default_rng(count)
        inner = np.stack([generator.integers(0, width, count), generator.integers(0, height, count)], axis=1)
        inner[:2] = [[0, 0], [width - 1, height - 1]]
        return inner.astype(np.float64)

    return clicks
