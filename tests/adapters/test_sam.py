"""The SAM adapter against segment_anything's own SamPredictor, and its options."""

import json

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor, sam_model_registry

from consbench import registry
from consbench.errors import RunFailed, UnknownName, UsageError
from consbench.model import check_prediction
from consbench_adapters import checkpoints, sam
from consbench_adapters.dimensions import PUBLISHED


@pytest.fixture(scope="module")
def model(sam_file):
    return sam.load(sam_file, device="cpu")


def official_answers(network, image, clicks):
    """Masks, scores and low-resolution logits of SamPredictor, called click by click."""
    predictor = SamPredictor(network)
    predictor.set_image(image)
    answers = [
        predictor.predict(point_coords=click[None], point_labels=np.array([1]), multimask_output=True)
        for click in clicks
    ]
    return tuple(np.stack(column) for column in zip(*answers, strict=True))


def test_answers_equal_the_official_predictor_click_by_click(model, official_sam, image, clicks_on):
    clicks = clicks_on(image)
    masks, scores, logits = official_answers(official_sam, image, clicks)
    encoded = model.encode(image)
    ours = encoded.predict(clicks)

    assert np.abs(encoded.answer(clicks).logits_NKhw.numpy() - logits).max() <= 1e-5
    assert np.abs(ours.scores_NK - scores).max() <= 1e-5
    assert (ours.masks_NKHW != masks).mean() <= 1e-5
    alone = np.concatenate([encoded.answer(click[None]).logits_NKhw.numpy() for click in clicks])
    np.testing.assert_array_equal(alone, logits)
    assert check_prediction(ours, len(clicks), image.shape[:2]).scores_NK.dtype == np.float32


def test_the_networks_of_these_tests_would_show_a_mistake(model, picture, clicks_on):
    """Logits spread by about a half and move with the click, with exchanged axes, and by half a pixel."""
    image = picture((90, 160), seed=0)
    clicks = np.array([[20.0, 70.0], [70.0, 20.0], [20.5, 70.5]])
    logits = model.encode(image).answer(clicks).logits_NKhw.numpy()
    masks = model.encode(image).predict(clicks_on(image)).masks_NKHW

    assert logits.std() > 0.3
    assert np.abs(logits[0] - logits[1]).max() > 0.05
    assert np.abs(logits[0] - logits[2]).max() > 1e-3
    assert 0.05 < masks.mean() < 0.95


def test_a_batch_equals_single_clicks_and_chunks_do_not_matter(sam_file, picture, clicks_on):
    image = picture((100, 140), seed=4)
    clicks = clicks_on(image, count=7)
    answers = [sam.load(sam_file, device="cpu", chunk=chunk).encode(image).predict(clicks) for chunk in (1, 3, 7, 50)]

    for answer in answers[1:]:
        assert (answer.masks_NKHW != answers[0].masks_NKHW).mean() <= 1e-5
        assert np.abs(answer.scores_NK - answers[0].scores_NK).max() <= 1e-5


def test_no_clicks_give_no_masks(model, picture):
    answer = model.encode(picture((20, 30), seed=1)).predict(np.zeros((0, 2)))

    assert answer.masks_NKHW.shape == (0, 3, 20, 30)
    assert answer.scores_NK.shape == (0, 3)


def test_images_do_not_leak_into_each_other(model, picture, clicks_on):
    first, second = picture((80, 120), seed=1), picture((120, 80), seed=2)
    clicks = clicks_on(first[:80, :80], count=4)
    alone = model.encode(first).predict(clicks)
    one, other = model.encode(first), model.encode(second)
    after = other.predict(clicks)
    again = one.predict(clicks)

    np.testing.assert_array_equal(again.masks_NKHW, alone.masks_NKHW)
    np.testing.assert_array_equal(again.scores_NK, alone.scores_NK)
    assert after.masks_NKHW.shape != again.masks_NKHW.shape


def test_the_image_and_the_clicks_are_left_as_they_were(model, picture, clicks_on):
    image = picture((80, 120), seed=1)
    clicks = clicks_on(image)
    image_before, clicks_before = image.copy(), clicks.copy()
    image.flags.writeable = clicks.flags.writeable = False
    model.encode(image).predict(clicks)

    np.testing.assert_array_equal(image, image_before)
    np.testing.assert_array_equal(clicks, clicks_before)


def test_loading_leaves_the_callers_random_state_alone(sam_file):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    sam.load(sam_file, device="cpu")

    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((3, 4, 4), np.uint8)]
)
def test_an_image_of_another_form_is_refused(model, wrong):
    with pytest.raises(ValueError, match=r"image_HWC must be uint8 of shape \(H, W, 3\), RGB; got "):
        model.encode(wrong)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_near_and_keeps_clicks_in_float32(sam_file, picture, clicks_on, dtype):
    image = picture((90, 160), seed=5)
    clicks = clicks_on(image)
    full, half = sam.load(sam_file, device="cpu"), sam.load(sam_file, device="cpu", dtype=dtype)
    reference = full.encode(image).answer(clicks).logits_NKhw
    autocast = {}
    for name in ("image_encoder", "prompt_encoder", "mask_decoder"):
        module = getattr(half.network, name)
        module.register_forward_hook(lambda *_, name=name: autocast.update({name: torch.is_autocast_enabled("cpu")}))
    answer = half.encode(image).answer(clicks)

    assert autocast == {"image_encoder": True, "prompt_encoder": False, "mask_decoder": True}
    assert answer.logits_NKhw.dtype == answer.scores_NK.dtype == torch.float32
    difference = (answer.logits_NKhw - reference).abs()
    assert 0 < difference.mean() < 0.1 * reference.abs().mean()
    assert half.encode(image).predict(clicks).masks_NKHW.dtype == np.bool_


def test_options_that_cannot_be_are_refused(sam_file):
    with pytest.raises(UsageError, match=r"device 'cuda:99' is not there; available: auto, (cuda, )?(mps, )?cpu"):
        sam.load(sam_file, device="cuda:99")
    with pytest.raises(UsageError, match=r"device 'gpu' is not there; available: auto, .*cpu"):
        sam.load(sam_file, device="gpu")
    with pytest.raises(UsageError, match=r"chunk is how many clicks are decoded at a time, at least 1; got 0"):
        sam.load(sam_file, chunk=0)
    with pytest.raises(UsageError, match=r"dtype must be float32, bfloat16 or float16; got 'int8'"):
        sam.load(sam_file, dtype="int8")


def test_out_of_memory_says_to_lower_chunk(sam_file, picture, monkeypatch):
    model = sam.load(sam_file, device="cpu", chunk=8)
    encoded = model.encode(picture((20, 30), seed=1))

    def exhausted(**_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nlong story")

    monkeypatch.setattr(model.network.mask_decoder, "forward", exhausted)
    with pytest.raises(
        RunFailed,
        match=r"ran out of memory while decoding 8 clicks at a time\. Lower chunk, for example chunk=4\. "
        r"\(CUDA out of memory\. Tried to allocate 2 GiB\)$",
    ):
        encoded.predict(np.array([[1.0, 1.0]]))


def test_the_identity_is_json_and_names_weights_options_and_licence(model, sam_file, dimensions):
    described = json.loads(json.dumps(model.describe()))

    assert described["model"] == "sam"
    assert described["architecture"] == "custom"
    assert described["dimensions"] == dimensions.as_json()
    assert described["sha256"] == checkpoints.read(sam_file).sha256
    assert described["published"] is None
    assert described["licence"] == "unknown"
    assert described["options"] == {"dtype": "float32"}
    assert not {"device", "packages", "checkpoint"} & set(described)  # another machine may go on with the run
    assert model.default_order == "area"


def test_sam_is_found_by_name_with_its_options(sam_file):
    model = registry.build("model", registry.Reference.parse(f"sam,checkpoint={sam_file},chunk=5"), device="cpu")

    assert (model.chunk, str(model.device)) == (5, "cpu")
    with pytest.raises(UnknownName, match=r"'vit-b'; did you mean 'vit_b'\?"):
        registry.build("model", registry.Reference.parse("sam,arch=vit-b"))


@pytest.mark.parametrize("arch", ["vit_b", "vit_l", "vit_h"])
def test_published_sizes_have_the_parameters_of_the_official_builds(arch):
    with torch.device("meta"):
        ours, official = sam.build_sam(PUBLISHED[arch]), sam_model_registry[arch]()

    assert {n: p.shape for n, p in ours.state_dict().items()} == {n: p.shape for n, p in official.state_dict().items()}
    windows = [[block.window_size for block in net.image_encoder.blocks] for net in (ours, official)]
    heads = [[block.attn.num_heads for block in net.image_encoder.blocks] for net in (ours, official)]
    assert windows[0] == windows[1]
    assert heads[0] == heads[1]
    assert ours.image_encoder.img_size == official.image_encoder.img_size
    assert ours.mask_decoder.transformer.num_heads == official.mask_decoder.transformer.num_heads


@pytest.mark.slow
def test_a_plain_vit_b_file_answers_alike_in_the_official_build_and_in_ours(tmp_path, picture, clicks_on, randomise):
    path = tmp_path / "sam_vit_b.pth"
    # Rounding between one click and several at once grows with the logits, about 2e-5 of the largest on noise.
    torch.save(randomise(sam_model_registry["vit_b"](), seed=2, gain=0.4).state_dict(), path)
    image = picture((333, 500), seed=1)
    clicks = clicks_on(image, count=3)
    masks, scores, logits = official_answers(sam_model_registry["vit_b"](checkpoint=str(path)), image, clicks)
    model = sam.load(path, device="cpu")
    encoded = model.encode(image)
    ours, answer = encoded.predict(clicks), encoded.answer(clicks)

    assert logits.std() > 0.05
    np.testing.assert_array_equal(encoded.answer(clicks[:1]).logits_NKhw.numpy(), logits[:1])
    assert np.abs(answer.logits_NKhw.numpy() - logits).max() <= 1e-5
    assert np.abs(ours.scores_NK - scores).max() <= 1e-5
    assert (ours.masks_NKHW != masks).mean() <= 1e-5
    assert model.describe()["architecture"] == "vit_b"
