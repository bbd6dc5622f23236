"""What the chain of custody says of how each exhibit came into the case (E1, E6)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from workstation.domain.custody import CustodyKind
from workstation.domain.ids import EvidenceId
from workstation.domain.intake import ExhibitOrigin
from workstation.storage.case_store import CaseStore

DIGEST = "digest_"


def origins(store: CaseStore) -> Mapping[EvidenceId, ExhibitOrigin]:
    """One entry for each exhibit that has an event of its intake; read from the whole chain in one pass."""
    found: dict[EvidenceId, ExhibitOrigin] = {}
    for event in store.custody():
        if event.kind is not CustodyKind.EVIDENCE_TAKEN_IN:
            continue
        body = json.loads(event.body)
        if not isinstance(body, dict):
            continue
        others = tuple((name.removeprefix(DIGEST), str(body[name])) for name in sorted(body) if name.startswith(DIGEST))
        said = {name: str(body.get(name) or "") for name in ("purpose", "authority", "zone", "machine_id", "tool")}
        found[EvidenceId(str(body.get("evidence")))] = ExhibitOrigin(**said, other_digests=others, event=event.seq)
    return found
