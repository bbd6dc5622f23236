"""The cases that every harness starts from are made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.kills import Bases
from tests.harness.workbench import Nursery


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bases]:
    """A nursery at work, and a case in every state that an act needs."""
    root = tmp_path_factory.mktemp("harness")
    with Nursery(root / "nursery") as nursery:
        made = Bases(nursery, root)
        made.prepare()
        yield made
