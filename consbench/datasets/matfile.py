"""Object classes of a Pascal Part annotation, read from the first bytes of the file.

Which images belong to the paper's subset depends on the classes of their objects, and those stand in
5,105 compressed files of which nearly all the bytes are masks. Reading them whole takes about a
minute. A class name comes before its object's masks, so decompressing the first few hundred bytes
mostly settles the question, and the whole list takes about a second.

Format: MATLAB's MAT-file level 5, little endian; https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
Anything else than the structure of Pascal Part raises ValueError; the caller then reads the file
with scipy.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

HEADER_BYTES = 128
CHUNK_BYTES = 4096

# Data types of elements, and classes of matrices, as the format numbers them.
MATRIX, COMPRESSED = 14, 15
STRUCT, CHAR = 2, 4
CODECS = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}


class _Matrix(NamedTuple):
    """The head of a matrix element: its class, how many entries it has, and where it ends."""

    kind: int
    entries: int
    end: int


def object_classes(path: Path) -> Iterator[str]:
    """Yield the class of each object of a Pascal Part `.mat`, in order, reading no more than needed.

    Raises ValueError where the file is of another form, OSError where it cannot be opened.
    """
    with path.open("rb") as file:
        try:
            yield from _classes(_top_level(file))
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: {error}") from error


def _classes(stream: _Stream) -> Iterator[str]:
    annotation = _matrix(stream)
    for field in _fields(stream, annotation):
        matrix = _matrix(stream)
        if field != "objects":
            stream.skip_to(matrix.end)
            continue
        if matrix.entries == 0:
            return
        names = _fields(stream, matrix)
        for _ in range(matrix.entries):
            for name in names:
                member = _matrix(stream)
                if name == "class":
                    yield _text(stream, member)
                stream.skip_to(member.end)
        return
    raise ValueError("no field 'objects'")


class _Stream:
    """Bytes read forward from a file, decompressed as they are asked for."""

    def __init__(self, file: BinaryIO, *, compressed: bool) -> None:
        self._file = file
        self._inflate = zlib.decompressobj() if compressed else None
        self._buffer = b""
        self.position = 0

    def read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self.position += count
        return taken

    def skip_to(self, position: int) -> None:
        while position - self.position > len(self._buffer):
            self.position += len(self._buffer)
            self._buffer = self._more()
        self.read(position - self.position)

    def _more(self) -> bytes:
        if self._inflate is None:
            more = self._file.read(CHUNK_BYTES)
        else:
            raw = self._inflate.unconsumed_tail or self._file.read(CHUNK_BYTES)
            # The bound matters: 4 KB of a mask's runs may unfold to megabytes that nobody asked for.
            more = self._inflate.decompress(raw, 2 * CHUNK_BYTES)
        if not more:
            raise ValueError("the file ends early")
        return more


def _top_level(file: BinaryIO) -> _Stream:
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or header[126:] != b"IM":
        raise ValueError("no little-endian MAT-file of level 5")
    (kind,) = struct.unpack("<I", file.read(8)[:4])
    if kind not in (MATRIX, COMPRESSED):
        raise ValueError(f"starts with an element of type {kind}")
    if kind == MATRIX:
        file.seek(HEADER_BYTES)
    return _Stream(file, compressed=kind == COMPRESSED)


def _element(stream: _Stream) -> tuple[int, bytes]:
    """Read one data element: its type and its bytes. Elements are padded to multiples of 8 bytes."""
    kind, count = struct.unpack("<II", stream.read(8))
    if kind >> 16:  # the short form: up to 4 bytes stand in the tag itself
        return kind & 0xFFFF, struct.pack("<I", count)[: kind >> 16]
    data = stream.read(count)
    stream.read(-count % 8)
    return kind, data


def _matrix(stream: _Stream) -> _Matrix:
    kind, count = struct.unpack("<II", stream.read(8))
    if kind != MATRIX:
        raise ValueError(f"expected a matrix, got an element of type {kind}")
    end = stream.position + count
    if count == 0:
        return _Matrix(0, 0, end)
    flags = _element(stream)[1]
    shape = _element(stream)[1]
    _element(stream)  # the name, which only the outermost matrix has
    entries = 1
    for size in struct.unpack(f"<{len(shape) // 4}i", shape):
        entries *= size
    return _Matrix(flags[0], entries, end)


def _fields(stream: _Stream, matrix: _Matrix) -> list[str]:
    if matrix.kind != STRUCT:
        raise ValueError(f"expected a struct, got a matrix of class {matrix.kind}")
    (width,) = struct.unpack("<i", _element(stream)[1])
    names = _element(stream)[1]
    return [names[i : i + width].split(b"\0")[0].decode("ascii") for i in range(0, len(names), width)]


def _text(stream: _Stream, matrix: _Matrix) -> str:
    if matrix.kind != CHAR:
        raise ValueError(f"expected text, got a matrix of class {matrix.kind}")
    kind, data = _element(stream)
    if kind not in CODECS:
        raise ValueError(f"text in an unknown encoding {kind}")
    return data.decode(CODECS[kind])
