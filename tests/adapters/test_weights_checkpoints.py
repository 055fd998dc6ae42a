"""Checkpoint files, good and bad: every bad one has its own message."""

import json
import os
import pickle
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from consbench.errors import WeightsError
from consbench_adapters import checkpoints, hq_sam, sam
from consbench_adapters.dimensions import PUBLISHED, SamDimensions, likeness, published_arch


def shapes_of(dimensions, build=sam.build_sam):
    with torch.device("meta"):
        return {name: torch.empty(t.shape, device="meta") for name, t in build(dimensions).state_dict().items()}


def skeleton(dimensions, build=sam.build_sam):
    """A state dict of the right names and shapes that takes no memory: one zero, seen many times."""
    return {name: torch.zeros(1).expand(t.shape) for name, t in shapes_of(dimensions, build).items()}


@pytest.fixture
def saved(tmp_path):
    def save(content, name="weights.pth", **options):
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.mark.parametrize("kind", ["pth", "old pth", "safetensors", "half safetensors"])
def test_every_kind_of_file_gives_the_same_network(official_sam, dimensions, tmp_path, kind):
    state = official_sam.state_dict()
    path = tmp_path / f"w.{kind.split()[-1]}"
    if "pth" in kind:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "pth")
        (tmp_path / "w.pth.json").write_text(json.dumps({"dimensions": dimensions.as_json()}))
    else:
        state = {n: t.half() for n, t in state.items()} if "half" in kind else state
        checkpoints.write(path, state, {"dimensions": dimensions.as_json()})
    network = sam.load(path, device="cpu").network

    assert all(torch.equal(tensor, state[name].float()) for name, tensor in network.state_dict().items())
    assert not network.training
    assert all(tensor.dtype == torch.float32 for tensor in network.parameters())


def test_writing_is_all_or_nothing_and_keeps_the_record(tmp_path):
    path = tmp_path / "w.safetensors"
    checkpoints.write(path, {"a": torch.arange(6.0).reshape(2, 3).T}, {"recipe": "δ", "seed": 1})
    found = checkpoints.read(path)

    assert torch.equal(found.tensors["a"], torch.arange(6.0).reshape(2, 3).T)
    assert found.record == {"recipe": "δ", "seed": 1}
    with pytest.raises(TypeError, match="not JSON serializable"):
        checkpoints.write(path, {"a": torch.zeros(1)}, {"recipe": object()})
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]
    assert checkpoints.read(path).sha256 == found.sha256


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"checkpoint .*/absent\.pth: there is no file of that name \(looked for /"):
        sam.load(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match=r"there is a directory of that name"):
        sam.load(tmp_path)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_damaged(official_sam, tmp_path, name, share):
    path = tmp_path / name
    (save_file if name.endswith("safetensors") else torch.save)(official_sam.state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(
        WeightsError,
        match=rf"{name} \([\d,]+ bytes\) is damaged, cut short or of another format: .*\. Fetch or copy it again$",
    ):
        sam.load(path)


def test_a_web_page_saved_as_weights_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("<!DOCTYPE html><html>Sign in</html>")

    with pytest.raises(WeightsError, match=r"weights\.pth .*(is damaged, cut short|holds more than tensors)"):
        sam.load(path)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("save", [torch.save, pickle.dump])
def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch, save):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "evil.pth").open("wb") as file:
        save({"a": Harmful()}, file)

    with pytest.raises(
        WeightsError,
        match=r"evil\.pth holds more than tensors, or no tensors at all, and is not opened, because unpickling it "
        r"could run code\. Save the model's state_dict\(\) with torch\.save, or as \.safetensors",
    ):
        sam.load(tmp_path / "evil.pth")
    assert not (tmp_path / "harm").exists()


def test_what_is_no_state_dict_is_refused(saved):
    with pytest.raises(WeightsError, match=r"holds a list; expected a state dict, that is named tensors$"):
        sam.load(saved([torch.zeros(1)]))
    with pytest.raises(WeightsError, match=r"holds an empty dictionary; expected a state dict"):
        sam.load(saved({}))
    training = {"model": {"a": torch.zeros(1)}, "epoch": 3}
    with pytest.raises(
        WeightsError,
        match=r"weights\.pth is no plain state dict: 2 of its 2 entries are no tensors \(model, epoch\)\. "
        r"Save what is under 'model' as a file of its own$",
    ):
        sam.load(saved(training))


def test_tensors_of_something_else_are_refused(saved):
    with pytest.raises(
        WeightsError,
        match=r"is no SAM: none of its 2 tensors \('conv1\.weight', 'fc\.bias'\) belongs to image_encoder, "
        r"prompt_encoder and mask_decoder\. Give the file of a sam model$",
    ):
        sam.load(saved({"conv1.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}))


def test_a_prefix_of_a_training_wrapper_is_told(saved, official_sam):
    wrapped = {f"module.{name}": tensor for name, tensor in official_sam.state_dict().items()}
    with pytest.raises(WeightsError, match=r"is a SAM whose tensor names carry the prefix 'module\.'; save it without"):
        sam.load(saved(wrapped))


def test_a_mobile_sam_is_a_relative_with_another_encoder(saved, official_sam):
    renamed = {
        name.replace("patch_embed.proj", "patch_embed.seq.0.c"): t for name, t in official_sam.state_dict().items()
    }
    with pytest.raises(
        WeightsError, match=r"is a relative of SAM with another image encoder or decoder \('image_encoder"
    ):
        sam.load(saved(renamed))


@pytest.mark.parametrize(("arch", "width", "blocks"), [("vit_l", 1024, 24), ("vit_h", 1280, 32)])
@pytest.mark.parametrize("module", [sam, hq_sam])
def test_another_published_size_is_recognised(monkeypatch, saved, dimensions, module, arch, width, blocks):
    """Only shapes are compared, so the file is a skeleton and nothing of ViT-B's size is filled in."""
    build = sam.build_sam if module is sam else hq_sam.build_hq_sam
    path = saved(skeleton(PUBLISHED[arch], build))
    title = "SAM" if module is sam else "HQ-SAM"
    monkeypatch.setattr(module, build.__name__, on_meta(build))

    with pytest.raises(
        WeightsError,
        match=rf"weights\.pth looks like {title} {arch} \(embed dim {width}, {blocks} blocks\), but vit_b "
        rf"\(embed dim 768\) was asked for\. Add arch={arch}$",
    ):
        module.load(path, device="cpu")


def on_meta(build):
    def built(dimensions):
        with torch.device("meta"):
            return build(dimensions)

    return built


def test_a_miniature_without_record_is_recognised(monkeypatch, saved, official_sam):
    monkeypatch.setattr(sam, "build_sam", on_meta(sam.build_sam))
    with pytest.raises(
        WeightsError,
        match=r"looks like SAM of other dimensions \(embed dim 32, 3 blocks, images of 128 px\), but vit_b was asked "
        r"for\. Sizes that were never published are read from the file's own record: a \.safetensors header with "
        r"'consbench', or weights\.pth\.json beside it$",
    ):
        sam.load(saved(official_sam.state_dict()))


def test_dimensions_in_the_file_do_not_give_way_to_another_arch(sam_file):
    with pytest.raises(
        WeightsError,
        match=r"carries its own dimensions \(embed dim 32, 3 blocks, images of 128 px\), "
        r"which are not vit_l's; leave arch out$",
    ):
        sam.load(sam_file, arch="vit_l")


def test_a_plain_sam_file_is_no_hq_sam(sam_file):
    with pytest.raises(
        WeightsError,
        match=r"looks like SAM of other dimensions .*: 25 tensors of HQ-SAM's decoder are missing "
        r"\(mask_decoder\.compress_vit_feat\.0\.bias, .*\)\. Give an HQ-SAM file, or run this one with --model sam$",
    ):
        hq_sam.load(sam_file)


def test_an_hq_sam_file_is_no_plain_sam(hq_sam_file):
    with pytest.raises(
        WeightsError,
        match=r"looks like HQ-SAM of other dimensions .*: SAM has no place for 25 of its tensors .*\. "
        r"Run it with --model hq-sam, where mode=sam gives its plain masks$",
    ):
        sam.load(hq_sam_file)


def test_what_almost_fits_is_refused_with_the_names(official_sam, dimensions, tmp_path):
    state = dict(official_sam.state_dict())
    del state["mask_decoder.iou_token.weight"]
    state["optimizer_step"] = torch.zeros(1)
    state["image_encoder.pos_embed"] = torch.zeros(1, 16, 16, 8)
    path = tmp_path / "w.safetensors"
    checkpoints.write(path, state, {"dimensions": dimensions.as_json()})
    message = (
        "but does not fit: 1 tensors missing (mask_decoder.iou_token.weight); 1 tensors not known to the model "
        "(optimizer_step); 1 tensors of another shape (image_encoder.pos_embed (1, 16, 16, 8) for (1, 16, 16, 32)). "
        "Nothing was loaded"
    )
    with pytest.raises(WeightsError, match=re.escape(message) + "$"):
        sam.load(path)


def test_likeness_knows_every_published_network():
    for arch, dimensions in PUBLISHED.items():
        for build, family in ((sam.build_sam, "sam"), (hq_sam.build_hq_sam, "hq-sam")):
            shapes = {name: tuple(t.shape) for name, t in shapes_of(dimensions, build).items()}
            assert likeness(shapes)[:2] == (family, arch)
        assert published_arch(dimensions) == arch


@given(
    st.builds(
        lambda heads, width, depth, size, decoder, windows: SamDimensions(
            embed_dim=heads * width,
            depth=depth,
            heads=heads,
            global_attention=(depth - 1,),
            image_size=16 * size,
            decoder_dim=16 * decoder,
            window_size=windows,
        ),
        *(st.integers(1, 8) for _ in range(6)),
    )
)
def test_dimensions_survive_json(dimensions):
    assert SamDimensions.from_json(json.loads(json.dumps(dimensions.as_json()))) == dimensions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_size": 100}, "image_size must be a positive multiple of 16; got 100"),
        ({"heads": 5}, "embed_dim must be a positive multiple of 5; got 64"),
        ({"decoder_dim": 24}, "decoder_dim must be a positive multiple of 16; got 24"),
        ({"global_attention": (2,)}, r"global_attention must name blocks between 0 and 1; got \(2,\)"),
        ({"global_attention": ()}, r"global_attention must name blocks between 0 and 1; got \(\)"),
    ],
)
def test_dimensions_that_make_no_network_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        SamDimensions(**{"embed_dim": 64, "depth": 2, "heads": 4, "global_attention": (1,), **wrong})
