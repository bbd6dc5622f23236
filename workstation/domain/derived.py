"""What was made from evidence (E4): working copies and derivatives, each with its parent and its recipe.

Four kinds of files lie in a case and are never mixed: originals (``EvidenceItem``), working copies and derivatives
(``DerivedItem``), reports (``ReportRecord``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workstation.domain.ids import DerivedId


class DerivedKind(StrEnum):
    """A working copy has the same content as its parent in another place; a derivative was changed on purpose."""

    WORKING_COPY = "working copy"
    DERIVATIVE = "derivative"


class ParentKind(StrEnum):
    EVIDENCE = "evidence"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class DerivedItem:
    """A file made from an exhibit or from another derived item.

    Attributes:
        number: what people call it, "DI-01".
        parent: id of the exhibit or derived item; ``parent_sha256`` its digest when this was made.
        operation: what was done, in one word: "frame", "clip", "framehash", "redaction", "clustering".
        parameters: everything needed to do it again, as plain JSON values.
        tool: program and library versions that did it.
        path: inside the case folder, or an absolute path when it was exported (``exported``).
        made_at: ISO 8601 UTC.
    """

    id: DerivedId
    number: str
    kind: DerivedKind
    parent_kind: ParentKind
    parent: str
    parent_sha256: str
    operation: str
    parameters: Mapping[str, object]
    tool: str
    path: str
    exported: bool
    sha256: str
    size: int
    made_at: str
    made_by: str
    note: str = field(default="")
