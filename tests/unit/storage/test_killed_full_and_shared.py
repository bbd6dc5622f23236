"""A killed writer, a full disk, a second program, a folder that cannot be written, an older format: nothing is lost,
nothing is half made, and the case still verifies."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import storage_samples as samples

from workstation.domain.custody import CustodyKind
from workstation.domain.errors import CaseDamaged, CaseReadOnly, StorageFull
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.storage import case_format, migrate, opening, triggers
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case

HERE = Path(__file__).parent


def child(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start another program on the case; it finds the samples and says what happened on its standard output."""
    head = f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
    body = head + "import storage_samples as samples\nfrom pathlib import Path\n" + textwrap.dedent(code)
    command = [sys.executable, "-c", body, *(str(a) for a in arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )  # type: ignore[call-overload,no-any-return]


OPEN = """
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.domain.errors import WorkstationError
folder, keys = Path(sys.argv[1]), Path(sys.argv[2])
"""


def test_a_killed_writer_loses_at_most_the_batch_in_flight(store: CaseStore, tmp_path: Path, key: LedgerKey) -> None:
    """kill -9 while rows are appended: what was acknowledged is there, the run can go on, the case verifies."""
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.close()
    code = """
    store = CaseStore.open(folder, key=LedgerKey.load_or_create(keys))
    run = store.start_examination(samples.plan(store.evidence()[0].id), samples.ENVIRONMENT)
    for start in range(0, 100000, 8):
        rows = [samples.full_row(run.id, store.evidence()[0].id, n) for n in range(start, start + 8)]
        store.arrays.put(samples.fakeness(start))
        store.append_rows(rows)
        print(start + 8, flush=True)
    """
    with child(OPEN + textwrap.dedent(code), store.folder, tmp_path / "keys") as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(6)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().split()
    assert writer.returncode == -signal.SIGKILL
    acknowledged = int([text for text in told if text][-1])
    (store.folder / "evidence" / ".incoming.123456.part").write_bytes(b"half")
    assert verify_case(store.folder).ok, "verifies as the killed program left it"
    with CaseStore.open(store.folder, key=key) as again:
        (run,) = again.examinations()
        assert run.state is ExaminationState.INTERRUPTED
        done = again.examined_ordinals(run.id, item.id)
        assert len(done) in (acknowledged, acknowledged + 8)
        assert done == set(range(len(done)))
        kinds = [event.kind for event in again.custody()]
        assert kinds[-2:] == [CustodyKind.CASE_OPENED, CustodyKind.EXAMINATION_ENDED]
        again.reopen_examination(run.id)
        again.append_rows([samples.full_row(run.id, item.id, 200_000)])
        again.end_examination(run.id, ExaminationState.DONE)
        assert not list((store.folder / "evidence").glob(".*"))
    assert verify_case(store.folder).ok


def test_two_programs_one_writer(store: CaseStore, tmp_path: Path, key: LedgerKey) -> None:
    """The second one is told who has the case; it may read, and reads what is committed meanwhile."""
    code = """
    try:
        CaseStore.open(folder, key=LedgerKey.load_or_create(keys))
    except WorkstationError as fault:
        print(fault.code, fault.line(), flush=True)
    reader = CaseStore.open(folder, key=None, read_only=True)
    print(len(reader.custody()), flush=True)
    sys.stdin.readline()
    print(len(reader.custody()), flush=True)
    reader.close()
    """
    with child(OPEN + textwrap.dedent(code), store.folder, tmp_path / "keys") as other:
        assert other.stdout is not None
        assert other.stdin is not None
        told = other.stdout.readline()
        assert told.startswith("case_read_only")
        assert str(os.getpid()) in told
        assert other.stdout.readline().strip() == "1"
        store.record(CustodyKind.EXPORTED, {})
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline().strip() == "2"
    assert other.returncode == 0
    assert verify_case(store.folder).ok, "a case can be verified while it is open"
    with pytest.raises(CaseReadOnly):
        CaseStore.open(store.folder, key=key)
    store.close()
    CaseStore.open(store.folder, key=key).close()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that another user may look into (pytest's own are closed to others)."""
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="workstation-open-"))
    place.chmod(0o755)
    yield place
    for path in (place, *place.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(place)


@pytest.mark.parametrize("live", [False, True])
def test_a_read_only_folder(open_place: Path, key: LedgerKey, live: bool) -> None:
    """Readable in full, also with a WAL left in it; not writable, in one line. Permission bits do not bind root, so the
    child becomes nobody."""
    store = CaseStore.create(open_place / "case", number="1", title="", examiner="A", question="", key=key)
    store.record(CustodyKind.EXPORTED, {})
    place = open_place / "case"
    if live:
        place = open_place / "copy"
        shutil.copytree(store.folder, place)
        (place / "case.sqlite-shm").unlink()
    store.close()
    events = 2 if live else 3
    for path in (*place.rglob("*"), place):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = """
    import os
    from workstation.storage.verification import verify_case
    from workstation.storage import opening, migrate
    import alembic.command, sqlalchemy.dialects.sqlite
    if os.getuid() == 0:
        os.setgid(65534); os.setuid(65534)
    reader = CaseStore.open(folder, key=None, read_only=True)
    print(len(reader.custody()))
    reader.close()
    print(verify_case(folder).ok, verify_case(folder).bad)
    key = LedgerKey(__import__("cryptography.hazmat.primitives.asymmetric.ed25519", fromlist=["x"])
                    .Ed25519PrivateKey.generate())
    for work in (lambda: CaseStore.open(folder, key=key),
                 lambda: CaseStore.create(folder / "new", number="1", title="", examiner="A", question="", key=key)):
        try:
            work()
        except WorkstationError as fault:
            print(fault.code)
    """
    with child(OPEN + textwrap.dedent(code), place, open_place, cwd="/") as other:
        out = other.communicate()[0].splitlines()
    assert out == [str(events), "True ()", "case_read_only", "permission_refused"], out
    assert not list(place.glob("new"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes; needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a small file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(folder: Path) -> Path:
    """Write until not one byte more goes in."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert shutil.disk_usage(folder).free == 0
    return ballast


def append_many(store: CaseStore, run: ExaminationId, evidence: EvidenceId) -> None:
    for start in range(1, 4000, 32):
        store.append_rows([samples.full_row(run, evidence, start + n) for n in range(32)])


def test_a_full_disk_stops_with_one_line_and_harms_nothing(small_disk: Path, tmp_path: Path, key: LedgerKey) -> None:
    store = CaseStore.create(small_disk / "case", number="1", title="", examiner="A", question="", key=key)
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    store.append_rows([samples.full_row(run.id, item.id, 0)])
    (tmp_path / "big").write_bytes(os.urandom(3 << 20))
    with pytest.raises(StorageFull):
        store.vault.take_in(tmp_path / "big")
    assert not list((store.folder / "evidence").glob(".*"))
    ballast = fill(small_disk)
    before = store.custody()
    with pytest.raises(StorageFull):
        store.arrays.put(samples.fakeness(1))
    with pytest.raises(StorageFull):
        append_many(store, run.id, item.id)
    stored = store.examined_ordinals(run.id, item.id)
    assert (len(stored) - 1) % 32 == 0, "no batch is stored in part"
    assert store.custody() == before
    with pytest.raises(StorageFull):
        CaseStore.create(small_disk / "second", number="2", title="", examiner="A", question="", key=key)
    assert not (small_disk / "second").exists()
    store.close()
    assert verify_case(store.folder).ok
    ballast.unlink()
    with CaseStore.open(small_disk / "case", key=key) as again:
        assert again.examined_ordinals(run.id, item.id) == stored
        assert again.examination(run.id).state is ExaminationState.INTERRUPTED
    assert verify_case(small_disk / "case").ok


def test_a_file_size_limit_stops_the_copy(store: CaseStore, tmp_path: Path) -> None:
    """The same by a resource limit, where nothing can be mounted."""
    (tmp_path / "big").write_bytes(bytes(1 << 20))
    code = """
    import resource
    store = CaseStore.open(folder, key=LedgerKey.load_or_create(keys))
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    try:
        store.vault.take_in(Path(sys.argv[3]))
    except WorkstationError as fault:
        print(fault.code)
    print([p.name for p in (folder / "evidence").iterdir()])
    """
    store.close()
    with child(OPEN + textwrap.dedent(code), store.folder, tmp_path / "keys", tmp_path / "big") as other:
        assert other.communicate()[0].split() == ["storage_full", "[]"]


def test_an_older_format_is_backed_up_and_brought_up(
    store: CaseStore, tmp_path: Path, key: LedgerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a later program would find today's case: one more step, a backup first, an event after."""
    store.close()
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    step = """
        from alembic import op
        revision, down_revision, branch_labels, depends_on = "0004", "0003", None, None
        def upgrade():
            op.execute("CREATE TABLE remarks (key INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
            FAULT
    """
    later = case_format.FORMAT + 1
    monkeypatch.setattr(case_format, "FORMAT", later)
    monkeypatch.setattr(triggers, "BY_FORMAT", {**triggers.BY_FORMAT, later: triggers.FORMAT_1002})
    real = migrate.bring_up_to_date
    monkeypatch.setattr(migrate, "bring_up_to_date", lambda f, e, n, r, **k: real(f, e, n, r, scripts, **k))
    (scripts / "versions" / "v0004.py").write_text(textwrap.dedent(step.replace("FAULT", "op.execute('nonsense')")))
    with pytest.raises(Exception, match="nonsense"):
        CaseStore.open(store.folder, key=key)
    assert case_format.read_header(store.folder / "case.sqlite")[1] == later - 1, "a step that fails changes nothing"
    shutil.rmtree(store.folder / "backups")
    (scripts / "versions" / "v0004.py").write_text(textwrap.dedent(step.replace("FAULT", "")))
    with CaseStore.open(store.folder, key=key) as again:
        assert [e.kind for e in again.custody()][-2:] == [CustodyKind.CASE_OPENED, CustodyKind.MIGRATED]
    raw = connect(store.folder / "case.sqlite", "ro")
    assert raw.execute("SELECT count(*) FROM remarks").fetchone() == (0,)
    raw.close()
    assert case_format.read_header(store.folder / "case.sqlite")[1] == later
    (backup,) = (store.folder / "backups").iterdir()
    kept = connect(backup, "ro")
    assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert kept.execute("SELECT count(*) FROM custody").fetchone() == (2,)
    assert kept.execute("PRAGMA user_version").fetchone() == (later - 1,)
    kept.close()
    assert [line.subject for line in verify_case(store.folder).bad] == ["tables"], "only the made-up format is unknown"


def test_a_failure_while_making_a_case_leaves_nothing(
    tmp_path: Path, key: LedgerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step before the commit fails, as on a disk that breaks."""

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(opening, "write_anchor", broken)
    (tmp_path / "empty").mkdir()
    for place in ("deep/er/case", "empty"):
        with pytest.raises(Exception, match="broken"):
            CaseStore.create(tmp_path / place, number="1", title="", examiner="A", question="", key=key)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "keys"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_truncated_wal_is_a_cut_tail(store: CaseStore, key: LedgerKey, tmp_path: Path) -> None:
    """A torn WAL gives a shorter chain that holds in itself; only the anchor shows what is gone."""
    for number in range(20):
        store.record(CustodyKind.EXPORTED, {"number": number})
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy)
    (copy / "case.sqlite-shm").unlink()
    wal = copy / "case.sqlite-wal"
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size // 2)
    bad = verify_case(copy).bad
    assert [line.subject for line in bad] == ["custody tail"]
    with pytest.raises(CaseDamaged):
        CaseStore.open(copy, key=key)
