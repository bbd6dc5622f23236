"""Content credentials (C2PA 2.x) of a file, read offline into four separate states (U39, X4).

The library is told to fetch nothing: no remote manifest, no OCSP answer; in the confined child it could not open a
socket either. Trusted certificates come from the workstation's keeper alone; without any, trust is "not checked".
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

import c2pa

from workstation.domain.metadata import Claim, Provenance, ProvenanceState, StateWord
from workstation.media.metadata.texts import shortened, visible
from workstation.media.sniffing import Signature

_MIME = {
    Signature.JPEG: "image/jpeg", Signature.PNG: "image/png", Signature.WEBP: "image/webp",
    Signature.TIFF: "image/tiff", Signature.GIF: "image/gif", Signature.HEIF: "image/heic",
    Signature.AVIF: "image/avif",
}  # fmt: skip
_LARGEST_JSON = 16 << 20
_MOST = 200
_SECONDS = 5.0
_BYTES_PER_SECOND = 50e6
_MOST_CLAIMS = 50
_APART = ("signingCredential.", "timeStamp.", "timestamp.")
NO_LIST = "No trust list is installed on this workstation."
_OFFLINE: dict[str, Any] = {"remote_manifest_fetch": False, "ocsp_fetch": False}


class _Beating(io.RawIOBase):
    """The exhibit for the library: reading shows that work goes on; what the callback raises is kept for later.

    The library's walk over boxes takes quadratic time in their number, so that there is a time for each file after
    which nothing more is given to it.
    """

    def __init__(self, file: BinaryIO, size: int, beat: Callable[[], None]) -> None:
        self._file, self._beat = file, beat
        self._until = time.monotonic() + _SECONDS + size / _BYTES_PER_SECOND
        self.stopped: BaseException | None = None
        self.late = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if time.monotonic() > self._until:
            self.late = True
            raise OSError("the time for this file is used up")
        try:
            self._beat()
        except BaseException as error:
            self.stopped = error
            raise
        data = self._file.read(len(memoryview(target).cast("B")))
        memoryview(target).cast("B")[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def write(self, _: Any) -> int:
        raise OSError("the exhibit is read-only")


def settings(anchors: str) -> dict[str, Any]:
    """Settings for the library; ``anchors``: PEM text of trusted certificates, may be empty."""
    made: dict[str, Any] = {"verify": dict(_OFFLINE)}
    if anchors:
        made["trust"] = {"user_anchors": anchors}
    return made


def warm_up() -> None:
    """Let the library load what it loads on first use."""
    with contextlib.suppress(c2pa.C2paError):
        context = c2pa.Context.from_dict(settings(""))
        with contextlib.suppress(c2pa.C2paError):
            c2pa.Reader("image/jpeg", io.BytesIO(b"\xff\xd8\xff\xd9"), context=context)


def version() -> str:
    """Versions of the binding and of the library behind it."""
    return f"c2pa-python {c2pa.__version__}, C2PA SDK {c2pa.sdk_version()}"


def mime_type(format_name: str, signature: Signature) -> str:
    """The type under which the library reads this format; empty when it does not."""
    if signature in _MIME:
        return _MIME[signature]
    if format_name.startswith("ISO base media"):
        return "video/quicktime" if "QuickTime" in format_name else "video/mp4"
    return "video/avi" if format_name == "AVI" else ""


def read_provenance(
    file: BinaryIO,
    size: int,
    format_name: str,
    signature: Signature,
    anchors: str,
    beat: Callable[[], None],
    embedded: bool,
) -> Provenance:
    """Read the credentials of an open file.

    Args:
        embedded: the structure of the file shows a C2PA block; then one that cannot be read is not "absent".
    """
    kind = mime_type(format_name, signature)
    if not kind:
        why = f"Content credentials of this format ({format_name}) are not read by this product."
        return _all(StateWord.NOT_APPLICABLE, why, anchors)
    file.seek(0)
    beating = _Beating(file, size, beat)
    try:
        context = c2pa.Context.from_dict(settings(anchors))
        try:
            reader = c2pa.Reader(kind, beating, context=context)
            try:
                text = reader.json()
            finally:
                reader.close()
        finally:
            context.close()
    except c2pa.C2paError as error:
        if beating.stopped is not None:
            raise beating.stopped from error
        if beating.late:
            return _late(anchors)
        if anchors:
            # A trust list that the library cannot use must not make a file look damaged.
            again = read_provenance(file, size, format_name, signature, "", beat, embedded)
            if again.claims:
                why = f"The installed trust list could not be used: {_plain(error)}."
                return replace(again, trusted=ProvenanceState(StateWord.NOT_CHECKED, why), anchors=_digest(anchors))
        return _failed(error, anchors, embedded)
    if beating.late:
        return _late(anchors)
    if len(text) > _LARGEST_JSON:
        return _unreadable(f"The credentials take {len(text)} characters as text.", anchors)
    facts = json.loads(text)
    return _told(facts if isinstance(facts, dict) else {}, anchors)


def _late(anchors: str) -> Provenance:
    return _all(StateWord.NOT_CHECKED, "The library took too long over this file and was stopped.", anchors)


def _failed(error: c2pa.C2paError, anchors: str, embedded: bool) -> Provenance:
    """The states when the library gave an error instead of credentials."""
    if embedded:
        return _unreadable(_plain(error), anchors)
    if isinstance(error, c2pa.C2paError.ManifestNotFound):
        return _absent("The file carries no content credentials; that says nothing about the content.", anchors)
    if "remote manifest" in str(error).lower():
        where = _plain(error).partition(" url ")[2] or "an address"
        return _absent(f"The file only names credentials kept elsewhere ({where}); they are not fetched.", anchors)
    return _all(StateWord.NOT_CHECKED, f"The library could not read the file: {_plain(error)}.", anchors)


def unread(anchors: str) -> Provenance:
    """All four states when reading failed."""
    return _all(StateWord.NOT_CHECKED, "Reading the content credentials failed; see the warnings.", anchors)


def _plain(error: object) -> str:
    return shortened(visible(str(error)), 200).rstrip(".")


def _digest(anchors: str) -> str:
    return hashlib.sha256(anchors.encode()).hexdigest() if anchors else ""


def _all(state: StateWord, why: str, anchors: str) -> Provenance:
    one = ProvenanceState(state, why)
    return Provenance(one, one, one, one, anchors=_digest(anchors), library=version())


def _absent(why: str, anchors: str) -> Provenance:
    other = ProvenanceState(StateWord.NOT_APPLICABLE, "There are no credentials in the file.")
    return Provenance(
        ProvenanceState(StateWord.NO, why), other, other, other, anchors=_digest(anchors), library=version()
    )


def _unreadable(why: str, anchors: str) -> Provenance:
    other = ProvenanceState(StateWord.NOT_CHECKED, "The credentials could not be read.")
    return Provenance(
        ProvenanceState(StateWord.YES, "A block of content credentials stands in the file."),
        ProvenanceState(StateWord.NO, f"The credentials cannot be read: {why.rstrip('.')}."),
        other, other, anchors=_digest(anchors), library=version(),
    )  # fmt: skip


def _told(facts: dict[str, Any], anchors: str) -> Provenance:
    manifests = _dict(facts.get("manifests"))
    active = str(facts.get("active_manifest", ""))
    results = _dict(facts.get("validation_results"))
    found: dict[str, list[tuple[str, str]]] = {"success": [], "informational": [], "failure": []}
    for kind, entries in _dict(results.get("activeManifest")).items():
        found.setdefault(str(kind), []).extend(_statuses(entries))
    below = [one for delta in _list(results.get("ingredientDeltas"))
             for one in _statuses(_dict(_dict(delta).get("validationDeltas")).get("failure"))]  # fmt: skip
    codes = [f"{kind}: {code}: {why}" for kind, ones in found.items() for code, why in ones]
    codes += [f"ingredient, failure: {code}: {why}" for code, why in below]
    signature = _dict(_dict(manifests.get(active)).get("signature_info"))
    return Provenance(
        present=ProvenanceState(
            StateWord.YES, f"{len(manifests)} manifest(s); the active one is {visible(active)[:100]}."
        ),
        intact=_intact(found, below, bool(active)),
        trusted=_trusted(found, anchors),
        time=_time(found, signature, anchors),
        claims=tuple(
            _claim(label, _dict(one), label == active) for label, one in list(manifests.items())[:_MOST_CLAIMS]
        ),
        codes=tuple(shortened(visible(line), 400) for line in codes[:_MOST]),
        anchors=_digest(anchors),
        library=version(),
    )


def _intact(found: dict[str, list[tuple[str, str]]], below: list[tuple[str, str]], active: bool) -> ProvenanceState:
    broken = [one for one in found["failure"] if not one[0].startswith(_APART)]
    if broken:
        return ProvenanceState(StateWord.NO, f"{broken[0][0]}: {_plain(broken[0][1])}.")
    if not active or not any(code == "claimSignature.validated" for code, _ in found["success"]):
        return ProvenanceState(StateWord.NOT_CHECKED, "The library reports no check of the signature.")
    more = f" Of the ingredients {len(below)} check(s) failed; see the codes." if below else ""
    return ProvenanceState(StateWord.YES, f"The signature is valid and all hashes it covers agree with the file.{more}")


def _trusted(found: dict[str, list[tuple[str, str]]], anchors: str) -> ProvenanceState:
    bad = [one for one in found["failure"] if one[0].startswith("signingCredential.")]
    other = [one for one in bad if one[0] != "signingCredential.untrusted"]
    if other:
        return ProvenanceState(StateWord.NO, f"{other[0][0]}: {_plain(other[0][1])}.")
    if not anchors:
        return ProvenanceState(StateWord.NOT_CHECKED, NO_LIST)
    if any(code == "signingCredential.trusted" and "user_anchors" in why for code, why in found["success"]):
        return ProvenanceState(
            StateWord.YES, "The signer's certificate leads to a certificate in the installed trust list; revocation was"
            " not asked for (offline).",
        )  # fmt: skip
    return ProvenanceState(StateWord.NO, "The signer's certificate leads to none in the installed trust list.")


def _time(found: dict[str, list[tuple[str, str]]], signature: dict[str, Any], anchors: str) -> ProvenanceState:
    codes = {kind: [one for one in ones if one[0].lower().startswith("timestamp.")] for kind, ones in found.items()}
    told = visible(str(signature.get("time", "")))[:40]
    if codes["failure"]:
        code, why = codes["failure"][0]
        if code.lower() == "timestamp.untrusted" and not anchors:
            return ProvenanceState(StateWord.NOT_CHECKED, f"A time stamp says {told}. {NO_LIST}")
        return ProvenanceState(StateWord.NO, f"{code}: {_plain(why)}.")
    if any(code.lower() == "timestamp.trusted" for code, _ in codes["success"]):
        if not anchors:
            return ProvenanceState(StateWord.NOT_CHECKED, f"A time stamp says {told}. {NO_LIST}")
        return ProvenanceState(StateWord.YES, f"A time stamp of a listed authority says {told}.")
    informed = [code.lower() for code, _ in codes["informational"]]
    if "timestamp.untrusted" in informed or told:
        if not anchors:
            return ProvenanceState(StateWord.NOT_CHECKED, f"A time stamp says {told}. {NO_LIST}")
        return ProvenanceState(
            StateWord.NO, f"A time stamp says {told}; its authority is not in the installed trust list."
        )
    return ProvenanceState(StateWord.NO, "The signature carries no time stamp.")


def _statuses(entries: object) -> list[tuple[str, str]]:
    return [(str(_dict(one).get("code", "")), str(_dict(one).get("explanation", ""))) for one in _list(entries)][:_MOST]


def _claim(label: str, facts: dict[str, Any], active: bool) -> Claim:
    signature = _dict(facts.get("signature_info"))
    makers = [f"{_dict(one).get('name', '')} {_dict(one).get('version', '')}".strip()
              for one in _list(facts.get("claim_generator_info"))]  # fmt: skip
    assertions = _list(facts.get("assertions"))
    actions = [
        _action(_dict(action))
        for one in assertions
        if str(_dict(one).get("label", "")).startswith("c2pa.actions")
        for action in _list(_dict(_dict(one).get("data")).get("actions"))
    ]
    return Claim(
        label=_text(label),
        active=active,
        generator=_text("; ".join(makers) or facts.get("claim_generator", "")),
        signer=_text(signature.get("common_name", "")),
        issuer=_text(signature.get("issuer", "")),
        algorithm=_text(signature.get("alg", "")),
        signed_at=_text(signature.get("time", "")),
        title=_text(facts.get("title", "")),
        assertions=tuple(_text(_dict(one).get("label", "")) for one in assertions[:_MOST]),
        actions=tuple(actions[:_MOST]),
        ingredients=tuple(
            _text(f"{_dict(one).get('title', '')} ({_dict(one).get('relationship', '')})")
            for one in _list(facts.get("ingredients"))[:_MOST]
        ),
    )


def _action(facts: dict[str, Any]) -> str:
    source = str(facts.get("digitalSourceType", "")).rsplit("/", 1)[-1]
    parts = [
        str(facts.get("action", "")),
        source,
        str(facts.get("softwareAgent", "") or ""),
        str(facts.get("when", "")),
    ]
    return _text(", ".join(part for part in parts if part))


def _text(value: object) -> str:
    return shortened(visible(str(value or "")), 300)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
