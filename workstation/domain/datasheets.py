"""What a data sheet on copied data is made from, as plain data (E9)."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.domain.case import Case
from workstation.domain.custody import CustodyHead
from workstation.domain.errors import InputError
from workstation.domain.evidence import EvidenceItem
from workstation.domain.reports import ExhibitProvenance


@dataclass(frozen=True, slots=True)
class Declarant:
    """The qualified person for whom a sheet is set out, in that person's own words.

    Attributes:
        name: name and position; may stay empty, a line to write on is printed then.
        qualifications: what qualifies the person; mandatory.
        process: the process of copying and identification as the person describes it; mandatory.
    """

    name: str
    qualifications: str
    process: str

    def check(self) -> None:
        """Raises: InputError when a mandatory text is blank."""
        for text, what in ((self.qualifications, "qualifications"), (self.process, "process description")):
            if not text.strip():
                raise InputError(
                    f"A data sheet needs the declarant's {what}.",
                    "It is the declarant's own text; the program does not write it.",
                )


@dataclass(frozen=True, slots=True)
class CopySheet:
    """A data sheet: exhibits with what the chain of custody says of each, in the same order.

    Attributes:
        made_at: ISO 8601 UTC.
        organisation: of the workstation's settings; may be empty.
        tools: (name, version) of everything that took part in copying and digesting.
    """

    case: Case
    made_at: str
    organisation: str
    product: str
    tools: tuple[tuple[str, str], ...]
    exhibits: tuple[EvidenceItem, ...]
    provenance: tuple[ExhibitProvenance, ...]
    custody_head: CustodyHead
    declarant: Declarant
