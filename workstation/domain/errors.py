"""One exception tree with stable codes. The engine raises these; the doors turn each into one line with what to do.

``code`` never changes once released: scripts and the command line's ``--json`` output rely on it. ``exit_code`` is what
the command line returns for the family (listed in the README).
"""

from __future__ import annotations

from typing import ClassVar


class WorkstationError(Exception):
    """A known failure: one line for the examiner, and what to do about it.

    Args:
        message: what happened, one sentence, naming the thing it happened to.
        advice: what the examiner can do next; empty when nothing can be done.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def line(self) -> str:
        """Return the one line a person reads."""
        return f"{self.message} {self.advice}".strip()


class InputError(WorkstationError):
    """What was asked for cannot be done as asked (a wrong name, a wrong option)."""

    code = "input"
    exit_code = 2


class NotFound(InputError):
    code = "not_found"


class CaseError(WorkstationError):
    """The case folder or its database cannot be used."""

    code = "case"
    exit_code = 3


class CaseNotFound(CaseError):
    code = "case_not_found"


class CaseExists(CaseError):
    code = "case_exists"


class CaseReadOnly(CaseError):
    """The case is open elsewhere, or its folder cannot be written; it can be read but not changed."""

    code = "case_read_only"


class CaseFormatTooNew(CaseError):
    code = "case_format_too_new"


class CaseDamaged(CaseError):
    code = "case_damaged"


class CaseLocked(CaseError):
    """The case is encrypted, and no passphrase or a wrong one was given."""

    code = "case_locked"


class StorageFull(WorkstationError):
    code = "storage_full"
    exit_code = 4


class PermissionRefused(WorkstationError):
    code = "permission_refused"
    exit_code = 4


class EvidenceError(WorkstationError):
    """An exhibit cannot be taken in or read."""

    code = "evidence"
    exit_code = 5


class EmptyFile(EvidenceError):
    code = "empty_file"


class UnreadableMedia(EvidenceError):
    """Not a picture or a video that this product can decode."""

    code = "unreadable_media"


class DamagedMedia(EvidenceError):
    """The container opens, but the pictures inside are cut short or broken."""

    code = "damaged_media"


class MediaTooLarge(EvidenceError):
    """Decoding would exceed the pixel or memory limit."""

    code = "media_too_large"


class DecoderStopped(EvidenceError):
    """The decoder child crashed, hung or ran out of its limits."""

    code = "decoder_stopped"


class FrameNotFound(EvidenceError):
    code = "frame_not_found"


class DuplicateEvidence(EvidenceError):
    code = "duplicate_evidence"


class SealedFileDamaged(EvidenceError):
    """An encrypted file of a case was cut, altered or moved: it does not decrypt."""

    code = "sealed_file_damaged"


class IntegrityMismatch(WorkstationError):
    """A digest, a signature or the chain of custody does not agree with what is recorded (E5)."""

    code = "integrity_mismatch"
    exit_code = 6


class PackInvalid(IntegrityMismatch):
    """A pack (a case or part of one in a file) is misshapen, altered, or not safe to unpack."""

    code = "pack_invalid"


class DetectorError(WorkstationError):
    """A detector package cannot be used."""

    code = "detector"
    exit_code = 7


class DetectorNotFound(DetectorError):
    code = "detector_not_found"


class CardInvalid(DetectorError):
    code = "card_invalid"


class WeightsInvalid(DetectorError):
    """The weights file is missing, has another digest than its card states, or does not fit the network."""

    code = "weights_invalid"


class FinderUnavailable(DetectorError):
    """A face finder's weights are not installed."""

    code = "finder_unavailable"


class LandmarksUnusable(DetectorError):
    """The five points of a face do not define an aligned crop (coincident, not finite, or mirrored)."""

    code = "landmarks_unusable"


class DeviceFault(DetectorError):
    """The compute device failed or has too little memory even for one face."""

    code = "device_fault"


class ReportError(WorkstationError):
    code = "report"
    exit_code = 8


class ReportInvalid(ReportError):
    """The report does not verify."""

    code = "report_invalid"


class IdentityError(WorkstationError):
    """The signing identity cannot be opened."""

    code = "identity"
    exit_code = 9


class WrongPassword(IdentityError):
    code = "wrong_password"


class DisplayMissing(WorkstationError):
    """The window needs a display or one of its system libraries is missing."""

    code = "display_missing"
    exit_code = 10


class Cancelled(WorkstationError):
    """The examiner cancelled the job. What was committed before stays."""

    code = "cancelled"
    exit_code = 11


def error_from_code(code: str, line: str) -> WorkstationError:
    """Rebuild an error from its stable code and its line, as a job keeps them; an unknown code gives the base error."""
    waiting: list[type[WorkstationError]] = [WorkstationError]
    while waiting:
        family = waiting.pop()
        if family.code == code:
            return family(line)
        waiting.extend(family.__subclasses__())
    return WorkstationError(line)
