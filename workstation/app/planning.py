"""From what was asked for to a frozen plan and the facts needed to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.app.environment import library_versions, machine_facts
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorError, DetectorNotFound, InputError, IntegrityMismatch
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import DetectorUse, Environment, ExaminationPlan
from workstation.domain.ids import EvidenceId
from workstation.domain.kinds_of_forgery import NOT_FOR_ANY, ForgeryClass, validated_kinds
from workstation.domain.measured_here import SETTING, MeasuredHere, frozen
from workstation.domain.merging import NO_MERGING, Merging, validated_merging

if TYPE_CHECKING:
    from workstation.app.workshop import Workshop
    from workstation.faces.finder import FaceFinder


def choose_evidence(items: Sequence[EvidenceItem], wanted: Sequence[EvidenceId] | None) -> tuple[EvidenceItem, ...]:
    """Return the exhibits to examine: those named, or every one that can be decoded.

    Raises:
        InputError: nothing can be examined, or a named exhibit cannot be.
        IntegrityMismatch: one of them is known to differ from what was taken in.
    """
    if wanted is None:
        chosen = tuple(item for item in items if item.media is not None)
        if not chosen:
            raise InputError("There is no exhibit that can be examined.", "Take in a picture or a video first.")
        return _sound(chosen)
    by_id = {item.id: item for item in items}
    chosen = tuple(by_id[evidence] for evidence in dict.fromkeys(wanted) if evidence in by_id)
    for item in chosen:
        if item.media is None:
            raise InputError(f"{item.exhibit} cannot be examined: {item.problem}")
    if not chosen:
        raise InputError("There is no such exhibit in this case.")
    return _sound(chosen)


def _sound(items: tuple[EvidenceItem, ...]) -> tuple[EvidenceItem, ...]:
    """What is known to differ from what was taken in is not examined (E5). Raises: IntegrityMismatch."""
    bad = [item.exhibit for item in items if item.integrity in (IntegrityState.MISMATCH, IntegrityState.MISSING)]
    if bad:
        raise IntegrityMismatch(
            f"{', '.join(bad)}: the stored original is not what was taken in; it is not examined.",
            "Restore the case from a sound copy and verify the exhibits, or choose other exhibits.",
        )
    return items


@dataclass(frozen=True, slots=True)
class DefaultDetectors:
    """What runs when no detector is named.

    Attributes:
        chosen: the sound embedded packages whose score may be shown for at least one kind of forgery, or every sound
            embedded one when there is none of these.
        left_out: the other sound embedded ones: whoever wants them names them.
    """

    chosen: tuple[InstalledDetector, ...]
    left_out: tuple[InstalledDetector, ...] = ()

    @property
    def why(self) -> str:
        """Why the others are left out, in one sentence; empty when none is."""
        names = " and ".join(package.card.id for package in self.left_out)
        verb = "is" if len(self.left_out) == 1 else "are"
        return f"{names} {verb} left out by default: {NOT_FOR_ANY}." if names else ""


Measured = Mapping[str, Sequence[MeasuredHere]]
"""What was measured here of detectors, by their id (`app.validating.measured_of`)."""
NOTHING_MEASURED: Measured = {}


def kinds_here(package: InstalledDetector, measured: Measured = NOTHING_MEASURED) -> tuple[ForgeryClass, ...]:
    """For what a package is validated on this workstation: by its card and by what was measured here."""
    here = [one.figure for one in measured.get(package.card.id, ())]
    return validated_kinds((*package.card.kinds, *here))


def default_detectors(
    installed: Sequence[InstalledDetector], measured: Measured = NOTHING_MEASURED
) -> DefaultDetectors:
    """Detectors that earn their place: computed from figures, never a list (V3, V4)."""
    sound = tuple(package for package in installed if package.embedded and not package.problem)
    earned = tuple(package for package in sound if kinds_here(package, measured))
    if not earned:
        return DefaultDetectors(sound)
    return DefaultDetectors(earned, tuple(package for package in sound if package not in earned))


def choose_detectors(
    installed: Sequence[InstalledDetector], wanted: Sequence[str] | None, measured: Measured = NOTHING_MEASURED
) -> tuple[InstalledDetector, ...]:
    """Return the packages to use: those named, or `default_detectors`.

    Raises:
        DetectorNotFound: a name is not installed.
        DetectorError: a named package is broken, or none is sound.
    """
    by_id = {package.card.id: package for package in installed}
    if not wanted:
        chosen = default_detectors(installed, measured).chosen
        if not chosen:
            raise DetectorError("No detector package is installed.", "Install one with: workstation model install.")
        return chosen
    for name in wanted:
        if name not in by_id:
            raise DetectorNotFound(f'There is no detector "{name}".', f"Installed: {', '.join(by_id) or 'none'}.")
        if by_id[name].problem:
            raise DetectorError(f"{name} cannot be used: {by_id[name].problem}")
    return tuple(by_id[name] for name in dict.fromkeys(wanted))


def check_merging(packages: Sequence[InstalledDetector], merging: Merging) -> None:
    """Token merging is allowed only as it was validated: nothing is published on what it does to such detectors.

    Raises:
        DetectorError: a package has no validation record for this much merging.
    """
    if not merging.tokens:
        return
    for package in packages:
        known = validated_merging(package.card)
        if merging not in known:
            told = ", ".join(f"{m.tokens} {m.schedule}" for m in sorted(known, key=lambda m: (m.tokens, m.schedule)))
            raise DetectorError(
                f"{package.card.id} was not validated with {merging.tokens} tokens merged ({merging.schedule}).",
                f"Validated: {told or 'none'}. Examine without merging, or choose other detectors.",
            )


def make_use(
    package: InstalledDetector, merging: Merging, gallery: str, measured: Sequence[MeasuredHere] = ()
) -> DetectorUse:
    """What the plan records of a detector: its digests, the crop it is fed, what was chosen for this run and what was
    measured of it here that the run relies on."""
    card = package.card
    settings = {"merge": str(merging.tokens), "schedule": merging.schedule} if merging.tokens else {}
    if gallery and card.family == "identity":
        settings["gallery"] = gallery
    if measured:
        settings[SETTING] = frozen(measured)
    return DetectorUse(
        card.id,
        card.version,
        card.card_sha256,
        card.weights.sha256,
        crop_size=card.input.crop_size,
        crop_margin=card.input.crop_margin,
        direction=card.output.direction.value,
        level=card.output.level.value,
        sequence=card.output.sequence,
        least=card.output.least,
        settings=settings,
    )


def make_plan(
    items: Sequence[EvidenceItem],
    packages: Sequence[InstalledDetector],
    frames: int,
    finder: FaceFinder,
    *,
    merging: Merging = NO_MERGING,
    gallery: str = "",
    measured: Measured = NOTHING_MEASURED,
) -> ExaminationPlan:
    """Freeze a plan. Each detector has its own crop; tracks and gates go by the plan's (256 px at margin 1.3)."""
    uses = tuple(make_use(package, merging, gallery, measured.get(package.card.id, ())) for package in packages)
    return ExaminationPlan(
        evidence=tuple(item.id for item in items),
        detectors=uses,
        finder=finder.id,
        finder_sha256=finder.weights_sha256,
        frames=frames,
        finder_settings=dict(finder.settings),
    )


def make_environment(workshop: Workshop, plan: ExaminationPlan) -> Environment:
    """Everything needed to repeat the run that is not in the plan (P3)."""
    # What reads tracks opens cases, and the window asks this room for words before it has one.
    from workstation.app.track_stage import load_settings
    from workstation.detectors import allow, runtime
    from workstation.media.confined import confinement

    known = allow.families()
    facts = machine_facts() | library_versions()
    facts |= {f"device.{name}": value for name, value in runtime.devices().items()}
    facts["decoder.confinement"] = confinement().text()
    for use in plan.detectors:
        detector = workshop.detector(use.id, use.card_sha256, load_settings(use))
        facts[f"run.{use.id}"] = f"{detector.device}, {detector.precision}"
        code = known.get(detector.card.family)
        if code is not None:
            facts[f"run.{use.id}.code"] = f"{detector.card.family}, {code.distribution} {code.version}"
        merged = getattr(detector, "merging", None)
        if merged is not None:
            told = ", ".join(f"{name} {value}" for name, value in merged.facts().items())
            facts[f"run.{use.id}.merging"] = told
        for name, digest in getattr(detector, "extra_digests", {}).items():
            facts[f"run.{use.id}.{name}"] = digest
    return Environment(facts)


def name_exhibits(items: Sequence[EvidenceItem]) -> str:
    """ "EX-01" or "12 exhibits"."""
    return items[0].exhibit if len(items) == 1 else f"{len(items)} exhibits"
