"""The HQ-SAM adapter: three masks where the released decoder returns one, and its official output bit for bit."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from segment_anything_hq import SamPredictor, sam_model_registry

from consbench.errors import UsageError
from consbench_adapters import hq_sam
from consbench_adapters.dimensions import PUBLISHED


def official_answers(network, image, clicks, **options):
    """Scores and low-resolution logits of the package's own predictor, called click by click."""
    predictor = SamPredictor(network)
    predictor.set_image(image)
    answers = [predictor.predict(click[None], np.array([1]), multimask_output=True, **options) for click in clicks]
    masks, scores, logits = (np.stack(column) for column in zip(*answers, strict=True))
    return masks, scores, logits


def click_by_click(encoded, clicks):
    answers = [encoded.answer(click[None]) for click in clicks]
    return (torch.cat(column).numpy() for column in zip(*answers, strict=True))


def test_mode_hq_is_the_official_output_bit_for_bit(hq_sam_file, official_hq_sam, image, clicks_on):
    clicks = clicks_on(image)
    masks, scores, logits = official_answers(official_hq_sam, image, clicks)
    encoded = hq_sam.load(hq_sam_file, mode="hq", device="cpu").encode(image)
    our_logits, our_scores = click_by_click(encoded, clicks)
    prediction = encoded.predict(clicks)

    np.testing.assert_array_equal(our_logits, logits)
    np.testing.assert_array_equal(our_scores, scores)
    assert prediction.masks_NKHW.shape == masks.shape == (len(clicks), 1, *image.shape[:2])
    assert (prediction.masks_NKHW != masks).mean() <= 1e-5


def test_the_best_scored_of_the_three_masks_is_the_official_output_bit_for_bit(
    hq_sam_file, official_hq_sam, image, clicks_on
):
    clicks = clicks_on(image)
    _, scores, logits = official_answers(official_hq_sam, image, clicks)
    encoded = hq_sam.load(hq_sam_file, device="cpu").encode(image)
    our_logits, our_scores = click_by_click(encoded, clicks)
    best = our_scores.argmax(axis=1)
    rows = np.arange(len(clicks))

    assert our_logits.shape[1] == 3
    np.testing.assert_array_equal(our_logits[rows, best], logits[:, 0])
    np.testing.assert_array_equal(our_scores[rows, best], scores[:, 0])


def test_three_masks_are_the_multimask_logits_plus_the_residual(hq_sam_file, official_hq_sam, picture, clicks_on):
    image = picture((90, 160), seed=2)
    clicks = clicks_on(image)
    _, _, residual = official_answers(official_hq_sam, image, clicks, hq_token_only=True)
    summed, _ = click_by_click(hq_sam.load(hq_sam_file, device="cpu").encode(image), clicks)
    plain, _ = click_by_click(hq_sam.load(hq_sam_file, mode="sam", device="cpu").encode(image), clicks)

    np.testing.assert_array_equal(summed, plain + residual)
    assert np.abs(residual).std() > 0.1
    assert np.abs(plain).std() > 0.1


@pytest.mark.parametrize("mode", ["sam+hq", "sam", "hq"])
def test_a_batch_equals_single_clicks_in_every_mode(hq_sam_file, picture, clicks_on, mode):
    image = picture((140, 100), seed=4)
    clicks = clicks_on(image, count=7)
    whole, single = (
        hq_sam.load(hq_sam_file, mode=mode, device="cpu", chunk=chunk).encode(image).predict(clicks)
        for chunk in (50, 1)
    )

    assert (whole.masks_NKHW != single.masks_NKHW).mean() <= 1e-5
    assert np.abs(whole.scores_NK - single.scores_NK).max() <= 1e-5


def test_images_do_not_leak_into_each_other(hq_sam_file, picture, clicks_on):
    model = hq_sam.load(hq_sam_file, device="cpu")
    first, second = picture((80, 120), seed=1), picture((120, 80), seed=2)
    clicks = clicks_on(first[:80, :80], count=4)
    alone = model.encode(first).predict(clicks)
    one = model.encode(first)
    model.encode(second).predict(clicks)

    np.testing.assert_array_equal(one.predict(clicks).masks_NKHW, alone.masks_NKHW)


def test_half_precision_is_near(hq_sam_file, picture, clicks_on):
    image = picture((90, 160), seed=5)
    clicks = clicks_on(image)
    full, half = (
        hq_sam.load(hq_sam_file, device="cpu", dtype=dtype).encode(image).answer(clicks).logits_NKhw
        for dtype in ("float32", "bfloat16")
    )

    assert half.dtype == torch.float32
    assert 0 < (half - full).abs().mean() < 0.1 * full.abs().mean()


def test_mode_and_weights_are_part_of_the_identity(hq_sam_file):
    described = hq_sam.load(hq_sam_file, mode="sam", device="cpu", dtype="bfloat16").describe()

    assert described["model"] == "hq-sam"
    assert described["options"] == {"mode": "sam", "dtype": "bfloat16"}
    with pytest.raises(UsageError, match=r"mode must be sam\+hq, sam or hq; got 'both'"):
        hq_sam.load(hq_sam_file, mode="both")


@pytest.mark.parametrize("arch", ["vit_b", "vit_l", "vit_h"])
def test_published_sizes_have_the_parameters_of_the_official_builds(arch):
    with torch.device("meta"):
        ours, official = hq_sam.build_hq_sam(PUBLISHED[arch]), sam_model_registry[arch]()

    assert {n: p.shape for n, p in ours.state_dict().items()} == {n: p.shape for n, p in official.state_dict().items()}


@pytest.mark.slow
def test_importing_the_adapter_warns_of_nothing():
    """timm deprecates what segment_anything_hq imports; a user who turns warnings into errors must not suffer."""
    code = (
        "import torch, torchvision; import warnings; warnings.simplefilter('error'); import consbench_adapters.hq_sam"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
