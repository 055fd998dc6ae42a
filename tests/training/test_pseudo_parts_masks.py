"""SAM's automatic masks on a tiny network, against the package's own generator; and models that are no SAM."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator

from consbench import registry
from consbench.datasets.base import SampleList
from consbench.errors import ContractError, RunFailed, UsageError
from consbench.masks import Mask
from consbench.model import Prediction
from consbench.types import Object, Sample
from consbench_adapters import checkpoints, sam
from consbench_adapters.dimensions import SamDimensions
from consbench_reference_training.pseudo_parts import Source, automatic_masks, make_labels
from consbench_reference_training.pseudo_parts.automatic_masks import AutomaticMasks
from consbench_reference_training.pseudo_parts.batches import Shard
from consbench_reference_training.pseudo_parts.proposers import ClickGrid, Grid, choose_proposer

TINY = SamDimensions(
    embed_dim=16,
    depth=1,
    heads=2,
    global_attention=(0,),
    image_size=64,
    patch_size=8,
    decoder_dim=32,
    decoder_heads=2,
    decoder_mlp_dim=32,
    iou_hidden_dim=16,
)
OPEN = Grid(points_per_side=3, pred_iou=0.0, stability=0.0, box_nms=1.0)  # a network of noise passes no threshold


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """SAM's own classes with 64-pixel input and random weights that spread the logits."""
    torch.manual_seed(0)
    network = sam.build_sam(TINY)
    for name, tensor in network.state_dict().items():
        noise = torch.randn_like(tensor)
        if tensor.ndim < 2:
            tensor.copy_(0.1 * noise + (1.0 if name.endswith("weight") else 0.0))
        elif "pos" in name or "token" in name or "embed" in name:
            tensor.copy_(noise)
        else:
            tensor.copy_(noise * (15.0 if "mlps" in name and "layers.2" in name else 1.4) / tensor[0].numel() ** 0.5)
    path = tmp_path_factory.mktemp("sam") / "tiny.safetensors"
    checkpoints.write(path, network.state_dict(), {"dimensions": TINY.as_json()})
    return sam.load(checkpoint=path, device="cpu")


@pytest.fixture(scope="module")
def image():
    coarse = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, 8, 0), 8, 1)


@pytest.mark.parametrize(
    "options", [{}, {"crop_layers": 1, "points_per_side": 8}, {"box_nms": 0.9}, {"stability": 0.6}, {"pred_iou": 0.5}]
)
def test_regions_are_those_of_the_packages_generator(model, image, options):
    grid = replace(OPEN, **options)
    generator = SamAutomaticMaskGenerator(
        model.network,
        points_per_side=grid.points_per_side,
        pred_iou_thresh=grid.pred_iou,
        stability_score_thresh=grid.stability,
        box_nms_thresh=grid.box_nms,
        crop_nms_thresh=grid.box_nms,
        crop_n_layers=grid.crop_layers,
    )
    wanted = generator.generate(image)
    regions = AutomaticMasks(model, grid).propose(image)
    assert len(regions) == len(wanted) > 0
    assert not options or len(regions) != 27  # which is all there are without thresholds
    for region, one in zip(regions, wanted, strict=True):
        assert (region.mask.array() == one["segmentation"]).all()
        assert region.score == one["predicted_iou"]


def test_a_sam_labels_the_same_bytes_in_one_process_or_two(model, image, tmp_path):
    whole = np.zeros(image.shape[:2], dtype=bool)
    whole[5:40, 10:50] = True
    mirrored = image[:, ::-1].copy()
    samples = [
        Sample(
            name, *image.shape[:2], (Object(1, "thing", Mask.from_array(whole), ()),), lambda picture=picture: picture
        )
        for name, picture in (("a", image), ("b", mirrored))
    ]
    source, grid = Source(SampleList(samples), tmp_path, {}), OPEN
    make_labels(source, AutomaticMasks(model, grid), out=tmp_path / "one.parquet")
    for index in (0, 1):
        state = make_labels(source, AutomaticMasks(model, grid), out=tmp_path / "two.parquet", shard=Shard(index, 2))
    assert state.about.counts["objects_kept"] == 2
    assert state.about.identity["proposer"]["model"]["sha256"] == model.identity["sha256"]
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_thresholds_that_nothing_passes_give_no_region(model, image):
    assert AutomaticMasks(model, replace(OPEN, stability=1.0)).propose(image) == []


def test_large_images_are_asked_with_fewer_clicks_at_a_time(model, image, monkeypatch):
    """The number bounds memory and changes no more than the last bits."""
    together = AutomaticMasks(model, OPEN)
    monkeypatch.setattr(automatic_masks, "PIXELS_OF_A_BATCH", image[..., 0].size // 20)
    split = AutomaticMasks(model, OPEN)
    ours, theirs = split.propose(image), together.propose(image)
    assert split._generator.points_per_batch == 3
    np.testing.assert_allclose([r.score for r in ours], [r.score for r in theirs], atol=1e-5)


def test_a_half_precision_encoder_leaves_the_rest_in_single_precision(model, image):
    proposer = AutomaticMasks(replace(model, dtype="bfloat16"), OPEN)
    proposer._generator.predictor.set_image(image)
    features = proposer._generator.predictor.features
    exact = AutomaticMasks(model, OPEN)
    exact._generator.predictor.set_image(image)
    assert features.dtype == torch.float32
    assert not torch.equal(features, exact._generator.predictor.features)
    assert proposer.propose(image)


def test_the_generator_is_described_without_what_changes_no_region(model):
    described = choose_proposer(model, OPEN, "tiny").describe()
    assert described["method"] == "sam-automatic-masks"
    assert described["model"]["name"] == "tiny"
    assert len(described["model"]["sha256"]) == 64
    assert (described["points_per_side"], described["pred_iou"]) == (3, 0.0)
    assert "points_per_batch" not in described


def test_a_model_with_stale_scores_is_refused(model):
    with pytest.raises(UsageError, match=r"those of 'consamme' are stale: .* Take the SAM it was trained from"):
        choose_proposer(replace(model, scored=False), OPEN, "consamme")


def test_out_of_memory_says_what_to_lower(model, image, monkeypatch):
    proposer = AutomaticMasks(model, OPEN)

    def exhausted(_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(proposer._generator, "generate", exhausted)
    with pytest.raises(RunFailed, match=r"64×48 pixels with 64 clicks .* Lower --points-per-batch, for example to 32"):
        proposer.propose(image)


def test_control_models_that_see_the_ground_truth_are_refused():
    with pytest.raises(UsageError, match=r"'oracle' is shown the ground truth"):
        choose_proposer(registry.find("model", "oracle")(), OPEN, "oracle")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points_per_side": 0}, "points per side must be at least 1; got 0"),
        ({"points_per_batch": 0}, "points per batch must be at least 1; got 0"),
        ({"crop_layers": -1}, "crop layers must be at least 0; got -1"),
        ({"pred_iou": 1.1}, "pred iou is a share from 0 to 1; got 1.1"),
        ({"stability": -0.5}, "stability is a share from 0 to 1; got -0.5"),
        ({"box_nms": float("nan")}, "box nms is a share from 0 to 1; got nan"),
    ],
)
def test_grids_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Grid(**options)


def test_any_model_is_clicked_on_the_grid_and_equal_masks_are_one_region():
    seen = []

    def halves(image, clicks):
        """Left or right half of the image, and the whole; twice."""
        seen.append(clicks)
        right = clicks[:, 0, None, None] >= 4
        half = (np.arange(8)[None, None, :] >= 4) == right
        half = np.broadcast_to(half, (len(clicks), 4, 8))
        return np.stack([half, np.ones_like(half), half], axis=1)

    regions = choose_proposer(halves, Grid(points_per_side=2)).propose(np.zeros((4, 8, 3), np.uint8))
    assert np.concatenate(seen).tolist() == [[2, 1], [6, 1], [2, 3], [6, 3]]
    assert [region.mask.area for region in regions] == [16, 32, 16]


def test_the_best_score_of_equal_masks_counts_and_unusable_answers_do_not():
    class Scored:
        def encode(self, image_HWC):
            return self

        def predict(self, clicks_N2):
            masks = np.zeros((len(clicks_N2), 3, 4, 4), dtype=bool)
            masks[:, 0, :2] = masks[:, 1, 2:] = True
            scores = np.stack([clicks_N2[:, 0] / 10, clicks_N2[:, 0], clicks_N2[:, 0]], axis=1)
            return Prediction(masks, scores, np.array([[True, False, True]] * len(clicks_N2)))

    (region,) = ClickGrid(Scored(), points_per_side=4).propose(np.zeros((4, 4, 3), np.uint8))
    assert (region.mask.area, region.score) == (8, 0.3)


def test_a_model_that_breaks_its_contract_is_named_as_such():
    with pytest.raises(ContractError, match=r"threshold them: logits > 0"):
        choose_proposer(lambda image, clicks: np.zeros((len(clicks), 1, 4, 4)), OPEN).propose(
            np.zeros((4, 4, 3), np.uint8)
        )


def test_region_tree_proposes_nested_regions_that_cover_what_was_clicked(image):
    regions = choose_proposer(registry.find("model", "region-tree")(), Grid(points_per_side=4), "region-tree").propose(
        image
    )
    assert np.any([region.mask.array() for region in regions], axis=0).mean() > 0.5
    assert len({region.mask for region in regions}) == len(regions) > 4
