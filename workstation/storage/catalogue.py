"""What belongs to this workstation and to no case: the cases it knows and the custody heads pinned here (E7)."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import REAL, Connection, LargeBinary, Text, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from workstation.domain.case import Case, KnownCase
from workstation.domain.custody import CustodyHead
from workstation.domain.errors import CaseDamaged
from workstation.domain.ids import CaseId
from workstation.storage.database import Database
from workstation.storage.durable import file_error
from workstation.storage.engine import writer_engine
from workstation.storage.sqlite_errors import typed_errors

_APPLICATION_ID = 0x574B5343  # "WKSC"
_FORMAT = 1001


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary, float: REAL}


class KnownCases(Base):
    __tablename__ = "known_cases"
    __table_args__ = {"sqlite_strict": True}
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str]
    title: Mapped[str]
    folder: Mapped[str]
    opened_at: Mapped[str]


class Pins(Base):
    """Heads as they were when a report was built or a case closed. Kept when a case is forgotten."""

    __tablename__ = "pins"
    __table_args__ = {"sqlite_strict": True}
    key: Mapped[int] = mapped_column(primary_key=True)
    case: Mapped[str] = mapped_column(index=True)
    count: Mapped[int]
    hash: Mapped[bytes]
    root: Mapped[bytes | None]
    source: Mapped[str]
    at: Mapped[str]


class Catalogue:
    """The workstation's own database, made on demand. Several programs may use it at once; thread-safe.

    Raises:
        CaseDamaged, PermissionRefused, StorageFull: it cannot be opened or made.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise file_error(fault, path.parent) from fault
        with typed_errors(path, writing=True):
            engine = writer_engine(path, create=True, guarded=False)
            try:
                with engine.begin() as connection:
                    _prepare(connection, path)
            finally:
                engine.dispose()
        self._database = Database(path, read_only=False)

    def remember_case(self, case: Case, opened_at: str) -> None:
        """Put a case on the list of known ones, or renew where it is and when it was last opened (ISO 8601 UTC)."""
        values = {"number": case.number, "title": case.title, "folder": case.folder, "opened_at": opened_at}
        row = upsert(KnownCases).values(id=case.id, **values)
        self._database.write(lambda c: c.execute(row.on_conflict_do_update(index_elements=["id"], set_=values)))

    def known_cases(self) -> tuple[KnownCase, ...]:
        """Every known case, the one opened last first."""
        wanted = select(KnownCases.__table__).order_by(KnownCases.opened_at.desc(), KnownCases.id)
        rows = self._database.read(lambda c: c.execute(wanted).all())
        return tuple(
            KnownCase(
                id=CaseId(row.id),
                number=row.number,
                title=row.title,
                folder=row.folder,
                opened_at=row.opened_at,
                available=(Path(row.folder) / "case.sqlite").is_file(),
            )
            for row in rows
        )

    def forget_case(self, case_id: CaseId) -> None:
        """Take a case off the list; its folder and its pins stay."""
        self._database.write(lambda c: c.execute(delete(KnownCases).where(KnownCases.id == case_id)))

    def pin_head(self, case_id: CaseId, head: CustodyHead, source: str, at: str) -> None:
        """Remember where a case's chain ended, outside the case."""
        values = {
            "case": case_id,
            "count": head.count,
            "hash": head.hash,
            "root": head.root,
            "source": source,
            "at": at,
        }
        self._database.write(lambda c: c.execute(insert(Pins), values))

    def pins(self, case_id: CaseId) -> tuple[tuple[CustodyHead, str, str], ...]:
        """(head, source, at) in the order pinned."""
        wanted = select(Pins.count, Pins.hash, Pins.root, Pins.source, Pins.at).where(Pins.case == case_id)
        rows = self._database.read(lambda c: c.execute(wanted.order_by(Pins.key)).all())
        return tuple(
            (CustodyHead(count, bytes(digest), bytes(root or b"")), source, at)
            for count, digest, root, source, at in rows
        )

    def close(self) -> None:
        self._database.close()


def _prepare(connection: Connection, path: Path) -> None:
    application_id = connection.exec_driver_sql("PRAGMA application_id").scalar()
    number = int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
    empty = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar() == 0
    if not empty and application_id != _APPLICATION_ID:
        raise CaseDamaged(f"{path} was not made by this program.", "Move it away; the list of known cases starts anew.")
    if number // 1000 > _FORMAT // 1000:
        raise CaseDamaged(f"{path} was made by a newer version of the program.", "Use that version.")
    if not empty and number < _FORMAT:
        # Additions only, and one step so far: a catalogue of format 1.0 knows no roots.
        connection.exec_driver_sql("ALTER TABLE pins ADD COLUMN root BLOB")
        connection.exec_driver_sql(f"PRAGMA user_version={_FORMAT}")
    if empty:
        Base.metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={_FORMAT}")
