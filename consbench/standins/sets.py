"""The stand-ins as data sets: made once, kept in the user's cache, read by the ordinary loaders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from consbench.datasets.base import Counts
from consbench.datasets.lazy import LazyDataset
from consbench.standins.store import VERSION, Like, Manifest, default_cache, write


def pascal_part(images: int = 60, seed: int = 2025, size: int = 192, cache: Path | None = None) -> LazyDataset:
    """Open a stand-in for Pascal Part: one to five objects an image. It is drawn if the cache lacks it.

    Args:
        images: how many, at least 1.
        seed: another seed gives other images.
        size: the long side of every image in pixels.
        cache: where to keep it; by default the folder for caches of the user.

    Raises UsageError for numbers out of range.
    """
    from consbench.datasets.pascal_part import load

    root, manifest = _made("pascal-part", images, seed, size, cache)
    return _labelled(load(root, split=manifest.split, subset="all"), manifest)


def partimagenet(images: int = 60, seed: int = 2025, size: int = 192, cache: Path | None = None) -> LazyDataset:
    """Open a stand-in for PartImageNet: one large object an image. Arguments as `pascal_part`."""
    from consbench.datasets.partimagenet import load

    root, manifest = _made("partimagenet", images, seed, size, cache)
    return _labelled(load(root, split=manifest.split), manifest)


def paco(images: int = 60, seed: int = 2025, size: int = 192, cache: Path | None = None) -> LazyDataset:
    """Open a stand-in for PACO: 6 to 14 small objects an image. Arguments as `pascal_part`."""
    from consbench.datasets.paco import load

    root, manifest = _made("paco", images, seed, size, cache)
    return _labelled(load(root, split=manifest.split), manifest)


def _made(like: Like, images: int, seed: int, size: int, cache: Path | None) -> tuple[Path, Manifest]:
    folder = default_cache() if cache is None else cache
    root = folder / f"{like}-v{VERSION}-images{images}-seed{seed}-size{size}"
    return root, write(like, root, images=images, seed=seed, size=size)


def _labelled(dataset: LazyDataset, manifest: Manifest) -> LazyDataset:
    """The data set under a name of its own, so that no table takes it for the genuine one."""
    counts = Counts(manifest.images, manifest.objects, manifest.parts)
    return replace(dataset, name=f"standin-{manifest.like}", expected=counts)
