"""Photographs and annotations for the explorer, from the dataset a run was made on.

A record holds what a model answered, not the images. They are read again from the dataset that the run
names, and only if its fingerprint is the one in the record: a page must never show masks over an image or
beside an annotation that they were not measured against.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image as Pillow

from consbench import registry
from consbench.datasets.base import Dataset
from consbench.errors import BadSample, ConsbenchError, UnknownName
from consbench.registry import Reference
from consbench.run import Run
from consbench.types import Image, Sample

QUALITY = 82  # of JPEG: below, texture at mask borders suffers; above, a page of 300 images doubles


@dataclass(frozen=True, slots=True)
class Photographs:
    """Where the images of a run come from: a dataset, or the reason why there is none."""

    dataset: Dataset | None
    reason: str = ""

    def sample(self, image_id: str) -> Sample | None:
        """The annotated image; None where there is no dataset, no such image or the sample is damaged."""
        if self.dataset is None:
            return None
        try:
            return self.dataset.load(image_id)
        except (BadSample, UnknownName):  # another run may have been asked about more images
            return None


def of_run(run: Run, given: Mapping[str, Dataset] | None = None) -> Photographs:
    """Open the dataset of a run and make sure that it is the one the run was made on.

    Args:
        run: a finished run.
        given: datasets by name, opened by the caller; they go before what the run names.

    Whatever fails is a reason on the page, not an error: the rest of a report needs no dataset.
    """
    name = str(run.manifest["identity"]["dataset"]["name"])
    if given and name in given:
        return _checked(run, given[name])
    asked = run.manifest["asked"].get("dataset")
    if asked is None:
        return Photographs(None, f"the record does not say how {name} was opened; name it with --data")
    # A record may be a stranger's: it must not choose which file or module is run here.
    if asked["target"] not in registry.names("dataset"):
        return Photographs(None, f"{name} is no installed dataset; name it with --data if you trust it")
    try:
        return _checked(run, registry.build("dataset", Reference(asked["target"], asked["options"])))
    except Exception as error:  # a dataset is somebody's code, and its absence must not cost the report
        return Photographs(None, f"{name} could not be opened ({_first_sentence(error)}); name it with --data")


def jpeg(image_HWC: Image, longest: int) -> bytes:
    """Encode an image, uint8 (H, W, 3) RGB, as JPEG whose longer side is at most `longest` pixels.

    >>> import numpy as np
    >>> Pillow.open(io.BytesIO(jpeg(np.zeros((300, 600, 3), np.uint8), 200))).size
    (200, 100)
    """
    picture = Pillow.fromarray(image_HWC)
    picture.thumbnail((longest, longest), Pillow.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


def data_uri(content: bytes, media_type: str) -> str:
    """Content as a URI that a page carries with it.

    >>> data_uri(b"a", "text/plain")
    'data:text/plain;base64,YQ=='
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _checked(run: Run, dataset: Dataset) -> Photographs:
    identity = run.manifest["identity"]["dataset"]
    wanted = identity["fingerprint"]
    try:
        for ids in _candidates(run, dataset):
            if len(ids) == identity["images"] and dataset.fingerprint(ids) == wanted:
                return Photographs(dataset)
    except (ConsbenchError, OSError) as error:
        return Photographs(None, f"{dataset.name} cannot be read ({_first_sentence(error)})")
    return Photographs(
        None, f"the {dataset.name} found here is not the one the run was made on: its fingerprint differs"
    )


def _candidates(run: Run, dataset: Dataset) -> list[Sequence[str]]:
    """The image ids a run may have been asked about: the first so many, or those it has clicks on."""
    known = list(dataset.ids)
    clicked = set(run.clicks["image_id"])
    return [known[: run.manifest["identity"]["dataset"]["images"]], [i for i in known if i in clicked]]


def _first_sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0].split(". ")[0].rstrip(".")
