"""Generators in one safetensors file, and a picture through one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from workstation.domain.errors import InputError
from workstation.training.generators.networks import STRIDE, Remaker, network_of
from workstation.training.kinds import Maker

Picture = npt.NDArray[np.float32]
_AROUND = 16


def save_generators(file: Path, networks: Mapping[Maker, Remaker]) -> int:
    """Write networks into one file, half precision; returns its size in bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{maker.value}/{name}": tensor.detach().half().contiguous()
        for maker, network in networks.items()
        for name, tensor in network.state_dict().items()
    }
    part = file.with_name(f"{file.name}.part")
    save_file(tensors, part)
    part.replace(file)
    return file.stat().st_size


class Generators:
    """Networks by maker. Calling it makes a picture anew by one of them, drawn for each call.

    Args:
        networks: at least one.
    """

    def __init__(self, networks: Mapping[Maker, Remaker]) -> None:
        self.makers = tuple(networks)
        self._networks = {maker: network.eval().float() for maker, network in networks.items()}

    def __call__(self, rgb: Picture, random: np.random.Generator) -> tuple[Picture, Maker]:
        """(side, side, 3) float32 in 0..255 to the same, and which network made it."""
        maker = self.makers[int(random.integers(len(self.makers)))]
        return self.made_by(maker, rgb), maker

    def made_by(self, maker: Maker, rgb: Picture) -> Picture:
        """The picture made anew by one network, of any sides above `_AROUND`.

        It is continued by its mirror image first: a network answers oddly at its borders, and an odd border of a crop
        would give every face away that was made anew as a whole.
        """
        height, width = rgb.shape[:2]
        sides = ((_AROUND, _AROUND + -height % STRIDE), (_AROUND, _AROUND + -width % STRIDE), (0, 0))
        padded = np.pad(rgb, sides, mode="symmetric")
        pixels = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1))[None]) / 127.5 - 1
        with torch.inference_mode():
            made = self._networks[maker](pixels)[0]
        found = ((made + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).numpy()
        return np.ascontiguousarray(found[_AROUND:, _AROUND:][:height, :width], np.float32)


def load_generators(file: Path) -> Generators:
    """Open a file of `save_generators`. Raises: InputError when it is none."""
    try:
        tensors = load_file(file)
        names = sorted({name.split("/")[0] for name in tensors})
        networks = {}
        for name in names:
            network = network_of(Maker(name))
            prefix = f"{name}/"
            network.load_state_dict(
                {k.removeprefix(prefix): v.float() for k, v in tensors.items() if k.startswith(prefix)}
            )
            networks[Maker(name)] = network
    except Exception as error:  # safetensors and torch raise errors of their own kinds
        raise InputError(f"{file.name} holds no generators ({error}).", "Train them first.") from error
    if not networks:
        raise InputError(f"{file.name} holds no generators.", "Train them first.")
    return Generators(networks)
