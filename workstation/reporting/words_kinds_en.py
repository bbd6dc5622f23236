"""English sentences on kinds of forgery: for which a detector is validated, and what its threshold was measured on."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "kind.parts": "parts of the face replaced",
    "kind.face_swap": "face swap",
    "kind.reenactment": "reenactment",
    "kind.whole_gan": "whole face by a GAN",
    "kind.whole_diffusion": "whole face by a diffusion model",
    "kinds.for_this": "not validated for this",
    "kinds.for_any": "not validated for any kind of forgery",
    "kinds.mark": "{words}, not validated",
    # --- summary ------------------------------------------------------------------------------------------------
    "summary.unvalidated": (
        "None of the detectors used has been shown to recognise any kind of forgery, by the rule printed with their "
        "cards. Where a score would stand, this report therefore says: not validated for any kind of forgery. The "
        "numbers themselves are in the embedded results, so that the examination can be repeated."
    ),
    "summary.validated": (
        "A score is printed only for the kinds of forgery on which a detector was shown to do better than chance and "
        "better than a simple rule ({names}). For any other kind this report says: not validated for this."
    ),
    "summary.validated.one": "{name}: {kinds}",
    # --- results ------------------------------------------------------------------------------------------------
    "results.kinds": "Scores by kind of forgery",
    "results.kinds.note": (
        "The mean of a track, with the 5-95 % of its frames, under each kind of forgery for which the detector is "
        "validated. It is the same number under each kind: a score does not say which kind it is."
    ),
    "results.kinds.note.whole": (
        "The value of a track under each kind of forgery for which the detector is validated. It is the same number "
        "under each kind: a score does not say which kind it is."
    ),
    "results.kinds.score": "{score} ({spread}), {scale}",
    "results.kinds.alone": "{score}, {scale}",
    "results.unvalidated.note": (
        "Where a detector is validated for no kind of forgery, words stand in place of its score. The embedded results "
        "hold every number."
    ),
    "results.key_frame.unvalidated": (
        "Track {track} · {detector} · not validated for any kind of forgery · {seconds} · {reason}"
    ),
    # --- cards --------------------------------------------------------------------------------------------------
    "cards.kinds": "Kinds of forgery",
    "cards.kinds.none": "Nothing was measured by kind of forgery. This detector is validated for none.",
    "cards.kinds.kind": "Kind",
    "cards.kinds.state": "State",
    "cards.kinds.set": "Set",
    "cards.kinds.items": "Untouched / manipulated",
    "cards.kinds.auc": "AUC, 95 % interval",
    "cards.kinds.shortcut": "Best simple rule",
    "cards.kinds.spearman": "With sharpness",
    "cards.kinds.validated": "validated",
    "cards.kinds.unmeasured": "nothing was measured",
    "cards.kinds.value": "{value} ({low} to {high})",
    "cards.kinds.beside": "{name} {value}",
    "cards.kinds.rule": (
        "A kind is validated where the whole interval lies above 0.5 and above the best simple rule that looks for no "
        "manipulation, measured on the same items, with at least {items} items of each class in {groups} "
        "groups, and where no other set says otherwise. With sharpness: rank correlation with the score among "
        "untouched faces."
    ),
    "cards.kinds.conditions": "{set}: {conditions}.",
    "cards.threshold.above": "above {value} (uncalibrated)",
    "cards.threshold.below": "below {value} (uncalibrated)",
    "cards.threshold.value": (
        "{side}: {rate} of untouched faces pass it, 95 % interval {low} to {high} "
        "({items} faces in {groups} groups; {set}). "
        "No score in this report is turned into a decision."
    ),
    "cards.threshold.sensitivity": "Beyond it: {rate} of {what}.",
}
