"""Starting MFCLIP's language encoder from CLIP's text tower, held against open_clip's and transformers' own towers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from workstation.detectors.mfclip.clip_start import start_from_clip
from workstation.detectors.mfclip.labels import Generator, made_by
from workstation.detectors.mfclip.language import LanguageEncoder
from workstation.detectors.mfclip.prompts import CONTEXT, END, text_of, tokens
from workstation.domain.errors import WeightsInvalid

pytestmark = pytest.mark.usefixtures("one_thread")
WIDTH, LAYERS, HEADS, OUTSIDE = 32, 2, 4, 24


def _encoder(read_out: str = "level1", width: int = WIDTH) -> LanguageEncoder:
    with torch.random.fork_rng(devices=[]):
        return LanguageEncoder(width, LAYERS, HEADS, OUTSIDE, read_out).eval()


@pytest.mark.parametrize("prefix", ["", "text."])
def test_a_tower_of_open_clip_gives_its_own_text_features(prefix: str, tmp_path: Path) -> None:
    """Read at level 1, the encoder is CLIP itself: its feature of the first prompt."""
    from open_clip.transformer import QuickGELU, TextTransformer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        tower = TextTransformer(width=WIDTH, layers=LAYERS, heads=HEADS, output_dim=OUTSIDE, act_layer=QuickGELU).eval()
    named = {f"{prefix}{name}": tensor for name, tensor in tower.state_dict().items() if name != "attn_mask"}
    save_file(named | {"visual.proj": torch.zeros(2, 2), "logit_scale": torch.zeros(1)}, tmp_path / "clip.safetensors")
    encoder = _encoder()
    start_from_clip(encoder, tmp_path / "clip.safetensors")
    made = tokens([text_of(made_by(Generator.FSLSD).codes())])
    with torch.inference_mode():
        torch.testing.assert_close(encoder(made), tower(made[:, :CONTEXT]))
    assert torch.equal(encoder.positional_embedding[77:154], tower.positional_embedding)


def test_a_tower_of_hugging_face_gives_its_own_text_features(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.CLIPTextConfig(
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        projection_dim=OUTSIDE,
        vocab_size=49408,
        eos_token_id=END,
        bos_token_id=END - 1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        tower = transformers.CLIPTextModelWithProjection(config).eval()
    save_file({name: tensor.contiguous() for name, tensor in tower.state_dict().items()}, tmp_path / "hf.safetensors")
    encoder = _encoder()
    start_from_clip(encoder, tmp_path / "hf.safetensors")
    made = tokens([text_of(made_by(Generator.DIFFAE).codes())])
    with torch.inference_mode():
        wanted = tower(input_ids=made[:, :CONTEXT]).text_embeds
        torch.testing.assert_close(encoder(made), wanted, atol=1e-5, rtol=1e-4)


def test_a_file_without_a_fitting_text_tower_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    save_file({"visual.proj": torch.zeros(2, 2)}, path)
    with pytest.raises(WeightsInvalid, match="no CLIP text tower"):
        start_from_clip(_encoder(), path)
    state = _encoder(width=64).state_dict()
    state["positional_embedding"] = state["positional_embedding"][:CONTEXT].clone()
    save_file(state, path)
    with pytest.raises(WeightsInvalid, match="has shape"):
        start_from_clip(_encoder(), path)
    del state["ln_final.weight"]
    save_file(state, path)
    with pytest.raises(WeightsInvalid, match=r"no ln_final\.weight"):
        start_from_clip(_encoder(width=64), path)
