"""From images with objects to one file: the same bytes however the work is divided, and what is refused."""

import json
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from consbench.datasets.base import SampleList
from consbench.errors import BadSample, DataMissing, RecordMismatch, RecordUnreadable, UsageError
from consbench.masks import Mask
from consbench.types import Object, Sample, Skip
from consbench_reference_training.pseudo_parts import batches, dataset, make_labels, table
from consbench_reference_training.pseudo_parts.algorithm import Region, Slivers
from consbench_reference_training.pseudo_parts.batches import Shard
from consbench_reference_training.pseudo_parts.sources import Source


class Colours:
    """Every colour of an image but black is a region; it counts what it is asked and can be interrupted."""

    def __init__(self, stop_after=None):
        self.asked, self.stop_after = 0, stop_after

    def propose(self, image_HWC):
        if self.asked == self.stop_after:
            raise KeyboardInterrupt
        self.asked += 1
        colours = np.unique(image_HWC.reshape(-1, 3), axis=0)
        return [Region(Mask.from_array((image_HWC == c).all(axis=2))) for c in colours if c.any()]

    def describe(self):
        return {"method": "colours", "but": ("black",)}


def stripes(count, height=6, width=12):
    """An image of `count` vertical stripes of different colours, and black on the right if they do not fill it."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for stripe in range(count):
        image[:, 2 * stripe : 2 * stripe + 2] = (40 * stripe + 15, 200 - 30 * stripe, 90)
    return image


def box(left, right, height=6, width=12):
    mask = np.zeros((height, width), dtype=bool)
    mask[1:-1, left:right] = True
    return Mask.from_array(mask)


def sample(image_id, image, *masks, skipped=()):
    objects = tuple(Object(10 * (i + 1), f"kind {i}", mask, ()) for i, mask in enumerate(masks))
    return Sample(image_id, *image.shape[:2], objects, lambda: image, tuple(skipped))


def unreadable():
    raise BadSample("the picture is torn")


@pytest.fixture
def source(tmp_path):
    """Eleven images whose order, sorted, is another; one without objects, one torn, one of one-part objects only."""
    samples = [
        sample(f"{name}", stripes(count), box(0, 2 * count), box(2, 5), box(0, 2))
        for name, count in (("b", 3), ("a/10", 4), ("a/9", 2), ("Z", 5), ("é", 3), ("a", 4), ("ab", 2), ("zz", 3))
    ]
    samples.append(sample("none", stripes(3), skipped=[Skip("object 5", "its mask is empty")]))
    samples.append(Sample("torn", 6, 12, (Object(1, "x", box(0, 4), ()),), unreadable))
    samples.append(sample("plain", stripes(1), box(0, 2), box(0, 10)))
    return Source(SampleList(samples, name="drawn"), tmp_path, {})


def label(source, out, shards=1, order=None, proposer=None):
    state = None
    for index in order or range(shards):
        state = make_labels(source, proposer or Colours(), out=out, shard=Shard(index, shards))
    return state


def test_what_is_kept_and_what_is_counted(source, tmp_path):
    """Of 8 images each the first object is kept, the second on the 6 with a third stripe, the last on none."""
    about = make_labels(source, Colours(), out=tmp_path / "l.parquet").about
    rows = pq.read_table(tmp_path / "l.parquet").to_pylist()
    assert [(r["image_id"], r["object_id"]) for r in rows if r["image_id"] in ("b", "Z")] == [
        ("Z", 10),
        ("Z", 20),
        ("b", 10),
        ("b", 20),
    ]
    assert [r["image_id"] for r in rows] == sorted(r["image_id"] for r in rows)
    assert about.skipped == [["torn", "the picture is torn"]]
    assert about.counts == {
        "images": 11,
        "images_skipped": 1,
        "objects": 8 * 3 + 2,
        "objects_kept": 8 + 6,
        "left_out": 1,
        "one_part": 8 + 2 + 2,
        "parts": (3 + 4 + 2 + 5 + 3 + 4 + 2 + 3) + 6 * 2,
        "slivers": 0,
    }


def test_parts_lie_in_their_object_and_do_not_overlap(source, tmp_path):
    make_labels(source, Colours(), out=tmp_path / "l.parquet")
    for row in pq.read_table(tmp_path / "l.parquet").to_pylist():
        whole = Mask(row["height"], row["width"], row["object"]).array()
        parts = np.array([Mask(row["height"], row["width"], counts).array() for counts in row["parts"]])
        assert len(parts) == len(row["part_ids"]) >= 2
        assert parts.any(axis=(1, 2)).all()
        assert (parts.sum(axis=0) <= whole).all()


def test_slivers_are_dropped_before_objects_are_discarded(source, tmp_path):
    """The object of columns 2 to 4 has 8 pixels of one stripe and 4 of the next."""
    about = make_labels(source, Colours(), out=tmp_path / "l.parquet", slivers=Slivers(min_pixels=5)).about
    assert about.counts["slivers"] == 6
    assert {r["object_id"] for r in pq.read_table(tmp_path / "l.parquet").to_pylist()} == {10}


@pytest.mark.parametrize(("shards", "order"), [(1, [0]), (2, [0, 1]), (3, [2, 0, 1]), (20, None)])
def test_any_number_of_shards_in_any_order_gives_the_same_bytes(source, tmp_path, shards, order):
    label(source, tmp_path / "one.parquet")
    state = label(source, tmp_path / "many.parquet", shards, order)
    assert state.about is not None
    assert (tmp_path / "many.parquet").read_bytes() == (tmp_path / "one.parquet").read_bytes()
    assert not batches.folder_of(tmp_path / "many.parquet").exists()


def test_an_interrupted_job_goes_on_where_it_was_even_in_other_shards(source, tmp_path):
    out = tmp_path / "labels.parquet"
    first = Colours(stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        make_labels(source, first, out=out)
    second = Colours()
    state = make_labels(source, second, out=out, shard=Shard(0, 2))
    assert state.about is None
    assert 4 < state.done < state.images == 11
    third = Colours()
    state = make_labels(source, third, out=out, shard=Shard(1, 2))
    assert state.done == state.images
    assert first.asked + second.asked + third.asked == 9  # all but the torn one and the one without objects
    label(source, tmp_path / "smooth.parquet")
    assert out.read_bytes() == (tmp_path / "smooth.parquet").read_bytes()


def test_a_batch_that_was_cut_short_is_done_again(source, tmp_path):
    out = tmp_path / "labels.parquet"
    make_labels(source, Colours(), out=out, shard=Shard(0, 2))
    (batch,) = batches.folder_of(out).glob("*.parquet")
    batch.write_bytes(batch.read_bytes()[:200])
    assert make_labels(source, Colours(), out=out, shard=Shard(1, 2)).about is None
    assert make_labels(source, Colours(), out=out, shard=Shard(0, 2)).about is not None
    label(source, tmp_path / "smooth.parquet")
    assert out.read_bytes() == (tmp_path / "smooth.parquet").read_bytes()


def test_an_image_that_two_processes_did_is_in_the_file_once(source, tmp_path):
    out = tmp_path / "labels.parquet"
    folder = batches.folder_of(out)
    make_labels(source, Colours(), out=out, shard=Shard(0, 2))
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeyboardInterrupt):  # another division, in another folder, of the same job
        make_labels(source, Colours(stop_after=5), out=tmp_path / "other.parquet")
    for path in batches.folder_of(tmp_path / "other.parquet").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    assert set(kept) < {path.name for path in folder.iterdir()}
    make_labels(source, Colours(), out=out, shard=Shard(1, 2))
    label(source, tmp_path / "smooth.parquet")
    assert out.read_bytes() == (tmp_path / "smooth.parquet").read_bytes()


def test_many_images_are_merged_piece_by_piece_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "IMAGES_AT_A_TIME", 4)
    samples = [sample(f"{number:03d}", stripes(2), box(0, 4)) for number in range(40)]
    source = Source(SampleList(samples, name="many"), tmp_path, {})
    label(source, tmp_path / "one.parquet")
    label(source, tmp_path / "three.parquet", 3)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "three.parquet").read_bytes()
    assert pq.read_table(tmp_path / "one.parquet")["image_id"].to_pylist() == [s.image_id for s in samples]
    assert pq.read_metadata(tmp_path / "one.parquet").num_row_groups == 10


def test_a_finished_job_is_not_done_again(source, tmp_path):
    make_labels(source, Colours(), out=tmp_path / "l.parquet")
    again = Colours()
    state = make_labels(source, again, out=tmp_path / "l.parquet", shard=Shard(1, 2))
    assert (again.asked, state.about.counts["objects_kept"]) == (0, 14)


def test_a_limit_takes_the_first_images_of_the_source(source, tmp_path):
    state = make_labels(source, Colours(), out=tmp_path / "l.parquet", limit=2)
    assert state.images == 2
    assert set(pq.read_table(tmp_path / "l.parquet")["image_id"].to_pylist()) == {"b", "a/10"}


@pytest.mark.parametrize("finished", [True, False])
def test_labels_of_another_job_are_not_mixed_in(source, tmp_path, finished):
    make_labels(source, Colours(), out=tmp_path / "l.parquet", shard=Shard(0, 1 if finished else 2))
    with pytest.raises(
        RecordMismatch, match=r"slivers.min_pixels is 1 there, 2 was asked for. Name another file with --out"
    ):
        make_labels(source, Colours(), out=tmp_path / "l.parquet", slivers=Slivers(min_pixels=2))
    others = SampleList([sample("b", stripes(2), box(0, 4))], name="drawn")
    with pytest.raises(RecordMismatch, match=r"source.fingerprint is '[0-9a-f]{64}' there"):
        make_labels(Source(others, tmp_path, {}), Colours(), out=tmp_path / "l.parquet")


def test_a_source_without_two_part_objects_is_refused_with_counts(tmp_path):
    samples = [sample("a", stripes(1), box(0, 2)), Sample("torn", 6, 12, (Object(1, "x", box(0, 4), ()),), unreadable)]
    source = Source(SampleList(samples, name="poor"), tmp_path, {})
    with pytest.raises(UsageError, match=r"of 2 images 1 could not be used \(the first, 'torn': the picture is torn\)"):
        make_labels(source, Colours(), out=tmp_path / "l.parquet")
    assert not (tmp_path / "l.parquet").exists()


def test_a_source_without_images_is_refused(tmp_path):
    with pytest.raises(UsageError, match="nothing has no image to label"):
        make_labels(Source(SampleList([], name="nothing"), tmp_path, {}), Colours(), out=tmp_path / "l.parquet")


@pytest.mark.parametrize("text", ["8/8", "1", "-1/2", "a/b", "1/0", "1/2/3"])
def test_shards_that_cannot_be_are_refused(text):
    with pytest.raises(UsageError, match=r"0/8 to 7/8 are the 8 shards; got"):
        Shard.parse(text)


def test_shards_share_all_images_and_none_twice():
    ids = [str(number) for number in range(23)]
    shared = [i for index in range(5) for i in Shard(index, 5).of(ids)]
    assert sorted(shared, key=int) == ids


class TestFile:
    def test_it_says_where_its_labels_come_from(self, source, tmp_path):
        make_labels(source, Colours(), out=tmp_path / "l.parquet", slivers=Slivers(0.01, 2))
        found = json.loads(pq.read_metadata(tmp_path / "l.parquet").metadata[b"consbench"])
        identity = found["identity"]
        ids = source.dataset.ids
        assert identity["source"] == {
            "name": "drawn",
            "split": "all",
            "images": 11,
            "fingerprint": source.dataset.fingerprint(ids),
        }
        assert identity["proposer"] == {"method": "colours", "but": ["black"]}
        assert identity["slivers"] == {"min_fraction": 0.01, "min_pixels": 2}
        assert identity["consbench"]

    def test_other_files_are_told_apart(self, tmp_path):
        stranger, damaged, newer = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.parquet"))
        pq.write_table(pa.table({"x": [1]}), stranger)
        damaged.write_bytes(b"PAR1 and then nothing")
        table.write(newer, [], {"identity": {"format": 99}, "counts": {}, "skipped": []})
        for file, message in (
            (tmp_path / "absent.parquet", "there is no file .*absent.parquet; 'consbench pseudo-parts' makes such"),
            (stranger, "holds no weak part labels"),
            (damaged, "cannot be read as Parquet"),
            (newer, "format 99 of weak part labels; this version reads format 1"),
        ):
            with pytest.raises(RecordUnreadable, match=message):
                table.read_about(file)

    def test_an_output_that_is_another_file_is_left_alone(self, source, tmp_path):
        (tmp_path / "l.parquet").write_text("my thesis")
        with pytest.raises(RecordUnreadable, match="cannot be read as Parquet"):
            make_labels(source, Colours(), out=tmp_path / "l.parquet")
        assert (tmp_path / "l.parquet").read_text() == "my thesis"

    def test_a_failed_write_leaves_nothing_behind(self, tmp_path):
        def tables():
            yield table.SCHEMA.empty_table()
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            table.write(tmp_path / "l.parquet", tables(), {})
        assert list(tmp_path.iterdir()) == []


class TestDataset:
    @pytest.fixture
    def labelled(self, tmp_path):
        """Three pictures on disk with their labels: (file, root, source)."""
        (tmp_path / "pics").mkdir()
        samples, pictures = [], {}
        for name, count in (("x", 2), ("y", 3), ("z", 1)):
            Pillow.fromarray(stripes(count)).save(tmp_path / "pics" / f"{name}.png")
            samples.append(sample(name, stripes(count), box(0, 6), box(1, 4)))
            pictures[name] = f"pics/{name}.png"
        source = Source(SampleList(samples, name="drawn"), tmp_path, pictures)
        make_labels(source, Colours(), out=tmp_path / "labels.parquet")
        return tmp_path / "labels.parquet", tmp_path, source

    def test_labels_come_back_as_samples(self, labelled):
        file, root, source = labelled
        opened = dataset.load(file, root)
        assert list(opened.ids) == ["x", "y"]  # all objects of z have one part
        assert (opened.name, opened.split) == ("pseudo-parts", "drawn-all")
        for found in opened:
            drawn = source.dataset.load(found.image_id)
            assert (found.image() == drawn.image()).all()
            assert [(o.object_id, o.category, o.mask) for o in found.objects] == [
                (o.object_id, o.category, o.mask) for o in drawn.objects
            ]
        image = stripes(3)
        for whole in opened.load("y").objects:
            for part in whole.parts:
                inside = part.mask.array()
                (colour,) = np.unique(image[inside], axis=0)
                assert (inside == (whole.mask.array() & (image == colour).all(axis=2))).all()
                assert part.category == "part"

    def test_a_region_in_two_objects_has_one_id(self, labelled):
        first, second = dataset.load(*labelled[:2]).load("y").objects
        assert len(first.parts) == 3
        assert {part.part_id for part in second.parts} < {part.part_id for part in first.parts}

    def test_the_bench_evaluates_on_them(self, labelled, tmp_path):
        from consbench import evaluate, registry

        run = evaluate(registry.find("model", "oracle")(), dataset.load(*labelled[:2]), out=tmp_path / "run")
        assert len(run.clicks) == 2 + 2 + 3 + 2

    def test_an_object_in_two_groups_of_rows_is_whole(self, tmp_path, monkeypatch):
        monkeypatch.setattr(table, "ROWS_AT_A_TIME", 3)
        Pillow.fromarray(stripes(4)).save(tmp_path / "p.png")
        masks = [box(0, 3 + i % 5) for i in range(10)]
        source = Source(SampleList([sample("p", stripes(4), *masks)]), tmp_path, {"p": "p.png"})
        make_labels(source, Colours(), out=tmp_path / "l.parquet")
        assert pq.read_metadata(tmp_path / "l.parquet").num_row_groups == 4
        assert [o.mask for o in dataset.load(tmp_path / "l.parquet", tmp_path).load("p").objects] == masks

    def test_absent_pictures_are_counted(self, labelled):
        file, root, _ = labelled
        (root / "pics/y.png").unlink()
        with pytest.raises(DataMissing, match=r"1 files? (is|are) missing \(pics/y.png\)"):
            dataset.load(file, root)
        opened = dataset.load(file, root, allow_missing=True)
        assert (list(opened.ids), list(opened.missing)) == (["x"], ["pics/y.png"])

    def test_labels_of_drawn_images_are_attached_to_their_dataset(self, source, tmp_path):
        make_labels(source, Colours(), out=tmp_path / "l.parquet")
        opened = dataset.attach(tmp_path / "l.parquet", source.dataset)
        assert set(opened.ids) == set(source.dataset.ids) - {"none", "torn", "plain"}
        assert (opened.load("a/10").image() == stripes(4)).all()
        assert len(opened.load("a/10").objects[0].parts) == 4
        with pytest.raises(
            DataMissing,
            match=r"labels images that lay in no file .*data\.standins\.labels=FILE.*attach\(file, dataset\)",
        ):
            dataset.load(tmp_path / "l.parquet", tmp_path)
        with pytest.raises(DataMissing, match=r"8 of the 8 images .* 'Z', are not in other \(all\); .* of drawn-all"):
            dataset.attach(tmp_path / "l.parquet", SampleList([], name="other"))

    def test_a_worker_that_is_started_anew_reads_the_same(self, labelled):
        opened = dataset.load(*labelled[:2])
        again = pickle.loads(pickle.dumps(opened))
        assert again.load("y").objects == opened.load("y").objects

    def test_the_fingerprint_follows_the_file(self, labelled, tmp_path):
        file, root, source = labelled
        before = dataset.load(file, root).fingerprint(["x"])
        make_labels(source, Colours(), out=tmp_path / "other.parquet", slivers=Slivers(min_pixels=5))
        assert dataset.load(tmp_path / "other.parquet", root).fingerprint(["x"]) != before
