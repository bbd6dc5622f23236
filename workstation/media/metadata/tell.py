"""Observations that need several parts at once. None of them concludes anything (X2, X4)."""

from __future__ import annotations

from workstation.domain.metadata import Provenance, StateWord
from workstation.media.metadata.exif_tags import EDITOR_FIELDS
from workstation.media.metadata.findings import Findings

_WRITERS = frozenset(
    {"Software", "CreatorTool", "EncodingTool", "WritingApp", "MuxingApp", "encoder", "OriginatingProgram"}
)


def tell(find: Findings, provenance: Provenance | None) -> None:
    """Add what stands out when the parts are held side by side."""
    _programs(find)
    _thumbnails(find)
    _sizes(find)
    _times(find)
    if provenance is not None:
        _credentials(find, provenance)


def _programs(find: Findings) -> None:
    named = [
        (f"{group.name}: {one.name}", one.shown)
        for group in find.groups
        for one in group.fields
        if (one.name in EDITOR_FIELDS or one.name.split(":")[-1].split("/")[-1] in _WRITERS) and one.shown
    ]
    if named:
        find.observe(
            "programs_named",
            "The metadata names programs or firmware: " + "; ".join(dict.fromkeys(value for _, value in named)) + ".",
            *(f"{place} = {value}" for place, value in named[:20]),
        )


def _thumbnails(find: Findings) -> None:
    main = find.jpeg
    for one in main.thumbnails if main is not None else ():
        if one.aspect_differs and main is not None:
            find.observe(
                "thumbnail_aspect",
                f"The small picture in {one.where} has other proportions ({one.width} x {one.height}) than the main"
                f" picture ({main.width} x {main.height}). Black bars, cropping or turning can cause that.",
                f"thumbnail at {one.offset}",
            )


def _sizes(find: Findings) -> None:
    main = find.jpeg
    if main is None:
        return
    stated = {
        one.name: one.shown for group in find.groups if group.name == "EXIF: Exif" for one in group.fields
        if one.name in ("PixelXDimension", "PixelYDimension")
    }  # fmt: skip
    if len(stated) == 2:
        told = {stated["PixelXDimension"], stated["PixelYDimension"]}
        if told != {str(main.width), str(main.height)}:
            find.observe(
                "exif_size_differs",
                f"Exif states {stated['PixelXDimension']} x {stated['PixelYDimension']} pixels; the picture has"
                f" {main.width} x {main.height}. Programs that scale or crop do not always renew the Exif size.",
                "EXIF: Exif, PixelXDimension and PixelYDimension",
            )


def _times(find: Findings) -> None:
    known = sorted({time.utc for time in find.times if time.utc})
    if len(known) > 1:
        find.observe(
            "several_times",
            f"{len(known)} different times in UTC are stored, from {known[0]} to {known[-1]}. Each says when some step"
            " was done, as that device's clock had it.",
            *(f"{t.source}: {t.name} = {t.utc}" for t in find.times[:20] if t.utc),
        )


def _credentials(find: Findings, provenance: Provenance) -> None:
    if provenance.present.state is StateWord.YES:
        states = (provenance.present, provenance.intact, provenance.trusted, provenance.time)
        find.observe(
            "credentials_present",
            "The file carries content credentials (C2PA). They say who signed which statements about the file, not"
            " whether those statements hold.",
            *(f"{name}: {one.state}. {one.reason}"
              for name, one in zip(("present", "intact", "trusted", "time"), states, strict=True)),
        )  # fmt: skip
    elif provenance.present.state is StateWord.NO:
        find.observe(
            "credentials_absent",
            "The file carries no content credentials (C2PA). Most files carry none, and programs remove them; their"
            " absence says nothing about the content.",
        )
