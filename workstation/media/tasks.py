"""One named task over one exhibit, run in a confined decoder child of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workstation.domain.errors import InputError
from workstation.domain.media import MediaLocation
from workstation.media.answers import Nonsense, plain
from workstation.media.decoder_process import DecoderProcess
from workstation.media.limits import DecodeLimits
from workstation.media.tasks_table import TASKS
from workstation.media.wire import Message

_NOTHING: Mapping[str, Any] = {}


def run_task(
    location: Path | MediaLocation,
    task: str,
    arguments: Mapping[str, Any] = _NOTHING,
    limits: DecodeLimits | None = None,
    on_beat: Callable[[], None] | None = None,
    on_said: Callable[[Message], None] | None = None,
) -> Message:
    """Run a task of ``tasks_table.TASKS`` over an exhibit and return its result.

    Args:
        location: the exhibit.
        arguments: plain JSON values for the task.
        on_beat: called on every sign of life (about twice a second); an exception of it ends the child and goes on.
        on_said: called with every part the task sends ahead of its result, in order.

    Raises:
        InputError: there is no such task.
        NotFound, PermissionRefused, EmptyFile, UnreadableMedia, DamagedMedia, MediaTooLarge: about the exhibit.
        DecoderStopped: the child crashed, hung, used up its limits or answered nonsense.
    """
    if task not in TASKS:
        raise InputError(f"There is no task {task!r} for a decoder.", f"Known are: {', '.join(sorted(TASKS))}.")
    child = DecoderProcess(location, limits or DecodeLimits(), task=task)
    try:
        child.send({"do": "task", "arguments": dict(arguments)})
        while True:
            message = child.receive(on_beat)
            part = _inside(message, {"said": "part", "done": "result"}.get(str(message.get("is")), ""))
            if message["is"] == "done":
                return part
            if on_said is not None:
                on_said(part)
    except Nonsense as error:
        raise child.nonsense() from error
    finally:
        child.close()


def _inside(message: Message, name: str) -> Message:
    value = message.get(name)
    if not isinstance(value, dict):
        raise Nonsense(name)
    checked: Message = plain(value)
    return checked
