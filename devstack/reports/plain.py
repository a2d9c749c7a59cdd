"""Text from programs as a document can hold it."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped, and what no reader shows; logs are full of it."""


def plain(text: str) -> str:
    """The text without colours and control characters."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", _COLOUR.sub("", text))
