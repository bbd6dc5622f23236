"""The machine-readable twin (P14): all facts of a report except pixels, as canonical JSON embedded in the PDF.

Arrays are replaced by their shape and the SHA-256 of their bytes; byte strings are hexadecimal; numbers that JSON does
not have are written as the words "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum

import numpy as np

from workstation.domain.custody import canonical_json
from workstation.domain.errors import ReportError
from workstation.domain.reports import ReportFacts
from workstation.reporting.signing import Identity

FILE_NAME = "results.json"
SCHEMA = "workstation.results"
VERSION = 1

_SIGNING_KEYS: Mapping[str, type] = {"subject": str, "certificate_sha256": str, "certificates": list, "self_made": bool}
# Members that came later have a default; a report from before them is whole without.
_FACTS_KEYS: Mapping[str, type] = {
    field.name: object for field in dataclasses.fields(ReportFacts) if field.default is dataclasses.MISSING
} | {
    "report": str,
    "number": int,
    "case": dict,
    "built_at": str,
    "examinations": list,
    "relied_on": list,
    "exhibits": list,
    "not_examined": list,
    "cards": list,
    "custody": list,
    "custody_head": dict,
    "ledger_public_key": str,
    "product": str,
    "environment": list,
    "signing": dict,
}
_EXHIBIT_KEYS: Mapping[str, type] = {
    "item": dict,
    "examination": dict,
    "coverage": dict,
    "tracks": list,
    "series": list,
    "key_frames": list,
}


def results_json(facts: ReportFacts, identity: Identity) -> bytes:
    """Return the twin as UTF-8 canonical JSON: the same facts and signer always give the same bytes.

    The fields of ``ReportFacts`` stand at the top level under their own names, beside ``schema``, ``version`` and
    ``signing``.
    """
    certificates = (identity.certificate, *identity.chain)
    signing = {
        "subject": identity.subject,
        "certificate_sha256": identity.fingerprint,
        "certificates": sorted(hashlib.sha256(der).hexdigest() for der in certificates),
        "self_made": identity.self_made,
    }
    held = {field.name: plain(getattr(facts, field.name)) for field in dataclasses.fields(facts)}
    return canonical_json(held | {"schema": SCHEMA, "version": VERSION, "signing": signing}).encode()


def plain(value: object) -> object:
    """Turn frozen facts into what JSON knows.

    Raises:
        ReportError: a value of a kind that has no agreed form; nothing is dropped silently (G14).
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": {"shape": list(value.shape), "type": str(value.dtype), "sha256": digest}}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else _unusual(value)
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        entries = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(entry) for entry in entries]
    raise ReportError(f"A {type(value).__name__} cannot be written into {FILE_NAME}.")


def read_twin(data: bytes) -> tuple[dict[str, object] | None, str]:
    """Parse and check an embedded twin.

    Returns:
        The object (None when it is no JSON object) and what is wrong with it, empty when nothing is.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as fault:
        return None, f"it is not JSON ({fault})"
    if not isinstance(value, dict):
        return None, "it is not a JSON object"
    return value, _problem(value, data)


def _problem(value: dict[str, object], data: bytes) -> str:
    if value.get("schema") != SCHEMA:
        return f"its schema is {value.get('schema')!r}, not {SCHEMA!r}"
    if value.get("version") != VERSION:
        return f"its schema version is {value.get('version')!r}; this program reads version {VERSION}"
    try:
        if canonical_json(value).encode() != data:
            return "it is not in canonical form"
    except ValueError:
        return "it holds a number that JSON does not have"
    missing = _missing(value, _FACTS_KEYS) or _missing(value["signing"], _SIGNING_KEYS)
    exhibits = value.get("exhibits")
    for exhibit in exhibits if isinstance(exhibits, list) and not missing else ():
        missing = missing or _missing(exhibit, _EXHIBIT_KEYS)
    return f"{missing} is missing or of another kind" if missing else ""


def _missing(part: object, keys: Mapping[str, type]) -> str:
    if not isinstance(part, dict):
        return "an object"
    return next((key for key, kind in keys.items() if key not in part or not isinstance(part[key], kind)), "")


def _unusual(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
