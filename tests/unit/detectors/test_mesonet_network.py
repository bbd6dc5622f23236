"""mesonet against its publication (arXiv 1809.00888) and against a second calculation from the same Keras file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from workstation.detectors import registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.mesonet.cards import MARGIN, paper_card, small_card
from workstation.detectors.mesonet.detector import build, load
from workstation.detectors.mesonet.importing import PUBLISHED, convert, matches, read_keras
from workstation.detectors.mesonet.network import MesoNet, build_network
from workstation.detectors.packages import fresh_package
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction, InputSpec, InstalledDetector, OutputSpec
from workstation.domain.errors import CardInvalid, DetectorError, WeightsInvalid
from workstation.faces.alignment import TEMPLATE

KINDS = ("meso4", "mesoinception4")
FILES = ("Meso4_DF.h5", "Meso4_F2F.h5", "MesoInception_DF.h5", "MesoInception_F2F.h5")


# --- an independent forward pass in numpy, float64, channels last, straight from the file --------------------------


def sorted_layers(file: h5py.File, kind: str) -> list[dict[str, np.ndarray]]:
    names = sorted((n for n in file if n.rpartition("_")[0] == kind), key=lambda n: int(n.rpartition("_")[2]))
    return [{k.split(":")[0]: np.asarray(v, np.float64) for k, v in file[n][n].items()} for n in names]


def convolved(x: np.ndarray, layer: dict[str, np.ndarray], dilation: int = 1) -> np.ndarray:
    kernel = layer["kernel"]
    reach = (kernel.shape[0] - 1) * dilation // 2
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
    height, width = x.shape[:2]
    total = np.zeros((height, width, kernel.shape[3])) + layer["bias"]
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            part = padded[i * dilation : i * dilation + height, j * dilation : j * dilation + width]
            total += part @ kernel[i, j]
    return np.maximum(total, 0)


def pooled(x: np.ndarray, by: int) -> np.ndarray:
    height, width, channels = x.shape
    return x.reshape(height // by, by, width // by, by, channels).max(axis=(1, 3))


def numpy_forward(path: Path, rgb: np.ndarray) -> float:
    """P(genuine) of one (256, 256, 3) picture in 0..1."""
    with h5py.File(path, "r") as file:
        convs: Iterator[dict[str, np.ndarray]] = iter(sorted_layers(file, "conv2d"))
        norms, dense = sorted_layers(file, "batch_normalization"), sorted_layers(file, "dense")
    x = np.asarray(rgb, np.float64)
    for number, (norm, by) in enumerate(zip(norms, (2, 2, 2, 4), strict=True)):
        if "Inception" in path.name and number < 2:
            parts = [convolved(x, next(convs))]
            for dilation in (1, 2, 3):
                inner = convolved(x, next(convs))
                parts.append(convolved(inner, next(convs), dilation))
            x = np.concatenate(parts, axis=-1)
        else:
            x = convolved(x, next(convs))
        x = (x - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3) * norm["gamma"] + norm["beta"]
        x = pooled(x, by)
    hidden = x.reshape(-1) @ dense[0]["kernel"] + dense[0]["bias"]
    hidden = np.where(hidden > 0, hidden, 0.1 * hidden)
    return float(1 / (1 + np.exp(-(hidden @ dense[1]["kernel"] + dense[1]["bias"])))[0])


# --- the network -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "count"), [("meso4", 27_977), ("mesoinception4", 28_615)])
def test_meso_networks_have_as_many_parameters_as_published(kind: str, count: int) -> None:
    network = build(paper_card(kind))
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("kind", KINDS)
def test_meso_gives_one_number_in_0_to_1_for_each_picture(kind: str) -> None:
    torch.manual_seed(0)
    network = MesoNet(kind).eval()
    with torch.inference_mode():
        found = network(torch.rand(2, 3, 256, 256))
    assert found.shape == (2,)
    assert ((found > 0) & (found < 1)).all()


def test_meso_normalises_after_the_activation_with_keras_constants() -> None:
    network = MesoNet("meso4")
    assert {norm.eps for norm in network.norms} == {1e-3}  # type: ignore[union-attr]  # batch norms
    x = torch.full((1, 3, 256, 256), -1.0)
    with torch.no_grad():
        network.blocks[0].weight.fill_(1.0)  # type: ignore[union-attr, operator]  # a convolution
        network.blocks[0].bias.zero_()  # type: ignore[union-attr, operator]
        seen: list[torch.Tensor] = []
        network.norms[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        network.eval()(x)
    assert seen[0].min() == seen[0].max() == 0


def test_meso_margin_shows_as_much_of_the_head_as_the_released_cutter() -> None:
    left, right, _, one, two = TEMPLATE
    reach = max(np.linalg.norm(right - left), np.linalg.norm((one + two) / 2 - (left + right) / 2))
    assert pytest.approx(1.3 * 2.2 * reach / 112, abs=0.005) == MARGIN


@pytest.mark.parametrize(
    ("table", "said"), [({}, "kind"), ({"kind": "meso5"}, "kind"), ({"kind": "meso4", "wide": 1}, "wide")]
)
def test_meso_refuses_a_network_it_does_not_know(table: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        build_network(table)


def test_meso_refuses_a_card_with_another_size_direction_or_map() -> None:
    card = paper_card()
    wrong = (
        replace(card, input=InputSpec(128, 128, 1.0, (0, 0, 0), (1, 1, 1), "area")),
        replace(card, output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "x", False)),
        replace(card, output=replace(card.output, map_size=16)),
    )
    for one in wrong:
        with pytest.raises(CardInvalid):
            build(one)


# --- a package -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_meso_package_reads_alike_alone_in_a_batch_and_again(tmp_path: Path, kind: str) -> None:
    card = fresh_package(tmp_path, paper_card(kind), seed=4)
    detector = registry.load(InstalledDetector(card, str(tmp_path), False), device="cpu", precision="float32")
    crops = drawn_crops(256, 5, 2, MARGIN)
    batch = [reading.value for reading in detector.read(crops)]
    assert batch == [reading.value for reading in detector.read(crops)]
    np.testing.assert_allclose(batch, [detector.read([crop])[0].value for crop in crops], atol=1e-5)
    assert len(set(batch)) == 5
    assert detector.read(crops[:1])[0].map is None
    assert detector.read([]) == []
    assert card.self_test is not None
    verification = registry.verify(InstalledDetector(card, str(tmp_path), False))
    assert all(line.state is CheckState.OK for line in verification.lines)


def test_meso_refuses_every_setting(tmp_path: Path) -> None:
    card = fresh_package(tmp_path, small_card())
    with pytest.raises(DetectorError, match="merge"):
        load(card, tmp_path, device="cpu", precision="float32", settings={"merge": "4"})


# --- weights files ---------------------------------------------------------------------------------------------------


def keras_file(path: Path, **changes: tuple[int, ...]) -> Path:
    """A file laid out as Keras does, with drawn numbers; ``changes`` gives a layer's kernel another shape."""
    random = np.random.default_rng(0)
    shapes = {
        "conv2d_5": (3, 3, 3, 8),
        "conv2d_6": (5, 5, 8, 8),
        "conv2d_7": (5, 5, 8, 16),
        "conv2d_8": (5, 5, 16, 16),
        "dense_9": (1024, 16),
        "dense_10": (16, 1),
    } | changes
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            group = file.create_group(name).create_group(name)
            group["kernel:0"] = random.normal(0, 0.1, shape).astype(np.float32)
            group["bias:0"] = random.normal(0, 0.1, shape[-1]).astype(np.float32)
        for number, width in enumerate((8, 8, 16, 16), start=8):
            group = file.create_group(f"batch_normalization_{number}").create_group(f"batch_normalization_{number}")
            for entry in ("gamma", "beta", "moving_mean", "moving_variance"):
                group[f"{entry}:0"] = random.uniform(0.5, 1.5, width).astype(np.float32)
    return path


def test_a_drawn_keras_file_of_meso4_gives_the_same_in_torch_and_numpy(tmp_path: Path) -> None:
    """Layer numbers go 8, 9, 10, 11 and 9, 10: as text they would be sorted wrongly."""
    path = keras_file(tmp_path / "drawn.h5")
    kind, tensors = read_keras(path)
    network = build_network({"kind": kind}).eval()
    network.load_state_dict(tensors)
    rgb = np.random.default_rng(1).random((256, 256, 3)).astype(np.float32)
    with torch.inference_mode():
        found = float(network(torch.from_numpy(rgb).permute(2, 0, 1)[None])[0])
    assert found == pytest.approx(numpy_forward(path, rgb), abs=1e-6)
    assert matches({}, path)


def test_a_keras_file_of_unknown_origin_is_not_given_the_published_licence(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "drawn.h5")
    with pytest.raises(WeightsInvalid, match="licence"):
        convert(path, tmp_path / "package")
    card = convert(path, tmp_path / "package", licence="CC0-1.0", origin="drawn for a test")
    assert card.id.startswith("mesonet-meso4-")
    assert card.weights.licence == "CC0-1.0"
    assert "Not known" in card.training


def test_keras_files_with_other_layers_sizes_or_numbers_are_refused(tmp_path: Path) -> None:
    wrong = keras_file(tmp_path / "size.h5", conv2d_7=(3, 3, 8, 16))
    with pytest.raises(WeightsInvalid, match=r"blocks\.2\.weight"):
        read_keras(wrong)
    more = keras_file(tmp_path / "more.h5", conv2d_9=(3, 3, 8, 8))
    with pytest.raises(WeightsInvalid, match="other layers"):
        read_keras(more)
    with h5py.File(keras_file(tmp_path / "nan.h5"), "r+") as file:
        file["dense_10/dense_10/bias:0"][...] = np.nan
    with pytest.raises(WeightsInvalid, match="no number"):
        read_keras(tmp_path / "nan.h5")
    with h5py.File(keras_file(tmp_path / "double.h5"), "r+") as file:
        del file["dense_10/dense_10/bias:0"]
        file["dense_10/dense_10/bias:0"] = np.zeros(1)
    with pytest.raises(WeightsInvalid, match="float32"):
        read_keras(tmp_path / "double.h5")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        read_keras(tmp_path / "text.h5")
    for name in ("size", "more", "nan", "double", "text"):
        assert not matches({}, tmp_path / f"{name}.h5")


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_published_meso_weights_give_the_same_in_torch_and_in_an_independent_numpy_forward(
    shared_data: Path, name: str
) -> None:
    path = shared_data / "weights" / "mesonet" / name
    kind, tensors = read_keras(path)
    network = build_network({"kind": kind}).eval()
    network.load_state_dict(tensors)
    crops = [crop.rgb / np.float32(255) for crop in drawn_crops(256, 3, 7, MARGIN)]
    with torch.inference_mode():
        values = torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).copy())
        found = network.double()(values.double()).numpy()
        rounded = network.float()(values).numpy()
    wanted = np.array([numpy_forward(path, rgb) for rgb in crops])
    assert np.abs(found - wanted).max() < 1e-9
    assert np.abs(rounded - wanted).max() < 1e-5


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_published_meso_weights_become_a_package_that_knows_what_it_is(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    card = convert(shared_data / "weights" / "mesonet" / name, tmp_path)
    kind, trained_on = next(value for key, value in PUBLISHED.items() if key in card.weights.origin)
    assert card.network == {"kind": kind}
    assert name.startswith(("Meso4", "MesoInception")[kind != "meso4"])
    assert name.endswith(f"_{trained_on}.h5")
    assert card.weights.licence == "Apache-2.0"
    assert card.output.direction is Direction.LOWER_IS_MANIPULATED
    assert card.baseline


@pytest.mark.data
def test_a_published_meso_file_is_recognised_and_converted_by_the_common_importer(
    shared_data: Path, tmp_path: Path
) -> None:
    from workstation.detectors.importing import recognise

    path = shared_data / "weights" / "mesonet" / "MesoInception_F2F.h5"
    source = recognise.recognise(path)
    assert source.family == "mesonet"
    assert source.published is not None
    assert recognise.convert(path, tmp_path / "package").id == "mesonet-mesoinception4-f2f"
