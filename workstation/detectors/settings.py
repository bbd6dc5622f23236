"""How a detector is run beyond its card: the settings an examination hands to its family as texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import DetectorError

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


def refuse_unknown(card: DetectorCard, settings: Mapping[str, str], known: Collection[str] = ()) -> None:
    """Raises: DetectorError naming a setting that is not among ``known``: what is not understood is never ignored."""
    for name in sorted(set(settings) - set(known)):
        what = f"It knows {', '.join(sorted(known))}." if known else "It knows none."
        raise DetectorError(f'{card.id} has no setting "{name}".', what)
