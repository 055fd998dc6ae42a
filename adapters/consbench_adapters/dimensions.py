"""The numbers that make a SAM: the three published sizes, any other size, and reading them off a file.

No torch here: a size is a value, and what a checkpoint holds is told by the shapes of its tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple

Arch = Literal["vit_b", "vit_l", "vit_h"]
Family = Literal["sam", "hq-sam"]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class SamDimensions:
    """The dimensions of one network; the defaults are what the three published sizes share.

    Attributes:
        embed_dim, depth, heads: width, blocks and attention heads of the image encoder.
        global_attention: indexes of the encoder blocks that attend to the whole image; HQ-SAM reads
            its early features after the first of them.
        image_size: longest side, in pixels, that an image is resized to; the input is this square.
        patch_size: side of one patch in pixels.
        window_size: side of the attention window of all other blocks, in patches; 0: no windows.
        relative_positions: whether attention adds decomposed relative positions.
        mlp_ratio: hidden over outer width of the encoder's MLPs.
        decoder_dim, decoder_depth, decoder_heads, decoder_mlp_dim: the two-way transformer. The image
            embedding and the prompts have `decoder_dim` channels too.
        iou_hidden_dim, iou_depth: the head that predicts the quality of each mask.
        mask_prompt_channels: hidden channels for mask prompts, which clicks do not use.
        outputs: how many masks one click gets.

    Raises ValueError, naming the field, where the numbers cannot make a network.

    >>> SamDimensions(embed_dim=64, depth=2, heads=4, global_attention=(1,), image_size=128).grid
    8
    """

    embed_dim: int
    depth: int
    heads: int
    global_attention: tuple[int, ...]
    image_size: int = 1024
    patch_size: int = 16
    window_size: int = 14
    relative_positions: bool = True
    mlp_ratio: float = 4.0
    decoder_dim: int = 256
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp_dim: int = 2048
    iou_hidden_dim: int = 256
    iou_depth: int = 3
    mask_prompt_channels: int = 16
    outputs: int = 3

    def __post_init__(self) -> None:
        # The decoder's cross attention works at half its width, its upscaling ends at an eighth.
        for name, value, divisor in (
            ("image_size", self.image_size, self.patch_size),
            ("embed_dim", self.embed_dim, self.heads),
            ("decoder_dim", self.decoder_dim, 2 * self.decoder_heads),
            ("decoder_dim", self.decoder_dim, 8),
            ("mask_prompt_channels", self.mask_prompt_channels, 4),
        ):
            if value < 1 or divisor < 1 or value % divisor:
                raise ValueError(f"{name} must be a positive multiple of {divisor}; got {value}")
        outside = [index for index in self.global_attention if not 0 <= index < self.depth]
        if outside or not self.global_attention:
            raise ValueError(
                f"global_attention must name blocks between 0 and {self.depth - 1}; got {self.global_attention}"
            )

    @property
    def grid(self) -> int:
        """Side of the image embedding, in patches; mask logits come at four times this."""
        return self.image_size // self.patch_size

    def as_json(self) -> dict[str, Any]:
        """The dimensions as a dictionary of numbers and lists."""
        return {**asdict(self), "global_attention": list(self.global_attention)}

    @classmethod
    def from_json(cls, numbers: Mapping[str, Any]) -> SamDimensions:
        """The inverse of `as_json`; raises ValueError for names it does not know or that are absent.

        >>> SamDimensions.from_json(PUBLISHED["vit_b"].as_json()) == PUBLISHED["vit_b"]
        True
        """
        if not isinstance(numbers, Mapping):
            raise ValueError(f"expected an object with named numbers; got {numbers!r}")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(numbers) - known):
            raise ValueError(f"unknown dimensions {unknown}; known are {sorted(known)}")
        try:
            return cls(**{**numbers, "global_attention": tuple(numbers["global_attention"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"incomplete dimensions: {error}") from None


PUBLISHED: Mapping[Arch, SamDimensions] = {
    "vit_b": SamDimensions(embed_dim=768, depth=12, heads=12, global_attention=(2, 5, 8, 11)),
    "vit_l": SamDimensions(embed_dim=1024, depth=24, heads=16, global_attention=(5, 11, 17, 23)),
    "vit_h": SamDimensions(embed_dim=1280, depth=32, heads=16, global_attention=(7, 15, 23, 31)),
}


def published_arch(dimensions: SamDimensions) -> Arch | None:
    """The name of a published size, None for any other."""
    return next((arch for arch, published in PUBLISHED.items() if published == dimensions), None)


class Likeness(NamedTuple):
    """What a file's tensors look like: a family, a published size, and a phrase for messages."""

    family: Family | None
    arch: Arch | None
    phrase: str


def likeness(shapes: Shapes) -> Likeness:
    """Tell what network a set of named tensor shapes belongs to.

    >>> likeness({"fc.weight": (10, 20)}).phrase
    "no SAM: none of its 1 tensors ('fc.weight') belongs to image_encoder, prompt_encoder and mask_decoder"
    """
    if "image_encoder.patch_embed.proj.weight" not in shapes or "mask_decoder.mask_tokens.weight" not in shapes:
        return Likeness(None, None, _what_else(shapes))
    width, _, _, patch = (*shapes["image_encoder.patch_embed.proj.weight"], 0, 0, 0)[:4]
    depth = _count_blocks(shapes)
    grid = (*shapes.get("image_encoder.pos_embed", ()), 0, 0)[1]
    family: Family = "hq-sam" if "mask_decoder.hf_token.weight" in shapes else "sam"
    title = {"sam": "SAM", "hq-sam": "HQ-SAM"}[family]
    for arch, published in PUBLISHED.items():
        if (width, depth, grid * patch) == (published.embed_dim, published.depth, published.image_size):
            return Likeness(family, arch, f"{title} {arch} (embed dim {width}, {depth} blocks)")
    return Likeness(
        family, None, f"{title} of other dimensions (embed dim {width}, {depth} blocks, images of {grid * patch} px)"
    )


def _count_blocks(shapes: Iterable[str]) -> int:
    return len({name.split(".")[2] for name in shapes if name.startswith("image_encoder.blocks.")})


def _what_else(shapes: Shapes) -> str:
    if any(name.startswith(("module.", "model.", "sam.")) and "mask_decoder" in name for name in shapes):
        prefix = next(iter(shapes)).split(".")[0]
        return f"a SAM whose tensor names carry the prefix '{prefix}.'; save it without (model.{prefix}.state_dict())"
    first = ", ".join(f"'{name}'" for name in list(shapes)[:3])
    more = ", …" if len(shapes) > 3 else ""
    return (
        f"no SAM: none of its {len(shapes)} tensors ({first}{more}) belongs to image_encoder, prompt_encoder and "
        "mask_decoder"
        if not any(name.startswith(("image_encoder.", "mask_decoder.")) for name in shapes)
        else f"a relative of SAM with another image encoder or decoder ({first}{more})"
    )
