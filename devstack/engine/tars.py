"""Tar streams as every engine takes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from devstack.errors import EngineRefused

COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def plain_tar(data: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, refused when they are compressed: engines before 29.5 unpack those with programs found in the container
    (CVE-2026-41567)."""
    stream = iter(data)
    first = b""
    for piece in stream:
        first += piece
        if len(first) >= 8:
            break
    kind = next((name for magic, name in COMPRESSED.items() if first.startswith(magic)), "")
    if kind:
        raise EngineRefused(f"the archive is compressed with {kind}", hints=["send a plain tar: decompress it first"])
    return itertools.chain([first], stream)
