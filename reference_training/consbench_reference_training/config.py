"""The recipe: every number of a training run, read from a TOML file and checked before any work.

A recipe is data. The ones that ship lie beside this module in `recipes/`, each number with its section of
the paper; any other file of the same form will do. `--set section.key=value` replaces one number.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from consbench.errors import UnknownName, UsageError
from consbench_reference_training.reading import build, put

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Network:
    """What is trained.

    Attributes:
        family: "sam", or "hq-sam" with its additional head.
        init: where the weights come from: "random", a checkpoint file, a name known to `consbench weights`,
            or the name of a recipe: its run beside this one, else the miniature of that name that ships.
        dimensions: numbers of the network where it starts from random weights; empty: those of ViT-B.
        tied_attention: start the keys of the click-to-image attention equal to its queries, so that a
            click attends to its own place from the first step. For training from random weights.
    """

    family: Literal["sam", "hq-sam"] = "sam"
    init: str = "random"
    dimensions: Mapping[str, Any] = field(default_factory=dict)
    tied_attention: bool = False


@dataclass(frozen=True, slots=True)
class Standins:
    """Drawn scenes to train on, made once and kept in the user's cache. `images` 0: none.

    Attributes:
        images: how many, spread evenly over the profiles.
        profiles: kinds of scene, see `consbench.standins`.
        size: long side in pixels.
        seed: names the stream. Training streams share no image, and not all kinds, with those of evaluation.
        processes: how many draw at the same time.
        labels: weak part labels that `consbench pseudo-parts --source standins` made of these scenes, to be
            learnt in place of the drawn parts; images without a labelled object are left out.
    """

    images: int = 0
    profiles: tuple[str, ...] = ("several", "single", "clutter")
    size: int = 192
    seed: int = 0
    processes: int = 2
    labels: str = ""

    def __post_init__(self) -> None:
        _at_least(0, images=self.images, seed=self.seed)
        _at_least(1, processes=self.processes)
        _at_least(64, size=self.size)
        from consbench.standins import PROFILES  # drawing code, which --help does not need

        for profile in self.profiles:
            if profile not in PROFILES:
                raise ValueError(f"profiles: {UnknownName('profile', profile, PROFILES)}")


@dataclass(frozen=True, slots=True)
class Data:
    """What is trained on.

    Attributes:
        sources: references of datasets, as for `consbench run --data`.
        standins: scenes to draw.
        validation_share: share of the images of each source that is kept for validation.
    """

    sources: tuple[str, ...] = ()
    standins: Standins = field(default_factory=Standins)
    validation_share: float = 0.2

    def __post_init__(self) -> None:
        _inside(0, 1, validation_share=self.validation_share)


@dataclass(frozen=True, slots=True)
class Episodes:
    """What one episode is, and how many make a step.

    Attributes:
        of: "object": one object, a click on each of its parts, targets (object, part); the episode of
            section 3. "image": random clicks anywhere on the objects of one image, targets (whole, part,
            subpart) as far as they exist at the click; how SAM was trained.
        per_step: episodes of one optimisation step, over all processes.
        most_clicks: of one episode.
        fewest_parts: objects with fewer parts are left out.
    """

    of: Literal["object", "image"] = "object"
    per_step: int = 8
    most_clicks: int = 32
    fewest_parts: int = 2

    def __post_init__(self) -> None:
        _at_least(1, per_step=self.per_step, most_clicks=self.most_clicks)
        _at_least(1, fewest_parts=self.fewest_parts)


@dataclass(frozen=True, slots=True)
class Dense:
    """A first phase in which the encoder alone learns which pixels belong together. `steps` 0: none.

    Attributes:
        steps: how many, before the steps of the run proper.
        clicks: of each image; one costs a hundredth of what it costs with the mask decoder.
        learning_rate: its highest; warm-up and decay are those of `optimiser`.
    """

    steps: int = 0
    clicks: int = 48
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        _at_least(0, steps=self.steps)
        _at_least(1, clicks=self.clicks)
        _positive(learning_rate=self.learning_rate)


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss, see `losses` and `sam_loss` for the equations.

    Attributes:
        kind: "ordered" (equation 2 and, with `contrast` above 0, equations 3 to 8), or "best-of" (SAM's
            own: the best output for each target, and the head that predicts quality).
        focal, dice: their weights.
        focal_alpha: weight of foreground against background in the focal loss, -1 for none.
        focal_gamma: its exponent.
        contrast: weight of the contrastive term.
        margin: similarity up to which the part rows of two clicks cost nothing.
        mean_share: "best-of": share of the mean over outputs mixed into the loss of the best one, so that
            no output is left without a gradient.
        quality: "best-of": weight of the squared error of the predicted IoU.
        upscale: by how much logits are enlarged before they are compared.
    """

    kind: Literal["ordered", "best-of"] = "ordered"
    focal: float = 20.0
    dice: float = 1.0
    focal_alpha: float = 0.25
    focal_gamma: float = 2.0
    contrast: float = 0.0
    margin: float = 0.5
    mean_share: float = 0.0
    quality: float = 1.0
    upscale: int = 1

    def __post_init__(self) -> None:
        _at_least(0, focal=self.focal, dice=self.dice, contrast=self.contrast, quality=self.quality)
        _at_least(0, focal_gamma=self.focal_gamma)
        _at_least(1, upscale=self.upscale)
        _inside(-1, 1, margin=self.margin)
        if not 0 <= self.mean_share < 1:
            raise ValueError(f"mean_share must lie in [0, 1); got {self.mean_share:g}")
        if self.focal_alpha != -1 and not 0 <= self.focal_alpha <= 1:
            raise ValueError(f"focal_alpha must lie in [0, 1], or be -1 for none; got {self.focal_alpha:g}")
        if self.focal == 0 and self.dice == 0:
            raise ValueError("focal and dice must not both be 0: no mask would be learnt")


@dataclass(frozen=True, slots=True)
class Optimiser:
    """AdamW, its schedule, and which parameters it moves; Muon for some, where a network starts from nothing.

    Attributes:
        learning_rate: the highest; scaled down layer by layer in the encoder.
        betas, weight_decay: of AdamW. Tensors of one axis (norms, biases) are never decayed.
        layer_decay: factor of the learning rate from one encoder layer to the one before it.
        last_block_decayed: whether the last block has one factor already (0.8), or starts at 1.
        schedule: "constant", or "cosine" down to `final_share`.
        warmup: steps of linear increase.
        final_share: of the learning rate, at the end of "cosine".
        clip: greatest norm of the gradient, 0 for any.
        train, frozen: prefixes of parameter names that are trained and, of those, that are not.
        muon: prefixes of the parameters whose matrices are moved by Muon (momentum, made orthogonal) at the
            same learning rate; the paper's recipes have none.
    """

    learning_rate: float = 1e-5
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.01
    layer_decay: float = 0.8
    last_block_decayed: bool = True
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0
    final_share: float = 0.0
    clip: float = 0.0
    train: tuple[str, ...] = ("image_encoder", "mask_decoder")
    frozen: tuple[str, ...] = ()
    muon: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _positive(learning_rate=self.learning_rate)
        _at_least(0, weight_decay=self.weight_decay, warmup=self.warmup, clip=self.clip)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must both lie in [0, 1); got {list(self.betas)}")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay must lie above 0 and at most at 1; got {self.layer_decay:g}")
        if not 0 <= self.final_share <= 1:
            raise ValueError(f"final_share must lie in [0, 1]; got {self.final_share:g}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, how often, and with what means.

    Attributes:
        epochs, steps: how long; exactly one of the two is not 0.
        validate_every: steps between validations; 0: once an epoch.
        validation_episodes: how many the validation loss is computed on, at most; 0: all.
        validation_images: how many the bench's metrics are computed on, at most; 0: all.
        save_every: steps between saved states; an interrupted run goes on from the last.
        log_every: steps between rows of the log.
        precision: of the matrix products; weights and losses stay float32.
        micro_batch: episodes that are in memory at a time, in each process; 0: all. Lower it where memory
            is short: gradients are accumulated.
        activation_checkpointing: compute the encoder's activations twice rather than keep them.
        workers: processes that read data.
    """

    epochs: int = 0
    steps: int = 0
    validate_every: int = 0
    validation_episodes: int = 0
    validation_images: int = 0
    save_every: int = 500
    log_every: int = 20
    precision: Literal["float32", "bfloat16"] = "float32"
    micro_batch: int = 0
    activation_checkpointing: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        _at_least(0, epochs=self.epochs, steps=self.steps, validate_every=self.validate_every)
        _at_least(0, validation_episodes=self.validation_episodes, validation_images=self.validation_images)
        _at_least(0, micro_batch=self.micro_batch, workers=self.workers)
        _at_least(1, save_every=self.save_every, log_every=self.log_every)
        if (self.epochs == 0) == (self.steps == 0):
            raise ValueError(
                f"epochs or steps must be given, and not both; got epochs={self.epochs}, steps={self.steps}"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole training run. `seed` fixes weights, split, order of episodes and clicks."""

    name: str
    about: str
    run: Schedule
    seed: int = 0
    network: Network = field(default_factory=Network)
    data: Data = field(default_factory=Data)
    episodes: Episodes = field(default_factory=Episodes)
    dense: Dense = field(default_factory=Dense)
    loss: Loss = field(default_factory=Loss)
    optimiser: Optimiser = field(default_factory=Optimiser)

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed)
        wanted = {"ordered": "object", "best-of": "image"}[self.loss.kind]
        if self.episodes.of != wanted:
            raise ValueError(f"loss.kind '{self.loss.kind}' needs episodes.of = '{wanted}'; got '{self.episodes.of}'")
        if self.loss.contrast and self.episodes.fewest_parts < 2:
            raise ValueError(
                "episodes.fewest_parts must be at least 2: loss.contrast compares the clicks on one object"
            )
        if self.optimiser.schedule == "cosine" and not self.run.steps:
            raise ValueError("optimiser.schedule 'cosine' needs run.steps in place of run.epochs: it must know its end")

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain dictionaries, lists and numbers."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @property
    def digest(self) -> str:
        """Hex SHA-256 of every number that changes what is learnt; how long it runs is among them."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


def names() -> list[str]:
    """The recipes that ship, sorted.

    >>> "consamme-vit-b" in names()
    True
    """
    return sorted(file.stem for file in RECIPES.glob("*.toml"))


def load(recipe: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe that ships, by name, or any TOML file; `changes` are `key=value`, say `run.steps=100`.

    Raises UnknownName for a recipe or key that is not known, UsageError for a value that cannot be.

    >>> load("consamme-vit-b").optimiser.layer_decay
    0.8
    """
    file = Path(recipe).expanduser() if recipe.endswith(".toml") else RECIPES / f"{recipe}.toml"
    if not file.is_file():
        if recipe.endswith(".toml"):
            raise UsageError(f"there is no recipe file {recipe} (looked for {file.absolute()})")
        raise UnknownName("recipe", recipe, names())
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {file} is no valid TOML: {error}") from None
    for change in changes:
        put(content, change)
    content.setdefault("name", file.stem)
    return parse(content, file.stem)


def parse(content: Mapping[str, Any], where: str = "") -> Recipe:
    """Make a recipe of nested dictionaries; `where` names it in errors.

    Raises UnknownName or UsageError, naming the key.
    """
    recipe: Recipe = build(Recipe, content, "", where)
    return recipe


def with_sources(recipe: Recipe, sources: Sequence[str]) -> Recipe:
    """The recipe with other data; without stand-ins, unless `sources` is empty."""
    if not sources:
        return recipe
    data = replace(recipe.data, sources=tuple(sources), standins=replace(recipe.data.standins, images=0))
    return replace(recipe, data=data)


def _at_least(least: float, **numbers: float) -> None:
    for name, number in numbers.items():
        if number < least:
            raise ValueError(f"{name} must be at least {least:g}; got {number:g}")


def _positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if number <= 0:
            raise ValueError(f"{name} must be above 0; got {number:g}")


def _inside(low: float, high: float, **numbers: float) -> None:
    for name, number in numbers.items():
        if not low < number < high:
            raise ValueError(f"{name} must lie between {low:g} and {high:g}; got {number:g}")
