"""Every check of a model's conformance catches its own slip, and only a sound model passes them all.

The models below are one sound model and copies of it with a single slip each. That a slip is caught by the
check made for it, and by no other, is the proof that the check can fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench import controls
from consbench.cli.check import check
from consbench.errors import ContractError, UsageError
from consbench.masks import BoolArray
from consbench.model import Prediction
from consbench.testing import Conformance, Finding, check_model
from consbench.testing.compare import agree, order_of, row
from consbench.testing.pictures import BLOB_RADIUS, Picture, landscape, portrait
from consbench.testing.probe import Doubt, Fault
from consbench.types import Click, Image

REACHES = (150.0, 60.0)


def similar_colour(image_HWC: Image, clicks_N2: Any) -> BoolArray:
    """The pixels whose colour is near that of the clicked one: two nested masks a click."""
    columns_N, rows_N = clicks_N2.astype(int).T
    distance_NHW = np.linalg.norm(image_HWC - image_HWC[rows_N, columns_N][:, None, None].astype(float), axis=-1)
    return np.stack([distance_NHW < reach for reach in REACHES], axis=1)


@dataclass
class Encoded:
    model: Sound
    image_HWC: Image

    def predict(self, clicks_N2: Any) -> Any:
        return self.model.answer_clicks(self.image_HWC, clicks_N2)


class Sound:
    """A model without a slip. A slip overrides one method."""

    def encode(self, image_HWC: Image) -> Any:
        return Encoded(self, image_HWC.copy())

    def answer_clicks(self, image_HWC: Image, clicks_N2: Any) -> Any:
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        return Prediction(masks_NKHW, masks_NKHW.mean(axis=(2, 3)))


class ExchangesXY(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        limits = np.array(image_HWC.shape[1::-1]) - 1
        return super().answer_clicks(image_HWC, np.minimum(clicks_N2[:, ::-1], limits))


class ExchangesXYAndLeavesTheImage(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return super().answer_clicks(image_HWC, clicks_N2[:, ::-1])


class ReturnsNumbers(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return similar_colour(image_HWC, clicks_N2).astype(np.uint8)


class ReturnsLogits(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return similar_colour(image_HWC, clicks_N2).astype(np.float32) * 8 - 4


class ReturnsModelSize(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return np.zeros((len(clicks_N2), 3, 256, 256), bool)


class ExchangesHeightAndWidth(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return similar_colour(image_HWC, clicks_N2).transpose(0, 1, 3, 2)


class ForgetsTheAxisOfOutputs(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return similar_colour(image_HWC, clicks_N2)[:, 0]


class StoresTheImageInTheModel(Sound):
    def encode(self, image_HWC):
        self.image_HWC = image_HWC.copy()
        return self

    def predict(self, clicks_N2):
        return self.answer_clicks(self.image_HWC, clicks_N2)


class StoresOnlyPixelsInTheModel(Sound):
    """The size is kept per image, so the leak gives no wrong shape, only wrong masks."""

    def encode(self, image_HWC):
        self.image_HWC = image_HWC.copy()
        return Encoded(self, image_HWC.copy())

    def answer_clicks(self, image_HWC, clicks_N2):
        height, width = image_HWC.shape[:2]
        return super().answer_clicks(np.resize(self.image_HWC, (height, width, 3)), clicks_N2)


class UsesOneOutputBuffer(Sound):
    def __init__(self):
        self.buffers = {}

    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        buffer_NKHW = self.buffers.setdefault(masks_NKHW.shape, np.empty_like(masks_NKHW))
        buffer_NKHW[:] = masks_NKHW
        return buffer_NKHW


class RemembersTheImageBefore(Sound):
    before = 0.0

    def encode(self, image_HWC):
        blended_HWC = image_HWC // 2 + np.uint8(self.before)
        self.before = image_HWC.mean() if image_HWC.shape[0] > 100 else self.before
        blended_HWC[::7] += np.uint8(self.before)
        return Encoded(self, blended_HWC)


class EncodesAtRandom(Sound):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def encode(self, image_HWC):
        return Encoded(self, image_HWC // 2 + self.rng.integers(0, 100, image_HWC.shape, dtype=np.uint8))


class AnswersAtRandom(Sound):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        return masks_NKHW ^ (self.rng.random(masks_NKHW.shape) < 0.02)


class ChangesTheImage(Sound):
    def encode(self, image_HWC):
        image_HWC //= 2
        return super().encode(image_HWC)


class ChangesTheClicks(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        answer = super().answer_clicks(image_HWC, clicks_N2)
        clicks_N2 += 0.5
        return answer


class KeepsTheImage(Sound):
    def encode(self, image_HWC):
        return Encoded(self, image_HWC)


class MixesTheBatch(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        return masks_NKHW & masks_NKHW.any(axis=1, keepdims=True) & (masks_NKHW.mean(axis=0) < 2 / len(masks_NKHW))


class AnswersInOneMask(Sound):
    """All clicks enter one prompt: everybody gets the union."""

    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        return np.broadcast_to(masks_NKHW.any(axis=0), masks_NKHW.shape)


class SortsTheClicks(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return super().answer_clicks(image_HWC, clicks_N2[np.argsort(clicks_N2[:, 0])])


class AnswersOnlyTheFirst(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        return super().answer_clicks(image_HWC, clicks_N2[:1])


class ScoresNaN(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW, scores_NK, _ = super().answer_clicks(image_HWC, clicks_N2)
        return masks_NKHW, scores_NK * np.nan


class ScoresOncePerClick(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW, scores_NK, _ = super().answer_clicks(image_HWC, clicks_N2)
        return masks_NKHW, scores_NK[:, 0]


class ScoresSometimes(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW, scores_NK, _ = super().answer_clicks(image_HWC, clicks_N2)
        return masks_NKHW, (scores_NK if len(clicks_N2) == 1 else None)


class ScoresByRank(Sound):
    """Masks are independent of the other clicks, scores are not."""

    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW, scores_NK, _ = super().answer_clicks(image_HWC, clicks_N2)
        return masks_NKHW, scores_NK / scores_NK.sum(axis=0)


class ChangesK(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        masks_NKHW = similar_colour(image_HWC, clicks_N2)
        return masks_NKHW if len(clicks_N2) == 1 else np.concatenate([masks_NKHW, masks_NKHW[:, :1]], axis=1)


class RaisesInEncode(Sound):
    def encode(self, image_HWC):
        raise RuntimeError("out of memory")


class RaisesInPredict(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        raise RuntimeError("no kernel for this")


class RaisesForSeveralClicks(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        if len(clicks_N2) > 1:
            raise ValueError("one click only")
        return super().answer_clicks(image_HWC, clicks_N2)


class RaisesAtTheBorder(Sound):
    def answer_clicks(self, image_HWC, clicks_N2):
        image_HWC[clicks_N2.astype(int)[:, 1] + 1, clicks_N2.astype(int)[:, 0] + 1]
        return super().answer_clicks(image_HWC, clicks_N2)


class RaisesOnPortraits(Sound):
    def encode(self, image_HWC):
        assert image_HWC.shape[0] < image_HWC.shape[1], "wide images only"
        return super().encode(image_HWC)


class ReturnsNothingThatPredicts(Sound):
    def encode(self, image_HWC):
        return image_HWC.copy()


class KnowsAnotherOrder(Sound):
    default_order = "size"


class DescribesAnArray(Sound):
    def describe(self):
        return {"mean": np.zeros(3)}


SLIPS = [
    (ExchangesXY, "frame", "6 of 6 answers hold the pixel at (y, x) and not the clicked one", "(row, column)"),
    (ExchangesXYAndLeavesTheImage, "frame", "6 of 6 answers hold the pixel at (y, x)", "(row, column)"),
    (ReturnsNumbers, "masks", "masks must be bool of shape (N=1, K, H=96, W=128); got uint8", "threshold"),
    (ReturnsLogits, "masks", "got float32 of shape (1, 2, 96, 128). If these are logits", "logits > 0"),
    (ReturnsModelSize, "masks", "masks at the model's own size", "resize the logits"),
    (ExchangesHeightAndWidth, "masks", "Height and width look exchanged", ""),
    (ForgetsTheAxisOfOutputs, "masks", "The axis of the clicks (or of the outputs) is missing", ""),
    (StoresTheImageInTheModel, "state", "got bool of shape (1, 2, 131, 97)", "encode stores the image in the model"),
    (StoresOnlyPixelsInTheModel, "state", "an image asked again after another was encoded", "stores the image"),
    (UsesOneOutputBuffer, "state", "earlier answers changed after they were given", "one output buffer"),
    (RemembersTheImageBefore, "again", "the same image encoded again, after another one", "the image before"),
    (EncodesAtRandom, "again", "the same image encoded again, after another one", "draws random numbers"),
    (AnswersAtRandom, "repeat", "asked twice with the same click", "draws random numbers"),
    (ChangesTheImage, "inputs", "encode changed the image it was given (3 times", "work on a copy"),
    (ChangesTheClicks, "inputs", "predict changed the clicks it was given (15 times", "in place"),
    (KeepsTheImage, "kept", "the caller's image overwritten after encode", "keep a copy"),
    (MixesTheBatch, "batch", "6 clicks at once against one by one", "treat every click on its own"),
    (AnswersInOneMask, "batch", "6 clicks at once against one by one", "N prompts of one click"),
    (SortsTheClicks, "batch", "those of clicks [5, 1, 4, 3, 0, 2] instead of [0, 1, 2, 3, 4, 5]", "in the order"),
    (AnswersOnlyTheFirst, "batch", "Every click needs its answer", "loop over the clicks"),
    (ScoresByRank, "batch", "0 of 147456 pixels differ, scores by up to", "normalised over the batch"),
    (ScoresNaN, "scores", "scores must be finite; got 2 NaN or infinite of 2", "0 divided by 0"),
    (ScoresOncePerClick, "scores", "scores must be float of shape (N=1, K=2), or None; got float64 of", "None"),
    (ScoresSometimes, "scores", "1 of 15 answers came without scores", "None in their place, always"),
    (ChangesK, "outputs", "K=2 for 1 click on the landscape", "valid (N, K)"),
    (RaisesInEncode, "answer", "encode raised RuntimeError: out of memory (test_check.py:", ""),
    (RaisesInPredict, "masks", "predict raised RuntimeError: no kernel for this (test_check.py:", ""),
    (RaisesForSeveralClicks, "batch", "raised ValueError: one click only", ""),
    (RaisesAtTheBorder, "border", "predict raised IndexError: index 96 is out of bounds", "clip it"),
    (RaisesOnPortraits, "sizes", "AssertionError: wide images only", "height and width are exchanged"),
    (ReturnsNothingThatPredicts, "answer", "encode returned ndarray, which has no method predict", ""),
    (KnowsAnotherOrder, "record", "default_order is 'size'; known: native, area, score", "one of native"),
    (DescribesAnArray, "record", "describe() cannot be written as JSON: TypeError", "arrays, tensors"),
]


@pytest.mark.parametrize(("slip", "name", "seen", "mend"), SLIPS, ids=[case[0].__name__ for case in SLIPS])
def test_a_slip_is_caught_by_its_check_and_by_no_other(slip: type[Sound], name: str, seen: str, mend: str) -> None:
    conformance = check_model(slip())
    assert [finding.name for finding in conformance.of("failed")] == [name], str(conformance)
    [finding] = conformance.of("failed")
    assert seen in finding.seen
    assert finding.slips
    assert mend in "\n".join(map(str, finding.slips))
    assert not conformance.ok


def test_every_check_has_a_slip_that_fails_it() -> None:
    assert {case[1] for case in SLIPS} == {finding.name for finding in check_model(Sound()).findings}


def test_a_sound_model_passes_every_check() -> None:
    conformance = check_model(Sound())
    assert {finding.outcome for finding in conformance.findings} == {"passed"}, str(conformance)
    assert conformance.verdict == "conforms to the model contract: 14 passed"
    conformance.raise_if_failed()


def test_a_slow_model_is_called_few_times() -> None:
    conformance = check_model(Sound())
    assert (conformance.encodes, conformance.predicts) == (3, 16)
    assert max(max(picture.size) for picture in (landscape(), portrait())) <= 131


def test_a_plain_function_passes_without_the_checks_that_do_not_apply() -> None:
    conformance = check_model(similar_colour)
    assert conformance.ok
    assert [finding.name for finding in conformance.of("skipped")] == ["scores", "kept"]


@pytest.mark.parametrize("control", [controls.oracle, controls.swapped, controls.click_disc])
def test_controls_that_look_at_the_click_are_told_from_their_mirror(control: Any) -> None:
    conformance = check_model(control())
    assert conformance.ok, str(conformance)
    assert "frame" in {finding.name for finding in conformance.of("passed")}


@pytest.mark.parametrize(
    ("control", "reason"), [(controls.full_image, "do not depend on the click"), (controls.empty, "mask is empty")]
)
def test_controls_that_ignore_the_click_are_not_judged_on_x_and_y(control: Any, reason: str) -> None:
    conformance = check_model(control())
    assert conformance.ok, str(conformance)
    [frame] = [finding for finding in conformance.findings if finding.name == "frame"]
    assert frame.outcome == "skipped"
    assert reason in frame.seen


def test_masks_that_hold_no_click_are_a_warning_with_the_scale_as_likely_slip() -> None:
    class HalfScale(Sound):
        def answer_clicks(self, image_HWC, clicks_N2):
            y_HW, x_HW = np.indices(image_HWC.shape[:2])
            return np.stack([[np.hypot(x_HW - x / 2, y_HW - y / 2) < 5] for x, y in clicks_N2])

    conformance = check_model(HalfScale())
    assert conformance.ok
    [warning] = conformance.of("warned")
    assert warning.name == "frame"
    assert "in 0 some mask holds the clicked pixel" in warning.seen
    assert "not scaled to the frame of the network" in str(warning)


def test_a_model_whose_masks_are_noise_fails_no_check_on_x_and_y() -> None:
    """An untrained network must not be told that it exchanges x and y."""

    def noise(image_HWC, clicks_N2):
        return np.stack(
            [np.random.default_rng([int(x), int(y)]).random((3, *image_HWC.shape[:2])) > 0.5 for x, y in clicks_N2]
        )

    assert check_model(noise).ok


def test_outputs_may_vary_between_clicks_where_a_third_array_says_which_are_valid() -> None:
    class Padded(Sound):
        def answer_clicks(self, image_HWC, clicks_N2):
            masks_NKHW, scores_NK, _ = super().answer_clicks(image_HWC, clicks_N2)
            few_N = clicks_N2[:, 0] > 60
            valid_NK = np.ones(scores_NK.shape, bool)
            valid_NK[few_N, 1] = False
            scores_NK[~valid_NK] = np.nan
            outputs = 1 if few_N.all() else 2
            return masks_NKHW[:, :outputs], scores_NK[:, :outputs], valid_NK[:, :outputs]

    conformance = check_model(Padded())
    assert conformance.ok, str(conformance)
    assert "K=1 or 2" in next(finding.seen for finding in conformance.findings if finding.name == "outputs")


def test_something_that_is_no_model_is_a_finding() -> None:
    conformance = check_model(42)
    [failed] = conformance.of("failed")
    assert "a model needs encode(image), or is a function" in failed.seen
    assert {finding.outcome for finding in conformance.findings if finding is not failed} == {"skipped"}


def test_a_factory_in_the_place_of_a_model_is_among_the_likely_slips() -> None:
    def load():
        return Sound()

    [failed] = check_model(load).of("failed")
    assert "predict raised TypeError: " in failed.seen
    assert "call it: check_model(load())" in str(failed)


def test_raise_if_failed_lists_what_failed_with_its_slips() -> None:
    with pytest.raises(
        ContractError, match=r"does not conform.*: 1 failed, (.|\n)*failed +frame .*\n.*likely slip: the click"
    ):
        check_model(ExchangesXY()).raise_if_failed()


def test_findings_are_reported_as_they_are_made() -> None:
    told: list[Finding] = []
    conformance = check_model(SortsTheClicks(), report=told.append)
    assert tuple(told) == conformance.findings


# --- the comparison


def prediction(masks_NKHW: BoolArray, **more: Any) -> Prediction:
    return Prediction(masks_NKHW, **more)


def flipped(masks_NKHW: BoolArray, pixels: int) -> BoolArray:
    flat = masks_NKHW.copy().reshape(-1)
    flat[:pixels] ^= True
    return flat.reshape(masks_NKHW.shape)


@pytest.mark.parametrize(("pixels", "error"), [(0, None), (4, None), (5, Doubt), (400, Doubt), (401, Fault)])
def test_agreement_allows_one_pixel_in_a_hundred_thousand_and_warns_up_to_one_in_a_thousand(pixels, error) -> None:
    masks_NKHW = np.random.default_rng(0).random((2, 2, 250, 400)) < 0.5
    pair = (prediction(masks_NKHW), prediction(flipped(masks_NKHW, pixels)))
    if error is None:
        assert agree([pair], "twice") == f"twice: {pixels} of 400000 pixels differ"
    else:
        with pytest.raises(Fault, match=f"twice: {pixels} of 400000 pixels differ") as caught:
            agree([pair], "twice")
        assert type(caught.value) is error


def test_agreement_does_not_look_at_invalid_outputs_but_at_which_are_valid() -> None:
    masks_NKHW = np.zeros((1, 2, 10, 10), bool)
    valid_NK = np.array([[True, False]])
    other_NKHW = masks_NKHW.copy()
    other_NKHW[0, 1] = True
    scores_NK = np.array([[0.5, np.nan]])
    one = prediction(masks_NKHW, scores_NK=scores_NK, valid_NK=valid_NK)
    assert "0 of 100" in agree([(one, prediction(other_NKHW, scores_NK=scores_NK, valid_NK=valid_NK))], "twice")
    with pytest.raises(Fault, match="other outputs are marked as valid"):
        agree([(one, prediction(masks_NKHW, valid_NK=~valid_NK))], "twice")


@given(order=st.permutations(range(5)))
@settings(deadline=None, max_examples=30)
def test_the_order_of_answers_is_recovered_whatever_it_is(order: list[int]) -> None:
    masks_NKHW = np.random.default_rng(1).random((5, 2, 20, 30)) < 0.5
    singles = [row(prediction(masks_NKHW), n) for n in range(5)]
    assert order_of(singles, prediction(masks_NKHW[order])) == list(order)


def test_equal_answers_keep_their_order_and_a_foreign_answer_has_none() -> None:
    masks_NKHW = np.zeros((3, 1, 20, 30), bool)
    singles = [row(prediction(masks_NKHW), n) for n in range(3)]
    assert order_of(singles, prediction(masks_NKHW)) == [0, 1, 2]
    assert order_of(singles, prediction(~masks_NKHW)) is None


# --- the pictures


@pytest.mark.parametrize("picture", [landscape(), portrait()], ids=["landscape", "portrait"])
def test_pictures_are_drawn_alike_every_time_and_every_pixel_is_in_one_part(picture: Picture) -> None:
    again = {"landscape": landscape, "portrait": portrait}[picture.sample.image_id]()
    assert np.array_equal(picture.image_HWC, again.image_HWC)
    parts_PHW = np.stack([part.mask.array() for obj in picture.sample.objects for part in obj.parts])
    assert (parts_PHW.sum(axis=0) == 1).all()
    assert picture.sample.image().flags.writeable
    height, width = picture.size
    assert height != width


def test_blobs_of_the_landscape_mirror_each_other_and_lie_apart() -> None:
    clicks = landscape().clicks
    assert {Click(y, x) for x, y in clicks} == set(clicks)
    for n, one in enumerate(clicks):
        for other in clicks[:n]:
            assert np.hypot(one.x - other.x, one.y - other.y) > 2 * BLOB_RADIUS + 4


# --- the command


def test_the_command_prints_every_check_and_ends_with_the_verdict() -> None:
    done = CliRunner().invoke(check, ["click-disc"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "click-disc against the model contract"
    assert lines[1] == "✓ passed  answer  encoded the landscape 128×96 image"
    assert lines[-1] == "✓ click-disc conforms to the model contract: 13 passed, 1 skipped"


def test_the_command_names_slip_and_mend_and_exits_with_1(tmp_path) -> None:
    file = tmp_path / "logits.py"
    file.write_text(
        "import numpy as np\n"
        "def predict(image, clicks):\n"
        "    return np.zeros((len(clicks), 3, *image.shape[:2]), np.float32)\n"
    )
    done = CliRunner().invoke(check, [f"{file}:predict"])
    assert done.exit_code == 1
    assert "✗ failed  masks   masks must be bool of shape (N=1, K, H=96, W=128); got float32" in done.output
    assert "likely slip: logits or probabilities are returned\n" in done.output
    assert "to mend: threshold the logits: logits > 0\n" in done.output
    assert done.output.endswith(
        "✗ logits-predict does not conform to the model contract: 1 failed, 3 passed, 10 skipped\n"
    )


def test_the_command_hands_options_to_the_factory_and_closes_the_model(tmp_path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "from pathlib import Path\n"
        "class Model:\n"
        "    def __init__(self, *asked): self.asked = asked\n"
        "    def encode(self, image): self.size = image.shape[:2]; return Seen(image.shape[:2])\n"
        "    def describe(self): return {' '.join(map(str, self.asked)): 1}\n"
        "    def close(self): Path(self.asked[0]).write_text('closed')\n"
        "class Seen:\n"
        "    def __init__(self, size): self.size = size\n"
        "    def predict(self, clicks): return np.ones((len(clicks), 1, *self.size), bool)\n"
        "def load(checkpoint: Path, device: str = 'cpu', dtype: str = 'float32'):\n"
        "    return Model(checkpoint, device, dtype)\n"
    )
    weights = tmp_path / "w.pth"
    done = CliRunner().invoke(
        check, [f"{file}:load", "--checkpoint", str(weights), "--device", "cuda:1", "--dtype", "bfloat16"]
    )
    assert done.exit_code == 0, done.output
    assert f"describe() gives {weights} cuda:1 bfloat16" in done.output
    assert weights.read_text() == "closed"


def test_a_factory_that_raises_is_a_usage_error_with_the_place(tmp_path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("def load():\n    raise OSError('no licence')\n")
    done = CliRunner().invoke(check, [f"{file}:load"])
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith("broken.py:load' cannot be built: OSError: no licence (broken.py:2 in load)")


def test_an_unknown_model_is_a_usage_error_with_a_suggestion() -> None:
    done = CliRunner().invoke(check, ["click_disk"])
    assert isinstance(done.exception, UsageError)
    assert "did you mean 'click-disc'?" in str(done.exception)


def test_a_conformance_without_findings_that_failed_is_ok() -> None:
    passed, failed = Finding("a", "a is so", "passed", "so"), Finding("b", "b is so", "failed", "not so")
    assert Conformance((passed,)).ok
    assert not Conformance((passed, failed)).ok
    assert Conformance((passed, failed)).verdict == "does not conform to the model contract: 1 failed, 1 passed"
