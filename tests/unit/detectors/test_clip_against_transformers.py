"""The same weights in transformers' CLIP and here: logits agree, and so does the preprocessing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from published_layouts import head
from torch import Tensor, nn

from workstation.detectors.clip_ln.names import to_hugging_face, to_open_clip
from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD, ClipLn, build, make_lean
from workstation.detectors.preprocess import pixels
from workstation.domain.detectors import InputSpec
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point

SMALL = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 2}
SMALL |= {"image_size": 32, "patch_size": 8}
# What openai/clip-vit-large-patch14 says of its vision tower.
LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
LARGE |= {"image_size": 224, "patch_size": 14}


def theirs(sizes: dict[str, int], spread: float = 1.0) -> nn.Module:
    """transformers' own vision tower, its weights drawn; LayerNorms are drawn too, as they start as no-ops."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    with torch.device("meta"):
        model = CLIPVisionModel(CLIPVisionConfig(**sizes, hidden_act="quick_gelu", layer_norm_eps=1e-5)).eval()
    model.to_empty(device="cpu")
    random = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = "norm" in name or "layrnorm" in name
            parameter.normal_(
                1.0 if norm and name.endswith("weight") else 0.0, 0.1 if norm else 0.02 * spread, generator=random
            )
        for buffer in model.buffers():  # the table of positions
            buffer.copy_(torch.arange(buffer.numel()).reshape(buffer.shape))
    return model


def names_of(model: nn.Module) -> dict[str, Tensor]:
    return {name.removeprefix("vision_model."): tensor for name, tensor in model.state_dict().items()}


def ours(model: nn.Module, network: dict[str, object]) -> ClipLn:
    tensors = {f"tower.{name}": tensor for name, tensor in to_open_clip(names_of(model)).items()}
    tensors |= {f"head.{name.rpartition('.')[2]}": tensor for name, tensor in head(model.config.hidden_size).items()}
    with torch.device("meta"):
        made = build(network)
    made.load_state_dict(tensors, strict=True, assign=True)
    return made.eval()


def published(model: nn.Module, values: Tensor, *, normalised: bool) -> Tensor:
    """What the publication's code computes: pooler output, its length taken away or not, a linear layer."""
    feature = model(values).pooler_output.float()
    read = head(model.config.hidden_size)
    feature = nnf.normalize(feature, dim=1) if normalised else feature
    return nnf.linear(feature, read["model.linear.weight"], read["model.linear.bias"])


def small_vision() -> dict[str, object]:
    return {
        **{"image_size": 32, "patch_size": 8, "width": 128, "layers": 3, "head_width": 64, "mlp_ratio": 2.0},
        "quick_gelu": True,
    }


@pytest.mark.parametrize("kind", ["linear_norm", "linear"])
@pytest.mark.parametrize("lean", [True, False])
def test_a_small_tower_gives_transformers_logits_after_mapping(kind: str, lean: bool) -> None:
    model = theirs(SMALL, spread=3.0)
    network = ours(model, {"vision": small_vision(), "head": kind})
    if lean:
        make_lean(network)
    values = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        wanted = published(model, values, normalised=kind == "linear_norm")
        found = network(values)
    assert wanted.std() > 0.1
    assert (found - wanted).abs().max() < 1e-4


def test_the_tower_goes_back_to_transformers_names_and_gives_the_same_there() -> None:
    model = theirs(SMALL)
    other = theirs(SMALL, spread=2.0)
    back = to_hugging_face(to_open_clip(names_of(model)))
    prefix = "vision_model." if any(name.startswith("vision_model.") for name in model.state_dict()) else ""
    other.load_state_dict({prefix + name: tensor for name, tensor in back.items()}, strict=True)
    values = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        assert torch.equal(model(values).pooler_output, other(values).pooler_output)


def test_gelu_in_place_of_quickgelu_would_be_seen() -> None:
    model = theirs(SMALL, spread=3.0)
    wrong = ours(model, {"vision": small_vision() | {"quick_gelu": False}})
    values = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        assert (wrong(values) - published(model, values, normalised=True)).abs().max() > 1e-3


def test_a_small_tower_in_bfloat16_stays_as_close_as_transformers_own() -> None:
    model = theirs(SMALL, spread=3.0)
    network = ours(model, {"vision": small_vision()})
    values = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        wanted = published(model, values, normalised=True)
        network.tower.bfloat16()
        found = network(values.bfloat16())
        own = published(model.bfloat16(), values.bfloat16(), normalised=True)
    assert (found - wanted).abs().max() < 2 * (own - wanted).abs().max() + 0.01


def processor(name: str) -> object:
    import transformers

    return getattr(transformers, name)(
        size={"shortest_edge": 224},
        crop_size={"height": 224, "width": 224},
        resample=3,
        image_mean=list(IMAGE_MEAN),
        image_std=list(IMAGE_STD),
    )


def pictures() -> list[np.ndarray]:
    from skimage.data import astronaut

    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    return [np.ascontiguousarray(astronaut()[:256, 100:356]), noise]


@pytest.mark.parametrize(
    ("name", "levels", "share"),
    [
        ("CLIPImageProcessor", 1e-3, 0.0),  # over torchvision: the same numbers
        ("CLIPImageProcessorPil", 1.001, 0.01),  # over Pillow: here and there one grey level of 255
    ],
)
def test_preprocessing_is_clips_own(name: str, levels: float, share: float) -> None:
    spec = InputSpec(224, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic")
    std = np.array(IMAGE_STD)[:, None, None]
    for rgb in pictures():
        wanted = processor(name)(images=rgb, return_tensors="np")["pixel_values"][0]  # type: ignore[operator]
        crop = FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (Point(1, 1),) * 5)
        apart = np.abs(pixels([crop], spec)[0] - wanted) * std * 255
        assert apart.max() <= levels
        assert (apart > 0.5).mean() <= share


@pytest.mark.slow
def test_vit_l14_gives_transformers_logits_in_float32_and_bfloat16() -> None:
    model = theirs(LARGE)
    network = ours(model, {"tower": "ViT-L-14-quickgelu"})
    make_lean(network)
    assert sum(p.numel() for p in network.tower.parameters()) == 303_179_776
    crops = [FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (Point(1, 1),) * 5) for rgb in pictures()[:1]]
    values = torch.from_numpy(pixels(crops, InputSpec(224, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic")))
    with torch.inference_mode():
        wanted, found = published(model, values, normalised=True), network(values)
        exact = (found - wanted).abs().max().item()
        network.tower.bfloat16()
        rough = (network(values.bfloat16()) - wanted).abs().max().item()
        own = (published(model.bfloat16(), values.bfloat16(), normalised=True) - wanted).abs().max().item()
    print(f"logits {wanted.tolist()}; float32 {exact:.2e}, bfloat16 {rough:.2e}, theirs {own:.2e}")  # noqa: T201
    assert exact < 1e-4
    assert rough < 2 * own + 0.05
