"""What was found in an exhibit: digests of its streams, its metadata (E2, E3); every put is in the chain of custody."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import Connection

from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import InputError
from workstation.domain.ids import EvidenceId
from workstation.domain.streams import StreamDigest
from workstation.storage.chain import Chain
from workstation.storage.described import Described, sha256_of, streams_text
from workstation.storage.facets.reading import is_there
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import descriptions
from workstation.storage.repositories import evidence as exhibits


def describe(
    connection: Connection, chain: Chain, evidence: EvidenceId, what: Described, sha256: str, **more: object
) -> None:
    """Append ``evidence_described``. Raises: NotFound."""
    body = {"evidence": evidence, "exhibit": exhibits.one(connection, evidence).exhibit, "what": what.value}
    chain.append(connection, CustodyKind.EVIDENCE_DESCRIBED, body | {"sha256": sha256} | more)


class Descriptions:
    """Facet ``store.descriptions``. Putting what stands already does nothing; putting anything else leaves the older
    rows where they are and is in force from then on."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened

    def put_streams(self, evidence: EvidenceId, streams: tuple[StreamDigest, ...]) -> None:
        """Record the digests of every stream of an exhibit (E2); an empty tuple says that it has none.

        Raises:
            NotFound, CaseReadOnly.
        """
        digest = sha256_of(streams_text(streams))
        self._put(evidence, Described.STREAMS, digest, lambda c, n: descriptions.add_streams(c, n, streams))

    def streams(self, evidence: EvidenceId) -> tuple[StreamDigest, ...] | None:
        """None when they were never recorded. Raises: NotFound."""

        def work(connection: Connection) -> tuple[StreamDigest, ...] | None:
            number = _in_force(connection, evidence, Described.STREAMS)
            return None if number is None else descriptions.streams(connection, number)

        return self._open.read(work)

    def put_metadata(self, evidence: EvidenceId, text: str) -> None:
        """Record what the container says about itself: ``text`` is a JSON object and is kept to the byte.

        Raises:
            InputError: ``text`` is no JSON object.
            NotFound, CaseReadOnly.
        """
        try:
            sound = isinstance(json.loads(text), dict)
        except ValueError:
            sound = False
        if not sound:
            raise InputError("Metadata is kept as the text of a JSON object.")
        self._put(evidence, Described.METADATA, sha256_of(text), lambda c, n: descriptions.add_metadata(c, n, text))

    def metadata(self, evidence: EvidenceId) -> str | None:
        """The text as it was put; None when there is none. Raises: NotFound."""

        def work(connection: Connection) -> str | None:
            number = _in_force(connection, evidence, Described.METADATA)
            return None if number is None else descriptions.metadata(connection, number)

        return self._open.read(work)

    def _put(self, evidence: EvidenceId, what: Described, digest: str, fill: Callable[[Connection, int], None]) -> None:
        def work(connection: Connection, chain: Chain) -> None:
            position = exhibits.position(connection, evidence)
            before = descriptions.newest(connection, position, what.value)
            if before is not None and before[1] == digest:
                return
            at = now_utc()
            fill(connection, descriptions.add(connection, position, what.value, digest, at))
            describe(connection, chain, evidence, what, digest, described_at=at)

        self._open.change(work)


def _in_force(connection: Connection, evidence: EvidenceId, what: Described) -> int | None:
    position = exhibits.position(connection, evidence)
    found = descriptions.newest(connection, position, what.value) if is_there(connection) else None
    return None if found is None else found[0]
