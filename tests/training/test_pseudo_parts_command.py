"""`consbench pseudo-parts`: what is typed, printed, drawn and refused."""

import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image as Pillow

from consbench.datasets.base import SampleList
from consbench.errors import BadSample, DataMissing, UsageError
from consbench.masks import Mask
from consbench.types import Object, Sample
from consbench_reference_training import config
from consbench_reference_training.pseudo_parts import preview as sheets
from consbench_reference_training.pseudo_parts.algorithm import Region, Slivers
from consbench_reference_training.pseudo_parts.batches import Shard
from consbench_reference_training.pseudo_parts.cli import choose_shard, command
from consbench_reference_training.pseudo_parts.sources import Source
from consbench_reference_training.sources import draw_standins, open_sources

HALVES = """
import numpy as np

def halves(image, clicks):
    left = np.arange(image.shape[1])[None, None, :] < image.shape[1] // 2
    same = left == (clicks[:, 0, None, None] < image.shape[1] // 2)
    return np.broadcast_to(same, (len(clicks), *image.shape[:2]))[:, None]
"""


@pytest.fixture
def fss(tmp_path, monkeypatch):
    """Three pairs as in FSS, a model in a file, no torchrun around; the words that every call needs."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cascade_psp/fss_all"
    folder.mkdir(parents=True)
    for number in range(3):
        Pillow.new("RGB", (20, 10), (90, 40 * number, 30)).save(folder / f"{number}.jpg")
        mask = np.zeros((10, 20, 3), np.uint8)
        mask[2:8, 4:16] = 1
        Pillow.fromarray(mask).save(folder / f"{number}.png")
    (tmp_path / "halves.py").write_text(HALVES)
    model = f"{tmp_path / 'halves.py'}:halves"
    return ["--source", "hq-seg44k", "--sets", "FSS", "--root", str(tmp_path), "-m", model, "--points-per-side", "2"]


def call(words, **environment):
    return CliRunner().invoke(command, [str(word) for word in words], env=environment, catch_exceptions=False)


def test_labels_are_written_and_summed_up(fss, tmp_path):
    out = tmp_path / "labels.parquet"
    result = call([*fss, "-o", out])
    assert result.output == (
        f"{out}: 3 objects with 6 parts on 3 images\n  discarded: 0 objects of fewer than two parts, 0 slivers\n"
    )
    rows = pq.read_table(out).to_pylist()
    assert [row["image_path"] for row in rows] == [f"cascade_psp/fss_all/{number}.jpg" for number in range(3)]
    assert [[Mask(10, 20, part).area for part in row["parts"]] for row in rows] == [[36, 36]] * 3


def test_an_unreadable_mask_and_picture_are_skipped_and_named(fss, tmp_path):
    folder = tmp_path / "cascade_psp/fss_all"
    (folder / "0.png").write_bytes(b"no picture")
    (folder / "2.jpg").write_bytes(b"no picture")
    result = call([*fss, "-o", tmp_path / "l.parquet"])
    assert "1 objects with 2 parts on 3 images" in result.output
    assert "skipped: 2 images, the first FSS/0: " in result.output
    assert "0.png cannot be read as an image" in result.output


def test_torchrun_ranks_share_the_work_and_the_last_writes_the_file(fss, tmp_path):
    out = tmp_path / "labels.parquet"
    first = call([*fss, "-o", out], RANK="1", WORLD_SIZE="2")
    assert first.output == f"1 of 3 images are done; the shard that finishes last writes {out}\n"
    assert not out.exists()
    assert "3 objects with 6 parts" in call([*fss, "-o", out], RANK="0", WORLD_SIZE="2").output
    call([*fss, "-o", tmp_path / "alone.parquet"])
    assert out.read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_a_named_shard_wins_over_torchruns_rank():
    assert choose_shard("3/4", {"RANK": "0", "WORLD_SIZE": "2"}) == Shard(3, 4)
    assert choose_shard(None, {}) == Shard(0, 1)


def test_slivers_and_limit_are_passed_on(fss, tmp_path):
    result = call([*fss, "-o", tmp_path / "l.parquet", "--limit", "2", "--min-part-pixels", "36"])
    assert "2 objects with 4 parts on 2 images" in result.output
    with pytest.raises(UsageError, match=r"all of fewer than two parts \(4 slivers were dropped"):
        call([*fss, "-o", tmp_path / "m.parquet", "--limit", "2", "--min-part-fraction", "0.51"])


def test_a_preview_alone_writes_no_labels(fss, tmp_path):
    result = call([*fss, "--preview", tmp_path / "sheet.png", "--preview-rows", "2"])
    assert result.output.startswith(f"{tmp_path / 'sheet.png'}: 2 objects")
    with Pillow.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
    assert not list(tmp_path.glob("*.parquet*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "nothing to make: give --out FILE.parquet for the labels, --preview FILE.png for a sheet, or both"),
        (["-o", "nowhere/l.parquet"], "there is no folder .*nowhere to write l.parquet to"),
        (["-o", "l.parquet", "--shard", "2/2"], "counted from 0"),
        (["-o", "l.parquet", "--pred-iou", "88"], "pred iou is a share from 0 to 1; got 88.0"),
        (["-o", "l.parquet", "--annotations", "a.json"], "--annotations is for entityseg and coco"),
        (["-o", "l.parquet", "-m", "regiontree"], "did you mean 'region-tree'"),
        (["-o", "l.parquet", "-m", "oracle"], "'oracle' is shown the ground truth"),
        (["-o", "l.parquet", "--source", "coco"], "--sets is for hq-seg44k; coco takes --annotations"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(fss, tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        call([*fss, *change])
    assert not list(tmp_path.glob("l.parquet*"))


def test_a_damaged_annotation_file_and_absent_data_are_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"images": [')
    words = ["--source", "coco", "--root", tmp_path, "-m", "region-tree", "-o", tmp_path / "l.parquet"]
    with pytest.raises(UsageError, match=r"a.json is no valid JSON"):
        call([*words, "--annotations", tmp_path / "a.json"])
    with pytest.raises(DataMissing, match="there is no folder"):
        call(["--source", "hq-seg44k", "--root", tmp_path / "absent", "-o", tmp_path / "l.parquet"])


def test_the_command_is_light_to_import():
    code = (
        "import consbench_reference_training.pseudo_parts.cli, sys; "
        "print([m for m in ('torch', 'matplotlib', 'pyarrow', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout
    assert "matplotlib" not in done.stdout


class TestSheet:
    """A red square, left half and right half, in a picture of one colour."""

    WHOLE = np.zeros((40, 60), dtype=bool)
    WHOLE[10:30, 20:40] = True

    class Halves:
        def propose(self, image_HWC):
            left = np.zeros(image_HWC.shape[:2], dtype=bool)
            left[:, :30] = True
            return [Region(Mask.from_array(left)), Region(Mask.from_array(~left))]

        def describe(self):
            return {}

    def source(self, *samples):
        return Source(SampleList(samples), None, {})

    def sample(self, image_id="a", mask=None, read=None):
        image = np.full((40, 60, 3), (200, 30, 30), dtype=np.uint8)
        whole = Object(1, "square", Mask.from_array(self.WHOLE if mask is None else mask), ())
        return Sample(image_id, 40, 60, (whole,), read or (lambda: image))

    def example(self, sample):
        (example,) = sheets._example(self.source(sample), self.Halves(), Slivers(), sample.image_id)
        return example

    def test_panels_are_image_object_regions_and_parts(self):
        example = self.example(self.sample())
        image, whole, regions, parts = sheets.panels(example)
        assert (image == example.image_HWC).all()
        assert (whole[self.WHOLE] == image[self.WHOLE]).all()
        assert (whole[~self.WHOLE] > 170).all()  # faded, and still of the picture's colour
        assert len(np.unique(regions.reshape(-1, 3), axis=0)) == 2
        assert len(np.unique(parts[self.WHOLE], axis=0)) == 2
        assert (parts[~self.WHOLE] == whole[~self.WHOLE]).all()

    def test_an_object_without_two_parts_is_shown_as_discarded(self, monkeypatch):
        small = np.zeros_like(self.WHOLE)
        small[0:4, 0:4] = True
        written = []
        monkeypatch.setattr(
            sheets.ImageDraw.ImageDraw, "text", lambda self, place, text, **options: written.append(text)
        )
        sheets.draw([self.example(self.sample("a")), self.example(self.sample("b", small))])
        assert written[:4] == ["image", "object", "regions", "parts"]
        assert written[4:] == ["a, object 1 (square): 2 parts", "b, object 1 (square): 1 parts: discarded"]

    def test_images_that_cannot_be_read_are_passed_over(self, tmp_path):
        def torn():
            raise BadSample("torn")

        both = self.source(self.sample("torn", read=torn), self.sample("whole"))
        assert sheets.preview(tmp_path / "s.png", both, self.Halves(), Slivers()) == 1
        with pytest.raises(UsageError, match="no readable image with an object"):
            sheets.preview(tmp_path / "t.png", self.source(self.sample(read=torn)), self.Halves(), Slivers())

    def test_neighbouring_labels_have_colours_that_differ(self):
        colours = sheets._colours(50)[1:]
        assert np.abs(np.diff(colours, axis=0)).sum(axis=1).min() > 150


class TestScenesOfARecipe:
    @pytest.fixture
    def recipe(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        smoke = (config.RECIPES / "smoke.toml").read_text()
        changed = re.sub(r"images = \d+", "images = 6", smoke.replace("processes = 2", "processes = 1"), count=1)
        (tmp_path / "few.toml").write_text(changed)
        return str(tmp_path / "few.toml")

    def test_are_labelled_and_learnt_from(self, recipe, tmp_path):
        out = tmp_path / "labels.parquet"
        (tmp_path / "halves.py").write_text(HALVES)
        words = ["--source", "standins", "--recipe", recipe, "-m", f"{tmp_path / 'halves.py'}:halves"]
        call([*words, "--points-per-side", "2", "-o", out, "-q"])
        drawn = draw_standins(config.load(recipe).data.standins)
        data = config.load(recipe, [f"data.standins.labels='{out}'"]).data
        (learnt,) = open_sources(data, 0)
        assert learnt.dataset.name == "pseudo-parts"
        labelled = learnt.dataset.ids
        assert 2 <= len(labelled) <= len(drawn.ids)
        for image_id in labelled:
            image = drawn.load(image_id)
            assert (learnt.dataset.load(image_id).image() == image.image()).all()
            whole = {o.object_id: o.mask for o in image.objects}
            for found in learnt.dataset.load(image_id).objects:
                assert found.mask == whole[found.object_id]
                left = [p.mask.array()[:, : image.width // 2].any() for p in found.parts]
                assert sorted(left) == [False, True]

    def test_words_for_files_do_not_fit_them(self, recipe, tmp_path):
        out = ["-o", tmp_path / "l.parquet"]
        with pytest.raises(UsageError, match=r"take --recipe NAME, .*no files; got --root"):
            call(["--source", "standins", "--recipe", recipe, "--root", tmp_path, *out])
        with pytest.raises(UsageError, match=r"they take --recipe NAME, whose scenes they are, and no files$"):
            call(["--source", "standins", *out])
        with pytest.raises(UsageError, match=r"--recipe is for standins; coco takes --root"):
            call(["--source", "coco", "--recipe", recipe, *out])
        with pytest.raises(UsageError, match=r"coco needs the folder of its pictures: give --root DIR"):
            call(["--source", "coco", *out])
        with pytest.raises(UsageError, match=r"recipe consamme-vit-b trains on no drawn scenes"):
            call(["--source", "standins", "--recipe", "consamme-vit-b", *out])
