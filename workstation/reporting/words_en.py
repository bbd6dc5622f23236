"""English sentences of the report. ``{names}`` are filled in; nothing here is markup, everything is escaped later."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    # --- document -----------------------------------------------------------------------------------------------
    "document.kind": "Report of a media examination for face manipulation",
    "document.title": "Report {number} · case {case}",
    "document.header": "Case {case}",
    "document.header.right": "Report {number}",
    "document.page": "Page {page} of {total}",
    "document.contents": "Contents",
    "document.tool_output": (
        "Everything in this report is the output of tools and a record of how it was obtained. It holds no "
        "opinion of the examiner. Scores are uncalibrated unless a line says otherwise."
    ),
    "document.signing_reason": "Report {number} of case {case}",
    # --- title page ---------------------------------------------------------------------------------------------
    "title.case": "Case",
    "title.report": "Report",
    "title.examiner": "Examiner",
    "title.question": "Question asked",
    "title.issued": "Written",
    "title.exhibits": "Exhibits",
    "title.exhibits.value": "{total} in the case · {examined} examined for this report",
    "title.signed": "Signed by",
    "title.signed.self_made": "{name} ({label})",
    "title.certificate": "Certificate SHA-256",
    "title.results": "Embedded results SHA-256",
    "title.custody": "Chain of custody",
    "title.custody.value": "{count} events · short code {code}",
    "title.product": "Written with",
    "title.none": "not stated",
    # --- summary ------------------------------------------------------------------------------------------------
    "summary.heading": "Summary in plain language",
    "summary.asked": "The question was: {question}",
    "summary.asked.none": "No question was recorded for this case.",
    "summary.looked.one": "One exhibit was examined with {detectors}.",
    "summary.looked.many": "{count} exhibits were examined with {detectors}.",
    "summary.looked.none": "No exhibit was examined for this report.",
    "summary.detectors.one": "one detector ({names})",
    "summary.detectors.many": "{count} detectors ({names})",
    "summary.detectors.none": "no detector",
    "summary.exhibit.faces": "{exhibit}: {frames}; {faces}; {readings}.",
    "summary.frames.image": "a still picture",
    "summary.frames.all": "all {total} frames of a video were looked at",
    "summary.frames.some": "{examined} of the {total} frames of a video were looked at",
    "summary.faces.none": "no face was found",
    "summary.faces.one": "one face was followed",
    "summary.faces.many": "{count} faces were followed",
    "summary.readings.none": "no detector gave a reading, for the reasons listed in the results",
    "summary.readings.some": "detectors gave {scored} readings and abstained {abstained} times",
    "summary.readings.all": "detectors gave {scored} readings",
    "summary.exhibit.more": "{count} further exhibits are listed in the results.",
    "summary.not_examined": "{count} exhibits of the case were not examined; the list and the reasons follow below.",
    "summary.not_examined.one": "One exhibit of the case was not examined; it is named below with the reason.",
    "summary.meaning": (
        "A detector looks at a face and answers with a number between 0 and 1. Faces that resemble the "
        "manipulated examples it was trained on receive higher numbers. The numbers in this report are "
        "uncalibrated: nobody has yet measured how often such a number occurs with untouched and with manipulated"
        " faces of this kind. A number of this sort is therefore not a probability, and no words about the "
        "strength of support are attached to it."
    ),
    "summary.conclusion": (
        "Taken alone, the readings in this report are inconclusive. They show an examiner where to look, in which"
        " exhibit, at what time and on which face; what is seen there must be judged by a person."
    ),
    "summary.baseline": (
        "Detectors marked as a baseline are a first version, trained on little material. Their readings may be "
        "wrong in either direction more often than those of a mature method."
    ),
    "summary.verify": (
        "This file can be checked without the program that wrote it: it carries a digital signature, the complete"
        " results in readable form, and the point which the chain of custody had reached. The last section says "
        "how."
    ),
    # --- request ------------------------------------------------------------------------------------------------
    "request.heading": "Request and scope",
    "request.title": "Title of the case",
    "request.question": "Question",
    "request.propositions": "Propositions compared",
    "request.propositions.none": (
        "None were recorded. Without two competing propositions the readings cannot be expressed as support for either."
    ),
    "request.conclusion": "Examiner's conclusion",
    "request.conclusion.none": "None is recorded in this report.",
    "request.second": "Second examiner",
    "request.second.none": "No second examination is recorded.",
    "request.earlier": "Earlier report corrected",
    "request.earlier.none": "None is recorded. A correction is a new report that names the old one.",
    "request.not.heading": "What was not examined",
    "request.not.none": "Every exhibit of the case was examined.",
    "request.not.exhibit": "Exhibit",
    "request.not.name": "Name",
    "request.not.reason": "Reason",
    "request.not.chosen": "not part of any examination relied on",
    "request.not.frames": "{exhibit}: {count} of {total} frames were not looked at (sampling rule {rule}).",
    "request.not.always": (
        "In every exhibit: sound, file structure, provenance data and everything outside the faces was not "
        "examined; faces that the face finder missed were not examined either."
    ),
    # --- exhibits -----------------------------------------------------------------------------------------------
    "exhibits.heading": "Exhibits",
    "exhibits.intro": (
        "Each exhibit was copied into the case from one reading of its bytes; the digest is of the whole file as "
        "received and was computed before anything was decoded."
    ),
    "exhibits.none": "The case holds no exhibit.",
    "exhibits.name": "Name",
    "exhibits.source": "Taken from",
    "exhibits.sha256": "SHA-256",
    "exhibits.size": "Size",
    "exhibits.intake": "Taken in",
    "exhibits.intake.value": "{at} by {by} on {machine}",
    "exhibits.integrity": "Integrity",
    "exhibits.integrity.value": "{state} {at}",
    "exhibits.media": "Content",
    "exhibits.problem": "Problem",
    "exhibits.note": "Note",
    "exhibits.decoder": "Decoder",
    "exhibits.warnings": "Warnings",
    "exhibits.media.image": "still picture, {container}, {codec}, {width} x {height} pixels, {depth} bit",
    "exhibits.media.video": (
        "video, {container}, {codec}, {width} x {height} pixels, {depth} bit, {duration}, {frames}, time base {base} s"
    ),
    "exhibits.media.frames": "{count} frames",
    "exhibits.media.frames.unknown": "number of frames not stated",
    # --- examinations -------------------------------------------------------------------------------------------
    "runs.heading": "Examinations",
    "runs.count": (
        "{total} examinations were run on this case; this report relies on {relied} of them. Every run is listed,"
        " whatever its outcome."
    ),
    "runs.count.one": "One examination was run on this case; this report relies on {relied} of it.",
    "runs.number": "Run",
    "runs.state": "State",
    "runs.started": "Started",
    "runs.ended": "Ended",
    "runs.scope": "Exhibits · detectors · frames",
    "runs.relied": "Relied on",
    "runs.yes": "yes",
    "runs.no": "no",
    "runs.frames.all": "every frame",
    "runs.frames.some": "{count} frames",
    "runs.scope.value": "{exhibits} · {detectors} · {frames}",
    "runs.error": "Error: {error}",
    "runs.plan": "Plan of run {number}",
    "runs.plan.detector": "{id} {version}",
    "runs.plan.card": "card {digest}",
    "runs.plan.weights": "weights {digest}",
    "runs.plan.detector.label": "Detector",
    "runs.plan.finder": "Face finder",
    "runs.plan.finder.settings": "Finder settings",
    "runs.plan.sampling": "Sampling",
    "runs.plan.sampling.value": "{rule}, {frames} per exhibit",
    "runs.plan.crop": "Face crop",
    "runs.plan.crop.value": "{size} x {size} pixels, margin {margin}",
    "runs.plan.gates": "Quality gates",
    "runs.plan.gates.value": (
        "face height at least {height} px · sharpness at least {sharpness} · turn at most {turn}° · at least "
        "{inside} % of the box inside the frame"
    ),
    "runs.plan.aggregation": "Summary rule",
    "runs.plan.default": "as shipped",
    # --- results ------------------------------------------------------------------------------------------------
    "results.heading": "Results",
    "results.none": "No exhibit was examined for this report.",
    "results.exhibit": "{exhibit} · {name}",
    "results.run": "Run {number} · {state} · {started}",
    "results.coverage": "Coverage",
    "results.coverage.frames": "Frames",
    "results.coverage.frames.value": "{examined} of {total} examined ({rule})",
    "results.coverage.split": "Of the frames examined",
    "results.coverage.split.value": (
        "with a face {with_face} · without {without} · unreadable {unreadable} · sum {sum}"
    ),
    "results.coverage.readings": "Face readings",
    "results.coverage.readings.value": "scored {scored} · abstained {abstained} · errors {errors} · sum {sum}",
    "results.coverage.excluded": "Of these readings",
    "results.coverage.excluded.value": "{count} excluded by the examiner, with the reasons below",
    "results.excluded": "Excluded by the examiner",
    "results.excluded.where": "What",
    "results.excluded.reason": "Reason",
    "results.excluded.count": "Readings",
    "results.excluded.all": "every track",
    "results.excluded.at": "{track} at {seconds} s",
    "results.excluded.note": (
        "These results are printed above with all others. They are not relied on, and no key frame is taken from a "
        "track that is excluded as a whole."
    ),
    "results.coverage.mismatch": "These counts do not add up; the coverage of this exhibit must not be relied on.",
    "results.tracks": "Scores by face track",
    "results.tracks.none": "No face was found in any frame that was examined, so there is nothing to score.",
    "results.track": "Track",
    "results.detector": "Detector",
    "results.frames": "Scored",
    "results.frames.abstained": "Abst.",
    "results.frames.error": "Err.",
    "results.mean": "Mean",
    "results.median": "Median",
    "results.spread": "5-95 %",
    "results.scale": "Scale",
    "results.scale.uncalibrated": "uncalibrated",
    "results.scale.calibrated": "calibrated",
    "results.seen": "Seen (s)",
    "results.tracks.note": (
        "Counts are frames. Scores run from 0 to 1; higher means more like the manipulated training examples. The"
        " spread is over the frames of the track: it is not an error rate. Decimals are cut to what the spread "
        "supports."
    ),
    "results.abstentions": "Abstentions by reason",
    "results.abstentions.reason": "Reason",
    "results.abstentions.count": "Readings",
    "results.timeline": "Scores over time (uncalibrated)",
    "results.timeline.note": (
        "One panel a track; the scale is always 0 to 1. Hatch over the whole panel: every detector abstained. A "
        "narrow hatch above it: only the detector of that colour abstained. A gap: the face was not seen. A "
        "cross: error. The table above holds the same results in words."
    ),
    "results.key_frames": "Key frames",
    "results.key_frames.note": (
        "Each is the frame whose score of one detector points most to manipulation on one track, chosen to show "
        "where to look, not how the track behaves as a whole. Figures are scaled for reading; the pixels examined "
        "are named by the frame digest."
    ),
    "results.key_frame": "Track {track} · {detector} · {score} uncalibrated · {seconds} · {reason}",
    "results.close_up.plain": "The face, enlarged",
    "results.close_up.field": "The map alone: black 0, white 1",
    "results.key_frame.ref": "time stamp {pts}, frame SHA-256 {digest}",
    # --- timeline -----------------------------------------------------------------------------------------------
    "timeline.track": "T{number}",
    "timeline.axis": "seconds",
    "timeline.abstained": "abstained",
    "timeline.error": "error",
    "timeline.legend": "{detector}",
    # --- method -------------------------------------------------------------------------------------------------
    "method.heading": "Method",
    "method.frames": "Frames",
    "method.frames.text": (
        "Frames are chosen by a stated rule and named by stream, presentation time stamp, time base and the "
        "SHA-256 of their decoded pixels. Frame numbers depend on the program and are not used to identify a "
        "frame."
    ),
    "method.faces": "Faces",
    "method.faces.text": (
        "A face finder gives a box and five points for each face. Faces are joined into tracks through time; a "
        "track is a face that is followed, not a person who is identified. Each face is turned and cut to a fixed"
        " template."
    ),
    "method.gates": "Abstention",
    "method.gates.text": (
        "Before any detector sees a face its height, sharpness, turn and position are measured. A face outside "
        "the limits is not scored; the reason is recorded and counted. An abstention is never treated as a low "
        "score."
    ),
    "method.detectors": "Detectors",
    "method.detectors.text": (
        "Each detector answers with a score between 0 and 1 for each face crop. Some also give a fakeness map: a "
        "grey picture, black 0 to white 1, on a fixed range that is never stretched, placed back onto the frame."
    ),
    "method.summary": "Summary of a track",
    "method.summary.text": (
        "Mean, median and the 5th and 95th percentile over the scored frames of a track. Results of several "
        "detectors are never multiplied, averaged or otherwise joined: they may share training data and mistakes."
    ),
    "method.rounding": "Rounding",
    "method.rounding.text": (
        "A score is printed with as many decimals as the first significant digit of half its 5-95 % width, at "
        "most two. The embedded results hold the unrounded values."
    ),
    "method.words": "Words",
    "method.words.text": (
        "Permitted outcomes are consistent with, inconsistent with, and inconclusive. A verbal scale of support "
        "belongs to calibrated likelihood ratios; the scores here are uncalibrated, so no such scale is used."
    ),
    "daubert.heading": "Standing of the method",
    "daubert.tested": "Tested?",
    "daubert.tested.text": (
        "{count} validation figures are printed on the detector cards, each with its set and interval."
    ),
    "daubert.tested.none": "None: no validation figure is on the cards of the detectors used.",
    "daubert.review": "Peer review?",
    "daubert.review.text": (
        "Published methods that the detectors follow: {papers}. Where the weights come from is stated on each card."
    ),
    "daubert.review.none": "None cited on the cards.",
    "daubert.error": "Error rate?",
    "daubert.error.text": (
        "None is known for material like these exhibits. The figures on the cards hold for the sets named there; "
        "how the exhibits differ from those sets was not measured."
    ),
    "daubert.standards": "Standards?",
    "daubert.standards.text": (
        "Report: PDF/A-3b (ISO 19005-3), PAdES (ETSI EN 319 142-1). Handling follows the aims of ISO/IEC 27037 "
        "and 27042; conformity has not been assessed by anybody else."
    ),
    "daubert.acceptance": "Acceptance?",
    "daubert.acceptance.text": "None cited. Not verified in this laboratory unless a record says so.",
    # --- cards --------------------------------------------------------------------------------------------------
    "cards.heading": "Detector cards",
    "cards.none": "No detector card belongs to this report.",
    "cards.title": "{name} {version}",
    "cards.baseline": "baseline · a first version, trained on little material · uncalibrated",
    "cards.uncalibrated": "uncalibrated",
    "cards.calibrated": "calibrated",
    "cards.summary": "What it does",
    "cards.trace": "Trace looked for",
    "cards.paper": "Published method",
    "cards.input": "Input",
    "cards.input.value": "aligned crop of {crop} px at margin {margin}, resized to {size} px ({interpolation})",
    "cards.output": "Output",
    "cards.output.value": "{direction}; {scale}; {map}",
    "cards.direction.higher_is_manipulated": "higher = more like manipulated examples",
    "cards.direction.lower_is_manipulated": "lower = more like manipulated examples",
    "cards.map": "fakeness map of {size} x {size}",
    "cards.map.none": "no fakeness map",
    "cards.threshold": "Threshold",
    "cards.threshold.none": "none set; no score is turned into a decision",
    "cards.weights": "Weights",
    "cards.weights.value": "{file}, {size}",
    "cards.weights.sha256": "Weights SHA-256",
    "cards.card.sha256": "Card SHA-256",
    "cards.licence": "Licence",
    "cards.origin": "Origin",
    "cards.training": "Trained on",
    "cards.limits": "Known limits",
    "cards.validation": "Validation records",
    "cards.validation.none": "None. The error rate of this detector is not known.",
    "cards.validation.set": "Set",
    "cards.validation.items": "Untouched / manipulated",
    "cards.validation.measure": "Measure",
    "cards.validation.merged": "{measure}, {merge} tokens merged after each block ({schedule})",
    "cards.validation.left": "{count} further figures on this card were measured with merging of tokens, which no "
    "examination relied on used.",
    "cards.validation.value": "Value",
    "cards.validation.interval": "95 % interval",
    "cards.validation.note": "Note",
    # --- limits -------------------------------------------------------------------------------------------------
    "limits.heading": "Limits and weaknesses",
    "limits.intro": (
        "Classes follow ASTM E3016-18. W1 to W5 are the weaknesses of synthetic-media classifiers proposed to the"
        " SOLVE-IT catalogue (issues 519, 520, 521, 524 and 525); W3 relates to its entry DFW-1258. The others "
        "are this product's own."
    ),
    "limits.id": "Id",
    "limits.weakness": "Weakness",
    "limits.class": "Class",
    "limits.here": "In this case",
    "limits.class.incompleteness": "incompleteness",
    "limits.class.existence": "inaccuracy: existence",
    "limits.class.association": "inaccuracy: association",
    "limits.class.alteration": "inaccuracy: alteration",
    "limits.class.corruption": "inaccuracy: corruption",
    "limits.class.misinterpretation": "misinterpretation",
    "limits.W1": (
        "A manipulation made by a method outside the training material may leave no trace that the detector knows."
    ),
    "limits.W1.here": "Applies always. Training material is stated on the cards.",
    "limits.W2": "Recompression, resizing or filming from a screen weakens traces or adds similar ones.",
    "limits.W2.here": "The earlier history of the exhibits is not known.",
    "limits.W3": "An uncalibrated score may be read as a probability.",
    "limits.W3.here": "Applies: the word uncalibrated stands beside the scores.",
    "limits.W3.here.no": "Does not apply: every detector used is calibrated.",
    "limits.W4": "A score near the middle may be reported as if it were definite.",
    "limits.W4.here": "No threshold is used. {count} track summaries have a spread that crosses 0.5.",
    "limits.W5": "Several detectors together still have gaps, and may share the same mistake.",
    "limits.W5.here": "{count} detectors were used; they are neither joined nor counted as independent.",
    "limits.W5.here.one": "One detector was used; nothing stands beside it.",
    "limits.W6": "Frames that were not chosen were not looked at; a short manipulation can lie between them.",
    "limits.W6.here": "{count} of {total} frames were not looked at.",
    "limits.W6.here.none": "Does not apply: every frame was looked at.",
    "limits.W7": "The face finder misses faces, above all very small, very large, turned or covered ones.",
    "limits.W7.here": "{count} of {total} frames examined have no face.",
    "limits.W8": "Faces outside the quality limits receive no score.",
    "limits.W8.here": "{count} readings were abstained.",
    "limits.W9": "A track can join two people or split one.",
    "limits.W9.here": "{count} tracks; they were not corrected by hand.",
    "limits.W10": "Scores differ slightly between devices, drivers and library versions.",
    "limits.W10.here": "The environment is printed in this report; a repeat is held to a tolerance, not to equality.",
    # --- custody ------------------------------------------------------------------------------------------------
    "custody.heading": "Chain of custody",
    "custody.intro": (
        "Every event of the case is linked to the one before by its hash and signed with the key of this "
        "workstation. The head below pins the chain as it was before this report was added: a chain that was cut "
        "or rewritten later cannot lead to the same head."
    ),
    "custody.count": "Events",
    "custody.head": "Head hash",
    "custody.root": "Merkle root over all events",
    "custody.code": "Short code",
    "custody.key": "Public key (Ed25519)",
    "custody.first": "First event",
    "custody.last": "Last event",
    "custody.by_kind": "Events by kind",
    "custody.event": "{kind} · {at} · {actor}",
    "custody.none": "none",
    "custody.kind": "Kind of event",
    "custody.number": "Number",
    "custody.total": "Total",
    "custody.mismatch": "The events handed to this report and the head do not agree in number.",
    # --- environment --------------------------------------------------------------------------------------------
    "environment.heading": "Environment",
    "environment.report": "Where this report was written",
    "environment.run": "Where run {number} was done",
    "environment.same": "Run {number}: the same as above where not listed.",
    "environment.none": "Nothing was recorded.",
    # --- verify -------------------------------------------------------------------------------------------------
    "verify.heading": "How to check this report",
    "verify.1": (
        "Check the file with the program: workstation report verify FILE.pdf. It names every part that does not "
        "hold, and it finds a change of any single byte."
    ),
    "verify.2": (
        "Without the program: any PAdES validator must say that the signature is intact and covers the entire "
        "document. Some viewers call a signature valid even when pages were changed after it; look for total "
        "coverage."
    ),
    "verify.3": (
        "Save the attached file results.json and compute its SHA-256. It must be the digest printed below; the "
        "file holds every result in full."
    ),
    "verify.4": (
        "Compute the SHA-256 of each exhibit and compare it with the section on exhibits; compare the head of the"
        " chain of custody with the case: workstation case verify CASE."
    ),
    "verify.5": (
        "The SHA-256 of this whole file cannot stand inside it. It is recorded in the chain of custody of the "
        "case, after the head that is printed here."
    ),
    "verify.json": "results.json SHA-256",
    "verify.schema": "Its schema",
    "verify.signer": "Signer",
    "verify.certificate": "Certificate SHA-256",
    "verify.signature": "Signature",
    "verify.signature.value": (
        "PAdES baseline B-B, RSA with SHA-256, certifying, no changes allowed, one revision over the entire file"
    ),
    "verify.time": "Time stamp",
    "verify.time.none": "none. The time of signing is that of the local clock; no independent authority attests it.",
    "verify.self_made": (
        "The signer's identity is self-made: the certificate was written by the same program on request of the "
        "person who used it. It shows that the file has not changed since that key signed it. It does not show "
        "who holds the key. Compare the certificate's SHA-256 with one that the signer gave you by another way."
    ),
    "verify.issued": (
        "The signer's certificate was issued by {issuer}. Whether that issuer is to be trusted is for the reader "
        "to decide; give its root certificate to the verifier to check the chain."
    ),
    # --- reasons and states -------------------------------------------------------------------------------------
    "reason.no_face": "no face found",
    "reason.face_too_small": "face too small",
    "reason.face_blurred": "face blurred",
    "reason.face_turned": "face turned away",
    "reason.face_at_edge": "face at the edge of the frame",
    "reason.landmarks_unusable": "landmarks that fit no face",
    "reason.frame_unreadable": "frame unreadable",
    "reason.detector_failed": "detector failed",
    # --- figures ------------------------------------------------------------------------------------------------
    "figure.time": "PTS {seconds}",
    "figure.ticks": "tick {pts} · time base {num}/{den} s · stream {stream}",
    "figure.frame": "frame {digest}",
    "figure.coverage": "{examined} of {total} frames examined",
    "figure.score": "{detector} {score} uncalibrated",
    "figure.not_validated": "{detector} not validated",
    "figure.no_score": "{detector} abstained",
    "figure.face": "not scored",
    "figure.no_map": "No fakeness map is drawn on this frame",
    "figure.opacity": "drawn at {percent} % opacity",
    "figure.bar": "{count} px",
    # --- checks -------------------------------------------------------------------------------------------------
    "check.file.ok": "a PDF of {pages} pages, {size} bytes",
    "check.file.bad": "the file is not a PDF that can be read: {why}",
    "check.results.absent": "the report does not carry {file}",
    "check.results.ok": "the embedded results are complete ({size} bytes)",
    "check.results.bad": "the embedded results cannot be relied on: {why}",
    "check.digest.ok": "the embedded results have the digest that the report states, {digest}",
    "check.digest.bad": "the embedded results have the digest {digest}, but the report states {stated}",
    "check.signature.ok": "the signature is intact",
    "check.signature.bad": "the signature does not fit the file: its bytes were changed after signing",
    "check.signature.unreadable": "the signature cannot be read: {why}",
    "check.signature.count": "the file holds {count} signatures, not exactly one",
    "check.container.ok": "the signature container holds nothing but the signature",
    "check.container.bad": "the signature container was changed: {why}",
    "check.coverage.ok": "the signature covers the entire file; nothing stands behind it",
    "check.coverage.bad": "the signature does not cover the entire file; {behind} bytes stand behind it",
    "check.changes.ok": "nothing was changed since signing",
    "check.changes.bad": "the document was changed after signing",
    "check.signer.trusted": "{name}, certified by an authority you trust",
    "check.signer.untrusted": "{name}, not certified by any authority in the file you gave",
    "check.signer.self_made": "{name} ({label}); who holds the key is not shown",
    "check.signer.unchecked": "{name}, certificate issued by {issuer}; not checked against any authority",
    "check.signer.unreadable": "the signer cannot be named, because the signature container was changed",
}
