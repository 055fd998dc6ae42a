"""EntitySeg, HQ-Seg44K and COCO files with the traps that the released ones have; all files are written here."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image as Pillow

from consbench.datasets.base import Counts
from consbench.errors import BadSample, DataMissing, UnknownName, UsageError
from consbench.masks import Mask
from consbench_reference_training.pseudo_parts.hq_seg44k import SETS, hq_seg44k
from consbench_reference_training.pseudo_parts.sources import coco_instances, entityseg, find_pictures

WHOLE = np.ones((4, 6), dtype=bool)
LEFT = np.zeros((4, 6), dtype=bool)
LEFT[:, :3] = True


def save(path, height=4, width=6, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new(mode, (width, height)).save(path, **options)


def runs(mask, as_text=True):
    code = Mask.from_array(mask)
    if as_text:
        return {"size": list(mask.shape), "counts": code.counts.decode()}
    flat = mask.ravel(order="F").astype(int)
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]])))
    return {"size": list(mask.shape), "counts": np.diff(np.concatenate([[0], changes])).tolist()}


def annotation(number, image, segmentation, **more):
    return {"id": number, "image_id": image, "category_id": 1, "segmentation": segmentation, "iscrowd": 0, **more}


def write_json(path, names, annotations, size=(4, 6), first=1):
    images = [{"id": first + i, "file_name": n, "height": size[0], "width": size[1]} for i, n in enumerate(names)]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog", "type": "thing"}]}
    path.write_text(json.dumps(content))
    return path


class TestEntitySeg:
    def test_names_may_carry_their_folder_and_folders_further_levels(self, tmp_path):
        save(tmp_path / "images/entity_01_11580/images_merge/1.jpg")
        save(tmp_path / "images/entity_02_11598/images/1.jpg")
        names = ["entity_01_11580/1.jpg", "entity_02_11598/1.jpg"]
        file = write_json(tmp_path / "a.json", names, [annotation(7, 1, runs(LEFT)), annotation(8, 2, runs(WHOLE))])
        source = entityseg(tmp_path / "images", [file])
        assert list(source.dataset.ids) == ["entity_01_11580/1", "entity_02_11598/1"]
        assert source.pictures["entity_01_11580/1"] == "entity_01_11580/images_merge/1.jpg"
        (entity,) = source.dataset.load("entity_01_11580/1").objects
        assert (entity.object_id, entity.category, entity.parts) == (7, "dog", ())
        assert (entity.mask.array() == LEFT).all()
        assert source.dataset.load("entity_02_11598/1").image().shape == (4, 6, 3)

    def test_bare_names_are_found_at_any_depth_and_mac_leftovers_are_passed_over(self, tmp_path):
        save(tmp_path / "x/y/1.jpg")
        save(tmp_path / "__MACOSX/x/1.jpg")
        save(tmp_path / ".trash/1.jpg")
        source = entityseg(tmp_path, [write_json(tmp_path / "a.json", ["1.jpg"], [annotation(1, 1, runs(LEFT))])])
        assert source.pictures == {"1": "x/y/1.jpg"}

    def test_runs_may_be_text_or_a_list(self, tmp_path):
        save(tmp_path / "1.jpg")
        notes = [annotation(1, 1, runs(LEFT)), annotation(2, 1, runs(LEFT, as_text=False))]
        source = entityseg(tmp_path, [write_json(tmp_path / "a.json", ["1.jpg"], notes)])
        as_text, as_list = source.dataset.load("1").objects
        assert as_text.mask == as_list.mask == Mask.from_array(LEFT)

    def test_train_and_val_go_together_though_their_ids_overlap(self, tmp_path):
        for name in ("1.jpg", "2.jpg"):
            save(tmp_path / name)
        train = write_json(tmp_path / "train.json", ["1.jpg"], [annotation(1, 1, runs(LEFT))])
        val = write_json(tmp_path / "val.json", ["2.jpg"], [annotation(1, 1, runs(WHOLE))])
        source = entityseg(tmp_path, [train, val])
        assert list(source.dataset.ids) == ["1", "2"]
        assert source.dataset.split == "train+val"
        assert [source.dataset.load(i).objects[0].mask.area for i in ("1", "2")] == [12, 24]
        before = source.dataset.fingerprint(["1", "2"])
        write_json(tmp_path / "val.json", ["2.jpg"], [annotation(1, 1, runs(LEFT))])
        assert entityseg(tmp_path, [train, val]).dataset.fingerprint(["1", "2"]) != before

    def test_one_image_in_two_files_is_refused(self, tmp_path):
        save(tmp_path / "1.jpg")
        files = [write_json(tmp_path / f"{name}.json", ["1.jpg"], [annotation(1, 1, runs(LEFT))]) for name in "ab"]
        with pytest.raises(UsageError, match=r"1 images are listed in more than one annotation file, for example '1'"):
            entityseg(tmp_path, files)

    def test_a_name_that_fits_two_pictures_is_refused_not_guessed(self, tmp_path):
        save(tmp_path / "full/images/e/1.jpg")
        save(tmp_path / "full/images_lr/e/1.jpg")
        file = write_json(tmp_path / "a.json", ["e/1.jpg"], [annotation(1, 1, runs(LEFT))])
        with pytest.raises(UsageError, match=r"'e/1.jpg' fits 2 pictures .* Give as --root the folder"):
            entityseg(tmp_path, [file])
        assert entityseg(tmp_path / "full/images_lr", [file]).pictures == {"e/1": "e/1.jpg"}

    def test_crowds_and_empty_masks_are_left_out_with_a_reason(self, tmp_path):
        save(tmp_path / "1.jpg")
        notes = [
            annotation(1, 1, runs(LEFT), iscrowd=1),
            annotation(2, 1, runs(~WHOLE)),
            annotation(3, 1, runs(WHOLE)),
        ]
        sample = entityseg(tmp_path, [write_json(tmp_path / "a.json", ["1.jpg"], notes)]).dataset.load("1")
        assert [o.object_id for o in sample.objects] == [3]
        assert [tuple(skip) for skip in sample.skipped] == [
            ("object 1 (dog)", "it marks a crowd region"),
            ("object 2 (dog)", "its mask is empty"),
        ]

    def test_a_mask_of_another_size_than_its_image_is_a_bad_sample(self, tmp_path):
        save(tmp_path / "1.jpg")
        file = write_json(tmp_path / "a.json", ["1.jpg"], [annotation(5, 1, runs(LEFT.T))])
        dataset = entityseg(tmp_path, [file]).dataset
        with pytest.raises(BadSample, match=r"annotation 5 of image 1.jpg: its mask has size \[6, 4\]"):
            dataset.load("1")

    def test_a_photograph_lying_on_its_side_is_turned_into_the_frame_of_its_masks(self, tmp_path):
        exif = Pillow.Exif()
        exif[0x0112] = 6
        save(tmp_path / "1.jpg", height=6, width=4, exif=exif)
        file = write_json(tmp_path / "a.json", ["1.jpg"], [annotation(1, 1, runs(LEFT))])
        assert entityseg(tmp_path, [file]).dataset.load("1").image().shape == (4, 6, 3)

    def test_a_large_photograph_is_read_without_a_warning_and_without_touching_the_limit(self, tmp_path, monkeypatch):
        save(tmp_path / "1.jpg")
        monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 20)  # 24 pixels: above the limit, below its double
        file = write_json(tmp_path / "a.json", ["1.jpg"], [annotation(1, 1, runs(LEFT))])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert entityseg(tmp_path, [file]).dataset.load("1").image().shape == (4, 6, 3)
        assert Pillow.MAX_IMAGE_PIXELS == 20

    def test_missing_pictures_are_counted(self, tmp_path):
        save(tmp_path / "1.jpg")
        file = write_json(tmp_path / "a.json", ["1.jpg", "2.jpg", "3.jpg"], [])
        with pytest.raises(DataMissing, match=r"2 files are missing \(2.jpg, 3.jpg\)"):
            entityseg(tmp_path, [file])
        dataset = entityseg(tmp_path, [file], allow_missing=True).dataset
        assert (list(dataset.ids), list(dataset.missing)) == (["1"], ["2.jpg", "3.jpg"])

    def test_annotations_must_be_named(self, tmp_path):
        with pytest.raises(UsageError, match=r"entityseg needs its annotations: give --annotations FILE.json"):
            entityseg(tmp_path, [])

    def test_folders_may_be_links(self, tmp_path):
        save(tmp_path / "elsewhere/deep/1.jpg")
        (tmp_path / "root").mkdir()
        (tmp_path / "root/linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        assert find_pictures(["1.jpg"], tmp_path / "root") == [tmp_path / "root/linked/deep/1.jpg"]

    def test_a_folder_that_links_to_itself_is_walked_once(self, tmp_path):
        save(tmp_path / "x/1.jpg")
        (tmp_path / "x/loop").symlink_to(tmp_path, target_is_directory=True)
        assert find_pictures(["1.jpg"], tmp_path) == [tmp_path / "x/1.jpg"]


def test_parts_in_a_coco_file_are_no_objects(tmp_path):
    save(tmp_path / "1.jpg")
    notes = [annotation(1, 1, runs(WHOLE), obj_ann_id=1), annotation(2, 1, runs(LEFT), obj_ann_id=1)]
    source = coco_instances(tmp_path, [write_json(tmp_path / "a.json", ["1.jpg"], notes)])
    assert [o.object_id for o in source.dataset.load("1").objects] == [1]
    assert source.describe() == {"name": "coco", "split": "a"}


def save_mask(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.asarray(values, dtype=np.uint8)).save(path)


class TestHqSeg44k:
    @pytest.fixture
    def root(self, tmp_path):
        """One pair in each of the seven sets."""
        for name, one in SETS.items():
            save(tmp_path / one.archive / one.pictures / f"{name}.jpg", mode="L")
            save_mask(tmp_path / one.archive / one.masks / f"{name}.png", np.where(LEFT, 255, 0))
        return tmp_path

    def test_the_seven_sets_are_the_44320_images_of_the_paper(self, root):
        assert sum(one.images for one in SETS.values()) == 44_320
        dataset = hq_seg44k(root).dataset
        assert list(dataset.ids) == sorted(f"{name}/{name}" for name in SETS)
        assert (dataset.split, dataset.expected) == ("train", Counts(44_320))

    def test_every_picture_has_one_object_and_gray_pictures_become_rgb(self, root):
        source = hq_seg44k(root)
        for image_id in source.dataset.ids:
            sample = source.dataset.load(image_id)
            (whole,) = sample.objects
            assert (whole.object_id, whole.category, whole.mask) == (0, "object", Mask.from_array(LEFT))
            assert sample.image().shape == (4, 6, 3)
            assert (root / source.pictures[image_id]).is_file()

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([[0, 1, 1]], [[0, 1, 1]]),
            ([[0, 127, 128]], [[0, 0, 1]]),
            ([[0, 90, 200]], [[0, 0, 1]]),
            ([[[0, 0, 0], [1, 1, 1], [1, 1, 1]]], [[0, 1, 1]]),
            ([[[200, 0, 0], [0, 255, 255], [255, 255, 255]]], [[1, 0, 1]]),
        ],
        ids=["0 and 1", "the middle", "no full white", "0 and 1 in three channels", "the first channel counts"],
    )
    def test_masks_are_cut_at_half_of_white(self, tmp_path, values, expected):
        save(tmp_path / "cascade_psp/fss_all/a.jpg", height=1, width=3)
        save_mask(tmp_path / "cascade_psp/fss_all/a.png", values)
        (whole,) = hq_seg44k(tmp_path, ["FSS"]).dataset.load("FSS/a").objects
        assert whole.mask.array().astype(int).tolist() == expected

    @pytest.mark.parametrize("level", [0, 1 + 99])
    def test_a_mask_without_object_is_skipped_with_a_reason(self, tmp_path, level):
        save(tmp_path / "cascade_psp/fss_all/a.jpg", height=1, width=2)
        save_mask(tmp_path / "cascade_psp/fss_all/a.png", [[0, level]])
        sample = hq_seg44k(tmp_path, ["FSS"]).dataset.load("FSS/a")
        assert (sample.objects, [tuple(s) for s in sample.skipped]) == ((), [("object 0", "its mask is empty")])

    def test_a_known_bad_mask_is_skipped_with_a_reason(self, tmp_path):
        save(tmp_path / "cascade_psp/MSRA_10K/97915.jpg")
        save_mask(tmp_path / "cascade_psp/MSRA_10K/97915.png", 255 * LEFT)
        sample = hq_seg44k(tmp_path, ["MSRA10K"]).dataset.load("MSRA10K/97915")
        assert (sample.objects, sample.skipped[0].reason) == ((), "its mask is known to show another object")

    def test_an_unreadable_mask_and_a_picture_of_another_size_are_bad_samples(self, tmp_path):
        folder = tmp_path / "cascade_psp/ecssd"
        save(folder / "a.jpg")
        (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        save(folder / "b.jpg", height=40, width=60)
        save_mask(folder / "b.png", 255 * LEFT)
        dataset = hq_seg44k(tmp_path, ["ECSSD"]).dataset
        with pytest.raises(BadSample, match=r"a.png cannot be read as an image"):
            dataset.load("ECSSD/a")
        with pytest.raises(BadSample, match=r"b.jpg is 60×40 pixels .* made for 6×4"):
            dataset.load("ECSSD/b").image()

    def test_half_a_pair_is_missing_and_counted(self, root):
        (root / "cascade_psp/fss_all/FSS.jpg").rename(root / "cascade_psp/fss_all/other.jpg")
        with pytest.raises(DataMissing, match=r"2 files are missing \(fss_all/FSS.jpg, fss_all/other.png\)"):
            hq_seg44k(root, ["FSS", "ECSSD"])
        dataset = hq_seg44k(root, ["FSS", "ECSSD"], allow_missing=True).dataset
        assert (list(dataset.ids), dataset.split) == (["ECSSD/ECSSD"], "ECSSD+FSS")

    def test_an_absent_set_is_named_with_the_layout(self, tmp_path):
        with pytest.raises(DataMissing, match=r"(?s)found no set DUTS-TE .* Wanted:\n    ROOT/DIS5K/DIS-TR"):
            hq_seg44k(tmp_path, ["DUTS-TE"])

    def test_a_misspelt_set_is_refused_with_the_nearest(self, tmp_path):
        with pytest.raises(UnknownName, match=r"no set of hq-seg44k is called 'DUTS-TX'; did you mean 'DUTS-T[ER]'"):
            hq_seg44k(tmp_path, ["DUTS-TX"])

    def test_the_fingerprint_follows_the_masks(self, root):
        dataset = hq_seg44k(root).dataset
        before = dataset.fingerprint(dataset.ids)
        save_mask(root / "cascade_psp/fss_all/FSS.png", 255 * WHOLE)
        assert hq_seg44k(root).dataset.fingerprint(dataset.ids) != before
