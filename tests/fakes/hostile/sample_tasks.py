"""Sound tasks for tests of the way tasks are run."""

from __future__ import annotations

import time
from typing import Any

_warm: list[str] = []


def warm_up() -> None:
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 (allowed here, refused later)
        _warm.append(file.readline())


def echo(exhibit: Any, arguments: dict[str, Any], beat: Any, say: Any) -> dict[str, Any]:
    with exhibit.file() as one, exhibit.file() as other:
        one.seek(4)
        head = [one.read(4).decode(), other.read(4).hex()]
        one.seek(-1, 2)
        last = len(one.read())
    return {"name": exhibit.name, "size": exhibit.size, "head": head, "last": last, "warm": len(_warm), **arguments}


def count(exhibit: Any, arguments: dict[str, Any], beat: Any, say: Any) -> dict[str, Any]:
    for number in range(arguments["parts"]):
        say({"number": number})
        beat()
        time.sleep(arguments.get("pause", 0.0))
    return {"said": arguments["parts"]}


def fail(exhibit: Any, arguments: dict[str, Any], beat: Any, say: Any) -> dict[str, Any]:
    from workstation.domain.errors import DamagedMedia

    if arguments["how"] == "typed":
        raise DamagedMedia("It is broken.", "Ask again.")
    if arguments["how"] == "large":
        return {"text": "x" * (17 << 20)}
    if arguments["how"] == "not plain":
        return {"value": float("nan")}
    raise RuntimeError("a surprise")
