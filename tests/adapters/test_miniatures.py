"""The miniatures that ship: small enough, from one another as their records say, and they see what they should."""

import json

import pytest
import torch

from consbench import evaluate, registry
from consbench.registry import Reference
from consbench.testing import check_model
from consbench_adapters import checkpoints, miniatures

FINE_TUNES = ("consamme-vanilla-mini", "consamme-mini")
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def shipped():
    return {name: checkpoints.read(miniatures.checkpoint(name)) for name in miniatures.NAMES}


@pytest.fixture(scope="module")
def singles(tmp_path_factory):
    """A few drawn images of one object each."""
    cache = tmp_path_factory.mktemp("cache")
    return registry.build("dataset", Reference.parse(f"standin-partimagenet,images=6,cache={cache}"))


@pytest.mark.parametrize("name", miniatures.NAMES)
class TestEach:
    def test_can_be_named_and_keeps_the_contract(self, name):
        model = registry.build("model", Reference(name), device="cpu")
        check_model(model).raise_if_failed()

    def test_says_in_its_file_and_beside_it_how_it_was_trained(self, name, shipped):
        record = shipped[name].record
        beside = miniatures.checkpoint(name).with_name(f"{name}.safetensors.json")
        assert json.loads(beside.read_text(encoding="utf-8")) == record
        assert record["name"] == name
        assert record["recipe"]["data"]["standins"]["images"] > 0
        assert record["curve"][-1]["step"] >= record["step"]
        assert record["validation_loss"] == min(row["loss"] for row in record["curve"])

    def test_sees_more_than_the_controls(self, name, singles, tmp_path):
        numbers = evaluate(registry.build("model", Reference(name), device="cpu"), singles, out=tmp_path / name)
        control = evaluate(registry.build("model", Reference("click-disc")), singles, out=tmp_path / "disc")
        for metric in ("mIoU-object", "mIoU-part"):
            assert numbers.summary()[metric].value > control.summary()[metric].value


def test_they_are_small(shipped):
    sizes = [checkpoint.path.stat().st_size for checkpoint in shipped.values()]
    assert max(sizes) <= 16 * MEGABYTE
    assert sum(sizes) <= 40 * MEGABYTE


def test_all_started_from_the_sam_mini_that_ships(shipped):
    for name in ("hq-sam-mini", *FINE_TUNES):
        assert shipped[name].record["started_from"]["sha256"] == shipped["sam-mini"].sha256


def test_the_hq_head_stands_on_a_frozen_sam(shipped):
    frozen, hq = shipped["sam-mini"].tensors, shipped["hq-sam-mini"].tensors
    assert all(torch.equal(hq[name], tensor) for name, tensor in frozen.items())


def test_the_baseline_learnt_for_as_many_steps_as_both_fine_tunes_together(shipped):
    masks = shipped["sam-mini"].record["step"] - shipped["sam-mini"].record["recipe"]["dense"]["steps"]
    assert masks >= sum(shipped[name].record["step"] for name in FINE_TUNES)


def test_the_fine_tunes_differ_in_the_contrastive_loss_alone(shipped):
    vanilla, contrastive = (shipped[name].record["recipe"] for name in FINE_TUNES)
    assert (vanilla["loss"].pop("contrast"), contrastive["loss"].pop("contrast")) == (0.0, 0.5)
    for recipe in (vanilla, contrastive):
        del recipe["name"], recipe["about"]
    assert vanilla == contrastive
