"""The loop of section 4.1: every image, every object, every part, one click each, one row each.

The model runs once per click. What it answered is measured against the annotation and against its own
answers from the object's other parts, written down, and never asked again. A protocol may ask for extra
clicks on every part; they follow the first ones, from the same encoding of the image.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from consbench import provenance
from consbench.clicklist import ClickList
from consbench.clicks import Listed
from consbench.datasets.base import Dataset, SampleList
from consbench.errors import BadSample, RunFailed, UnknownName, UsageError
from consbench.measure import Question, click_row, encode, failed_row, mask_row, pair_rows
from consbench.model import Model, Prediction, PrivilegedModel, as_model, check_prediction, identity_of
from consbench.ordering import Order, parse_order
from consbench.protocol import Protocol
from consbench.records import FORMAT, ImageRows, Journal, is_complete, refuse_other_run
from consbench.run import Run, open_run
from consbench.surroundings import Surroundings
from consbench.types import Image, Sample

Progress = Callable[[int, int], None]
SECONDS_BETWEEN_FLUSHES = 20.0
PIXELS_PER_CALL = 1 << 25  # clicks × pixels of one call; three bool masks each make 100 MB


def evaluate(
    model: object,
    dataset: Dataset | Sequence[Sample],
    *,
    out: str | Path,
    name: str | None = None,
    protocol: Protocol | None = None,
    clicks: ClickList | None = None,
    limit: int | None = None,
    ids: Sequence[str] | None = None,
    keep_masks: bool = True,
    fail_fast: bool = False,
    asked: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Evaluate one model on one dataset and return its record.

    A run that was interrupted is continued; a finished one is opened, and nothing is computed.

    Args:
        model: a model of `consbench.model`, or a function `f(image, clicks) -> masks`.
        dataset: a dataset, or a list of samples.
        out: the run directory.
        name: what tables call the model; its own name where absent.
        protocol: where to click and how to count; the paper's where absent.
        clicks: ask these clicks, on their images, and no others; they bring a protocol of their own.
        limit: only the first so many images.
        ids: only these images.
        keep_masks: store the masks themselves, not only what was measured on them.
        fail_fast: raise on the first image the model fails on, in place of recording it.
        asked: what the user asked for, kept in the record as given.
        progress: called with (images done, images in all).

    Raises UsageError (what was asked cannot be), RecordMismatch (`out` holds another run), RunFailed
    (under `fail_fast`).
    """
    model, out = as_model(model), Path(out)
    dataset = SampleList(dataset) if isinstance(dataset, Sequence) else dataset
    order = parse_order(getattr(model, "default_order", "native"))
    protocol = _protocol(protocol, clicks, narrowed=ids is not None or limit is not None)
    if clicks:
        clicks.refuse_other_dataset(dataset)
        ids = clicks.ids
    chosen = select(dataset, ids, limit)
    fingerprint = dataset.fingerprint(chosen)
    if clicks:
        clicks.refuse_other_annotations(fingerprint)
    identity = {
        "model": identity_of(model, name),
        "dataset": {
            "name": dataset.name,
            "split": dataset.split,
            "images": len(chosen),
            "fingerprint": fingerprint,
        },
        "protocol": {"id": protocol.id, **protocol.to_dict()},
        "masks": keep_masks,
    }
    refuse_other_run(out, identity)
    if is_complete(out):
        return open_run(out)
    if clicks:
        clicks.refuse_unknown_parts(dataset)

    journal, started = Journal(out, identity), time.time()
    try:
        flushed = time.monotonic()
        for image_id in chosen:
            if image_id in journal.done:
                continue
            if progress:
                progress(len(journal.done), len(chosen))
            rows = evaluate_image(model, dataset, image_id, protocol, keep_masks=keep_masks, clicks=clicks)
            if fail_fast and rows.image["status"] == "failed":
                raise RunFailed(f"image {image_id} failed, and --fail-fast stops there. {rows.image['reason']}")
            journal.append(rows)
            if time.monotonic() - flushed > SECONDS_BETWEEN_FLUSHES:
                journal.flush()
                flushed = time.monotonic()
        if progress:
            progress(len(chosen), len(chosen))
    finally:  # on Ctrl-C too: what was computed is kept
        journal.flush()
        if close := getattr(model, "close", None):
            close()

    if not journal.clicks:
        raise UsageError(
            f"{dataset.name} ({dataset.split}) has no part to click on in {len(chosen)} images: every object is empty, "
            f"without parts, a crowd region, or below --min-part-area {protocol.min_part_area}. "
            f"'consbench data info {dataset.name}' shows what it holds"
        )
    manifest = _manifest(model, dataset, journal, identity, asked or {}, order, time.time() - started)
    journal.complete(manifest, masks=keep_masks)
    return open_run(out)


def evaluate_image(
    model: Model | PrivilegedModel,
    dataset: Dataset,
    image_id: str,
    protocol: Protocol,
    *,
    keep_masks: bool = True,
    clicks: ClickList | None = None,
) -> ImageRows:
    """Click on every eligible part of one image, or where `clicks` says, and measure the answers.

    What goes wrong becomes rows, not an exception: status "skipped" where the data cannot be read,
    "failed" where the model raises or breaks its contract. An image without a click is "unclicked".
    """
    began = time.perf_counter()
    rows = ImageRows({"image_id": image_id, "status": "ok", "reason": "", "dropped": []})
    try:
        sample = dataset.load(image_id)
        image_HWC = sample.image()
    except BadSample as error:
        rows.image |= {"status": "skipped", "reason": str(error), "seconds": time.perf_counter() - began}
        return rows

    questions = clicks.questions(sample) if clicks else _questions(sample, protocol)
    if not questions:
        rows.image["status"] = "unclicked"
    try:
        predictions = _predict(model, sample, image_HWC, questions)
        answers = [answer for prediction in predictions for answer in encode(prediction)]
    except Exception as error:  # a model is somebody's code: whatever it raises is a result
        rows.image |= {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        rows.clicks = [failed_row(image_id, question, rows.image["reason"]) for question in questions]
    else:
        surroundings = Surroundings.of(sample)
        answered = list(zip(questions, answers, strict=True))
        rows.clicks = [click_row(image_id, question, answer, surroundings) for question, answer in answered]
        rows.pairs = pair_rows(image_id, questions, answers)
        rows.masks = [mask_row(image_id, question, answer) for question, answer in answered] if keep_masks else []
    rows.image |= {"dropped": [list(skip) for skip in sample.skipped], "seconds": time.perf_counter() - began}
    return rows


def _questions(sample: Sample, protocol: Protocol) -> list[Question]:
    """The clicks that the protocol's rules make on one image."""
    return [
        Question((obj, part), number, strategy.click(sample.image_id, obj, part))
        for number, strategy in enumerate(protocol.clicks)
        for obj in sample.objects
        for part in protocol.eligible_parts(obj)
    ]


def _protocol(given: Protocol | None, clicks: ClickList | None, *, narrowed: bool) -> Protocol:
    """The protocol of a run. Raises UsageError where a list of clicks is absent, or not the only thing to say."""
    if clicks is None:
        if given and isinstance(given.click, Listed):
            raise UsageError(f"the protocol {given.id} is of a list of clicks: give the list too, with --clicks FILE")
        return given or Protocol()
    if given not in (None, clicks.protocol) or narrowed:
        raise UsageError(
            "a list of clicks says itself which images and parts are clicked: it goes together with no other protocol, "
            "no ids and no limit. Take the clicks that are not wanted off the list"
        )
    return clicks.protocol


def _manifest(
    model: object,
    dataset: Dataset,
    journal: Journal,
    identity: dict[str, Any],
    asked: dict[str, Any],
    order: Order,
    seconds: float,
) -> dict[str, Any]:
    """What `run.json` says; everything that depends on time or machine stands in it and in no table."""
    images = journal.images()
    return {
        "format": FORMAT,
        "identity": identity,
        "asked": asked,
        "default_order": order,
        "privileged": isinstance(model, PrivilegedModel),
        "device": str(getattr(model, "device", "cpu")),
        "missing_files": list(dataset.missing),
        "failed_images": [[i["image_id"], i["reason"]] for i in images if i["status"] == "failed"],
        "skipped_images": [[i["image_id"], i["reason"]] for i in images if i["status"] == "skipped"],
        "unclicked_images": [i["image_id"] for i in images if i["status"] == "unclicked"],
        "dropped_annotations": [[i["image_id"], *dropped] for i in images for dropped in i["dropped"]],
        "environment": provenance.environment(),
        "timings": {
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "image_seconds": round(sum(i["seconds"] for i in images), 3),
            "last_session_seconds": round(seconds, 3),
        },
    }


def select(dataset: Dataset, ids: Sequence[str] | None = None, limit: int | None = None) -> list[str]:
    """The image ids of a run, in the order of the dataset. Raises UnknownName or UsageError."""
    known = list(dataset.ids)
    if ids is not None:
        there = set(known)
        for image_id in ids:
            if image_id not in there:
                # A dataset has thousands of ids: the nearest few say more than all of them.
                raise UnknownName(
                    f"image of {dataset.name} ({dataset.split})",
                    image_id,
                    difflib.get_close_matches(image_id, known, n=3, cutoff=0.0),
                )
        wanted = set(ids)
        known = [image_id for image_id in known if image_id in wanted]
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1; got {limit}")
    known = known[:limit]
    if not known:
        raise UsageError(f"{dataset.name} ({dataset.split}) has no images to evaluate")
    return known


def _predict(
    model: Model | PrivilegedModel, sample: Sample, image_HWC: Image, questions: Sequence[Question]
) -> Iterator[Prediction]:
    """Encode once, then answer the clicks in chunks of a bounded number of mask pixels."""
    encoded = None if isinstance(model, PrivilegedModel) or not questions else model.encode(image_HWC)
    for chunk in _chunks(questions, max(1, PIXELS_PER_CALL // (sample.height * sample.width))):
        clicks_N2 = np.array([question.click for question in chunk], dtype=np.float64)
        if isinstance(model, PrivilegedModel):
            answer: object = model.answer(sample, [question.target for question in chunk])
        else:
            assert encoded is not None, "encoded above, since there are clicks"
            answer = encoded.predict(clicks_N2)
        yield check_prediction(answer, len(clicks_N2), (sample.height, sample.width))


def _chunks(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    """Cut the questions, which are sorted by number, into calls of at most `size`.

    A call never mixes numbers, so the first clicks are asked exactly as they are without extra ones.
    """
    for _, group in groupby(questions, key=lambda question: question.number):
        own = list(group)
        yield from (own[first : first + size] for first in range(0, len(own), size))
