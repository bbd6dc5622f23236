"""The closed table of tasks that a decoder child can be asked to run: name -> ``module:function``.

The parent sends a name, never code, and the child knows no task that is not written here. A task is::

    def read(exhibit: OpenExhibit, arguments: Message, beat: Beat, say: Callable[[Message], None]) -> Message

``beat`` is called often during long work (at least every few seconds) and may raise to end it; ``say`` sends a part of
a long answer ahead of the result; both and the result are plain JSON values. The module may define ``warm_up()``, run
before the child is confined: afterwards no file can be opened, so every module, codec and plug-in that is loaded on
first use must be loaded there.
"""

from __future__ import annotations

TASKS: dict[str, str] = {
    "streams": "workstation.media.stream_digests:read",
    "metadata": "workstation.media.metadata.reading:read",
    "framehash": "workstation.media.framehash:read",
}
