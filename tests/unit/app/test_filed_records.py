"""Which records filed here examinations rely on: sound, recorded on purpose, of these very bytes (V3)."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.fakes.kind_figures import FAILING, standing
from tests.fakes.marked_engine import CARD
from workstation.app.filed_records import filed, measured_here, measured_of
from workstation.app.paths import Home
from workstation.app.planning import default_detectors, kinds_here, make_use
from workstation.app.track_stage import load_settings
from workstation.domain.detectors import InstalledDetector
from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure
from workstation.domain.measured_here import figures_of
from workstation.domain.merging import NO_MERGING
from workstation.reporting.signing import Identity, create_identity
from workstation.reporting.validation_record import signed_json, with_signer

SWAP = ForgeryClass.FACE_SWAP
PACKAGE = InstalledDetector(CARD, "", True)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity(tmp_path_factory.mktemp("identity") / "i.p12", name="Ada", password="long enough a word")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    found.prepare()
    found.validation.mkdir(exist_ok=True)
    return found


def put(
    home: Home,
    identity: Identity,
    figure: KindFigure | None,
    name: str = "one",
    at: str = "2026-01-31",
    **detector: str,
) -> Path:
    of = {"id": CARD.id, "card_sha256": CARD.card_sha256, "weights_sha256": CARD.weights.sha256} | detector
    record = {
        "schema": "workstation.validation",
        "version": 2,
        "id": name,
        "made_at": f"{at}T09:15:02+00:00",
        "set": {"name": "our set"},
        "detector": of,
        "figures": {"auc": 0.9},
        "settings": {},
        "environment": {},
        "kind": {"relied_on": figure is not None, "figure": asdict(figure or standing(SWAP)[0])},
    }
    path = home.validation / f"{name}.json"
    path.write_bytes(signed_json(with_signer(record, identity), identity))
    return path


def test_a_recorded_figure_that_stands_is_relied_on_and_cited_by_the_use(home: Home, identity: Identity) -> None:
    assert measured_here(home, CARD) == ()
    put(home, identity, standing(SWAP)[0])
    (found,) = measured_here(home, CARD)
    assert (found.record, found.signer, found.certificate_sha256) == ("one", identity.subject, identity.fingerprint)
    assert kinds_here(PACKAGE, measured_of(home, [PACKAGE])) == (SWAP,)
    use = make_use(PACKAGE, NO_MERGING, "", [found])
    assert figures_of(use) == (found.figure,)
    assert load_settings(use) == {}, "a network is not told what was measured of it"
    assert measured_of(home, [replace(PACKAGE, problem="its card is torn")]) == {}


def test_what_was_not_recorded_on_purpose_or_is_of_other_bytes_or_changed_is_not(
    home: Home, identity: Identity
) -> None:
    put(home, identity, None)
    put(home, identity, standing(SWAP)[0], "other", weights_sha256="9" * 64)
    put(home, identity, standing(SWAP)[0], "another", id="another")
    torn = put(home, identity, standing(SWAP)[0], "torn")
    torn.write_bytes(torn.read_bytes().replace(b"0.85", b"0.86"))
    assert measured_here(home, CARD) == ()
    assert {(one.id, one.current, one.sound) for one in filed(home, CARD)} == {
        ("one", True, True),
        ("other", False, True),
        ("torn", True, False),
    }


def test_of_a_set_and_a_kind_the_newest_counts_and_a_failing_one_denies(home: Home, identity: Identity) -> None:
    put(home, identity, standing(SWAP)[0], "old", "2026-01-30")
    newer = replace(FAILING, kind=SWAP)
    put(home, identity, newer, "new", "2026-01-31")
    (found,) = measured_here(home, CARD)
    assert found.record == "new"
    good = InstalledDetector(replace(CARD, kinds=standing(SWAP)), "", True)
    other = InstalledDetector(replace(CARD, id="other", kinds=standing(SWAP)), "", True)
    here = measured_of(home, [good])
    assert kinds_here(good) == (SWAP,)
    assert kinds_here(good, here) == ()
    default = default_detectors([good, other], here)
    assert (default.chosen, default.left_out) == ((other,), (good,))
