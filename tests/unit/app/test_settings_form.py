"""The form is the model of the settings, and saving writes what can be read again, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from workstation.app.settings import Settings, load_settings
from workstation.app.settings_form import FILE, FieldKind, form, save
from workstation.domain.errors import InputError


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WORKSTATION_{name.upper()}", raising=False)


def test_every_setting_is_in_the_form_with_its_sentence(tmp_path: Path) -> None:
    fields = {one.name: one for one in form(load_settings(tmp_path))}
    assert list(fields) == list(Settings.model_fields)
    assert all(one.help for one in fields.values())
    assert fields["device"].choices == ("auto", "cpu", "cuda")
    assert fields["verify_every_hours"].kind is FieldKind.NUMBER
    assert fields["verify_every_hours"].least == 0
    assert fields["detector_families"].kind is FieldKind.NAMES
    assert "(E1)" not in fields["second_digest"].help


def test_saving_keeps_the_rest_and_leaves_out_defaults(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('device = "cpu"\nsomething_else = 4\n')
    settings = save(tmp_path, {"device": "auto", "organisation": "Lab 7", "verify_every_hours": 6.5})
    assert (settings.device, settings.organisation, settings.verify_every_hours) == ("auto", "Lab 7", 6.5)
    text = (tmp_path / FILE).read_text()
    assert "something_else = 4" in text
    assert "device" not in text


def test_what_is_not_allowed_is_not_written(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('device = "cpu"\n')
    for values in ({"device": "abacus"}, {"verify_every_hours": -1.0}, {"no_such": 1}):
        with pytest.raises(InputError):
            save(tmp_path, values)
    assert (tmp_path / FILE).read_text() == 'device = "cpu"\n'


def test_the_environment_locks_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTATION_DEVICE", "cpu")
    fields = {one.name: one for one in form(load_settings(tmp_path))}
    assert fields["device"].locked == "WORKSTATION_DEVICE"
    assert fields["precision"].locked == ""
    save(tmp_path, {"organisation": "Lab"})
    assert "device" not in (tmp_path / FILE).read_text()
