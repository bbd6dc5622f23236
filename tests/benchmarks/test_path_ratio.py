"""Speed as a ratio against the published path, in one run. Left out of the ordinary run: ``make bench``."""

from __future__ import annotations

import pytest

from workstation.app import benchmarking


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_our_path_against_the_published_one() -> None:
    """Both sides see the same faces and give the same scores to bfloat16's precision; ours is the faster one."""
    outcome = benchmarking.run(frames=8)
    assert outcome.faces_ours == outcome.faces_published == 8
    assert outcome.largest_score_difference < 0.05
    assert outcome.ratio > 1.0, outcome.lines()
