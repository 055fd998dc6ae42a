"""The contract of a model: what is accepted, and what each slip is told."""

import functools
import hashlib
import linecache
import re
from pathlib import Path

import numpy as np
import pytest

from consbench.errors import ContractError
from consbench.model import FunctionModel, Prediction, as_model, check_prediction, identity_of

N, K, H, W = 2, 3, 4, 6


def masks(*shape, dtype=bool):
    return np.ones(shape or (N, K, H, W), dtype=dtype)


def check(answer):
    return check_prediction(answer, clicks=N, size=(H, W))


def refuses(answer, message):
    with pytest.raises(ContractError, match=re.escape(message)):
        check(answer)


# ── what is accepted ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [masks(), (masks(),), [masks(), None], (masks(), None, None), Prediction(masks())],
    ids=["bare masks", "tuple of one", "list", "tuple of three", "prediction"],
)
def test_masks_alone_are_accepted_in_any_wrapping(answer):
    checked = check(answer)
    assert isinstance(checked, Prediction)
    assert checked.masks_NKHW.shape == (N, K, H, W)
    assert checked.scores_NK is None
    assert checked.valid_NK is None


def test_scores_and_validity_become_arrays():
    scores, valid = [[0.1, 0.2, 0.3]] * N, [[True, True, False]] * N
    checked = check((masks(), scores, valid))
    np.testing.assert_array_equal(checked.scores_NK, np.array(scores))
    np.testing.assert_array_equal(checked.valid_NK, np.array(valid))


def test_k_may_be_any_number_from_one_and_there_may_be_no_clicks():
    assert check(masks(N, 1, H, W)).masks_NKHW.shape[1] == 1
    assert check_prediction(masks(0, K, H, W), 0, (H, W)).masks_NKHW.shape[0] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scores_may_be_of_any_float_type(dtype):
    assert check((masks(), np.zeros((N, K), dtype=dtype))).scores_NK.dtype == dtype


def test_where_an_output_is_not_valid_its_score_may_be_nan():
    scores = np.array([[0.5, 0.5, np.nan]] * N)
    assert np.isnan(check((masks(), scores, np.array([[True, True, False]] * N))).scores_NK).sum() == N


# ── what is refused, and what is said ─────────────────────────────────────────────────────────────


def test_what_is_no_array_is_named_with_what_was_wanted():
    refuses(None, f"masks must be a numpy array, bool of shape (N={N}, K, H={H}, W={W}); got NoneType")


def test_a_torch_tensor_is_told_how_to_become_an_array():
    tensor = type("Tensor", (), {"__module__": "torch"})()
    refuses(tensor, "got Tensor. A torch tensor becomes one with .cpu().numpy()")


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64])
def test_masks_that_are_not_bool_are_told_to_be_thresholded(dtype):
    refuses(
        masks(dtype=dtype),
        f"masks must be bool of shape (N={N}, K, H={H}, W={W}); got {np.dtype(dtype)} of shape (2, 3, 4, 6). "
        "If these are logits, threshold them: logits > 0",
    )


@pytest.mark.parametrize(
    ("shape", "slip"),
    [
        ((K, H, W), "The axis of the clicks (or of the outputs) is missing: add it with masks[:, None] or masks[None]"),
        ((H, W), "There must be 4 axes, not 2"),
        ((N, K, H, W, 1), "There must be 4 axes, not 5"),
        ((N, K, W, H), "Height and width look exchanged"),
        ((K, N, H, W), "The first two axes look exchanged: clicks come first"),
        ((5, K, H, W), "Every click needs its answer, in the order of the clicks"),
        ((N, 0, H, W), "K must be at least 1"),
        ((N, K, 2, 3), "These look like masks at the model's own size (0.5 × the image): resize the logits"),
        ((N, K, 256, 256), "These look like masks at the model's own size (52 × the image): resize the logits"),
    ],
    ids=str,
)
def test_a_wrong_shape_is_told_its_likely_slip(shape, slip):
    refuses(masks(*shape), f"got bool of shape {shape}. {slip}")


@pytest.mark.parametrize("answer", [(), (1, 2, 3, 4)], ids=["nothing", "four things"])
def test_a_tuple_of_another_length_is_refused(answer):
    refuses(
        answer,
        f"predict must return masks, (masks, scores) or (masks, scores, valid); got a tuple of {len(answer)}",
    )


@pytest.mark.parametrize(
    ("valid", "came"),
    [
        (np.ones((N, K)), "got float64 of shape (2, 3)"),
        (np.ones((K, N), dtype=bool), "got bool of shape (3, 2)"),
    ],
    ids=["float", "exchanged"],
)
def test_validity_of_another_type_or_shape_is_refused(valid, came):
    refuses((masks(), None, valid), f"valid must be bool of shape (N={N}, K={K}); {came}")


@pytest.mark.parametrize(
    ("scores", "came"),
    [
        (np.ones(N), "got float64 of shape (2,)"),
        (np.ones((N, K), dtype=int), "got int64 of shape (2, 3)"),
        (np.array([["a"] * K] * N), "got <U1 of shape (2, 3)"),
    ],
    ids=["one per click", "int", "text"],
)
def test_scores_of_another_type_or_shape_are_refused(scores, came):
    refuses((masks(), scores), f"scores must be float of shape (N={N}, K={K}), or None; {came}")


def test_nan_and_infinite_scores_are_counted():
    scores = np.array([[0.5, np.nan, 1.0], [np.inf, 0.1, 0.2]])
    refuses((masks(), scores), "scores must be finite; got 2 NaN or infinite of 6. A model without scores returns None")


# ── what is a model ───────────────────────────────────────────────────────────────────────────────


class Whole:
    def encode(self, image_HWC):
        return self


class Shown:
    def answer(self, sample, targets):
        return Prediction(masks())


@pytest.mark.parametrize("kind", [Whole, Shown], ids=["model", "privileged"])
def test_an_object_with_the_right_method_is_a_model_already(kind):
    model = kind()
    assert as_model(model) is model


def test_a_function_becomes_a_model_that_hands_on_image_and_clicks():
    seen = []

    def everything(image, clicks):
        seen.append((image.copy(), clicks))
        image[:] = 0  # its own copy
        return np.ones((len(clicks), 1, *image.shape[:2]), dtype=bool)

    image, clicks = np.full((H, W, 3), 9, dtype=np.uint8), np.array([[1.0, 2.0], [3.0, 3.0]])
    model = as_model(everything)
    assert isinstance(model, FunctionModel)
    encoded = model.encode(image)
    assert check(encoded.predict(clicks)).masks_NKHW.all()
    np.testing.assert_array_equal(seen[0][0], np.full((H, W, 3), 9))
    assert seen[0][1] is clicks
    assert (image == 9).all(), "a function that writes into its image cannot spoil the next call"


def test_what_is_neither_is_refused_by_its_type():
    refused = (
        "a model needs encode(image), or is a function f(image, clicks) -> masks; got builtins.int, which is neither"
    )
    with pytest.raises(ContractError, match=re.escape(refused)):
        as_model(3)


class Describing:
    def encode(self, image): ...
    def describe(self):
        return {"weights": "abc"}


@pytest.mark.parametrize("thing", ["sam", Describing], ids=["text", "a class"])
def test_text_and_classes_are_no_models(thing):
    with pytest.raises(ContractError, match="a model needs encode"):
        as_model(thing)


def test_identity_is_what_a_model_says_of_itself():
    assert identity_of(Describing()) == {"name": "Describing", "code": f"{__name__}:Describing", "weights": "abc"}
    assert identity_of(Describing(), "mine")["name"] == "mine"


def test_a_model_that_says_nothing_is_known_by_its_source():
    def function(image, clicks): ...

    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    assert identity_of(as_model(function))["source_sha256"] == digest


def test_a_partial_function_has_an_identity_too():
    assert identity_of(as_model(functools.partial(print, "a")))["name"] == "partial"


def test_a_model_in_a_notebook_is_known_by_its_cell():
    """Another cell under the same name is another model, and must not open the old one's run."""

    def cell(number, source):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        space = {"__name__": "notebook"}
        exec(compile(source, name, "exec"), space)
        return identity_of(as_model(space["predict"]))["source_sha256"]

    one = "def predict(image, clicks):\n    return 1\n"
    assert cell(1, one) == cell(2, one) != cell(3, one.replace("1", "2"))
    assert cell(1, one) is not None


def test_what_has_no_source_has_no_digest():
    assert identity_of(as_model(max))["source_sha256"] is None
