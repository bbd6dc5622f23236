"""Code of other distributions runs as a family only after a person has allowed the distribution; before, none of it.

A second distribution is made here for real: a folder on ``sys.path`` with a module and its metadata, as pip makes it.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from detector_samples import crop, locator_card, write_package

from workstation.detectors import allow, installing, registry
from workstation.domain.errors import DetectorError, WeightsInvalid

MODULE = """
from pathlib import Path
import workstation.detectors.fakelocator.detector as ours
Path(__file__).with_name("was_imported").touch()

def build(card):
    return ours.build(card)

def load(card, folder, *, device, precision, settings):
    return ours.load(card, folder, device=device, precision=precision, settings=settings)
"""


def distribution(site: Path, name: str, *families: str) -> Path:
    """Put a distribution into ``site`` as pip would; returns the file its module writes when it is imported."""
    module = name.replace("-", "_").lower()
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(MODULE, encoding="utf-8")
    info = site / f"{module}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n", encoding="utf-8")
    points = "\n".join(f"{family} = {module}:load" for family in families)
    (info / "entry_points.txt").write_text(f"[{allow.GROUP}]\n{points}\n", encoding="utf-8")
    return site / module / "was_imported"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = allow.allowed()
    yield folder
    allow.only(before)
    for name in [name for name in sys.modules if name.startswith(("acme", "other", "workstation_"))]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    write_package(folder / "acme-one", locator_card(id="acme-one", family="acme_seams"))
    return folder


def test_code_of_another_distribution_is_not_imported_until_it_is_allowed(site: Path, home: Path) -> None:
    imported = distribution(site, "Acme_Detectors", "acme_seams")
    package = registry.find("acme-one", home)
    assert package.problem == "its family comes from Acme_Detectors, which is not on the allow-list"
    assert not registry.verify(package).ok
    with pytest.raises(DetectorError, match="not on the allow-list"):
        registry.load(package, device="cpu", precision="float32")
    # A package whose problem was taken off by hand gets no further.
    with pytest.raises(DetectorError, match="not on the allow-list"):
        registry.load(replace(package, problem=""), device="cpu", precision="float32")
    with pytest.raises(DetectorError, match="not on the allow-list"):
        registry.build(package.card)
    assert not imported.exists()
    assert "acme_detectors" not in sys.modules
    allow.only(["acme-detectors"])
    package = registry.find("acme-one", home)
    assert package.problem == ""
    assert registry.verify(package).ok
    (reading,) = registry.load(package, device="cpu", precision="float32").read([crop()])
    assert 0 <= reading.value <= 1
    assert imported.exists()
    allow.only([])
    assert "not on the allow-list" in registry.find("acme-one", home).problem


def test_a_package_of_a_family_that_is_not_allowed_is_not_installed(site: Path, home: Path, tmp_path: Path) -> None:
    imported = distribution(site, "acme-detectors", "acme_seams")
    with pytest.raises(WeightsInvalid, match="not on the allow-list"):
        installing.install(home / "acme-one", tmp_path / "machine")
    assert not list((tmp_path / "machine").iterdir())
    assert not imported.exists()
    allow.only(["acme-detectors"])
    assert installing.install(home / "acme-one", tmp_path / "machine").card.id == "acme-one"


def test_allowed_code_that_cannot_be_imported_is_one_plain_sentence(site: Path, home: Path) -> None:
    distribution(site, "acme-detectors", "acme_seams")
    (site / "acme_detectors" / "__init__.py").write_text("def load(:\n", encoding="utf-8")
    allow.only(["acme-detectors"])
    package = registry.find("acme-one", home)
    with pytest.raises(DetectorError, match=r'family "acme_seams" cannot be loaded \(SyntaxError') as caught:
        registry.load(package, device="cpu", precision="float32")
    assert "\n" not in caught.value.message
    assert not registry.verify(package).ok


def test_our_own_code_wins_over_another_of_the_same_name_and_it_is_said(site: Path) -> None:
    imported = distribution(site, "acme-detectors", "fakelocator")
    for allowed in ([], ["acme-detectors"]):
        allow.only(allowed)
        family = allow.families()["fakelocator"]
        assert family.module == "workstation.detectors.fakelocator.detector"
        assert family.distribution == "workstation"
        assert family.others == ("acme-detectors",)
        assert family.problem == ""
        (package,) = [p for p in registry.installed() if p.card.id == "fakelocator-small"]
        assert package.problem == ""
    assert not imported.exists()


def test_a_distribution_that_calls_itself_by_our_name_is_not_ours(site: Path) -> None:
    """Metadata can say anything; what it names lies outside our package."""
    imported = distribution(site, "workstation", "fakelocator")
    family = allow.families()["fakelocator"]
    assert family.problem == "its family comes from workstation, which is not on the allow-list"
    assert not imported.exists()


def test_two_allowed_distributions_of_one_family_are_not_chosen_between(site: Path, home: Path) -> None:
    first = distribution(site, "acme-detectors", "acme_seams")
    second = distribution(site, "other-detectors", "acme_seams")
    allow.only(["acme-detectors"])
    assert registry.find("acme-one", home).problem == ""
    assert allow.families()["acme_seams"].others == ("other-detectors",)
    allow.only(["acme-detectors", "other-detectors"])
    problem = registry.find("acme-one", home).problem
    assert "two allowed distributions, acme-detectors and other-detectors" in problem
    assert not first.exists()
    assert not second.exists()


SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from workstation.cli.main import run
try:
    run(["model", "list", "--json"])
except SystemExit:
    pass
print("|" + json.dumps(["acme_detectors" in sys.modules, "torch" in sys.modules]))
"""


@pytest.mark.parametrize("allowed", [False, True])
def test_the_settings_file_of_the_workstation_decides(site: Path, home: Path, tmp_path: Path, allowed: bool) -> None:
    imported = distribution(site, "acme-detectors", "acme_seams")
    root = tmp_path / "root"
    root.mkdir()
    home.rename(root / "detectors")
    if allowed:
        (root / "settings.toml").write_text('detector_families = ["Acme.Detectors"]\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(site)],
        env={"PATH": "/usr/bin:/bin", "WORKSTATION_HOME": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document, _, loaded = done.stdout.rpartition("|")
    (package,) = [one for one in json.loads(document)["detectors"] if one["id"] == "acme-one"]
    assert package["problem"] == (
        "" if allowed else "its family comes from acme-detectors, which is not on the allow-list"
    )
    assert json.loads(loaded) == [False, False]
    assert not imported.exists()
