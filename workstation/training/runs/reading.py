"""From a TOML table to a frozen dataclass: every field typed, every unknown one refused by its name."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

from workstation.domain.errors import InputError

_Table = TypeVar("_Table")


def read_table(kind: type[_Table], table: Mapping[str, object], path: str = "") -> _Table:
    """Build a dataclass of ``kind`` from a table; fields with a default may be left out.

    Fields may be bool, int, float, str, a ``Literal`` of words, tuples of one of these, mappings (taken as they are) or
    dataclasses, which are tables of their own.

    Args:
        path: what the table is called in messages, ending in a point, or empty for the whole file.

    Raises:
        InputError: naming the field that is unknown, missing or of another kind.
    """
    assert dataclasses.is_dataclass(kind)
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in table:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            advice = f'Did you mean "{path}{near[0]}"?' if near else f"Known here: {', '.join(fields)}."
            raise InputError(f'A training configuration has no field "{path}{name}".', advice)
    found: dict[str, object] = {}
    for name, field in fields.items():
        if name in table:
            found[name] = _value(hints[name], table[name], f"{path}{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f'The training configuration lacks the field "{path}{name}".', "Add it.")
    return kind(**found)


def _value(kind: object, value: object, name: str) -> object:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _wrong(name, "a table")
        return read_table(kind, value, f"{name}.")
    origin = get_origin(kind)
    if origin is Literal:
        if value not in get_args(kind) or not isinstance(value, str):
            raise _wrong(name, f"one of {', '.join(map(str, get_args(kind)))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(name, "a list")
        part = get_args(kind)[0]
        return tuple(_value(part, one, f"{name}[{number}]") for number, one in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(name, "a table")
        part = get_args(kind)[1]
        return MappingProxyType({k: v if part is object else _value(part, v, f"{name}.{k}") for k, v in value.items()})
    return _plain(kind, value, name)


def _plain(kind: object, value: object, name: str) -> object:
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _wrong(name, "a number")
        return float(value)
    if kind is int and (isinstance(value, bool) or not isinstance(value, int)):
        raise _wrong(name, "a whole number")
    if kind is bool and not isinstance(value, bool):
        raise _wrong(name, "true or false")
    if kind is str and not isinstance(value, str):
        raise _wrong(name, "a text")
    return value


def _wrong(name: str, wanted: str) -> InputError:
    return InputError(f'Field "{name}" of the training configuration must be {wanted}.', "Correct the configuration.")
