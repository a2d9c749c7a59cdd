"""The plain values that models are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Never, TypeAlias, Union

Json: TypeAlias = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
JsonObject: TypeAlias = Mapping[str, Json]
Strings: TypeAlias = Mapping[str, str]


class Empty(Mapping[str, Never]):
    """The empty mapping, hashable so that it can be a default of a frozen dataclass."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Never:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY = Empty()
