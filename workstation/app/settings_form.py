"""The settings as a form: what each one is, what it may be, where its value comes from; and writing them back.

The form is read off the model of the settings, so that a setting which is added there appears in every door.
"""

from __future__ import annotations

import inspect
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, get_args, get_origin

import tomli_w
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from workstation.app.settings import Settings, load_settings
from workstation.domain.errors import InputError
from workstation.storage.durable import file_error, write_whole

FILE = "settings.toml"
_PREFIX = "WORKSTATION_"


class FieldKind(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    NAMES = "names"
    YES_NO = "yes or no"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting. ``help`` is its sentence from the model; ``choices`` only of a choice; ``locked`` names the variable
    of the environment that sets it and cannot be overruled by the file. Values are as TOML holds them."""

    name: str
    title: str
    help: str
    kind: FieldKind
    value: object
    default: object
    choices: tuple[str, ...] = ()
    least: float | None = None
    locked: str = ""


def form(settings: Settings) -> tuple[SettingField, ...]:
    """Every setting in the order of the model, with its present value."""
    told = _sentences()
    return tuple(
        _field(name, info, getattr(settings, name), told.get(name, ""))
        for name, info in type(settings).model_fields.items()
    )


def save(root: Path, values: Mapping[str, object]) -> Settings:
    """Write values into ``settings.toml`` of the workstation folder and return the settings as they stand then.

    Values equal to the default are taken out of the file; what the file holds beside the settings stays. Nothing is
    written when a value is not allowed.

    Raises:
        InputError: a value that is not allowed, no such setting, or a file that cannot be read.
        PermissionRefused, StorageFull: the file cannot be written.
    """
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise InputError(f'There is no setting "{unknown[0]}".')
    path = root / FILE
    there = _read(path)
    merged = {name: value for name, value in {**there, **values}.items() if not _is_default(name, value)}
    _check({name: value for name, value in merged.items() if name in Settings.model_fields})
    try:
        write_whole(path, tomli_w.dumps(merged).encode())
    except OSError as fault:
        raise file_error(fault, path) from fault
    return load_settings(root)


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise InputError(f"{FILE} cannot be read ({fault}).", "Correct or delete the file.") from fault


def _check(values: Mapping[str, object]) -> None:
    class Alone(Settings):
        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, *_, **__):  # type: ignore[no-untyped-def]
            return (init_settings,)

    try:
        Alone(**values)  # type: ignore[arg-type]
    except ValidationError as fault:
        detail = fault.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        raise InputError(f"{title_of(where)}: {detail['msg']}.", "Choose another value.") from fault


def _is_default(name: str, value: object) -> bool:
    info = Settings.model_fields.get(name)
    return info is not None and value == info.get_default(call_default_factory=True)


def _field(name: str, info: FieldInfo, value: object, told: str) -> SettingField:
    variable = f"{_PREFIX}{name.upper()}"
    locked = variable if variable in os.environ else ""
    kind, choices = _kind(info.annotation)
    least = next((float(g) for m in info.metadata if (g := getattr(m, "ge", None)) is not None), None)
    default = info.get_default(call_default_factory=True)
    return SettingField(name, title_of(name), told, kind, value, default, choices, least, locked)


def _kind(annotation: object) -> tuple[FieldKind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return FieldKind.CHOICE, tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) is list:
        return FieldKind.NAMES, ()
    if annotation is bool:
        return FieldKind.YES_NO, ()
    return (FieldKind.NUMBER, ()) if annotation in (int, float) else (FieldKind.TEXT, ())


def title_of(name: str) -> str:
    """ "verify_on_open" as people read it: "Verify on open"."""
    return name.replace("_", " ").capitalize()


def _sentences() -> dict[str, str]:
    """The sentence of each setting from the model's own documentation, without the ids of requirements."""
    text = inspect.getdoc(Settings) or ""
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.MULTILINE)
    return {name: re.sub(r"\s*\([A-Z]\d+\w?\)", "", " ".join(words.split())) for name, words in found}
