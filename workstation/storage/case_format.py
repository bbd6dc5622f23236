"""How a case database says what it is: application id and format number, as SQLite's header keeps them."""

from __future__ import annotations

from pathlib import Path

from workstation.domain.errors import CaseDamaged, CaseFormatTooNew, CaseNotFound
from workstation.storage.durable import file_error

APPLICATION_ID = 0x574B5331  # "WKS1"
MAJOR, MINOR = 1, 2
FORMAT = MAJOR * 1000 + MINOR
_MAGIC = b"SQLite format 3\x00"


def name_format(number: int) -> str:
    return f"{number // 1000}.{number % 1000}"


def read_header(path: Path) -> tuple[int, int]:
    """Return (application id, format number) from the first 100 bytes of a database file, without SQLite.

    Raises:
        CaseNotFound: there is no such file.
        CaseDamaged: the file is no SQLite database.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise CaseNotFound(f"There is no case in {path.parent}.", "Name a folder that holds case.sqlite.") from None
    except OSError as fault:
        raise file_error(fault, path) from fault
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise CaseDamaged(f"{path} is not a case database.", "Restore the case from a sound copy.")
    return int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big")


def check_format(path: Path, application_id: int, number: int, *, writing: bool) -> None:
    """Refuse what this program does not understand: another program's file, or a case of a newer format.

    A newer major format is refused altogether; a newer minor one (additions only) can be read but not written.

    Raises:
        CaseDamaged, CaseFormatTooNew.
    """
    if application_id != APPLICATION_ID or number <= 0:
        raise CaseDamaged(f"{path} was not made by this program.", "Restore the case from a sound copy.")
    if number // 1000 > MAJOR:
        raise CaseFormatTooNew(
            f"The case in {path.parent} has format {name_format(number)}; this program knows {name_format(FORMAT)}.",
            "Open it with a newer version of the program.",
        )
    if number > FORMAT and writing:
        raise CaseFormatTooNew(
            f"The case in {path.parent} has the newer format {name_format(number)} and can only be read here.",
            "Open it for reading, or with a newer version of the program.",
        )
