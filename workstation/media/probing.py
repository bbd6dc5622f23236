"""What an exhibit is: kind, container, streams, sizes, orientation, and what is odd about it."""

from __future__ import annotations

from pathlib import Path

from workstation.domain.media import MediaInfo, MediaLocation
from workstation.media.answers import Nonsense, media_info
from workstation.media.decoder_process import DecoderProcess
from workstation.media.limits import DecodeLimits


def probe(location: Path | MediaLocation, limits: DecodeLimits | None = None) -> MediaInfo:
    """Look at an exhibit in a decoder child: sniff its content, read its headers, decode one picture.

    A video is demuxed once from end to end, so ``frame_count`` of the primary stream is the number of frames that are
    there. A cut-off video that still gives pictures is accepted, with a warning; so is a file of several pictures, of
    which the first counts.

    Raises:
        NotFound, PermissionRefused: no such file, or no right to read it.
        EmptyFile: it has no bytes.
        UnreadableMedia: neither a picture nor a video this product can decode.
        DamagedMedia: it begins like one, but nothing in it can be decoded.
        MediaTooLarge: its header announces more pixels than the limit, or decoding needs more memory than the limit.
        DecoderStopped: the decoder crashed, hung or ran out of processor time.
    """
    used = limits or DecodeLimits()
    child = DecoderProcess(location, used)
    try:
        return media_info(child.ask({"do": "describe"}), used)
    except Nonsense as error:
        raise child.nonsense() from error
    finally:
        child.close()
