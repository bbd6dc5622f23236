"""Installing: what is refused, with which sentence, that nothing is left behind, and that what is kept is read-only."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from detector_samples import clip_card, locator_card, network_of, sign, write_package

from workstation.detectors import installing, packages, registry, selftest
from workstation.detectors.cards import CARD_FILE, read_card, write_card
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorError, DetectorNotFound, InputError, PermissionRefused, WeightsInvalid

MODEL = "model.safetensors"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed") / "source"
    packages.fresh_package(folder, locator_card())
    return folder


@pytest.fixture
def source(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "source"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def archived(folder: Path, target: Path) -> Path:
    """``folder`` as an archive of the kind ``target`` is named after."""
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, f"tiny/{path.name}")
    else:
        kind = {".tar": "w:", ".gz": "w:gz", ".xz": "w:xz"}[target.suffix]
        with tarfile.open(target, kind) as archive:  # type: ignore[call-overload]  # one of the three modes
            archive.add(folder, "tiny")
    return target


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("kind", ["", "p.zip", "p.tar", "p.tar.gz", "p.tar.xz"], ids=lambda kind: kind or "folder")
def test_a_package_comes_from_a_folder_or_an_archive_and_is_read_only(
    source: Path, home: Path, tmp_path: Path, kind: str
) -> None:
    package = installing.install(archived(source, tmp_path / kind) if kind else source, home)
    folder = Path(package.folder)
    assert files(home) == ["tiny-locator"]
    assert files(folder) == [CARD_FILE, MODEL, selftest.FILE]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sorted(folder.iterdir())] == [0o444] * 3
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert registry.find("tiny-locator", home) == package
    assert files(source) == [CARD_FILE, MODEL, selftest.FILE]
    assert registry.verify(package).ok


def test_what_lies_beside_a_package_is_not_installed(source: Path, home: Path) -> None:
    (source / "run_me.py").write_text("raise SystemExit", encoding="utf-8")
    (source / "more").mkdir()
    assert files(Path(installing.install(source, home).folder)) == [CARD_FILE, MODEL, selftest.FILE]


def wrong_digest(folder: Path) -> None:
    data = bytearray((folder / MODEL).read_bytes())
    data[-5] ^= 1
    (folder / MODEL).write_bytes(bytes(data))


def wrong_size(folder: Path) -> None:
    with (folder / MODEL).open("ab") as file:
        file.write(b"x")


def wrong_shape(folder: Path) -> None:
    tensors = network_of(locator_card()).state_dict() | {"classify.weight": torch.zeros(2, 3)}
    write_package(folder, locator_card(), tensors)


def a_pickle(folder: Path) -> None:
    (folder / MODEL).write_bytes(pickle.dumps({"stem.0.weight": [1.0]}))
    sign(folder, locator_card())


def torchscript(folder: Path) -> None:
    with pytest.warns(FutureWarning):
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), folder / MODEL)  # type: ignore[no-untyped-call]  # torch
    sign(folder, locator_card())


def a_torch_checkpoint(folder: Path) -> None:
    torch.save(network_of(locator_card()).state_dict(), folder / MODEL)
    sign(folder, locator_card())


def text_for_weights(folder: Path) -> None:
    (folder / MODEL).write_text("these are not weights", encoding="utf-8")
    sign(folder, locator_card())


def no_licence(folder: Path) -> None:
    text = (folder / CARD_FILE).read_text(encoding="utf-8").replace('licence = "Apache-2.0"', 'licence = ""')
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def unknown_licence(folder: Path) -> None:
    card = read_card(folder)
    write_card(replace(card, weights=replace(card.weights, licence=" Unknown ")), folder)


def failing_self_test(folder: Path) -> None:
    path = folder / selftest.FILE
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["scores"][1] = 1 - arrays["scores"][1] + 0.25
    np.savez_compressed(path, **arrays)
    card = read_card(folder)
    assert card.self_test is not None
    import hashlib

    spec = replace(card.self_test, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    write_card(replace(card, self_test=spec), folder)


def no_numbers(folder: Path) -> None:
    tensors = network_of(locator_card()).state_dict()
    tensors["to_map.bias"] = torch.full_like(tensors["to_map.bias"], float("inf"))
    write_package(folder, locator_card(), tensors)


def header_larger_than_the_file(folder: Path) -> None:
    data = (folder / MODEL).read_bytes()
    (folder / MODEL).write_bytes(struct.pack("<Q", 2**40) + data[8:])
    sign(folder, locator_card())


def header_with_other_offsets(folder: Path) -> None:
    """The header says a tensor is where another one is: the bytes are all there, the statement is false."""
    data = (folder / MODEL).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    header[names[0]]["data_offsets"] = [0, 10**12]
    text = json.dumps(header).encode()
    (folder / MODEL).write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    sign(folder, locator_card())


def header_with_another_type(folder: Path) -> None:
    data = (folder / MODEL).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = data[8 : 8 + length].replace(b'"F32"', b'"F64"', 1)
    (folder / MODEL).write_bytes(data[:8] + header + data[8 + length :])
    sign(folder, locator_card())


def linked_weights(folder: Path) -> None:
    (folder / MODEL).rename(folder.parent / "elsewhere")
    (folder / MODEL).symlink_to(folder.parent / "elsewhere")


def linked_card(folder: Path) -> None:
    (folder / CARD_FILE).rename(folder.parent / "card-elsewhere")
    (folder / CARD_FILE).symlink_to(folder.parent / "card-elsewhere")


def missing_self_test(folder: Path) -> None:
    (folder / selftest.FILE).unlink()


def other_family(folder: Path) -> None:
    write_card(replace(read_card(folder), family="tealeaves"), folder)


def wrong_network(folder: Path) -> None:
    write_card(replace(read_card(folder), network={"widths": [1, 2], "decoder": 4}), folder)


REFUSED: dict[Callable[[Path], None], str] = {
    wrong_digest: "model.safetensors has SHA-256",
    wrong_size: "bytes, its card says",
    wrong_shape: r"classify.weight has shape \(2, 3\), the network wants",
    a_pickle: "model.safetensors is a pickle, which can run code",
    torchscript: "model.safetensors is TorchScript, which is a program",
    a_torch_checkpoint: "model.safetensors is a torch checkpoint with a pickle inside",
    text_for_weights: "model.safetensors is not a safetensors file",
    no_licence: r'field "weights.licence" is not a text',
    unknown_licence: "nobody states the licence of its weights",
    failing_self_test: "crop 2: expected 0.*, got 0.*allowed 0.0001",
    no_numbers: "to_map.bias holds values that are no numbers",
    header_larger_than_the_file: "not a safetensors file .*header",
    header_with_other_offsets: "not a safetensors file .*offset",
    header_with_another_type: "not a safetensors file .*",
    linked_weights: "model.safetensors is missing or is not a plain file",
    linked_card: "card.toml is missing or is not a plain file",
    missing_self_test: "self_test.npz is missing or is not a plain file",
    other_family: 'its family "tealeaves" is not known',
    wrong_network: "network.widths must be four whole numbers",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_an_unsound_package_is_refused_with_its_own_sentence_and_nothing_is_left(
    source: Path, home: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(source)
    with pytest.raises(DetectorError, match=REFUSED[spoil]) as caught:
        installing.install(source, home)
    assert caught.value.exit_code == 7
    assert "\n" not in caught.value.message
    assert files(home) == []
    if spoil not in (linked_weights, linked_card):
        with pytest.raises(DetectorError, match=REFUSED[spoil]):
            installing.install(archived(source, tmp_path / "p.tar.gz"), home)
        assert files(home) == []


def test_every_refusal_has_a_sentence_of_its_own() -> None:
    assert len(REFUSED) == 19
    assert len(set(REFUSED.values())) == len(REFUSED)


# The last tenth of a per cent of a plain tar is the padding behind its last file: nothing is lost there.
CUT = [(k, s) for k in ("p.zip", "p.tar", "p.tar.gz", "p.tar.xz") for s in (0.1, 0.5, 0.9, 0.999)]
CUT.remove(("p.tar", 0.999))


@pytest.mark.parametrize(("kind", "share"), CUT)
def test_a_truncated_archive_leaves_no_package(
    source: Path, home: Path, tmp_path: Path, kind: str, share: float
) -> None:
    archive = archived(source, tmp_path / kind)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DetectorError):
        installing.install(archive, home)
    assert files(home) == []


def test_a_package_of_an_archive_needs_exactly_one_card(source: Path, home: Path, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "two" / "a")
    shutil.copytree(source, tmp_path / "two" / "b")
    with pytest.raises(DetectorError, match="holds 2 cards"):
        installing.install(archived(tmp_path / "two", tmp_path / "p.tar"), home)
    assert files(home) == []


def test_a_licence_is_not_stated_over_a_packages_own(source: Path, home: Path) -> None:
    for told in ({"licence": "MIT"}, {"origin": "a colleague"}):
        with pytest.raises(InputError, match="a package has them on its card"):
            installing.install(source, home, **told)
    assert not home.exists()


def test_a_third_partys_package_of_format_1_is_installed_and_said_to_have_no_self_test(
    source: Path, home: Path
) -> None:
    card = write_package(source, locator_card())
    text = (source / CARD_FILE).read_text(encoding="utf-8").replace("format = 2", "format = 1")
    left = ("verified", "unverified", "colour", "level", "sequence", "least")
    kept = [line for line in text.splitlines() if line.partition(" ")[0] not in left]
    (source / CARD_FILE).write_text("\n".join(kept), encoding="utf-8")
    package = installing.install(source, home)
    assert package.card.self_test is None
    assert replace(package.card, card_sha256="") == replace(card, card_sha256="")
    lines = registry.verify(package).lines
    assert lines[-1].detail.startswith("no self-test")


@pytest.mark.slow
def test_an_installation_that_is_killed_leaves_no_package(source: Path, home: Path) -> None:
    """Killed while the self-test runs, the last step before the package gets its place."""
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from workstation.detectors import installing, selftest\n"
        "def held(*a, **k):\n    print('held', flush=True)\n    time.sleep(60)\n"
        "selftest.run = held\n"
        "installing.install(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(source), str(home)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (left,) = home.iterdir()
    assert left.name.startswith(".install-")
    assert [p for p in registry.installed(home) if not p.embedded] == []
    package = installing.install(source, home)
    assert registry.verify(package).ok
    assert left.exists(), "another installation may be at work in it"
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(left, (yesterday, yesterday))
    with pytest.raises(DetectorError, match="already installed"):
        installing.install(source, home)
    assert files(home) == ["tiny-locator"]


def test_two_installations_at_once_give_one_package(source: Path, home: Path) -> None:
    """The second finds the place taken when it comes to move its package there, and says so."""
    kept = home / ".install-other" / "kept" / "tiny-locator"
    shutil.copytree(source, kept)
    first = installing.install(source, home)
    with pytest.raises(DetectorError, match="already installed"):
        installing._placed(kept, home / "tiny-locator", first.card)
    assert registry.verify(first).ok


def test_an_installed_package_is_removed_whole(source: Path, home: Path) -> None:
    installing.install(source, home)
    removed = installing.remove("tiny-locator", home)
    assert isinstance(removed, InstalledDetector)
    assert files(home) == []
    assert installing.install(source, home).card.id == "tiny-locator"


def test_a_broken_package_can_be_removed_by_the_name_of_its_folder(source: Path, home: Path) -> None:
    home.mkdir()
    (source / CARD_FILE).write_text("id = 3", encoding="utf-8")
    source.rename(home / "broken")
    installing.remove("broken", home)
    assert files(home) == []


def test_a_linked_folder_loses_its_link_and_not_its_content(source: Path, home: Path) -> None:
    home.mkdir()
    (home / "linked").symlink_to(source, target_is_directory=True)
    installing.remove("tiny-locator", home)
    assert files(home) == []
    assert files(source) == [CARD_FILE, MODEL, selftest.FILE]


def test_what_came_with_the_program_is_not_removed(home: Path) -> None:
    home.mkdir()
    with pytest.raises(DetectorError, match="came with the program"):
        installing.remove("clip-ln-small", home)
    with pytest.raises(DetectorNotFound, match="no installed detector"):
        installing.remove("../somewhere", home)


def test_a_linked_weights_file_put_there_by_hand_is_a_problem(source: Path, home: Path) -> None:
    home.mkdir()
    linked_weights(source)
    source.rename(home / "by-hand")
    problem = registry.find("tiny-locator", home).problem
    assert problem == "model.safetensors is a link; a package holds its files itself"


def test_a_place_that_cannot_be_written_is_one_plain_sentence(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(PermissionRefused) as caught:
        installing.install(source, tmp_path / "file" / "detectors")
    assert caught.value.message.startswith("source cannot be installed")


def test_a_card_that_names_a_self_test_it_does_not_hold_is_a_problem(source: Path, home: Path) -> None:
    home.mkdir()
    missing_self_test(source)
    source.rename(home / "by-hand")
    assert registry.find("tiny-locator", home).problem == "self_test.npz is missing"


def test_a_network_that_is_not_the_cards_is_not_installed(source: Path, home: Path) -> None:
    """Weights of one family under the card of another."""
    write_package(source, clip_card(), network_of(locator_card()).state_dict())
    with pytest.raises(WeightsInvalid, match="lack the tensor"):
        installing.install(source, home)
    assert files(home) == []
