"""Which characters need AltGr on keyboards of other countries, so that no action hangs on one of them alone (3.3).

Read off the symbols of the xkeyboard-config project (de, fr, se, no, dk, fi); a test compares them with libxkbcommon
where that is installed. With AltGr held, Windows reports Ctrl+Alt, so keys made with Ctrl+Alt are unsafe there too.
"""

from __future__ import annotations

from collections.abc import Mapping

NEEDS_ALTGR: Mapping[str, str] = {
    "German": "[]{}\\|@~",
    "French": "[]{}\\|@#^`",
    "Nordic": "[]{}@",
}


def needs_altgr(key: str) -> tuple[str, ...]:
    """Names of the layouts on which the last character of ``key`` ("Ctrl+[") is typed with AltGr."""
    last = key[-1:] if key else ""
    return tuple(name for name, characters in NEEDS_ALTGR.items() if last and last in characters)


def uncertain(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Layouts on which none of the keys of one action can be typed without AltGr."""
    if not keys:
        return ()
    hard = [set(needs_altgr(key)) for key in keys]
    return tuple(name for name in NEEDS_ALTGR if all(name in one for one in hard))
