"""x"""

from collections.abc import Callable
from typing import BinaryIO

from workstation.media.metadata.findings import Findings


def warm_up() -> None:
    """x"""


def read_history(find: Findings, file: BinaryIO, max_pixels: int, beat: Callable[[], None]) -> None:
    """x"""
