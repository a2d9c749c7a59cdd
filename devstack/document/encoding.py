"""Bytes to text: UTF-8 only, and an error that names the byte and guesses what it is instead."""

from __future__ import annotations

import re
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from devstack.errors import Problem, SpecError, Where

MAX_BYTES = 5 * 1024 * 1024
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def decode(text: str | bytes, file: str) -> str:
    """Text without a byte order mark. Raises `SpecError` for what is not UTF-8, too large, or holds control characters."""
    if len(text) > MAX_BYTES:
        raise SpecError([Problem(Where(file), f"larger than {MAX_BYTES // 1024 // 1024} MiB")])
    if isinstance(text, bytes):
        text = _utf8(text, file)
    text = text.removeprefix("\ufeff")
    if control := _CONTROL.search(text):
        where = _place(text, control.start(), file)
        code = ord(control.group())
        name = "a NUL character" if code == 0 else f"the control character U+{code:04X}"
        offset = len(text[: control.start()].encode(errors="replace"))
        raise SpecError([Problem(where, f"{name} at byte {offset}", hint="remove it")])
    return text


def _utf8(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (data[:200].count(b"\0") > len(data[:200]) // 4):
        raise SpecError([Problem(Where(file, 1, 1), "not UTF-8 at byte 0: looks like UTF-16", hint="save it as UTF-8")])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        guess = "Latin-1" if data[error.start] >= 0xA0 else "Windows-1252"
        where = _place(before, len(before), file)
        message = f"not UTF-8 at byte {error.start} (0x{data[error.start]:02X}): looks like {guess}"
        raise SpecError([Problem(where, message, hint="save it as UTF-8")]) from None


def _place(text: str, offset: int, file: str) -> Where:
    start = text.rfind("\n", 0, offset) + 1
    return Where(file, text.count("\n", 0, offset) + 1, offset - start + 1)


def read_text(path: Path, shown: str | None = None) -> str:
    """The text of a regular file. Raises `SpecError` when it is missing, no regular file, too large or not UTF-8."""
    shown = shown or str(path)
    where = Where(shown)
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise SpecError([Problem(where, "is a folder, a file is expected")])
        if not S_ISREG(status.st_mode):
            raise SpecError([Problem(where, "is not a regular file")])
        if status.st_size > MAX_BYTES:
            raise SpecError([Problem(where, f"larger than {MAX_BYTES // 1024 // 1024} MiB")])
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError([Problem(where, "no such file")]) from None
    except OSError as error:
        raise SpecError([Problem(where, f"cannot be read: {error.strerror}")]) from None
    except ValueError:
        raise SpecError([Problem(where, "is not a file name")]) from None
    return decode(data, shown)
