"""What an attached client and its supervisor send each other: a byte of kind, four bytes of length, the data.

Standard library only.
"""

from __future__ import annotations

import struct

STDIN, CLOSED, RESIZED = 0, 1, 2
"""To the program: input, the end of input, the size of the terminal."""
STDOUT, STDERR, ENDED = 1, 2, 3
"""From it: what it writes, and its exit code in digits."""
_HEAD = struct.Struct(">BI")
_SIZE = struct.Struct(">HH")


def packed(kind: int, data: bytes) -> bytes:
    return _HEAD.pack(kind, len(data)) + data


def first(received: bytes) -> tuple[int, bytes, bytes] | None:
    """Kind and data of the first frame, and what stands after it; None while it is not whole."""
    if len(received) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack_from(received)
    end = _HEAD.size + length
    return (kind, received[_HEAD.size : end], received[end:]) if len(received) >= end else None


def size(rows: int, columns: int) -> bytes:
    """The data of RESIZED."""
    return _SIZE.pack(rows, columns)


def size_of(data: bytes) -> tuple[int, int]:
    """(rows, columns) of RESIZED."""
    rows, columns = _SIZE.unpack(data)
    return rows, columns
