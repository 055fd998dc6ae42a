"""What all SAM-like networks share: frames, devices, precision, and the road from clicks to masks.

Two frames meet here. Clicks and masks live in the original image; the network sees the image resized
so that its longest side is `image_size`, and padded with zeros on the right and at the bottom.

    click (x, y) px  ->  resized frame  ->  prompt encoder (adds the half pixel)  ->  mask decoder
    low-resolution logits  ->  upsampled to the padded square  ->  padding cut off
                           ->  upsampled to the original image  ->  > mask_threshold (0, on logits)

Axes beyond those of `consbench.types`: h, w rows and columns of low-resolution logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from segment_anything.utils.transforms import ResizeLongestSide
from torch import Tensor, nn

from consbench.errors import RunFailed, UsageError
from consbench.masks import BoolArray
from consbench.model import Clicks, Prediction
from consbench.types import Image
from consbench_adapters import weights
from consbench_adapters.checkpoints import Checkpoint
from consbench_adapters.dimensions import SamDimensions, published_arch

Precision = Literal["float32", "bfloat16", "float16"]
Order = Literal["native", "area"]

_PIXEL_MEAN = (123.675, 116.28, 103.53)
_PIXEL_STD = (58.395, 57.12, 57.375)


class Answer(NamedTuple):
    """A decoder's answer to N clicks: float32 logits before upsampling, and the model's own scores."""

    logits_NKhw: Tensor
    scores_NK: Tensor


class Prompts(NamedTuple):
    """N clicks as the mask decoder takes them."""

    sparse: Tensor
    dense: Tensor
    positions: Tensor


Embed = Callable[[Any, Tensor], Any]
"""(network, pixels of one image) -> whatever the decoder needs of that image."""

Decode = Callable[[Any, Any, Prompts], tuple[Tensor, Tensor]]
"""(network, what `Embed` returned, prompts) -> logits and scores."""


@dataclass(frozen=True, slots=True, eq=False)
class PromptableModel:
    """A loaded network behind the contract of `consbench.model`; made by the `load` functions.

    Attributes:
        network: a SAM as segment_anything builds it, in evaluation mode, on `device`.
        embed, decode: the two halves in which SAM-like networks differ.
        outputs: K, how many masks a click gets.
        default_order: the order in which outputs are scored unless the user asks for another.
        identity: what `describe` returns.
        device: where the network is; no part of the identity.
        dtype: precision of the image encoder and the mask decoder.
        chunk: how many clicks are decoded at a time; bounds memory, changes no result.
        scored: whether the scores mean something; where not, predictions carry none.
    """

    network: Any
    embed: Embed
    decode: Decode
    outputs: int
    default_order: Order
    identity: Mapping[str, Any]
    device: torch.device
    dtype: Precision = "float32"
    chunk: int = 16
    scored: bool = True

    def encode(self, image_HWC: Image) -> EncodedImage:
        """Compute the embedding of one image, uint8 (H, W, 3) RGB, which answers any number of clicks."""
        if image_HWC.dtype != np.uint8 or image_HWC.ndim != 3 or image_HWC.shape[2] != 3:
            raise ValueError(
                f"image_HWC must be uint8 of shape (H, W, 3), RGB; got {image_HWC.dtype} of shape {image_HWC.shape}"
            )
        frame = Frame(image_HWC.shape[:2], self.network.image_encoder.img_size)
        with (
            _decent_out_of_memory("encoding an image", "Use a smaller arch, or dtype=bfloat16"),
            torch.inference_mode(),
        ):
            pixels = _pixels(image_HWC, frame, self.network)
            with _precision(self.device, self.dtype):
                features = self.embed(self.network, pixels)
        return EncodedImage(self, features, frame)

    def describe(self) -> dict[str, Any]:
        """JSON-able identity for the record: architecture, weights, options, licence."""
        return dict(self.identity)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedImage:
    """One image's embedding; owned by this object, so images cannot leak into each other."""

    model: PromptableModel
    features: Any
    frame: Frame

    def predict(self, clicks_N2: Clicks) -> Prediction:
        """Answer N clicks, (x, y) pixels of the original image, each on its own."""
        height, width = self.frame.original
        masks_NKHW = np.zeros((len(clicks_N2), self.model.outputs, height, width), dtype=bool)
        scores_NK = np.zeros((len(clicks_N2), self.model.outputs), dtype=np.float32)
        for start in range(0, len(clicks_N2), self.model.chunk):
            rows = slice(start, start + self.model.chunk)
            answer = self.answer(clicks_N2[rows])
            masks_NKHW[rows] = self._masks(answer)
            scores_NK[rows] = answer.scores_NK.cpu().numpy()
        return Prediction(masks_NKHW, scores_NK if self.model.scored else None)

    def answer(self, clicks_N2: Clicks) -> Answer:
        """The decoder's low-resolution logits and scores for N ≥ 1 clicks, decoded in one go."""
        network, device = self.model.network, self.model.device
        with self._decent_out_of_memory(), torch.inference_mode():
            prompts = _prompts(network, self.frame.to_network(clicks_N2), device)
            with _precision(device, self.model.dtype):
                logits, scores = self.model.decode(network, self.features, prompts)
            return Answer(logits.float(), scores.float())

    def _masks(self, answer: Answer) -> BoolArray:
        network = self.model.network
        with self._decent_out_of_memory(), torch.inference_mode():
            logits_NKHW = network.postprocess_masks(answer.logits_NKhw, self.frame.resized, self.frame.original)
            masks: BoolArray = (logits_NKHW > network.mask_threshold).cpu().numpy()
        return masks

    def _decent_out_of_memory(self) -> AbstractContextManager[None]:
        doing = f"decoding {self.model.chunk} clicks at a time"
        return _decent_out_of_memory(doing, f"Lower chunk, for example chunk={max(1, self.model.chunk // 2)}")


class Frame:
    """Where an image of `original` (height, width) lies in the square input of a network.

    >>> Frame((375, 500), 1024).resized
    (768, 1024)
    >>> Frame((375, 500), 1024).to_network(np.array([[250.0, 0.0]])).tolist()
    [[512.0, 0.0]]
    """

    __slots__ = ("_resize", "original", "resized")

    def __init__(self, original: tuple[int, ...], image_size: int) -> None:
        self._resize = ResizeLongestSide(image_size)
        self.original = (int(original[0]), int(original[1]))
        self.resized: tuple[int, int] = self._resize.get_preprocess_shape(*self.original, image_size)

    def to_network(self, clicks_N2: Clicks) -> Clicks:
        """Scale (x, y) of the original image to the resized one; float64 (N, 2)."""
        scaled: Clicks = self._resize.apply_coords(np.asarray(clicks_N2, dtype=np.float64), self.original)
        return scaled

    def resize(self, image_HWC: Image) -> Image:
        """Resize with the bilinear filter of Pillow, as the network was trained; uint8."""
        resized: Image = self._resize.apply_image(image_HWC)
        return resized


def assemble(modeling: ModuleType, decoder: Callable[..., nn.Module], dimensions: SamDimensions, **extra: Any) -> Any:
    """Build a network of random weights, in evaluation mode, from the classes of one SAM-like package.

    Args:
        modeling: the package's `modeling` module.
        decoder: its class of mask decoder.
        dimensions: the numbers.
        extra: arguments that only this decoder takes.

    The caller's random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        return modeling.Sam(
            image_encoder=modeling.ImageEncoderViT(
                img_size=dimensions.image_size,
                patch_size=dimensions.patch_size,
                embed_dim=dimensions.embed_dim,
                depth=dimensions.depth,
                num_heads=dimensions.heads,
                mlp_ratio=dimensions.mlp_ratio,
                out_chans=dimensions.decoder_dim,
                qkv_bias=True,
                norm_layer=partial(nn.LayerNorm, eps=1e-6),
                use_rel_pos=dimensions.relative_positions,
                window_size=dimensions.window_size,
                global_attn_indexes=dimensions.global_attention,
            ),
            prompt_encoder=modeling.PromptEncoder(
                embed_dim=dimensions.decoder_dim,
                image_embedding_size=(dimensions.grid, dimensions.grid),
                input_image_size=(dimensions.image_size, dimensions.image_size),
                mask_in_chans=dimensions.mask_prompt_channels,
            ),
            mask_decoder=decoder(
                num_multimask_outputs=dimensions.outputs,
                transformer=modeling.TwoWayTransformer(
                    depth=dimensions.decoder_depth,
                    embedding_dim=dimensions.decoder_dim,
                    mlp_dim=dimensions.decoder_mlp_dim,
                    num_heads=dimensions.decoder_heads,
                ),
                transformer_dim=dimensions.decoder_dim,
                iou_head_depth=dimensions.iou_depth,
                iou_head_hidden_dim=dimensions.iou_hidden_dim,
                **extra,
            ),
            pixel_mean=list(_PIXEL_MEAN),
            pixel_std=list(_PIXEL_STD),
        ).eval()


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is the first of cuda, mps and cpu that is there.

    Raises UsageError, listing what is there, for any other.
    """
    there = available_devices()
    if name == "auto":
        return torch.device(there[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in there or (device.index or 0) >= _how_many(device.type):
        raise UsageError(f"device '{name}' is not there; available: auto, {', '.join(there)}")
    return device


def available_devices() -> list[str]:
    """The kinds of device on this machine, the fastest first; "cpu" is always the last."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, present in there.items() if present]


def check_options(chunk: int, dtype: str) -> None:
    """Raise UsageError for a chunk or a dtype that cannot be."""
    if chunk < 1:
        raise UsageError(f"chunk is how many clicks are decoded at a time, at least 1; got {chunk}")
    if dtype not in ("float32", "bfloat16", "float16"):
        raise UsageError(f"dtype must be float32, bfloat16 or float16; got '{dtype}'")


def identity(model: str, checkpoint: Checkpoint, dimensions: SamDimensions, **options: Any) -> dict[str, Any]:
    """What makes this the same model in another run; JSON-able.

    The file's name and the versions of packages are no part of it: a renamed file goes on with its run, and
    the record keeps the versions anyway.

    `published` is the name in the table of weights where the file's content is one of those. The licence
    is the published one, or what the training record says.
    """
    published = weights.identify(checkpoint.path, checkpoint.sha256)
    return {
        "model": model,
        "architecture": published_arch(dimensions) or "custom",
        "dimensions": dimensions.as_json(),
        "sha256": checkpoint.sha256,
        "published": published.name if published else None,
        "options": options,
        "licence": published.licence if published else checkpoint.record.get("licence", "unknown"),
    }


def _how_many(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _pixels(image_HWC: Image, frame: Frame, network: Any) -> Tensor:
    resized = torch.as_tensor(frame.resize(image_HWC), device=network.device)
    pixels: Tensor = network.preprocess(resized.permute(2, 0, 1)[None].contiguous())
    return pixels


def _prompts(network: Any, clicks_N2: Clicks, device: torch.device) -> Prompts:
    # Outside of _precision: in half precision a click's position would be rounded to some four pixels.
    # float32 before the transfer, because MPS has no float64.
    points_N12 = torch.as_tensor(clicks_N2, dtype=torch.float32).to(device)[:, None]
    labels_N1 = torch.ones(len(clicks_N2), 1, dtype=torch.int, device=device)
    sparse, dense = network.prompt_encoder(points=(points_N12, labels_N1), boxes=None, masks=None)
    return Prompts(sparse, dense, network.prompt_encoder.get_dense_pe())


def _precision(device: torch.device, dtype: Precision) -> AbstractContextManager[Any]:
    """Autocast: weights stay float32, matrix products and convolutions run in `dtype`."""
    return nullcontext() if dtype == "float32" else torch.autocast(device.type, dtype=getattr(torch, dtype))


@contextmanager
def _decent_out_of_memory(doing: str, mend: str) -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise RunFailed(
            f"the device ran out of memory while {doing}. {mend}. ({str(error).splitlines()[0]})"
        ) from error
