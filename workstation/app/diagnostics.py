"""What this installation is made of, and whether each part works: the start of V7's installation check."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workstation.app.environment import library_versions, machine_facts
from workstation.domain.custody import CheckLine, CheckState
from workstation.domain.errors import DetectorError, WorkstationError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point

if TYPE_CHECKING:
    from workstation.app.engine import Engine


@dataclass(frozen=True, slots=True)
class Diagnosis:
    facts: Mapping[str, str]
    checks: tuple[CheckLine, ...]

    @property
    def ok(self) -> bool:
        return all(check.state is CheckState.OK for check in self.checks)


def diagnose(engine: Engine) -> Diagnosis:
    """Collect versions and devices and try every part on something small. Nothing of the examiner's is touched."""
    from workstation.detectors import runtime

    facts = machine_facts() | library_versions()
    facts |= {f"device.{name}": value for name, value in runtime.devices().items()}
    facts["home"] = str(engine.home.root)
    facts["display"] = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "none"
    checks = [
        _check("database", lambda: _database(engine)),
        _check("decoder", _decoder),
        _check("decoder confinement", _confinement),
        _check("face finder mtcnn", lambda: _finder(engine)),
        _check("signing and report verification", _signing),
        _check("window libraries", _window),
    ]
    packages = engine.detectors()
    if not packages:
        checks.append(CheckLine("detectors", CheckState.BAD, "no package is installed"))
    for package in packages:
        checks.append(_check(f"detector {package.card.id}", partial(_detector, engine, package.card.id)))
    return Diagnosis(facts, tuple(checks))


def _check(name: str, work: Callable[[], str]) -> CheckLine:
    try:
        return CheckLine(name, CheckState.OK, work())
    except WorkstationError as error:
        return CheckLine(name, CheckState.BAD, error.line())
    except Exception as error:  # noqa: BLE001 - a broken part must not hide the state of the others
        return CheckLine(name, CheckState.BAD, f"{type(error).__name__}: {error}")


def _database(engine: Engine) -> str:
    from workstation.storage.case_store import CaseStore
    from workstation.storage.verification import verify_case

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case"
        CaseStore.create(path, number="0", title="self-test", examiner="self-test", question="", key=engine.key).close()
        outcome = verify_case(path)
    if not outcome.ok:
        raise DetectorError("; ".join(line.detail for line in outcome.bad))
    return "a case was made, written and verified"


def _decoder() -> str:
    from workstation.media.clips import write_clip
    from workstation.media.probing import probe
    from workstation.media.reader import open_media

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(path, [np.full((64, 64, 3), 16 * i, np.uint8) for i in range(8)], rate=25)
        info = probe(path)
        with open_media(path, info) as reader:
            first, again = reader.frame(5), reader.frame(5)
            if first.ref.digest != again.ref.digest or len(reader.index) != 8:
                raise DetectorError("a frame did not decode twice to the same pixels")
            return f"{reader.decoder}; 8 frames written and read back exactly"


def _confinement() -> str:
    from workstation.media.confined import confinement

    found = confinement()
    told = "; ".join((f"in force: {found.text()}", *found.notes))
    if sys.platform == "linux" and not found.closed:
        raise DetectorError(
            f"A decoder can open files or reach the network ({told}).",
            "Run python3 packaging/check_system.py for what is missing.",
        )
    return told


def _finder(engine: Engine) -> str:
    import skimage.data

    found = engine.workshop.finder("mtcnn").find([np.asarray(skimage.data.astronaut())])[0]
    if len(found) != 1:
        raise DetectorError(f"{len(found)} faces found in a portrait of one person")
    return "one face found in a portrait of one person"


def _detector(engine: Engine, name: str) -> str:
    detector = engine.workshop.detector(name)
    size = detector.card.input.crop_size
    ramp = np.linspace(0, 255, size * size * 3).reshape(size, size, 3).astype(np.uint8)
    point = Point(size / 2, size / 2)
    crop = FaceCrop(ramp, Affine(1, 0, 0, 0, 1, 0), (point,) * 5)
    one, two = detector.read([crop])[0].value, detector.read([crop, crop])[1].value
    if not 0 <= one <= 1 or abs(one - two) > 0.02:
        raise DetectorError(f"the same crop scored {one:.4f} and {two:.4f}")
    return f"loaded on {detector.device} in {detector.precision}; the same crop scores alike alone and in a batch"


def _signing() -> str:
    from workstation.reporting.signing import create_identity, load_identity

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "identity.p12"
        create_identity(path, name="self-test", password="self-test")
        identity = load_identity(path, "self-test")
    return f"an identity was made and opened again ({identity.fingerprint[:16]}…)"


def _window() -> str:
    if sys.platform != "linux":
        return "not looked at on this system"
    import ctypes

    missing = []
    for name in ("libEGL.so.1", "libGL.so.1", "libxkbcommon.so.0", "libdbus-1.so.3", "libxcb-cursor.so.0"):
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    if missing:
        raise DetectorError(f"missing: {', '.join(missing)}", "Run python3 packaging/check_system.py for the apt line.")
    return "the system libraries of the window are there"
