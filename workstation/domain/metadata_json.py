"""``MediaMetadata`` as canonical JSON and back.

Canonical: keys sorted, no spaces, UTF-8 characters as they are, no NaN; the same metadata always gives the same bytes,
so a digest of the text names it.
"""

from __future__ import annotations

import dataclasses
import json
import types
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from workstation.domain.metadata import MediaMetadata

_DEEPEST = 64


def to_plain(metadata: MediaMetadata) -> dict[str, Any]:
    """As plain JSON values."""
    plain = _plain(metadata)
    assert isinstance(plain, dict)
    return plain


def to_json(metadata: MediaMetadata) -> str:
    """As canonical JSON text."""
    return json.dumps(_plain(metadata), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> MediaMetadata:
    """Read what :func:`to_json` wrote.

    Raises:
        ValueError: it is no such text; nothing is guessed or left out.
    """
    return from_plain(json.loads(text))


def from_plain(value: object) -> MediaMetadata:
    """Read what :func:`to_plain` gave, checking every type: the values may come from a decoder that was taken over.

    Raises:
        ValueError: a key is missing or unknown, or a value has another type.
    """
    made = _made(value, MediaMetadata, 0)
    assert isinstance(made, MediaMetadata)
    return made


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(value: object, kind: Any, depth: int) -> object:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
        return _made(value, kind, depth)
    if origin is tuple:
        return _made_tuple(value, get_args(kind), depth)
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]  # a dataclass type, not an instance
        if not isinstance(value, dict) or set(value) != set(hints):
            raise ValueError(f"not a {getattr(kind, '__name__', kind)}")
        return kind(**{name: _made(value[name], hint, depth + 1) for name, hint in hints.items()})  # type: ignore[operator]
    return _scalar(value, kind)


def _made_tuple(value: object, inner: tuple[Any, ...], depth: int) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_made(one, inner[0], depth + 1) for one in value)
    if len(value) != len(inner):
        raise ValueError("a list of another length")
    return tuple(_made(one, hint, depth + 1) for one, hint in zip(value, inner, strict=True))


def _scalar(value: object, kind: Any) -> object:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError("not a finite number")
        return number
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, str):
        value.encode()
        return kind(value)
    raise ValueError(f"not a {getattr(kind, '__name__', kind)}")
