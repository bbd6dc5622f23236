"""English sentences about readings of whole tracks, about how a detector was used, and about lower scores."""

from __future__ import annotations

from collections.abc import Mapping

TRACKS: Mapping[str, str] = {
    # --- readings of whole tracks ---------------------------------------------------------------------------------
    "whole.heading": "Readings of whole tracks",
    "whole.intro": (
        "Some detectors read many faces of one track together and answer once for the track. These values are "
        "readings of their own; they are not made from the scores of single frames."
    ),
    "whole.none": "No face was followed in this exhibit, so there is no track to read.",
    "whole.detector": "{name}: uncalibrated; {direction}.",
    "whole.detector.calibrated": "{name}: calibrated; {direction}.",
    "whole.detector.scale": "The value is: {scale}.",
    "whole.track": "Track",
    "whole.frames": "Frames read",
    "whole.value": "Value",
    "whole.scale": "Scale",
    "whole.words": "Remark",
    "whole.value.none": "none; measures alone",
    "whole.abstained": "abstained: {reason}",
    "whole.abstained.detail": "abstained: {reason} ({detail})",
    "whole.error": "error: {reason}",
    "whole.error.detail": "error: {reason} ({detail})",
    "whole.excluded": "excluded by the examiner",
    "whole.measures": "Measures beside these values (uncalibrated)",
    "whole.measure": "Measure",
    "whole.measure.value": "Value",
    "whole.measure.spread": "Spread",
    "whole.measure.about": "What the spread is",
    "whole.measure.exploratory": "{label} (exploratory)",
    "whole.measure.missing": "not measured",
    "whole.measures.exploratory": (
        "Measures marked exploratory were not validated and support no statement; they are printed so that nothing "
        "that was looked at is left out."
    ),
    "whole.mismatch": (
        "Some tracks have no reading by a detector that was to read them; this part must not be relied on."
    ),
    "results.coverage.whole": "Readings of whole tracks",
    "results.coverage.whole.value": "read {read} · abstained {abstained} · errors {errors} · sum {sum}",
    "results.coverage.readings.whole": "none: no detector of this run scores single frames",
    "results.tracks.whole": (
        "No detector of this run scores single frames; what was said about each track as a whole stands below."
    ),
    # --- lower scores ---------------------------------------------------------------------------------------------
    "direction.higher_is_manipulated": "higher = more like manipulated examples",
    "direction.lower_is_manipulated": "lower = more like manipulated examples",
    "results.scale.falling": "{scale}; lower = more like manipulated",
    "results.tracks.note.falling": (
        "Counts are frames. Scores run from 0 to 1; lower means more like the manipulated training examples. The "
        "spread is over the frames of the track: it is not an error rate. Decimals are cut to what the spread supports."
    ),
    "results.tracks.note.both": (
        "Counts are frames. Scores run from 0 to 1; higher means more like the manipulated training examples, but "
        "for {names} lower does. The spread is over the frames of the track: it is not an error rate. Decimals are "
        "cut to what the spread supports."
    ),
    "results.key_frame.falling": (
        "Track {track} · {detector} · {score} uncalibrated (lower = more like manipulated examples) · {seconds} · "
        "{reason}"
    ),
    "figure.threshold": "line at {level}, the shipped threshold",
    "figure.middle": "dotted line at {level}, the middle of the scale and no threshold",
    "figure.score.falling": "{detector} {score} uncalibrated, lower = more like manipulated",
    "summary.meaning.falling": (
        "A detector looks at a face and answers with a number between 0 and 1. Which way its numbers point is stated "
        "beside them: for {names} lower numbers mean more like the manipulated examples it was trained on, for any "
        "other detector higher numbers do. The numbers in this report are uncalibrated: nobody has yet measured how "
        "often such a number occurs with untouched and with manipulated faces of this kind. A number of this sort is "
        "therefore not a probability, and no words about the strength of support are attached to it."
    ),
    "summary.readings.none.frames": (
        "detectors gave no reading of a single frame, for the reasons listed in the results"
    ),
    "summary.readings.whole": "detectors gave {read} readings of whole tracks and abstained {abstained} times",
    "summary.readings.both": "{frames}; of whole tracks they gave {read} readings and abstained {abstained} times",
    # --- how each detector was used -------------------------------------------------------------------------------
    "use.heading": "Each detector as used",
    "use.title": "{name} {version}",
    "use.crop": "Crop",
    "use.crop.value": "aligned crop of {size} x {size} pixels at margin {margin}",
    "use.level": "Reads",
    "use.level.face": "every face of every frame examined",
    "use.level.track": "a track as a whole and no single frame",
    "use.level.both": "every face of every frame examined, and each track as a whole ({sequence})",
    "use.level.whole": "a track as a whole and no single frame ({sequence})",
    "use.sequence": "at most {most} faces spread evenly over it, at least {least}",
    "use.direction": "Direction",
    "use.merge": "Token merging",
    "use.merge.off": "off",
    "use.merge.on": "{count} tokens fewer after each block, schedule {schedule}",
    "use.gallery": "Gallery",
    "use.gallery.none": "none",
    "use.gallery.unreadable": "of a kind that this program does not know; it stands in the embedded results",
    "use.gallery.value": "persons {persons} · references {references} ({pictures} pictures) · claims {claims}",
    "use.measured": "Measured by the laboratory",
    "use.measured.value": (
        "{kind}: AUC {auc} ({low} to {high}), {set}; record {record}, signed by {signer}, {at}, SHA-256 {sha256}"
    ),
    "use.measured.unreadable": "of a kind that this program does not know; it counts for nothing",
    "use.settings": "Other settings",
    "use.verified": "Verified against the publication",
    "use.verified.none": "the card states nothing",
    "use.unverified": "Not verified",
    "use.unverified.none": "the card states nothing",
    "use.card.none": "The card of this detector is not on this machine.",
    "runs.plan.crop.detector": "crop {size} x {size} pixels, margin {margin}",
    "method.whole": "Whole tracks",
    "method.whole.text": (
        "Some detectors read the faces of a track together, in order of time, and answer once for the track, or give "
        "measures beside or in place of a score. With too few usable frames they abstain. Such a reading is kept "
        "apart from the scores of frames, and neither is made from the other."
    ),
    "reason.too_few_frames": "too few usable frames",
}
