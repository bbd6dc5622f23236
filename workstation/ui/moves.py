"""Which action moves where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workstation.ui.navigator import Navigator
from workstation.ui.player import Player


def move_handlers(navigator: Navigator, player: Player) -> dict[str, Callable[[], object]]:
    """Handlers of all actions that only move about. A step by hand ends playback."""

    def by_hand(move: Callable[[], object]) -> Callable[[], object]:
        def moved() -> None:
            player.stop()
            move()

        return moved

    handlers: dict[str, Callable[[], object]] = {
        "exhibit.next": by_hand(partial(navigator.next_exhibit, 1)),
        "exhibit.previous": by_hand(partial(navigator.next_exhibit, -1)),
        "play.toggle": player.toggle,
        "play.reverse": partial(player.play, -1),
        "play.stop": player.stop,
        "play.forward": partial(player.play, 1),
        "step.back": by_hand(partial(navigator.step, -1)),
        "step.forward": by_hand(partial(navigator.step, 1)),
        "step.back10": by_hand(partial(navigator.step, -10)),
        "step.forward10": by_hand(partial(navigator.step, 10)),
        "key.back": by_hand(partial(navigator.key_frame, -1)),
        "key.forward": by_hand(partial(navigator.key_frame, 1)),
        "go.first": by_hand(navigator.first),
        "go.last": by_hand(navigator.last),
        "peak.next": by_hand(partial(navigator.peak, 1)),
        "peak.previous": by_hand(partial(navigator.peak, -1)),
        "gap.next": by_hand(navigator.gap),
        "history.back": by_hand(navigator.back),
        "history.forward": by_hand(navigator.forward),
        "track.next": partial(navigator.next_track, 1),
        "track.previous": partial(navigator.next_track, -1),
    }
    for number in range(10):
        handlers[f"track.{number}"] = partial(navigator.choose_number, number)
    return handlers
