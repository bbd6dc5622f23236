"""Where LN-tuning starts: a published CLIP tower with a head that knows nothing yet (arXiv 2503.19683, section 3.2)."""

from __future__ import annotations

from pathlib import Path

from workstation.detectors.clip_ln.head import LINEAR_NORM
from workstation.detectors.clip_ln.importing import network_table
from workstation.detectors.clip_ln.network import ClipLn, build
from workstation.detectors.importing.towers import read_tower
from workstation.domain.errors import WeightsInvalid


def start_from(path: Path, head: str = LINEAR_NORM) -> ClipLn:
    """Build a network with the tower of a CLIP file (`read_tower`), on the CPU in float32; its head is freshly drawn.

    The projection to texts is left out: the feature is taken before it.

    Raises:
        WeightsInvalid: the file holds no tower, or not every tensor of one.
        CardInvalid: the head is unknown, or open_clip cannot build such a tower.
    """
    tensors = read_tower(path)
    tensors.pop("proj", None)
    table, _ = network_table({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    network = build({**table, "head": head})
    try:
        network.tower.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise WeightsInvalid(f"{path.name} does not hold a whole CLIP tower: {reason}") from error
    return network
