"""Published LN-tuned CLIP files become packages: GenD's safetensors, the 2025 checkpoint, and what is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_layouts import (
    BASE,
    SMALL,
    VIT_L14,
    Head,
    drawn,
    gend_file,
    head,
    is_norm,
    lightning_file,
    lightning_names,
    other_norms,
)
from safetensors.torch import load_file, save_file

from workstation.detectors import registry, selftest
from workstation.detectors.clip_ln import importing
from workstation.detectors.clip_ln.detector import ClipLnDetector
from workstation.detectors.clip_ln.names import to_open_clip
from workstation.detectors.importing import published
from workstation.detectors.importing.published import PUBLISHED, Published
from workstation.detectors.importing.recognise import IMPORTERS, convert, recognise
from workstation.detectors.importing.towers import read_tower
from workstation.detectors.selftest import drawn_crops
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import DetectorError, WeightsInvalid

SAID = {"licence": "MIT", "origin": "made up for a test"}


def loaded(card: DetectorCard, folder: Path) -> ClipLnDetector:
    found = registry.load(InstalledDetector(card, str(folder), False), device="cpu", precision="float32")
    assert isinstance(found, ClipLnDetector)
    return found


def scores(card: DetectorCard, folder: Path) -> list[float]:
    return [reading.value for reading in loaded(card, folder).read(drawn_crops(256, 3, 1))]


def expected(tower: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    found = {f"tower.{name}": tensor for name, tensor in to_open_clip(tower).items()}
    return found | {f"head.{name.rpartition('.')[2]}": tensor for name, tensor in head(SMALL.width).items()}


def test_a_gend_file_becomes_a_package_that_loads_scores_and_passes_its_self_test(tmp_path: Path) -> None:
    tower = drawn(SMALL)
    path = gend_file(tmp_path / "model.safetensors", tower)
    source = recognise(path)
    assert (source.family, source.tower, source.form) == ("clip_ln", False, "safetensors")
    assert source.parameters == sum(t.numel() for t in tower.values()) + 2 * SMALL.width + 2 + 96 * SMALL.width
    card = convert(path, tmp_path / "package", **SAID)
    stored = load_file(tmp_path / "package" / "model.safetensors")
    assert stored.keys() == expected(tower).keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in expected(tower).items())
    assert all(0 <= value <= 1 for value in scores(card, tmp_path / "package"))
    assert [str(line.state) for line in selftest.run(InstalledDetector(card, str(tmp_path / "package"), False))] == [
        "ok"
    ]
    assert any("visual_projection.weight" in line for line in card.verified)


def test_the_card_of_an_import_says_the_publications_preprocessing_and_no_figure_of_it_is_a_validation(
    tmp_path: Path,
) -> None:
    path = lightning_file(tmp_path / "model.ckpt", lightning_names(tower := drawn(SMALL), other_norms(tower)))
    card = convert(path, tmp_path / "package", **SAID)
    spec = card.input
    assert (spec.crop_size, spec.crop_margin, spec.interpolation, spec.colour) == (256, 1.3, "bicubic", "rgb")
    assert spec.mean == (0.48145466, 0.4578275, 0.40821073)
    assert spec.std == (0.26862954, 0.26130258, 0.27577711)
    assert card.network["head"] == "linear_norm"
    assert card.validation == ()
    assert card.output.calibrated is False
    assert (card.weights.licence, card.weights.origin) == ("MIT", "made up for a test")
    published_figures = [line for line in card.unverified if "0.966" in line]
    assert len(published_figures) == 1
    assert published_figures[0].startswith("As published, not verified here")
    assert "2503.19683" in card.paper
    for line in (*card.limits, *card.verified, *card.unverified, card.summary, card.training, card.trace):
        assert not {"real", "fake", "fakes"} & set(line.lower().replace(",", " ").split()), line


@pytest.mark.parametrize("zipped", [True, False])
def test_a_2025_checkpoint_is_imported_with_its_tuned_norms(tmp_path: Path, zipped: bool) -> None:
    tower = drawn(SMALL)
    tuned = other_norms(tower)
    path = lightning_file(tmp_path / "model.ckpt", lightning_names(tower, tuned), zipped=zipped)
    assert recognise(path).family == "clip_ln"
    card = convert(path, tmp_path / "package", **SAID)
    stored = load_file(tmp_path / "package" / "model.safetensors")
    wanted = expected(tower | tuned)
    assert stored.keys() == wanted.keys()
    assert all(torch.equal(stored[name], tensor) for name, tensor in wanted.items())
    norms = [name for name in stored if ".ln_" in name]
    assert len(norms) == 2 * (2 + 2 * SMALL.layers)
    originals = expected(tower)
    assert not any(torch.equal(stored[name], originals[name]) for name in norms)
    assert any("tuned ones" in line for line in card.verified)


def test_taking_the_original_norms_by_mistake_would_give_other_scores(tmp_path: Path) -> None:
    tower = drawn(SMALL)
    tuned = other_norms(tower)
    right = convert(lightning_file(tmp_path / "a.ckpt", lightning_names(tower, tuned)), tmp_path / "right", **SAID)
    untuned = convert(gend_file(tmp_path / "b.safetensors", tower), tmp_path / "untuned", **SAID)
    plain = convert(gend_file(tmp_path / "c.safetensors", tower | tuned), tmp_path / "plain", **SAID)
    with_tuned = np.array(scores(right, tmp_path / "right"))
    np.testing.assert_array_equal(with_tuned, scores(plain, tmp_path / "plain"))
    assert np.abs(with_tuned - scores(untuned, tmp_path / "untuned")).min() > 1e-3


@pytest.mark.parametrize(
    ("kind", "wanted", "said"),
    [(Head.LinearNorm, "linear_norm", True), (Head.Linear, "linear", True), (None, "linear_norm", False)],
)
def test_the_checkpoints_own_configuration_says_which_head_it_is(
    tmp_path: Path, kind: Head | None, wanted: str, said: bool
) -> None:
    path = lightning_file(
        tmp_path / "model.ckpt", lightning_names(tower := drawn(SMALL), other_norms(tower)), kind=kind
    )
    card = convert(path, tmp_path / "package", **SAID)
    assert card.network["head"] == wanted
    assert any("does not say whether" in line for line in card.unverified) is not said
    assert loaded(card, tmp_path / "package").network.head.kind == wanted


def test_the_published_gend_layout_is_that_of_vit_l14_with_303_968_258_numbers() -> None:
    shapes = {f"feature_extractor.vision_model.{name}": size for name, size in VIT_L14.shapes().items()}
    shapes["feature_extractor.visual_projection.weight"] = (768, 1024)
    shapes |= {"model.linear.weight": (2, 1024), "model.linear.bias": (2,)}
    assert importing.matches(shapes, Path("model.safetensors"))
    counts = {name: int(np.prod(size)) for name, size in shapes.items()}
    assert sum(counts.values()) == 303_968_258
    assert sum(n for name, n in counts.items() if "vision_model" in name) == 303_179_776
    assert counts["feature_extractor.visual_projection.weight"] == 786_432
    # A safetensors file is its numbers behind a header of names, shapes and places, sorted: the published file has
    # as many bytes as this layout needs, so no name is longer or shorter than here.
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(shapes):
        start, end = end, end + 4 * counts[name]
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [start, end]}
    length = len(json.dumps(header, separators=(",", ":")))
    assert 8 + -(-length // 8) * 8 + end == 1_215_928_160
    assert PUBLISHED["d76f0bdfd74a29fe1b1c1b84a80ac92486993e426878e8c7a3944281fbb96833"].size == 1_215_928_160


@pytest.mark.parametrize(
    ("width", "layers", "patch", "side", "name"),
    [
        (1024, 24, 14, 224, "ViT-L-14-quickgelu"),
        (1024, 24, 14, 336, "ViT-L-14-336-quickgelu"),
        (768, 12, 16, 224, "ViT-B-16-quickgelu"),
        (768, 12, 32, 224, "ViT-B-32-quickgelu"),
    ],
)
def test_openais_towers_are_known_by_their_shapes(width: int, layers: int, patch: int, side: int, name: str) -> None:
    shape = replace(VIT_L14, width=width, layers=layers, patch=patch, side=side, hidden=4 * width)
    with torch.device("meta"):
        tower = to_open_clip({key: torch.empty(size) for key, size in shape.shapes().items()})
    table, found = importing.network_table({key: tuple(tensor.shape) for key, tensor in tower.items()})
    assert (table, found) == ({"tower": name}, side)


def test_a_listed_digest_brings_licence_and_origin_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = gend_file(tmp_path / "model.safetensors", drawn(SMALL))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = Published("A listed file", "MIT", "somewhere, revision 1", "a paper")
    monkeypatch.setitem(published.PUBLISHED, digest, entry)
    assert recognise(path).published == entry
    card = convert(path, tmp_path / "package")
    assert (card.weights.licence, card.weights.origin) == ("MIT", "somewhere, revision 1")
    assert any("A listed file" in line for line in card.verified)
    with pytest.raises(WeightsInvalid, match="published under MIT, not CC0"):
        convert(path, tmp_path / "other", licence="CC0")


def test_another_digest_of_the_same_layout_needs_a_licence(tmp_path: Path) -> None:
    path = gend_file(tmp_path / "model.safetensors", drawn(SMALL))
    with pytest.raises(WeightsInvalid, match="licence is not known") as caught:
        convert(path, tmp_path / "package")
    assert "--licence" in caught.value.advice
    assert not (tmp_path / "package").exists()


def test_the_files_that_are_listed_are_the_published_ones() -> None:
    gend = PUBLISHED["d76f0bdfd74a29fe1b1c1b84a80ac92486993e426878e8c7a3944281fbb96833"]
    assert (gend.name, gend.licence, gend.size) == ("GenD_CLIP_L_14", "MIT", 1_215_928_160)
    assert "891ce014a0308386c4d7d25b3dcf436a22db5504" in gend.origin
    assert sorted(entry.name for entry in PUBLISHED.values() if entry.licence == "Apache-2.0") == [
        *("Meso4_DF", "Meso4_F2F", "MesoInception_DF", "MesoInception_F2F")
    ]
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in PUBLISHED)


@pytest.mark.data
def test_the_published_files_at_hand_are_recognised_by_their_digests() -> None:
    folder = Path(__file__).parents[4] / "shared" / "data" / "weights"
    if not folder.is_dir():
        pytest.skip("no development data")
    for path, name in (
        (folder / "ufd_clip_linear_head" / "fc_weights.pth", "UniversalFakeDetect linear head"),
        (folder / "mesonet" / "Meso4_DF.h5", "Meso4_DF"),
        (folder / "mesonet" / "MesoInception_F2F.h5", "MesoInception_F2F"),
    ):
        source = recognise(path)
        assert source.published is not None
        assert (source.published.name, source.published.size) == (name, path.stat().st_size)


def test_a_torchscript_archive_is_refused_and_told_which_file_to_take(tmp_path: Path) -> None:
    path = tmp_path / "model.torchscript"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__/model.py", "version", "data/0"):
            archive.writestr(f"model/{name}", b"\x80\x02}.")
    for reader in (recognise, read_tower, lambda file: convert(file, tmp_path / "package", **SAID)):
        with pytest.raises(WeightsInvalid, match="TorchScript") as caught:
            reader(path)
        assert "model.ckpt" in caught.value.advice
        assert "model.safetensors" in caught.value.advice


def clip_files(folder: Path, tower: dict[str, torch.Tensor]) -> dict[str, Path]:
    """The same tower as Hugging Face, open_clip and OpenAI publish it, the projection to texts beside it."""
    projection = torch.randn(96, SMALL.width, generator=torch.Generator().manual_seed(4))
    theirs = {f"vision_model.{name}": tensor for name, tensor in tower.items()}
    theirs |= {"visual_projection.weight": projection, "logit_scale": torch.tensor(4.6)}
    theirs |= {"vision_model.embeddings.position_ids": torch.arange(17), "text_model.embeddings.x": torch.zeros(2)}
    ours = {f"visual.{name}": tensor for name, tensor in to_open_clip(tower).items()}
    ours |= {"visual.proj": projection.T.contiguous(), "token_embedding.weight": torch.zeros(3, 2)}
    paths = {name: folder / f"{name}.safetensors" for name in ("hugging_face", "open_clip")}
    save_file(theirs, paths["hugging_face"])
    save_file(ours, paths["open_clip"])
    paths["openai"] = folder / "openai.pt"
    torch.save({name: tensor.half() for name, tensor in ours.items()}, paths["openai"])
    return paths


@pytest.mark.parametrize("kind", ["hugging_face", "open_clip", "openai"])
def test_a_bare_tower_is_read_for_others_and_is_no_detector(tmp_path: Path, kind: str) -> None:
    tower = drawn(SMALL)
    path = clip_files(tmp_path, tower)[kind]
    assert recognise(path).tower
    assert recognise(path).family == ""
    found = read_tower(path)
    wanted = to_open_clip(tower)
    assert found.keys() == wanted.keys() | {"proj"}
    assert found["proj"].shape == (SMALL.width, 96)
    for name, tensor in wanted.items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], tensor.half().float() if kind == "openai" else tensor)
    with pytest.raises(WeightsInvalid, match="tower without a head"):
        convert(path, tmp_path / "package", **SAID)


def test_three_files_of_one_tower_are_one_tower(tmp_path: Path) -> None:
    paths = clip_files(tmp_path, drawn(SMALL))
    one, two = read_tower(paths["hugging_face"]), read_tower(paths["open_clip"])
    assert all(torch.equal(one[name], two[name]) for name in one.keys() | two.keys())


def test_a_file_with_something_missing_or_foreign_is_not_taken_for_the_published_one(tmp_path: Path) -> None:
    tower = drawn(SMALL)
    good = lightning_names(tower, other_norms(tower))
    for name, change in {
        "norm": {name: t for name, t in good.items() if "post_layernorm.ln_tuning" not in name},
        "outer": {name: t for name, t in good.items() if "class_embedding" not in name},
        "foreign": good | {"criterion.temperature": torch.ones(1)},
        "classes": good | {"model.linear.weight": torch.zeros(5, SMALL.width), "model.linear.bias": torch.zeros(5)},
        "width": good | {"model.linear.weight": torch.zeros(2, SMALL.width + 1)},
        "head": {name: t for name, t in good.items() if "model.linear" not in name},
    }.items():
        path = lightning_file(tmp_path / f"{name}.ckpt", change)
        assert recognise(path).family == "", name
        with pytest.raises(WeightsInvalid, match="not the weights file of a detector"):
            convert(path, tmp_path / "package", **SAID)
    hole = {name: t for name, t in good.items() if name != f"{BASE}encoder.layers.1.mlp.fc1.weight"}
    with pytest.raises(DetectorError):
        convert(lightning_file(tmp_path / "hole.ckpt", hole), tmp_path / "package", **SAID)
    assert not (tmp_path / "package").exists()
    (tmp_path / "package").mkdir()
    with pytest.raises(DetectorError):
        convert(tmp_path / "hole.ckpt", tmp_path / "package", **SAID)
    assert list((tmp_path / "package").iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = gend_file(tmp_path / "model.safetensors", drawn(SMALL))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "note.txt").write_text("mine")
    with pytest.raises(DetectorError, match="not empty"):
        convert(path, tmp_path / "package", **SAID)
    assert (tmp_path / "package" / "note.txt").read_text() == "mine"


def test_what_is_no_weights_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(WeightsInvalid, match="no weights file"):
        recognise(tmp_path / "a.txt")
    (tmp_path / "b.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{not json at all")
    with pytest.raises(WeightsInvalid, match="not a sound safetensors"):
        recognise(tmp_path / "b.safetensors")
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        recognise(tmp_path / "absent.pt")


def test_every_importer_that_is_listed_can_be_asked(tmp_path: Path) -> None:
    import importlib

    for entry in IMPORTERS:
        module = importlib.import_module(entry.module)
        assert module.matches({}, tmp_path / "none.bin") is False
        assert callable(module.convert)
    assert len({entry.family for entry in IMPORTERS}) == len(IMPORTERS)


@pytest.mark.harness
def test_a_whole_vit_l14_checkpoint_of_493_tensors_is_imported(tmp_path: Path) -> None:
    """The layout at its published size on disk: 1,213,136,904 bytes of numbers."""
    random = torch.Generator().manual_seed(0)
    block = torch.empty(4096 * 1024).normal_(0, 0.02, generator=random)
    tower = {
        name: block[: int(np.prod(size))].reshape(size) + (1 if is_norm(name) and name.endswith("weight") else 0)
        for name, size in VIT_L14.shapes().items()
    }
    layout = {name: tensor.clone() for name, tensor in lightning_names(tower, other_norms(tower)).items()}
    assert sum(tensor.numel() * 4 for tensor in layout.values()) == 1_213_136_904
    path = lightning_file(tmp_path / "model.ckpt", layout)
    assert 1_213_136_904 < path.stat().st_size < 1_214_000_000
    source = recognise(path)
    assert (source.tensors, source.parameters, source.family) == (493, 303_284_226, "clip_ln")
    card = convert(path, tmp_path / "package", **SAID)
    assert card.network == {"tower": "ViT-L-14-quickgelu", "head": "linear_norm"}
    assert card.input.size == 224
    stored = load_file(tmp_path / "package" / "model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == 303_179_776 + 2_050
    for n in (0, 23):
        kept = stored[f"tower.transformer.resblocks.{n}.ln_1.weight"]
        assert torch.equal(kept, layout[f"{BASE}encoder.layers.{n}.layer_norm1.ln_tuning_layers.default.weight"])
