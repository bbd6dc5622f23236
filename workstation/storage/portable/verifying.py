"""Verifying a pack without unpacking it: structure, signature, every member, and the chain of custody it carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workstation.domain.checkpoints import VerifierKey
from workstation.domain.custody import (
    CheckLine,
    CheckState,
    Verification,
    body_digest,
    event_hash_of,
    event_hash_v1,
)
from workstation.domain.errors import PackInvalid, WorkstationError
from workstation.domain.merkle import inclusion_holds, leaf_hash
from workstation.storage.checkpoints import open_checkpoint
from workstation.storage.keys import fingerprint, signed_by
from workstation.storage.portable.exporting import CHECKPOINT
from workstation.storage.portable.manifest import Manifest
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.snapshot import Cancel, Progress

EVENTS = "custody/"
BODY = ".body.json"
_MOST_LINES = 50


def verify_pack(path: Path, on_progress: Progress | None = None, cancelled: Cancel | None = None) -> Verification:
    """Check a pack. What was altered is named by member; nothing is written anywhere.

    Raises:
        InputError: there is no such file.
        Cancelled.
    """
    try:
        pack = Pack(path)
    except PackInvalid as fault:
        return Verification((_bad("pack", fault.message),))
    with pack:
        lines = [_ok("structure", f"{len(pack.entries)} members, every byte between them as it should be")]
        manifest = pack.manifest
        signer = fingerprint(manifest.public_key)
        lines.append(_ok("manifest", f"a {manifest.kind} pack of {manifest.facts.get('made_at')}, key {signer}"))
        lines += _members(pack, on_progress, cancelled)
        if all(line.state is CheckState.OK for line in lines):
            lines += _checkpoint(pack, manifest)
            if manifest.kind == "disclosure":
                lines += _events(pack, manifest)
        if pack.withheld:
            gone = sorted(pack.withheld & {member.name for member in manifest.members} - pack.names())
            lines.append(_ok("redactions", f"{len(gone)} members were taken out later: {', '.join(gone)[:400]}"))
        return Verification(tuple(lines))


def _members(pack: Pack, on_progress: Progress | None, cancelled: Cancel | None) -> list[CheckLine]:
    wrong: list[CheckLine] = []
    present = pack.present()
    total, done = max(1, sum(member.size for member in present)), 0
    for member in present:
        try:
            for chunk in pack.chunks(member, cancelled):
                done += len(chunk)
                if on_progress is not None:
                    on_progress(min(done, total), total, member.name)
        except PackInvalid as fault:
            wrong.append(_bad(member.name, fault.message))
    if len(wrong) > _MOST_LINES:
        return [*wrong[:_MOST_LINES], _bad("members", f"{len(wrong)} of {len(present)} members were altered")]
    return wrong or [_ok("members", f"all {len(present)} agree with the manifest")]


def _checkpoint(pack: Pack, manifest: Manifest) -> list[CheckLine]:
    """The signed checkpoint, and that manifest and checkpoint were signed by the same key."""
    said = manifest.part("custody")
    try:
        key = VerifierKey.parse(str(said.get("verifier_key", "")))
        if key.public_key != manifest.public_key:
            return [_bad(CHECKPOINT, "the checkpoint is signed with another key than the manifest")]
        text = pack.read(CHECKPOINT).decode()
        found = open_checkpoint(text, key)
    except (WorkstationError, ValueError) as fault:
        return [_bad(CHECKPOINT, str(fault))]
    if text != said.get("checkpoint") or (found.size, found.root.hex()) != (said.get("count"), said.get("root")):
        return [_bad(CHECKPOINT, "the checkpoint is not the one in the manifest")]
    return [_ok(CHECKPOINT, f"{found.size} events, head code {said.get('code')}")]


def _events(pack: Pack, manifest: Manifest) -> list[CheckLine]:
    """Every event one by one: its hash, its signature, its place under the checkpoint, and its body where that is."""
    said = manifest.part("custody")
    count, root = int(said.get("count", 0)), bytes.fromhex(str(said.get("root", "")))
    keys = [bytes.fromhex(str(text)) for text in said.get("keys", ())]
    names = pack.names()
    wrong: list[CheckLine] = []
    told = 0
    heads = sorted(name for name in names if name.startswith(EVENTS) and not name.endswith(BODY))
    for name in heads:
        body_name = name.removesuffix(".json") + BODY
        body = pack.read(body_name).decode() if body_name in names else None
        told += body is not None
        problem = event_problem(json.loads(pack.read(name)), body, keys, count, root)
        if problem:
            wrong.append(_bad(name, problem))
    if wrong:
        return wrong[:_MOST_LINES]
    note = f"{len(heads)} of {count} events hold under the checkpoint, {told} in full, {len(heads) - told} redacted"
    return [_ok("chain of custody", note)]


def event_problem(head: Mapping[str, Any], body: str | None, keys: list[bytes], count: int, root: bytes) -> str:
    """What is wrong with one event of a disclosure pack; empty when it holds.

    Args:
        body: its text, None when it is redacted.
        keys: public keys that wrote the chain.
        count, root: size and root of the signed checkpoint.
    """
    try:
        digest, signature = bytes.fromhex(head["hash"]), bytes.fromhex(head["signature"])
        seq, fields = int(head["seq"]), (str(head["at"]), str(head["actor"]), str(head["kind"]))
        previous = bytes.fromhex(head["prev"])
        path = [bytes.fromhex(part) for part in head["proof"]]
        first_form = head.get("form") == 1
        body_sha256 = bytes.fromhex(head["body_sha256"])
    except (KeyError, ValueError, TypeError):
        return "it is misshapen"
    if body is not None and body_digest(body) != body_sha256:
        return "its body is not the one that was recorded"
    if first_form:
        if body is not None and event_hash_v1(seq, *fields, body, previous) != digest:
            return "its hash does not follow from its content"
    elif event_hash_of(seq, *fields, body_sha256, previous) != digest:
        return "its hash does not follow from its content"
    if not any(signed_by(key, signature, digest) for key in keys):
        return "no key of this case signed it"
    if not inclusion_holds(leaf_hash(digest), seq - 1, count, path, root):
        return "it does not stand in the chain that the checkpoint seals"
    return ""


def _ok(subject: str, detail: str) -> CheckLine:
    return CheckLine(subject, CheckState.OK, detail)


def _bad(subject: str, detail: str) -> CheckLine:
    return CheckLine(subject, CheckState.BAD, detail)
