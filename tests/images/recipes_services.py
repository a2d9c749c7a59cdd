from __future__ import annotations
from catalogue import Image
def images(bundle: str) -> list[Image]:
    return []
