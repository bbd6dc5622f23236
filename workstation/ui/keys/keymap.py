"""Which keys each action has: a preset, and what this examiner changed of it, kept in the user profile (U16).

Keys are text in Qt's portable form ("Ctrl+Shift+R"). The map of an action that is not changed follows the program, so
that actions that are new in a later version have their keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QSettings
from PySide6.QtGui import QKeySequence

from workstation.ui.action_specs import ActionSpec
from workstation.ui.keys.presets import PRESETS, WORKSTATION

_PRESET, _CHANGES = "keys/preset", "keys/changes"


def portable(key: str) -> str:
    """The one spelling of a key that is compared and stored; empty when Qt does not know it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def native(keys: Iterable[str]) -> str:
    """Keys as this system writes them."""
    form = QKeySequence.SequenceFormat.NativeText
    return "   ".join(QKeySequence(key).toString(form) for key in keys)


@dataclass(frozen=True, slots=True)
class KeyMap:
    """``changes``: action id to all of its keys; an empty tuple takes every key away."""

    preset: str = WORKSTATION
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def resolve(self, specs: Iterable[ActionSpec]) -> dict[str, tuple[str, ...]]:
        """Action id to its keys, for every action of the table."""
        base = preset_keys(self.preset, specs)
        return {name: self.changes.get(name, keys) for name, keys in base.items()}

    def with_keys(self, name: str, keys: Iterable[str], specs: Iterable[ActionSpec]) -> KeyMap:
        """The map with these keys for one action; keys equal to the preset's are no change."""
        wanted = tuple(dict.fromkeys(found for key in keys if (found := portable(key))))
        changes = {other: kept for other, kept in self.changes.items() if other != name}
        if wanted != preset_keys(self.preset, specs).get(name, ()):
            changes[name] = wanted
        return KeyMap(self.preset, changes)

    def without_change(self, name: str) -> KeyMap:
        """The map with the preset's keys for one action."""
        return KeyMap(self.preset, {other: keys for other, keys in self.changes.items() if other != name})


def preset_keys(preset: str, specs: Iterable[ActionSpec]) -> dict[str, tuple[str, ...]]:
    """The keys of a preset. What it gives to one action it takes from every other; an unknown preset is the first."""
    given = {name: tuple(map(portable, keys)) for name, keys in PRESETS.get(preset, {}).items()}
    known = tuple(specs)
    taken = {key for spec in known for key in given.get(spec.id, ())}
    return {
        spec.id: given.get(spec.id) or tuple(key for key in map(portable, spec.keys) if key not in taken)
        for spec in known
    }


def conflicts(keys: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Keys that more than one action has, with the ids of these actions in their order."""
    users: dict[str, list[str]] = {}
    for name, own in keys.items():
        for key in own:
            users.setdefault(key, []).append(name)
    return {key: tuple(names) for key, names in users.items() if len(names) > 1}


def read_keys(settings: QSettings) -> KeyMap:
    """The map in the user profile; what cannot be read there is left out, so that a key never stops the program."""
    preset = str(settings.value(_PRESET, WORKSTATION))
    try:
        stored = json.loads(str(settings.value(_CHANGES, "{}")))
    except ValueError:
        stored = {}
    changes: dict[str, tuple[str, ...]] = {}
    for name, keys in stored.items() if isinstance(stored, dict) else ():
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            changes[str(name)] = tuple(found for key in keys if (found := portable(key)))
    return KeyMap(preset if preset in PRESETS else WORKSTATION, changes)


def write_keys(settings: QSettings, keys: KeyMap) -> None:
    """Keep a map in the user profile."""
    settings.setValue(_PRESET, keys.preset)
    settings.setValue(_CHANGES, json.dumps({name: list(own) for name, own in keys.changes.items()}, sort_keys=True))
    settings.sync()
