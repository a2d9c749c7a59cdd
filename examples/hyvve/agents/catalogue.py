"""The agents: functions from a text to what they find in it. None needs a service outside."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from has have in is it its of on or that the this to was we"
        " were will with you",
    )
)


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())


def keywords(text: str) -> dict[str, Any]:
    """The words that a text is about, the most frequent first."""
    counted = Counter(word for word in words_of(text) if len(word) > 2 and word not in STOP_WORDS)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return {"keywords": [word for word, _ in ordered[:10]]}


def summary(text: str) -> dict[str, Any]:
    """The sentence with most of the text's key words, and how long reading all of it takes."""
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]
    if not sentences:
        raise ValueError("the text has no sentence")
    telling = set(keywords(text)["keywords"])
    best = max(sentences, key=lambda sentence: len(telling & set(words_of(sentence))))
    return {"summary": best, "sentences": len(sentences), "words": len(words_of(text))}


def contacts(text: str) -> dict[str, Any]:
    """Mail addresses and links, each once, in the order in which they stand."""
    emails = re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text)
    links = [link.rstrip(".,;:!?)") for link in re.findall(r"https?://\S+", text)]
    return {"emails": list(dict.fromkeys(emails)), "links": list(dict.fromkeys(links))}


AGENTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "keywords": keywords,
    "summary": summary,
    "contacts": contacts,
}
