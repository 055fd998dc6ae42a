"""A tiny recipe, a tiny dataset of drawn samples, and a door through which recipes find it."""

import json
from pathlib import Path

import numpy as np
import pytest

from consbench.datasets.base import SampleList
from consbench.masks import Mask
from consbench.types import Object, Part, Sample
from consbench_reference_training import config

TINY = {
    "name": "tiny",
    "about": "for tests",
    "seed": 3,
    "network": {
        "dimensions": {
            "embed_dim": 16,
            "depth": 2,
            "heads": 2,
            "global_attention": [0, 1],
            "image_size": 32,
            "patch_size": 8,
            "window_size": 0,
            "relative_positions": False,
            "decoder_dim": 16,
            "decoder_heads": 2,
            "decoder_mlp_dim": 32,
            "iou_hidden_dim": 16,
        }
    },
    "data": {"sources": ["drawn.py:load"], "validation_share": 0.25},
    "episodes": {"of": "object", "per_step": 4, "most_clicks": 8},
    "loss": {"kind": "ordered", "contrast": 0.5},
    "optimiser": {"learning_rate": 1e-3, "frozen": ["mask_decoder.iou_prediction_head"]},
    "run": {"steps": 6, "validate_every": 3, "save_every": 2, "log_every": 1},
}

DOOR = """
import numpy as np
from consbench.datasets.base import SampleList
from consbench.masks import Mask
from consbench.types import Object, Part, Sample

def load():
    return SampleList([sample(i) for i in range(12)], name="drawn")

def sample(number, parts=3, size=(24, 32)):
    rng = np.random.default_rng(number)
    image = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    whole = np.zeros(size, bool)
    top, left = rng.integers(0, 8, 2)
    whole[top : top + 12, left : left + 18] = True
    image[whole] //= 3
    own = []
    for k in range(parts):
        mask = np.zeros(size, bool)
        mask[top : top + 12, left + 6 * k : left + 6 * k + 6] = True
        own.append(Part(k, f"part {k}", Mask.from_array(mask & whole)))
    thing = Object(1, "thing", Mask.from_array(whole), tuple(own))
    return Sample(f"image-{number:02d}", *size, (thing,), lambda: image)
"""


@pytest.fixture(scope="session")
def door(tmp_path_factory):
    """A file with a dataset of twelve images, each with one object of three parts."""
    file = tmp_path_factory.mktemp("door") / "drawn.py"
    file.write_text(DOOR)
    return file


@pytest.fixture(scope="session")
def tiny(door):
    """Make the tiny recipe, with changes given as dotted keys."""

    def make(**changes):
        content = json.loads(json.dumps(TINY))
        content["data"]["sources"] = [f"{door}:load"]
        for dotted, value in changes.items():
            *sections, last = dotted.split("__")
            section = content
            for name in sections:
                section = section.setdefault(name, {})
            section[last] = value
        return config.parse(content, "tiny")

    return make


@pytest.fixture
def samples():
    """Make a dataset in memory of objects given as lists of part masks."""

    def make(objects_of_images, size=(24, 32)):
        found = []
        for number, objects in enumerate(objects_of_images):
            image = np.full((*size, 3), number, np.uint8)
            things = []
            for object_id, parts in enumerate(objects):
                whole = np.logical_or.reduce([np.zeros(size, bool), *parts])
                codes = tuple(Part(k, f"part {k}", Mask.from_array(mask)) for k, mask in enumerate(parts))
                things.append(Object(object_id, "thing", Mask.from_array(whole), codes))
            found.append(Sample(f"image-{number}", *size, tuple(things), lambda image=image: image))
        return SampleList(found, name="made")

    return make


@pytest.fixture
def repository():
    """The root of the repository."""
    return Path(__file__).parents[2]
