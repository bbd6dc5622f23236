"""What is being gathered while a file is read: groups, times, parts, observations, warnings, all counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from workstation.domain.errors import EvidenceError
from workstation.domain.metadata import (
    CompressionHistory,
    GopFacts,
    JpegFacts,
    JpegThumbnail,
    MetaField,
    MetaGroup,
    Observation,
    Part,
    TimeReading,
    ZoneKind,
)
from workstation.media.metadata.bounds import DEEPEST, MOST_EMBEDDED, MOST_FIELDS, MOST_PARTS, MOST_WARNINGS, Broken
from workstation.media.metadata.texts import shortened, visible


@dataclass(slots=True)
class Node:
    """A part under construction."""

    name: str
    offset: int
    size: int
    detail: str = ""
    nodes: list[Node] = field(default_factory=list)
    depth: int = 0

    def part(self) -> Part:
        inner = tuple(node.part() for node in self.nodes)
        return Part(visible(self.name), self.offset, self.size, shortened(visible(self.detail), 400), inner)


class Findings:
    """Gathers under ceilings: past one, the rest is left out and a warning says so once."""

    def __init__(self) -> None:
        self.format = "unknown"
        self.groups: list[MetaGroup] = []
        self.times: list[TimeReading] = []
        self.roots: list[Node] = []
        self.observations: list[Observation] = []
        self.warnings: list[str] = []
        self.jpeg: JpegFacts | None = None
        self.thumbnails: list[JpegThumbnail] = []
        self.history: CompressionHistory | None = None
        self.gop: GopFacts | None = None
        self.tools: dict[str, str] = {}
        self.end: int | None = None
        self.end_words = ""
        self.named: list[tuple[int, int, str]] = []
        self.small_pictures: list[tuple[str, int | None, bytes]] = []
        self._ended: BaseException | None = None
        self._fields = 0
        self._parts = 0
        self._embedded = 0

    def group(self, name: str, where: str, fields: Iterable[MetaField], offset: int | None = None) -> None:
        """Keep the fields of one place; nothing when there are none."""
        kept: list[MetaField] = []
        for one in fields:
            if self._fields >= MOST_FIELDS:
                self.warn(f"More than {MOST_FIELDS} fields; the others are left out.")
                break
            self._fields += 1
            kept.append(one)
        if kept:
            self.groups.append(MetaGroup(visible(name), visible(where), tuple(kept), offset))

    def node(self, parent: Node | None, name: str, offset: int, size: int, detail: str = "") -> Node:
        """Add a part under ``parent`` (None: at the top). Raises: Broken past the ceilings of count and depth."""
        depth = 0 if parent is None else parent.depth + 1
        if depth > DEEPEST:
            raise Broken(f"parts are nested deeper than {DEEPEST}")
        if self._parts >= MOST_PARTS:
            raise Broken(f"there are more than {MOST_PARTS} parts; the others are left out")
        self._parts += 1
        made = Node(name, offset, size, detail, depth=depth)
        (self.roots if parent is None else parent.nodes).append(made)
        return made

    def count_embedded(self) -> None:
        """Count a block that stands inside another. Raises: Broken past the ceiling, so that blocks that name others
        many times over do not multiply."""
        self._embedded += 1
        if self._embedded > MOST_EMBEDDED:
            raise Broken(f"there are more than {MOST_EMBEDDED} blocks inside others; the others are left out")

    def time(self, name: str, source: str, text: str, zone: ZoneKind, utc: str = "") -> None:
        if len(self.times) < 500:
            self.times.append(TimeReading(visible(name), visible(source), shortened(visible(text), 80), zone, utc))

    def observe(self, code: str, text: str, *basis: str) -> None:
        """Keep an observation; the same code with the same words only once."""
        made = Observation(code, shortened(visible(text)), tuple(shortened(visible(line), 300) for line in basis))
        if made not in self.observations and len(self.observations) < 100:
            self.observations.append(made)

    def warn(self, line: str) -> None:
        line = shortened(visible(line), 400)
        if line not in self.warnings and len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(line)

    def watched(self, beat: Callable[[], None]) -> Callable[[], None]:
        """``beat``, whose exception ends the whole reading and not only the part that is being read."""

        def watched() -> None:
            try:
                beat()
            except BaseException as error:
                self._ended = error
                raise

        return watched

    def attempt(self, what: str, work: Callable[[], None]) -> bool:
        """Do one part of the reading; when it fails, say so in a warning and let the rest go on."""
        try:
            work()
        except Broken as error:
            self.warn(f"{what}: {error}.")
        except EvidenceError:
            raise
        except MemoryError:
            self.warn(f"{what}: it needs more memory than one exhibit may use.")
        except Exception as error:
            if self._ended is not None:
                raise self._ended from error
            self.warn(f"{what}: could not be read ({type(error).__name__}).")
        else:
            return True
        return False
