"""One person under several names: found by an identity detector, so that nobody is in two splits.

Two collections of portraits seldom share a key, and a person in both would be trained on under one name and held out
under the other. What is found is a table for people to look at, which `portraits.list_portraits` reads.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.training.portraits import Portrait, faces, list_portraits

if TYPE_CHECKING:
    from collections.abc import Callable

    from workstation.domain.faces import FaceCrop
    from workstation.domain.geometry import Point
    from workstation.domain.media import RgbArray

Embeddings = npt.NDArray[np.float32]
# Of MobileFaceNet (ArcFace) on the portraits that this program was trained with: two pictures of one person have a
# cosine of .84 and more in nineteen cases of twenty, and what lies above .55 under two names is nearly all above .7.
ALIKE = 0.55


def joined(portraits: Sequence[Portrait], embeddings: Embeddings, alike: float = ALIKE) -> Mapping[str, str]:
    """For every person who has another name as well the first of all their names, in the order of the alphabet.

    Args:
        embeddings: (N, D) float32 of length one, a row for each portrait.
        alike: cosine from which two portraits are of one person; whoever is like one of a group belongs to it.
    """
    chosen: dict[str, str] = {one.person: one.person for one in portraits}

    def first(name: str) -> str:
        while chosen[name] != name:
            name = chosen[name]
        return name

    for row, column in zip(*np.nonzero(np.triu(embeddings @ embeddings.T, 1) >= alike), strict=True):
        a, b = sorted((first(portraits[int(row)].person), first(portraits[int(column)].person)))
        chosen[b] = a
    return {name: first(name) for name in chosen if first(name) != name}


def write_people(
    root: Path,
    out: Path,
    embed: Callable[[Sequence[FaceCrop]], Embeddings],
    cut: Callable[[RgbArray, Sequence[Point]], FaceCrop],
    alike: float = ALIKE,
) -> tuple[int, int]:
    """Write the table of portraits whose person has another name; returns how many portraits and people are in it.

    Args:
        embed: of an identity detector; cut: the crop that it is fed, of a picture and its landmarks.

    Raises:
        InputError: no portraits, or ``alike`` is no cosine.
    """
    if not 0 < alike < 1:
        raise InputError("Likeness is a cosine above 0 and below 1.", "Give another.")
    seen: list[Portrait] = []
    rows: list[Embeddings] = []
    for portrait, rgb, marks in faces(list_portraits(root)):
        seen.append(portrait)
        rows.append(embed([cut(rgb, marks)])[0])
    if not seen:
        raise InputError(f"No picture in {root} shows a face.", "Name a folder of portraits.")
    named = joined(seen, np.stack(rows), alike)
    part = out.with_name(f".{out.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "person"))
        told = [(one.path.relative_to(root).as_posix(), named[one.person]) for one in seen if one.person in named]
        writer.writerows(told)
    part.replace(out)
    return len(told), len(set(named.values()))
