"""Every family that this program offers can be driven by the registry: one way to load, one way to check."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import replace

import pytest
from detector_samples import locator_card

from workstation.detectors import allow, registry
from workstation.domain.errors import CardInvalid, DetectorError

OURS = sorted(family.name for family in allow.families().values() if family.distribution == "workstation")


def test_the_embedded_packages_have_their_families() -> None:
    assert {"clip_ln", "fakelocator"} <= set(OURS)
    assert {p.card.family for p in registry.installed() if p.embedded} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_a_family_loads_by_the_same_words_and_builds_or_checks(name: str) -> None:
    module = importlib.import_module(allow.families()[name].module)
    parameters = inspect.signature(module.load).parameters
    assert list(parameters)[:2] == ["card", "folder"]
    keywords = {key for key, value in parameters.items() if value.kind is inspect.Parameter.KEYWORD_ONLY}
    assert keywords == {"device", "precision", "settings"}
    builds, checks = hasattr(module, "build"), hasattr(module, "check")
    assert builds != checks
    wanted = ["card"] if builds else ["card", "folder"]
    assert list(inspect.signature(module.build if builds else module.check).parameters) == wanted


@pytest.mark.parametrize("name", OURS)
def test_a_family_refuses_a_network_table_it_does_not_know(name: str) -> None:
    """What a card asks for and the code does not know would silently be another network."""
    card = replace(locator_card(), family=name, network={"not_a_parameter_of_any_family": 1})
    builds = hasattr(importlib.import_module(allow.families()[name].module), "build")
    with pytest.raises(CardInvalid if builds else DetectorError, match=r"tiny-locator|network"):
        registry.skeleton(card)
