"""A bare weights file becomes a package on the way in, or is refused with its own sentence; nothing of it is run."""

from __future__ import annotations

import pickle
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from detector_samples import locator_card, network_of
from safetensors.torch import save_file

from workstation.detectors import installing, registry
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction
from workstation.domain.errors import DetectorError, DetectorNotFound

WEIGHTS = Path(__file__).parents[4] / "shared" / "data" / "weights" / "mesonet"
FILES = {
    "Meso4_DF": "mesonet-meso4-df",
    "Meso4_F2F": "mesonet-meso4-f2f",
    "MesoInception_DF": "mesonet-mesoinception4-df",
    "MesoInception_F2F": "mesonet-mesoinception4-f2f",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def keras_file(path: Path, bias: float = 0.0) -> Path:
    """The layers of Meso-4 as Keras lays them out, with drawn numbers."""
    random = np.random.default_rng(0)
    kernels = ((3, 3, 3, 8), (5, 5, 8, 8), (5, 5, 8, 16), (5, 5, 16, 16))
    shapes = {f"conv2d_{n}": shape for n, shape in enumerate(kernels, 1)}
    shapes |= {"dense_1": (1024, 16), "dense_2": (16, 1)}  # type: ignore[dict-item]  # two sizes, not four
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            group = file.create_group(f"{name}/{name}")
            group["kernel:0"] = random.normal(0, 0.1, shape).astype(np.float32)
            group["bias:0"] = np.full(shape[-1], bias, np.float32)
        for number, width in enumerate((8, 8, 16, 16), start=1):
            group = file.create_group(f"batch_normalization_{number}/batch_normalization_{number}")
            for entry in ("gamma", "beta", "moving_mean", "moving_variance"):
                group[f"{entry}:0"] = random.uniform(0.5, 1.5, width).astype(np.float32)
    return path


def test_a_file_of_unknown_licence_needs_one_and_then_becomes_a_read_only_package(tmp_path: Path, home: Path) -> None:
    path = keras_file(tmp_path / "drawn.h5")
    with pytest.raises(DetectorError, match="not a file known here, so its licence is not known") as caught:
        installing.install(path, home)
    assert "--licence" in caught.value.advice
    assert not list(home.iterdir())
    with pytest.raises(DetectorError, match="nobody states the licence"):
        installing.install(path, home, licence="unknown")
    assert not list(home.iterdir())
    package = installing.install(path, home, licence="CC0-1.0", origin="drawn for a test")
    assert package.card.weights.licence == "CC0-1.0"
    assert package.card.weights.origin.startswith("drawn for a test")
    assert package.card.self_test is not None
    assert registry.verify(package).ok
    folder = Path(package.folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}
    assert [file.name for file in home.iterdir()] == [package.card.id]
    with pytest.raises(DetectorError, match="already installed"):
        installing.install(path, home, licence="CC0-1.0")


def test_a_folder_that_holds_a_bare_file_stands_for_it(tmp_path: Path, home: Path) -> None:
    (tmp_path / "given").mkdir()
    keras_file(tmp_path / "given" / "drawn.h5")
    (tmp_path / "given" / "README").write_text("from a colleague", encoding="utf-8")
    package = installing.install(tmp_path / "given", home, licence="CC0-1.0")
    assert registry.verify(package).ok


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("import pathlib; pathlib.Path('it_ran').touch()",))


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": _Runs()}))


def checkpoint_with_code(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "more": _Runs()}, path)


def old_checkpoint_with_code(path: Path) -> None:
    torch.save({"a": torch.zeros(1), "more": _Runs()}, path, _use_new_zipfile_serialization=False)


def torchscript(path: Path) -> None:
    with pytest.warns(FutureWarning):
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path)  # type: ignore[no-untyped-call]  # torch's own


def cut_checkpoint(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:1500])


def of_no_known_detector(path: Path) -> None:
    torch.save({"a": torch.zeros(3, 4)}, path)


def text(path: Path) -> None:
    path.write_text("these are not weights", encoding="utf-8")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zip_of_nothing(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "x")


CHECKPOINTS: dict[Callable[[Path], None], str] = {
    bare_pickle: "is not a torch checkpoint",
    checkpoint_with_code: "exec",
    old_checkpoint_with_code: "exec",
    torchscript: "TorchScript",
    cut_checkpoint: "its archive is damaged",
    of_no_known_detector: "not the weights file of a detector known here",
    text: "no weights file that can be read here",
    empty: "no weights file that can be read here",
    zip_of_nothing: "an archive, but not one of torch's checkpoints",
}


@pytest.mark.parametrize("suffix", [".pt", ".pth.tar"])
@pytest.mark.parametrize("made", CHECKPOINTS, ids=lambda made: made.__name__)
def test_a_checkpoint_that_is_no_weights_of_a_detector_is_refused_and_not_run(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], None], suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / f"given{suffix}")
    with pytest.raises(DetectorError, match=CHECKPOINTS[made]) as caught:
        installing.install(tmp_path / f"given{suffix}", home, licence="MIT", origin="a stranger")
    assert f"given{suffix}" in caught.value.message
    assert "\n" not in caught.value.message
    assert not (tmp_path / "it_ran").exists()
    assert not list(home.iterdir())


def header_lies(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**50) + b"{}")


def not_a_known_one(path: Path) -> None:
    save_file(network_of(locator_card()).state_dict(), path)


@pytest.mark.parametrize("made", [header_lies, not_a_known_one, text, empty], ids=lambda made: made.__name__)
@pytest.mark.parametrize("suffix", [".safetensors", ".h5", ".onnx"])
def test_other_files_that_are_no_weights_of_a_detector_are_refused(
    tmp_path: Path, home: Path, made: Callable[[Path], None], suffix: str
) -> None:
    made(tmp_path / f"given{suffix}")
    with pytest.raises(DetectorError) as caught:
        installing.install(tmp_path / f"given{suffix}", home, licence="MIT")
    assert f"given{suffix}" in caught.value.message
    assert not list(home.iterdir())


def test_values_that_are_no_numbers_are_refused(tmp_path: Path, home: Path) -> None:
    with pytest.raises(DetectorError, match="not the weights file of a detector known here"):
        installing.install(keras_file(tmp_path / "nan.h5", bias=float("nan")), home, licence="MIT")
    assert not list(home.iterdir())


def test_a_linked_or_missing_file_is_one_sentence(tmp_path: Path, home: Path) -> None:
    with pytest.raises(DetectorNotFound, match="There is no package"):
        installing.install(tmp_path / "nothing.pt", home)
    (tmp_path / "dangling.pt").symlink_to(tmp_path / "nothing")
    with pytest.raises(DetectorNotFound, match="There is no package"):
        installing.install(tmp_path / "dangling.pt", home)


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_published_weights_are_installed_with_their_published_licence(tmp_path: Path, home: Path, name: str) -> None:
    path = WEIGHTS / f"{name}.h5"
    if not path.is_file():
        pytest.skip("the published files are not here")
    shutil.copy(path, tmp_path / f"{name}.h5")
    with pytest.raises(DetectorError, match=r"published under Apache-2\.0, not MIT"):
        installing.install(tmp_path / f"{name}.h5", home, licence="MIT")
    package = installing.install(tmp_path / f"{name}.h5", home)
    card = package.card
    assert card.id == FILES[name]
    assert card.weights.licence == "Apache-2.0"
    assert card.output.direction is Direction.LOWER_IS_MANIPULATED
    lines = registry.verify(package).lines
    assert [line.state for line in lines] == [CheckState.OK] * 4
    assert "4 drawn crops answered" in lines[-1].detail
