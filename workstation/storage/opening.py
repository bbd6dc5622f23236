"""Making a case and opening it: what is refused, what is recovered, what goes into the chain first."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from workstation.domain.case import Case
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import CaseDamaged, CaseReadOnly, InputError, IntegrityMismatch
from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.ids import CaseId, ExaminationId, new_id
from workstation.storage import case_format, key_slots, migrate, restate, switching
from workstation.storage.anchor import read_anchor, write_anchor
from workstation.storage.case_folder import CaseFolder, making
from workstation.storage.case_lock import CaseLock
from workstation.storage.chain import Chain, head_of
from workstation.storage.checkpoints import Ledger
from workstation.storage.clock_facts import clock_facts
from workstation.storage.database import Database
from workstation.storage.durable import file_error, sweep_parts, write_whole
from workstation.storage.engine import writer_engine
from workstation.storage.facets import intake
from workstation.storage.half_made import clear_half_made
from workstation.storage.keys import LedgerKey
from workstation.storage.open_case import OpenCase, Writing
from workstation.storage.outside_reader import open_for_reading
from workstation.storage.repositories import cases, custody, examinations, summaries
from workstation.storage.sealing import CaseSeal
from workstation.storage.sqlite_errors import typed_errors


def make_case(
    root: Path,
    *,
    number: str,
    title: str,
    examiner: str,
    question: str,
    key: LedgerKey,
    purpose: str = "",
    authority: str = "",
    passphrase: str | None = None,
    keyring: bool = False,
) -> OpenCase:
    """See ``CaseStore.create``."""
    if not number.strip() or not examiner.strip():
        raise InputError("A case needs a number and an examiner.", "Give both.")
    if passphrase is not None:
        key_slots.check_passphrase(passphrase)
    seal = None if passphrase is None else CaseSeal.fresh()
    try:
        clear_half_made(root)
    except OSError as fault:
        raise file_error(fault, root) from fault
    with making(root) as folder:
        case = Case(CaseId(new_id()), number, title, examiner, question, now_utc(), str(folder.root))
        lock = CaseLock.take(folder.lock)
        try:
            chain = Chain(key, examiner, purpose=purpose, authority=authority)
            if seal is not None and passphrase is not None:
                write_whole(folder.key_file, key_slots.key_file(case.id, seal, passphrase, keyring=keyring))
            with typed_errors(folder.database, writing=True):
                _fill(folder, case, chain, _raw_key(seal))
            database = Database(folder.database, read_only=False, key=_raw_key(seal))
            opened = OpenCase(folder, database, case, key.public_key, seal)
        except BaseException:
            lock.release()
            raise
        opened.writing = Writing(lock, chain)
        return opened


def _raw_key(seal: CaseSeal | None) -> bytes | None:
    return None if seal is None else seal.database_key


def _fill(folder: CaseFolder, case: Case, chain: Chain, key: bytes | None) -> None:
    """Schema, facts and first event in one transaction; the anchor is written before the commit, so that a case that
    exists always has one."""
    engine = writer_engine(folder.database, create=True, guarded=False, key=key)
    try:
        with engine.begin() as connection:
            migrate.upgrade(connection)
            cases.add(connection, case, chain.key.public_key)
            body = {
                "case": case.id,
                "number": case.number,
                "title": case.title,
                "examiner": case.examiner,
                "question": case.question,
                "created_at": case.created_at,
            }
            chain.append(connection, CustodyKind.CASE_CREATED, body | _session(chain))
            write_anchor(folder.anchor, case.id, Ledger().head(connection), chain.key)
    finally:
        engine.dispose()


def open_case(
    root: Path,
    *,
    key: LedgerKey | None,
    read_only: bool,
    examiner: str | None,
    purpose: str = "",
    authority: str = "",
    passphrase: str | None = None,
    unseal: str = "",
) -> OpenCase:
    """See ``CaseStore.open``."""
    folder = CaseFolder(root.absolute())
    switching.settle(folder)
    seal = key_slots.unlock(folder.key_file, passphrase)
    number = _inspect(folder, seal, writing=not read_only)
    if read_only:
        return _load(folder, seal, read_only=True)
    if key is None:
        raise InputError("A case is written with the ledger key of this installation.", "Open it for reading.")
    if not folder.writable():
        raise CaseReadOnly(f"The case folder {folder.root} cannot be written.", "Open it for reading only.")

    def chain_of(case: Case) -> Chain:
        return Chain(key, examiner or case.examiner, purpose=purpose, authority=authority)

    lock = CaseLock.take(folder.lock)
    try:
        switching.sweep(folder)
        migrated = _upgrade_if_older(folder, seal, number, chain_of)
        opened = _load(folder, seal, read_only=False)
    except BaseException:
        lock.release()
        raise
    opened.writing = Writing(lock, chain_of(opened.case))
    try:
        anchored = opened.read(lambda connection: _check_anchor(connection, folder, opened.case))
        opened.read(lambda connection: _check_mark(connection, opened.case, unseal))
        _recover(opened, anchored, migrated)
        if unseal:
            opened.event(CustodyKind.SEALED, {"state": "open", "reason": unseal})
    except BaseException:
        opened.abandon()
        raise
    return opened


def _check_mark(connection: Connection, case: Case, unseal: str) -> None:
    """Raises: CaseReadOnly for a case that was sealed for the archive and is not opened up again with a reason."""
    if not unseal and custody.is_sealed(connection):
        raise CaseReadOnly(
            f"Case {case.number} was sealed for the archive and can only be read.",
            'Open it up again with: workstation case unseal CASE --reason "..."',
        )


def _inspect(folder: CaseFolder, seal: CaseSeal | None, *, writing: bool) -> int:
    """Return the format number. Raises: CaseNotFound, CaseDamaged, CaseFormatTooNew."""
    if seal is None:
        case_format.read_header(folder.database)
    with typed_errors(folder.database):
        connection = open_for_reading(folder.database, _raw_key(seal))
        try:
            application_id, number = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
            )
        finally:
            connection.close()
    case_format.check_format(folder.database, application_id, number, writing=writing)
    return number


def _upgrade_if_older(
    folder: CaseFolder, seal: CaseSeal | None, number: int, chain_of: Callable[[Case], Chain]
) -> bool:
    """Bring an older case up to date; its opening and its events are in the transaction that changes its format."""
    if number >= case_format.FORMAT:
        return False

    def record(connection: Connection, kept: Path) -> None:
        case, _ = cases.load(connection, folder.root)
        anchored = _check_anchor(connection, folder, case)
        chain = chain_of(case)
        _record_opening(connection, chain, anchored)
        restate.migrated(connection, chain, number, case_format.FORMAT, folder.root, kept)

    engine = writer_engine(folder.database, guarded=False, key=_raw_key(seal))
    try:
        migrate.bring_up_to_date(folder, engine, number, record, key=_raw_key(seal))
    finally:
        engine.dispose()
    return True


def _load(folder: CaseFolder, seal: CaseSeal | None, *, read_only: bool) -> OpenCase:
    database = Database(folder.database, read_only=read_only, key=_raw_key(seal))
    try:
        case, first_key = database.read(lambda connection: cases.load(connection, folder.root))
    except BaseException:
        database.close()
        raise
    return OpenCase(folder, database, case, first_key, seal)


def _check_anchor(connection: Connection, folder: CaseFolder, case: Case) -> int:
    """Refuse to write on a chain that was cut: the next event would hide the cut. Returns the anchored count.

    Raises:
        CaseDamaged: the anchor is missing, altered, foreign, or names an event that is not in the chain.
    """
    try:
        anchor = read_anchor(folder.anchor)
    except IntegrityMismatch as fault:
        raise CaseDamaged(f"Case {case.number} can only be read: {fault.message}", fault.advice) from fault
    if anchor.public_key not in custody.keys(connection):
        raise CaseDamaged(
            f"Case {case.number} can only be read: custody.head is signed with a key that never wrote this case.",
            "Run case verify; restore the case from a sound copy.",
        )
    if anchor.case != case.id or custody.hash_at(connection, anchor.head.count) != anchor.head.hash:
        raise CaseDamaged(
            f"Case {case.number} can only be read: its chain of custody does not reach the head in custody.head.",
            "Run case verify; restore the case from a sound copy.",
        )
    return anchor.head.count


def _recover(opened: OpenCase, anchored: int, migrated: bool) -> None:
    """Clean up after a killed program, mark what it interrupted, and record the opening."""
    for part in (opened.folder.root, *opened.folder.parts, opened.folder.backups):
        sweep_parts(part)

    def work(connection: Connection, chain: Chain) -> None:
        if not migrated:
            _record_opening(connection, chain, anchored)
        for run in examinations.every(connection, opened.case.id):
            if run.state is ExaminationState.RUNNING:
                end_examination(
                    connection, chain, opened.case, run.id, ExaminationState.INTERRUPTED, "the program stopped"
                )
        intake.interrupt_running(connection, chain)

    opened.change(work)


def _record_opening(connection: Connection, chain: Chain, anchored: int) -> None:
    lag = head_of(connection).count - anchored
    chain.append(connection, CustodyKind.CASE_OPENED, _session(chain) | ({"anchor_behind": lag} if lag else {}))


def _session(chain: Chain) -> dict[str, object]:
    """Who writes from now on: the public key of the installation, the machine, and what its clock says (E8)."""
    return {
        "ledger_key": chain.key.public_key.hex(),
        "machine": platform.node(),
        "process": os.getpid(),
        "clock": clock_facts(),
    }


def start_facts(connection: Connection, run: Examination, *, resumed: bool) -> dict[str, object]:
    """What the custody event at the start of an examination states: which plan, where, with what.

    The digests are over the texts as stored: a plan of an older case, read and written again, would be another text.
    """
    plan, environment = examinations.texts(connection, run.id)
    return {
        "examination": run.id,
        "number": run.number,
        "resumed": resumed,
        "started_at": run.started_at,
        "evidence": list(run.plan.evidence),
        "detectors": [f"{use.id} {use.version} weights {use.weights_sha256}" for use in run.plan.detectors],
        "frames": run.plan.frames,
        "plan_sha256": hashlib.sha256(plan.encode()).hexdigest(),
        "environment_sha256": hashlib.sha256(environment.encode()).hexdigest(),
    }


def end_examination(
    connection: Connection, chain: Chain, case: Case, run: ExaminationId, state: ExaminationState, error: str
) -> None:
    """See ``CaseStore.end_examination``."""
    before = examinations.one(connection, case.id, run)
    if before.state is not ExaminationState.RUNNING:
        raise InputError(f"Examination {before.number} is {before.state.value} already.")
    at = now_utc()
    examinations.set_state(connection, run, state, at, error)
    body = {"examination": run, "number": before.number, "state": state.value, "error": error, "ended_at": at}
    chain.append(connection, CustodyKind.EXAMINATION_ENDED, body | summaries.ending(connection, before.number))
