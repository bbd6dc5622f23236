"""Everything needed to repeat a run that is not in the plan (P3): versions, machine, device, determinism."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import workstation

_LIBRARIES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "facenet-pytorch",
    "insightface",
    "onnxruntime",
    "opencv-python",
    "av",
    "pillow",
    "pillow-heif",
    "numpy",
    "sqlalchemy",
    "sqlcipher3",
    "reportlab",
    "pikepdf",
    "pyHanko",
    "PySide6",
)


@lru_cache(maxsize=1)
def source_digest() -> str:
    """SHA-256 (hex) over every Python file of the installed program, by relative path: the build's name (P3, V8)."""
    root = Path(workstation.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor_name() -> str:
    """The processor's model name where the system tells it, otherwise its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine_facts() -> dict[str, str]:
    """Product, system and processor, without loading any network library."""
    return {
        "product": f"workstation {workstation.__version__}",
        "source_sha256": source_digest(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.node(),
        "processor": processor_name(),
        "cores": str(os.cpu_count() or 0),
        "user": user_name(),
    }


def user_name() -> str:
    """The account's name; the numeric id where the account has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def zone_name() -> str:
    """The zone this machine keeps, e.g. "CET +0100" (E1, E8)."""
    return datetime.now().astimezone().strftime("%Z %z")


@lru_cache(maxsize=1)
def machine_id() -> str:
    """A name for this machine that stays the same: SHA-256 over the system's own id, which is itself not to be told
    (machine-id(5)); over the network name where there is none (E1)."""
    for place in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        try:
            known = place.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if known:
            return hashlib.sha256(b"workstation machine " + known.encode()).hexdigest()[:32]
    return hashlib.sha256(b"workstation machine " + platform.node().encode()).hexdigest()[:32]
