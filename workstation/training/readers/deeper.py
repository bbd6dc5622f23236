"""DeeperForensics-1.0: ``manipulated_videos/<variant>``, ``source_videos``, ``lists/splits``.

A clip is named ``<target>_<source>``: target is a FaceForensics++ sequence, source one of 100 actors. The 1,000 clips
of ``end_to_end`` come in ten further variants (post-processed, distorted at levels 1-5, mixed). The actors' own clips
in ``source_videos`` are not the genuine class: that is FaceForensics++ at c23, which is not part of this set (Jiang et
al., CVPR 2020; github.com/EndlessSora/DeeperForensics-1.0). Each line of train.txt, val.txt and
test.txt is a clip's name.
"""

from __future__ import annotations

import re
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import (
    Told,
    absent,
    against,
    clips,
    entries,
    no_layout,
    read_lines,
    words,
    wrong_line,
)
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, SPLITS, Dataset, Split

CLIPS = 1000
_NAME = re.compile(r"(?P<target>[0-9]{3})_(?P<source>[MW][0-9]{3})")


def read(root: Path, *, variants: str = "end_to_end", faceforensics: str = "", compression: str = "c23") -> Dataset:
    """Read DeeperForensics-1.0.

    Args:
        variants: folders of ``manipulated_videos`` with commas, or ``all``.
        faceforensics: folder of FaceForensics++, whose originals are the genuine class; empty leaves that class out.
        compression: which of its compressions; the publisher names c23.
    """
    base = root / "manipulated_videos"
    if not base.is_dir():
        raise no_layout("DeeperForensics-1.0", root, ("manipulated_videos", "source_videos", "lists/splits"))
    splits = _lists(root / "lists" / "splits")
    there = tuple(one.name for one in entries(base) if one.is_dir())
    chosen = there if variants == "all" else words(variants)
    unknown = [name for name in chosen if name not in there]
    if unknown:
        raise InputError(
            f"manipulated_videos has no {', '.join(unknown)}.", f"It has: {', '.join(there) or 'nothing'}."
        )
    told = Told()
    found: list[Found] = []
    for variant in chosen:
        inside = clips(base / variant)
        told.missing.extend(against(f"manipulated_videos/{variant}", len(inside), CLIPS))
        lost = [name for name in splits if name not in inside]
        if lost:
            told.missing.append(absent(f"manipulated_videos/{variant}", lost, len(splits)))
        unlisted = [name for name in inside if name not in splits]
        if unlisted:
            told.notes.append(f"{variant}: {len(unlisted)} clips are in no list and were left out, as {unlisted[0]}.")
        for name, split in splits.items():
            if name in inside:
                target, source = name.split("_")
                members = (f"ffpp:{target}", f"deeper:{source}")
                facts = {"target": target, "source": source, "variant": variant}
                path, kind = inside[name]
                found.append(Found(path, kind, True, "DF-VAE", members, split, facts=facts))
    found.extend(_genuine(faceforensics, compression, splits, told))
    told.notes.append(
        "The genuine class is FaceForensics++: do not test on this set what was trained on that one's train."
    )
    told.notes.append("source_videos are recordings of the actors, not the genuine class; they are not read.")
    return settle("DeeperForensics-1.0", root, found, missing=told.missing, notes=told.notes)


def _lists(folder: Path) -> dict[str, Split]:
    lacking = [f"{split}.txt" for split in SPLITS if not (folder / f"{split}.txt").is_file()]
    if lacking:
        raise InputError(f"lists/splits lacks {', '.join(lacking)}.", "Unpack the lists of the dataset.")
    named: dict[str, Split] = {}
    for split in SPLITS:
        path = folder / f"{split}.txt"
        for number, line in read_lines(path):
            name = Path(line.replace("\\", "/")).stem
            if _NAME.fullmatch(name) is None:
                raise wrong_line(path, number, line, "not a name of the form 000_M000.mp4")
            if name in named:
                raise wrong_line(path, number, line, f"it is in {named[name]}.txt already")
            named[name] = split
    return named


def _genuine(folder: str, compression: str, splits: dict[str, Split], told: Told) -> list[Found]:
    if not folder:
        told.missing.append("genuine clips: not part of this set; name faceforensics=FOLDER to take its originals")
        return []
    base = Path(folder) / "original_sequences" / "youtube" / compression
    there = clips(base)
    if not there:
        raise InputError(f"{base} holds no clips.", "Name the folder of FaceForensics++ that holds original_sequences.")
    of_target: dict[str, Split] = {}
    for name, split in splits.items():
        of_target.setdefault(name[:3], split)
    lost = [name for name in of_target if name not in there]
    if lost:
        told.missing.append(absent(f"original_sequences/youtube/{compression}", lost, len(of_target)))
    return [
        Found(*there[name], False, GENUINE, (f"ffpp:{name}",), split, compression=compression)
        for name, split in of_target.items()
        if name in there
    ]
