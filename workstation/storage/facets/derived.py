"""What was made from evidence, each item with its parent, its recipe and its event in the chain of custody (E4, E6)."""

from __future__ import annotations

from sqlalchemy import Connection

from workstation.domain.custody import CustodyKind
from workstation.domain.derived import DerivedItem
from workstation.domain.errors import NotFound
from workstation.domain.ids import DerivedId
from workstation.storage.chain import Chain
from workstation.storage.facets.reading import is_there, read_or
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import derived


class DerivedItems:
    """Facet ``store.derived``. Items are never changed and never taken away."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened

    def next_number(self) -> str:
        """The number the next item gets: "DI-01", "DI-02", ..."""
        return read_or(self._open, derived.next_number, "DI-01")

    def add(self, item: DerivedItem) -> None:
        """Record an item and its event in one transaction: ``derived``, or ``exported`` when it left the case folder.

        The event's body has every column of the row under the column's name, and the id as ``derived``.

        Raises:
            NotFound: its parent is not in this case.
            InputError: the number is taken, or the parent has another digest.
            CaseReadOnly.
        """

        def work(connection: Connection, chain: Chain) -> None:
            values = derived.add(connection, item)
            body = {name: value for name, value in values.items() if name != "id"} | {"derived": item.id}
            chain.append(connection, CustodyKind.EXPORTED if item.exported else CustodyKind.DERIVED, body)

        self._open.change(work)

    def every(self) -> tuple[DerivedItem, ...]:
        """All items, in the order made."""
        return read_or(self._open, derived.every, ())

    def one(self, item: DerivedId) -> DerivedItem:
        """Raises: NotFound."""

        def work(connection: Connection) -> DerivedItem:
            if not is_there(connection):
                raise NotFound(f"There is no derived item with the id {item}.")
            return derived.one(connection, item)

        return self._open.read(work)
