"""Which distributions may offer code of a detector family: this program's own, and those a person has allowed.

Any distribution can name entry points in the group ``workstation.detectors``. What they name is code that runs with the
rights of the examiner, so none of it is imported before its distribution is on the list (setting
``detector_families``). The list belongs to the process: the engine sets it when it starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

GROUP = "workstation.detectors"
OURS = "workstation"
_allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Family:
    """Code offered for a family.

    Attributes:
        distribution, version: which installed distribution offers it.
        module: where its ``load`` is; imported by the registry alone.
        problem: why it is not used, or empty.
        others: distributions that offer the same name and are passed over.
    """

    name: str
    distribution: str
    version: str
    module: str
    problem: str = ""
    others: tuple[str, ...] = ()


def only(distributions: Iterable[str]) -> None:
    """From now on, allow these distributions beside our own (names as ``pip`` writes them, in any spelling)."""
    global _allowed
    _allowed = frozenset(_plain(name) for name in distributions)


def allowed() -> frozenset[str]:
    """The allowed distributions, in their plain spelling."""
    return _allowed


def families() -> Mapping[str, Family]:
    """Every family that some installed distribution offers, by name; nothing is imported.

    Our own code wins over another distribution's of the same name. Between two others of the same name nobody decides:
    the family has a problem.
    """
    offers: dict[str, list[tuple[str, str, EntryPoint]]] = {}
    for point in entry_points(group=GROUP):
        name = point.dist.name if point.dist is not None else ""
        version = point.dist.version if point.dist is not None else ""
        offers.setdefault(point.name, []).append((name, version, point))
    return {name: _chosen(name, found) for name, found in offers.items()}


def _chosen(name: str, offers: list[tuple[str, str, EntryPoint]]) -> Family:
    ranked = sorted(offers, key=lambda offer: (not _is_ours(offer), _plain(offer[0]) not in _allowed, _plain(offer[0])))
    first = ranked[0]
    distribution, version, point = first
    others = tuple(sorted({offer[0] or "an unnamed distribution" for offer in ranked[1:]}))
    problem = ""
    if not _is_ours(first):
        if _plain(distribution) not in _allowed:
            called = distribution or "an unnamed distribution"
            problem = f"its family comes from {called}, which is not on the allow-list"
        elif len(ranked) > 1 and _plain(ranked[1][0]) in _allowed:
            problem = f'its family "{name}" comes from two allowed distributions, {distribution} and {ranked[1][0]}'
    return Family(name, distribution, version, point.module, problem, others)


def _is_ours(offer: tuple[str, str, EntryPoint]) -> bool:
    # A distribution could call itself by our name; it cannot have its code inside our package as well.
    return _plain(offer[0]) == OURS and offer[2].module.startswith(f"{OURS}.")


def _plain(name: str) -> str:
    """The spelling in which two names of distributions are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
