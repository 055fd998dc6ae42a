"""The published weights: where they are, how they are recognised, and getting them when asked to.

Nothing is ever fetched unasked. Files lie in the folder that the environment variable
CONSBENCH_WEIGHTS names, else in the user's cache. A file takes its final name only after its hash
was found right, so a file of that name is whole.

The SHA-256 digests of SAM's files are quoted alike by several unrelated projects, and each file's
name carries the head of its MD5 digest. For HQ-SAM's only MD5 is quoted (alike by three projects),
which shows damage but would not show a forgery.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from consbench.errors import UnknownName, WeightsError

Status = Literal["absent", "unverified", "verified", "damaged"]

_ATTEMPTS = 3
_SECONDS_OF_SILENCE = 60


@dataclass(frozen=True, slots=True)
class Weights:
    """One published file. `digest` is "sha256:…" or "md5:…"; `bytes` is rounded where `~` says so."""

    name: str
    url: str
    digest: str
    bytes: int
    licence: str = "Apache-2.0"

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def size(self) -> str:
        """The size in words.

        >>> find("sam-vit-b").size
        '375 MB'
        """
        return f"{self.bytes / 1e6:.0f} MB" if self.bytes < 1e9 else f"{self.bytes / 1e9:.2f} GB"

    def cached(self) -> Path:
        """Where the file is kept, whether it is there or not."""
        return cache_directory() / self.file


_SAM = "https://dl.fbaipublicfiles.com/segment_anything"
_HQ_SAM = "https://huggingface.co/lkeab/hq-sam/resolve/main"

# HQ-SAM's sizes are known to three digits only; they are for display.
TABLE: Mapping[str, Weights] = {
    weights.name: weights
    for weights in (
        Weights(
            "sam-vit-b",
            f"{_SAM}/sam_vit_b_01ec64.pth",
            "sha256:ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
            375_042_383,
        ),
        Weights(
            "sam-vit-l",
            f"{_SAM}/sam_vit_l_0b3195.pth",
            "sha256:3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
            1_249_524_607,
        ),
        Weights(
            "sam-vit-h",
            f"{_SAM}/sam_vit_h_4b8939.pth",
            "sha256:a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
            2_564_550_879,
        ),
        Weights("hq-sam-vit-b", f"{_HQ_SAM}/sam_hq_vit_b.pth", "md5:c6b8953247bcfdc8bb8ef91e36a6cacc", 379_000_000),
        Weights("hq-sam-vit-l", f"{_HQ_SAM}/sam_hq_vit_l.pth", "md5:08947267966e4264fb39523eccc33f86", 1_250_000_000),
        Weights("hq-sam-vit-h", f"{_HQ_SAM}/sam_hq_vit_h.pth", "md5:3560f6b6a5a6edacd814a1325c39640a", 2_570_000_000),
    )
}


def find(name: str) -> Weights:
    """The entry of that name; raises UnknownName with a suggestion."""
    if name not in TABLE:
        raise UnknownName("file of weights", name, TABLE)
    return TABLE[name]


def cache_directory() -> Path:
    """The folder where fetched weights lie; it need not exist."""
    if chosen := os.environ.get("CONSBENCH_WEIGHTS"):
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("consbench")) / "weights"


def require(name: str) -> Path:
    """The cached file of published weights.

    Raises WeightsError that tells how to get the file where it is absent or not the published one.
    """
    weights = find(name)
    path = weights.cached()
    if not path.is_file():
        raise WeightsError(
            f"the weights '{name}' are not here: no file {path}. Give one with --checkpoint FILE, or run "
            f"'consbench weights fetch {name}' ({weights.size} from {weights.url}, {weights.digest})"
        )
    if status(weights) != "verified":
        verify(weights, path)
    return path


def status(weights: Weights) -> Status:
    """What is known of a cached file without reading it: whether it was verified since it last changed."""
    path = weights.cached()
    if not path.is_file():
        return "absent"
    try:
        stamp = json.loads(_stamp(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "unverified"
    if stamp.get("file") != _identity(path) or stamp.get("expected") != weights.digest:
        return "unverified"
    return "verified" if stamp.get("found") == weights.digest else "damaged"


def verify(weights: Weights, path: Path) -> None:
    """Read a file and compare it with the published digest; the result is remembered for `status`.

    Raises WeightsError where it is absent or another.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; 'consbench weights fetch {weights.name}' gets it")
    algorithm = weights.digest.partition(":")[0]
    found = f"{algorithm}:{digest(path, algorithm)}"
    if path == weights.cached():
        stamp = {"file": _identity(path), "expected": weights.digest, "found": found}
        _write_beside(_stamp(path), stamp)
    if found != weights.digest:
        raise WeightsError(_wrong_digest(weights, path, found))


def identify(path: Path, sha256: str | None = None) -> Weights | None:
    """Which published file this is, told by its content; None where it is none of them.

    `sha256` saves a reading where it is known already. Raises WeightsError where there is no such file.
    """
    if not path.is_file():
        raise WeightsError(f"there is no file {path}")
    by_digest = {weights.digest: weights for weights in TABLE.values()}
    found = by_digest.get(f"sha256:{sha256 or digest(path, 'sha256')}")
    return found or by_digest.get(f"md5:{digest(path, 'md5')}")


def fetch(weights: Weights, progress: Any = None) -> Path:
    """Download a file into the cache, check it, and only then give it its name; return its path.

    A file that is already there and right is left alone. `progress` is an object as pooch takes it
    (`total`, `update(n)`, `reset()`, `close()`). A broken transfer is tried again twice.
    Raises WeightsError where the server, the connection or the content is at fault.
    """
    path = weights.cached()
    if path.is_file():
        try:
            verify(weights, path)
        except WeightsError:
            pass  # what lies there is not the published file: the download replaces it
        else:
            return path
    _download(weights, path.parent, progress)
    verify(weights, path)
    return path


def digest(path: Path, algorithm: str) -> str:
    """The hexadecimal digest of a file, which is read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _download(weights: Weights, directory: Path, progress: Any) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # our own progress bar says it
    downloader = pooch.HTTPDownloader(progressbar=progress or False, chunk_size=1 << 20, timeout=_SECONDS_OF_SILENCE)
    registry = pooch.create(
        path=directory,
        base_url="",
        registry={weights.file: weights.digest},
        urls={weights.file: weights.url},
        retry_if_failed=_ATTEMPTS - 1,
    )
    by_hand = (
        f"Fetch it by other means, save it as {weights.cached()} and run 'consbench weights verify {weights.name}'"
    )
    try:
        registry.fetch(weights.file, downloader=downloader)
    except requests.RequestException as error:
        raise WeightsError(f"{weights.url} could not be fetched: {error}. {by_hand}") from error
    except ValueError as error:  # pooch's word for a wrong digest
        raise WeightsError(
            f"{weights.url} gave another file than the published one ({weights.digest}); it was thrown away. {by_hand}"
        ) from error
    except OSError as error:
        raise WeightsError(f"{weights.file} could not be written to {directory}: {error}") from error


def _wrong_digest(weights: Weights, path: Path, found: str) -> str:
    return (
        f"{path} is not the published '{weights.name}': its digest is {found}, published is {weights.digest}. "
        f"Run 'consbench weights fetch {weights.name}' to replace it"
    )


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _identity(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _write_beside(path: Path, content: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(content), encoding="utf-8")
    except OSError:
        logging.getLogger(__name__).debug("%s cannot be written; the file will be read again next time", path)
