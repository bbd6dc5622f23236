"""Every sentence a report or its verification can say, looked up by id (X2, X3, L1, L6).

The words themselves are data, one module a language; the report's language is the court's, not the screen's.
"""

from __future__ import annotations

from collections.abc import Mapping

from workstation.reporting.words_en import ENGLISH
from workstation.reporting.words_kinds_en import KINDS
from workstation.reporting.words_sheets_en import SHEETS
from workstation.reporting.words_tracks_en import TRACKS
from workstation.reporting.words_validation_en import VALIDATION

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": {**ENGLISH, **SHEETS, **TRACKS, **VALIDATION, **KINDS}}
LANGUAGE = "en"

# Words that claim to settle the matter. A report says "consistent with", "inconsistent with" or "inconclusive" (X2).
FORBIDDEN = (
    r"\breal\b",
    r"\bfakes?\b",
    r"\bfaked\b",
    r"\bauthentic(ity)?\b",
    r"\bgenuine(ly)?\b",
    r"\bprove[nds]?\b",
    r"\bproofs?\b",
    r"%\s*fake",
    r"\bprobability (that|of)\b",
    r"\bcertain(ly|ty)?\b",
    r"\bverdicts?\b",
    r"\bdeepfakes?\b",
)
# Names of things, not conclusions. Anything else that matches FORBIDDEN fails the test over all catalogues.
ESTABLISHED = (
    "fakeness map",
    "fakeness maps",
    "a probability that a face was manipulated",
    "genuine items",
    "SOLVE-IT",
)


def say(key: str, *, language: str = LANGUAGE, **values: object) -> str:
    """Return the sentence ``key`` with ``values`` put in.

    Raises:
        KeyError: no such sentence, or one of its values is missing (a fault of the program, never of the case).
    """
    return CATALOGUES[language][key].format(**values)


def phrase(prefix: str, value: str, *, language: str = LANGUAGE) -> str:
    """Return the words for one value of a closed list, e.g. ``phrase("reason", "no_face")``; the value if unknown."""
    return CATALOGUES[language].get(f"{prefix}.{value}", value.replace("_", " "))
