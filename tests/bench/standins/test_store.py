"""Stand-ins on disk: their layouts, read back by the ordinary loaders; whole or not at all."""

import dataclasses
import hashlib
import json
import stat

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from consbench import standins
from consbench.errors import UnknownName, UsageError
from consbench.standins import scene, store, write

LIKES = ("pascal-part", "partimagenet", "paco")
FACTORIES = {"pascal-part": standins.pascal_part, "partimagenet": standins.partimagenet, "paco": standins.paco}
IMAGES, SEED, SIZE = 9, 5, 128


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """One written stand-in per layout."""
    base = tmp_path_factory.mktemp("standins")
    for like in LIKES:
        write(like, base / like, images=IMAGES, seed=SEED, size=SIZE)
    return {like: base / like for like in LIKES}


def drawn(like, index, **options):
    return scene(store.PROFILE_OF[like], SEED, index, size=SIZE, **({"held_out": True} | options))


def content(root):
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("like", LIKES)
def test_the_ordinary_loader_reads_what_was_drawn(like, tmp_path):
    dataset = FACTORIES[like](images=IMAGES, seed=SEED, size=SIZE, cache=tmp_path)
    assert dataset.name == f"standin-{like}"
    assert len(dataset) == IMAGES
    for index, sample in enumerate(dataset):
        truth = drawn(like, index)
        assert sample.skipped == ()
        assert (sample.image() == truth.image_HWC).all()
        assert len(sample.objects) == len(truth.objects)
        for found, wanted in zip(sample.objects, truth.objects, strict=True):
            assert found.category.lower() == wanted.category
            assert found.mask == wanted.mask
            assert [part.mask for part in found.parts] == [part.mask for part in wanted.parts]
            names = [part.category.lower().removeprefix(f"{wanted.category} ") for part in found.parts]
            assert names == [part.category for part in wanted.parts]


@pytest.mark.parametrize("like", LIKES)
def test_the_counts_expected_are_those_of_the_stand_in(like, tmp_path):
    dataset = FACTORIES[like](images=4, seed=SEED, size=SIZE, cache=tmp_path)
    objects = [obj for sample in dataset for obj in sample.objects]
    assert tuple(dataset.expected) == (4, len(objects), sum(len(obj.parts) for obj in objects))


@pytest.mark.parametrize("like", LIKES)
def test_equal_arguments_give_equal_files(like, roots, tmp_path):
    write(like, tmp_path / "again", images=IMAGES, seed=SEED, size=SIZE)
    assert content(tmp_path / "again") == content(roots[like])


@pytest.mark.parametrize("like", LIKES)
def test_the_first_images_do_not_depend_on_how_many_follow(like, roots, tmp_path):
    write(like, tmp_path / "fewer", images=3, seed=SEED, size=SIZE)
    pictures = {k: v for k, v in content(tmp_path / "fewer").items() if not k.endswith((".json", ".txt"))}
    assert len(pictures) >= 3
    assert pictures.items() <= content(roots[like]).items()


@pytest.mark.parametrize("like", LIKES)
def test_another_seed_gives_other_files(like, roots, tmp_path):
    write(like, tmp_path / "other", images=2, seed=SEED + 1, size=SIZE)
    pictures = {v for k, v in content(tmp_path / "other").items() if not k.endswith((".json", ".txt"))}
    assert not pictures & set(content(roots[like]).values())


def test_pascal_part_has_the_files_and_structs_of_the_genuine_release(roots):
    root = roots["pascal-part"]
    voc = root / "VOCdevkit" / "VOC2010"
    ids = (voc / "ImageSets" / "Main" / "val.txt").read_text().split()
    assert ids == [f"2026_{i:06d}" for i in range(1, IMAGES + 1)]
    assert (voc / "ImageSets" / "Main" / "train.txt").read_text() == ""
    without = 0
    for image_id in ids:
        with Image.open(voc / "JPEGImages" / f"{image_id}.jpg") as picture:
            shape = picture.size[::-1]
        file = loadmat(root / "trainval" / "Annotations_Part" / f"{image_id}.mat")
        anno = file["anno"]
        assert anno.shape == (1, 1)
        assert anno.dtype.names == ("imname", "objects")
        assert anno[0, 0]["imname"].tolist() == [image_id]
        objects = anno[0, 0]["objects"]
        assert objects.shape[0] == 1
        assert objects.dtype.names == ("class", "class_ind", "mask", "parts")
        for obj in objects[0]:
            assert obj["class"].shape == (1,)
            assert obj["class"].dtype.kind == "U"
            assert (obj["class_ind"].dtype, obj["class_ind"].shape) == (np.uint8, (1, 1))
            assert (obj["mask"].dtype, obj["mask"].shape) == (np.uint8, shape)
            assert set(np.unique(obj["mask"])) <= {0, 1}
            assert obj["parts"].dtype.names == ("part_name", "mask")
            if obj["parts"].size == 0:
                without += 1
                assert obj["parts"].shape == (0, 0)
                continue
            assert obj["parts"].shape[0] == 1
            for part in obj["parts"][0]:
                assert part["part_name"].shape == (1,)
                assert (part["mask"].dtype, part["mask"].shape) == (np.uint8, shape)
    assert without > 0, "the genuine set has objects without parts; so must this one"


def test_partimagenet_has_the_fields_of_the_genuine_release(roots):
    root = roots["partimagenet"]
    file = json.loads((root / "test.json").read_text())
    assert set(file) == {"images", "annotations", "categories"}
    assert [image["id"] for image in file["images"]] == list(range(IMAGES))
    for image in file["images"]:
        assert (root / "test" / image["file_name"].split("_")[0] / image["file_name"]).is_file()
        assert image["file_name"].endswith(f"_{image['id']}.JPEG")
    supers = {category["id"]: category["supercategory"] for category in file["categories"]}
    names = {category["id"]: category["name"] for category in file["categories"]}
    for annotation in file["annotations"]:
        assert set(annotation) == {"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"}
        assert isinstance(annotation["segmentation"], list)
        assert annotation["area"] > 0
        assert names[annotation["category_id"]].startswith(supers[annotation["category_id"]] + " ")


def test_paco_has_the_fields_of_the_genuine_release(roots):
    root = roots["paco"]
    file = json.loads((root / "annotations" / "paco_lvis_v1_test.json").read_text())
    assert {image["file_name"].split("/")[0] for image in file["images"]} == {"train2017", "val2017"}
    assert all((root / image["file_name"]).is_file() for image in file["images"])
    ids = [annotation["id"] for annotation in file["annotations"]]
    assert len(set(ids)) == len(ids)
    names = {category["id"]: category["name"] for category in file["categories"]}
    owners = {a["id"]: names[a["category_id"]] for a in file["annotations"] if a["id"] == a["obj_ann_id"]}
    parted = set()
    for annotation in file["annotations"]:
        assert "iscrowd" not in annotation
        if annotation["id"] == annotation["obj_ann_id"]:
            assert isinstance(annotation["segmentation"], list)
        else:
            assert set(annotation["segmentation"]) == {"size", "counts"}
            assert isinstance(annotation["segmentation"]["counts"], str)
            assert names[annotation["category_id"]].split(":")[0] == owners[annotation["obj_ann_id"]]
            parted.add(annotation["obj_ann_id"])
    assert set(owners) - parted, "some objects have no parts"


@pytest.mark.parametrize("like", LIKES)
def test_the_training_split_shows_the_training_stream(like, tmp_path):
    manifest = write(like, tmp_path / "set", images=2, seed=SEED, size=SIZE, split="train")
    first = drawn(like, 0, held_out=False).jpeg
    files = [p for p in (tmp_path / "set").rglob("*") if p.suffix.lower() in (".jpg", ".jpeg")]
    assert manifest.split == "train"
    assert first in [p.read_bytes() for p in files]


def test_a_complete_set_is_reused(roots):
    before = {p: p.stat().st_mtime_ns for p in roots["paco"].rglob("*")}
    manifest = write("paco", roots["paco"], images=IMAGES, seed=SEED, size=SIZE)
    assert manifest.images == IMAGES
    assert manifest.objects > IMAGES
    assert {p: p.stat().st_mtime_ns for p in roots["paco"].rglob("*")} == before


def test_a_set_of_other_arguments_is_refused(roots):
    with pytest.raises(
        UsageError, match="holds another stand-in: images 9 where 3 is wanted, seed 5 where 6 is wanted"
    ):
        write("paco", roots["paco"], images=3, seed=6, size=SIZE)


def test_a_folder_with_other_content_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(UsageError, match=r"holds other files and no standin\.json; name a new or an empty folder"):
        write("paco", tmp_path, images=1, seed=0)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "here").write_text("")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        write("paco", tmp_path / "here", images=1, seed=0)


@pytest.mark.parametrize("damage", ["{", "[]", '{"generator": 1}', '{"colour": "red"}'])
def test_a_damaged_manifest_is_refused(tmp_path, damage):
    (tmp_path / "standin.json").write_text(damage)
    with pytest.raises(UsageError, match=r"standin\.json cannot be read .*; remove the folder"):
        write("paco", tmp_path, images=1, seed=0)


def test_an_empty_folder_is_filled_and_open_to_all(tmp_path):
    root = tmp_path / "empty"
    root.mkdir()
    write("partimagenet", root, images=1, seed=0, size=64)
    assert (root / "test.json").is_file()
    assert stat.S_IMODE(root.stat().st_mode) == 0o755
    assert [p.name for p in tmp_path.iterdir()] == ["empty"]


def test_an_interrupted_set_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("paco", tmp_path / "set", images=3, seed=0, size=64, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_losing_the_race_to_an_equal_set_is_no_error(tmp_path):
    """Another process finishes the same set while this one draws."""

    def rival(done, total):
        if not (tmp_path / "set").exists():
            write("paco", tmp_path / "set", images=1, seed=0, size=64)

    manifest = write("paco", tmp_path / "set", images=1, seed=0, size=64, progress=rival)
    assert manifest == write("paco", tmp_path / "set", images=1, seed=0, size=64)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_progress_is_told_of_every_image(tmp_path):
    steps = []
    write("pascal-part", tmp_path / "set", images=3, seed=0, size=64, progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'pascal-part'"):
        write("pascal_part", tmp_path / "set", images=1, seed=0)
    with pytest.raises(UnknownName, match="no stand-in split of pascal-part is called 'test'"):
        write("pascal-part", tmp_path / "set", images=1, seed=0, split="test")
    with pytest.raises(UsageError, match=r"images >= 1.*got images=0"):
        write("paco", tmp_path / "set", images=0, seed=0)
    assert not (tmp_path / "set").exists()


def test_the_cache_is_where_xdg_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    dataset = standins.partimagenet(images=1, seed=0, size=64)
    (folder,) = (tmp_path / "consbench" / "standins").iterdir()
    assert folder.name == f"partimagenet-v{store.VERSION}-images1-seed0-size64"
    assert dataset.load(dataset.ids[0]).image().shape[2] == 3


def test_a_relative_xdg_cache_is_ignored(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert store.default_cache().is_absolute()
    assert store.default_cache().parts[-3:] == (".cache", "consbench", "standins")


def test_the_manifest_names_every_argument(roots):
    for like, root in roots.items():
        manifest = store.Manifest(**json.loads((root / "standin.json").read_text()))
        assert dataclasses.replace(manifest, objects=0, parts=0) == store.Manifest(
            store.VERSION, like, store.EVALUATED[like], IMAGES, SEED, SIZE
        )
