"""Files of text for other tools, with the same bytes on every system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from consbench import files
from consbench.errors import UsageError


@contextmanager
def replacing_text(file: Path) -> Iterator[IO[str]]:
    """Yield a stream of text, UTF-8, that takes the place of `file` when all is written.

    Raises UsageError where it cannot be written; what was there before stays.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(file) as draft, draft.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}. Name another file") from error


def write_array(stream: IO[str], lines: Iterator[str]) -> int:
    """Write JSON texts as an array, one a line; return how many there were."""
    count = 0
    stream.write("[")
    for count, line in enumerate(lines, start=1):
        stream.write(f"{',' if count > 1 else ''}\n{line}")
    stream.write("\n]")
    return count
