"""A signer and a signed sample, made once for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_facts import report_facts

from workstation.reporting.builder import BuiltReport, build_report
from workstation.reporting.signing import Identity, create_identity


@pytest.fixture(scope="session")
def identity_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("identity") / "ruiz.p12"
    create_identity(path, name="A. Ruiz", organisation="Example Laboratory", password="correct horse")
    return path


@pytest.fixture(scope="session")
def identity(identity_file: Path) -> Identity:
    from workstation.reporting.signing import load_identity

    return load_identity(identity_file, "correct horse")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> BuiltReport:
    """A full report: two exhibits, two tracks, two detectors."""
    return build_report(report_facts(), tmp_path_factory.mktemp("report") / "sample.pdf", identity)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> bytes:
    """The bytes of a signed report without figures, for tampering."""
    path = tmp_path_factory.mktemp("small") / "small.pdf"
    return build_report(report_facts(tracks=0, exhibits=1), path, identity).path.read_bytes()
