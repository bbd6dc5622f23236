"""Checkpoints are read without running anything: attacks, foreign classes, damage, sizes that are not there."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import operator
import os
import pickle
import pickletools
import random
import runpy
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from published_layouts import SMALL, drawn, lightning_file, lightning_names, other_norms

from workstation.detectors.importing.pickle_machine import Global, Inert, Machine
from workstation.detectors.importing.restricted_pickle import read_checkpoint
from workstation.detectors.importing.tensors import state_of
from workstation.domain.errors import WeightsInvalid

WEIGHTS = {
    "layer.weight": torch.arange(12.0).reshape(3, 4),
    "half": torch.ones(5, dtype=torch.float16),
    "brain": torch.ones(2, 2, dtype=torch.bfloat16),
    "steps": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "bytes": torch.arange(4, dtype=torch.uint8),
    "empty": torch.zeros(0, 3),
    "turned": torch.arange(6.0).reshape(2, 3).T,
}


def saved(path: Path, what: object, *, zipped: bool = True) -> Path:
    torch.save(what, path, _use_new_zipfile_serialization=zipped)
    return path


def zip_of(path: Path, contents: bytes, data: dict[str, bytes] | None = None, **entry: int) -> Path:
    with zipfile.ZipFile(path, "w", **entry) as archive:  # type: ignore[arg-type]  # compression
        archive.writestr("archive/data.pkl", contents)
        for name, value in (data or {}).items():
            archive.writestr(f"archive/{name}", value)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_every_type_come_back_bit_for_bit(tmp_path: Path, zipped: bool) -> None:
    shared = torch.arange(20.0)
    checkpoint = {
        "state_dict": OrderedDict(WEIGHTS),
        "views": [shared[:5], shared[5:].reshape(3, 5)],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "size": torch.Size([2, 3]),
        "kind": torch.float16,
        "numbers": {"epoch": 3, 1: 2.5, "none": None, "yes": True, "big": 10**30, "text": "ä", "bytes": b"\x00\xff"},
        "set": {1, 2},
    }
    read = read_checkpoint(saved(tmp_path / "a.pt", checkpoint, zipped=zipped))
    assert read.keys() == checkpoint.keys()
    state = state_of(read)
    assert state.keys() == WEIGHTS.keys()
    for name, tensor in WEIGHTS.items():
        assert state[name].dtype == tensor.dtype
        assert torch.equal(state[name], tensor)
    views = read["views"]
    assert isinstance(views, list)
    assert torch.equal(views[1], shared[5:].reshape(3, 5))
    assert torch.equal(read["parameter"], torch.ones(2))  # type: ignore[arg-type]  # a tensor
    assert read["numbers"] == checkpoint["numbers"]
    assert read["size"] == (2, 3)
    assert read["set"] == {1, 2}
    assert read["kind"] == Global("torch", "float16")


@pytest.mark.parametrize("zipped", [True, False])
def test_shapes_are_read_without_the_numbers(tmp_path: Path, zipped: bool) -> None:
    state = state_of(read_checkpoint(saved(tmp_path / "a.pt", dict(WEIGHTS), zipped=zipped), values=False))
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {
        name: tuple(tensor.shape) for name, tensor in WEIGHTS.items()
    }
    assert all(tensor.is_meta for tensor in state.values())


@pytest.mark.parametrize("zipped", [True, False])
def test_it_reads_what_torch_reads(tmp_path: Path, zipped: bool) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(2, 2))
    moments = {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(4, 3)}}
    adam = {"state": moments, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "fused": None, "params": [0]}]}
    path = saved(tmp_path / "a.pt", {"model": network.state_dict(), "adam": adam}, zipped=zipped)
    ours, theirs = read_checkpoint(path), torch.load(path, weights_only=True)
    assert state_of(ours).keys() == theirs["model"].keys()
    assert all(torch.equal(tensor, theirs["model"][name]) for name, tensor in state_of(ours).items())
    found = ours["adam"]
    assert isinstance(found, dict)
    assert found["param_groups"] == theirs["adam"]["param_groups"]
    assert torch.equal(found["state"][0]["exp_avg"], theirs["adam"]["state"][0]["exp_avg"])


def test_a_lightning_dictionary_with_foreign_classes_is_read_and_they_stay_records(tmp_path: Path) -> None:
    tower = drawn(SMALL)
    path = lightning_file(tmp_path / "model.ckpt", lightning_names(tower, other_norms(tower)))
    assert "src.config" not in sys.modules
    with pytest.raises(pickle.UnpicklingError):  # torch's own restricted reader does not take it
        torch.load(path, weights_only=True)
    read = read_checkpoint(path)
    hyper = read["hyper_parameters"]
    assert isinstance(hyper, dict)
    assert isinstance(hyper["head"], Inert)
    assert (str(hyper["head"].what), hyper["head"].args) == ("src.config.Head", ("LinearNorm",))
    assert hyper["loss"].state == {"uniformity": 0.5, "alignment": 0.1}
    assert hyper["betas"] == (0.9, 0.999)
    assert "src.config" not in sys.modules
    assert len(state_of(read)) == len(lightning_names(tower, other_norms(tower)))


class Payload:
    """Pickles as a call of ``function`` with ``args``."""

    def __init__(self, function: Callable[..., object], *args: object) -> None:
        self._call = (function, args)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


def attacks(mark: Path) -> list[tuple[str, object]]:
    """Every one with the name that its pickle gives to what it calls (modules have other names in protocol 2)."""
    touch = f"touch {mark}"
    code = f"open({str(mark)!r}, 'w').close()"
    return [
        ("system", Payload(os.system, touch)),
        ("eval", Payload(eval, code)),
        ("exec", Payload(exec, code)),
        ("compile", Payload(compile, code, "x", "exec")),
        ("open", Payload(open, str(mark), "w")),
        ("getattr", Payload(getattr, "", "join")),
        ("Popen", Payload(subprocess.Popen, ["touch", str(mark)])),
        ("check_output", Payload(subprocess.check_output, ["touch", str(mark)])),
        ("import_module", Payload(importlib.import_module, "this")),
        ("run_path", Payload(runpy.run_path, str(mark))),
        ("partial", Payload(functools.partial, os.system, touch)),
        ("attrgetter", Payload(operator.attrgetter, "system")),
        ("loads", Payload(pickle.loads, b"")),
        ("torch.hub.load", Payload(torch.hub.load, "a/b", "c")),
        ("torch.serialization.load", Payload(torch.load, str(mark))),
        ("torch.storage._load_from_bytes", Payload(torch.storage._load_from_bytes, b"")),
        ("touch|getattr", Payload(Path.touch, mark)),
        ("torch.nn.modules.linear.Linear", torch.nn.Linear(1, 1)),
    ]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("number", range(18))
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_payload_is_refused_by_its_name_and_never_run(
    tmp_path: Path, number: int, zipped: bool, protocol: int
) -> None:
    mark = tmp_path / "was-run"
    name, payload = attacks(mark)[number]
    path = tmp_path / "evil.pt"
    checkpoint = {"state_dict": dict(WEIGHTS), "hyper_parameters": payload}
    torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    with pytest.raises(WeightsInvalid, match=rf"names (\S+\.)?({name}), which could run") as caught:
        read_checkpoint(path)
    assert not mark.exists()
    assert "Nothing in it was run" in caught.value.advice


def test_the_payloads_do_run_when_a_pickle_is_trusted(tmp_path: Path) -> None:
    """What the other test proves is worth something: Python's own reader does run them."""
    mark = tmp_path / "was-run"
    pickle.loads(pickle.dumps(Payload(os.system, f"touch {mark}")))  # noqa: S301 - the test's own payload
    assert mark.exists()


def test_a_function_of_a_harmless_module_is_not_called_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, called = ModuleType("config"), []
    monkeypatch.setitem(sys.modules, "config", module)

    def run(*args: object) -> dict[str, object]:
        called.append(args)
        return {}

    run.__module__, run.__qualname__ = "config", "run"
    module.run = run  # type: ignore[attr-defined]  # a made-up module
    path = saved(tmp_path / "a.pt", {"weight": torch.ones(1), "extra": Payload(run, 1)})
    read = read_checkpoint(path)
    assert isinstance(read["extra"], Inert)
    assert read["extra"].args == (1,)
    assert not called
    torch.load(path, weights_only=False)
    assert called


def crafted(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (crafted(b"cos\nsystem\n", b"X\x04\x00\x00\x00true", b"\x85R"), "os.system"),
        (crafted(b"(X\x04\x00\x00\x00truei", b"os\nsystem\n"), "INST"),
        (crafted(b"(cos\nsystem\nX\x04\x00\x00\x00trueo"), "os.system"),
        (crafted(b"ccollections\nOrderedDict\n}X\x01\x00\x00\x00ac__builtin__\neval\nsb"), "eval"),
        (crafted(b"ccollections\nOrderedDict\nN}\x86b"), "damaged"),
        (crafted(b"\x8c\x02os\x8c\x06system\x93)R"), "os.system"),
        (crafted(b"csrc\nos.system\n)R"), "src.os.system"),
        (crafted(b"}]}s"), "damaged"),
        (crafted(b"}(}}u"), "damaged"),
        (crafted(b"\x82\x01"), "EXT1"),
        (crafted(b"Pabc\n"), "PERSID"),
        (crafted(b"}Q"), "damaged"),
        (crafted(b"r\xff\xff\xff\xff"), "damaged"),
        (crafted(b"}r\xff\xff\xff\xff"), ""),
        (crafted(b"j\xff\xff\xff\xff"), "damaged"),
        (crafted(b"X\xff\xff\xff\x7fa"), "damaged"),
        (crafted(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa"), "damaged"),
        (crafted(b"\x8b\xff\xff\xff\x7fa"), "damaged"),
        (crafted(b"I" + b"9" * 6000 + b"\n"), "damaged"),
        (crafted(b"((((t"), "no dictionary"),
        (crafted(b"}0"), "damaged"),
        (b"\x80\x02}", "damaged"),
        (b"", "damaged"),
        (crafted(b"0" * 50), "damaged"),
        (crafted(b"]" * 50_000 + b"a" * 49_999), "no dictionary"),
        (crafted(b"(" * 100 + b"1"), "damaged"),
        (crafted(b"]2a2a"), "no dictionary"),
    ],
)
def test_crafted_contents_end_in_one_typed_refusal(tmp_path: Path, contents: bytes, said: str) -> None:
    path = zip_of(tmp_path / "a.pt", contents)
    if not said:
        assert read_checkpoint(path) == {}
        return
    with pytest.raises(WeightsInvalid, match=said):
        read_checkpoint(path)


def tensor_pickle(count: int, offset: object, size: tuple[object, ...], stride: tuple[object, ...]) -> bytes:
    """A pickle of {"w": tensor} over storage "0" of ``count`` float32 numbers."""

    def number(value: object) -> bytes:
        assert isinstance(value, int)
        wide = value.to_bytes(10, "little", signed=True)
        return b"\x8a" + bytes([len(wide)]) + wide

    def several(values: tuple[object, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    pointer = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    pointer += number(count) + b"tQ"
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + pointer + number(offset) + several(size) + several(stride)
    return crafted(b"}X\x01\x00\x00\x00w" + rebuilt + b"\x89ccollections\nOrderedDict\n)RtRs")


@pytest.mark.parametrize(
    ("count", "offset", "size", "stride"),
    [
        (4, 1, (4,), (1,)),  # past the end
        (4, 0, (2, 3), (3, 1)),
        (4, -1, (2,), (1,)),
        (4, 0, (-2,), (1,)),
        (4, 0, (2,), (-1,)),
        (4, 0, (1 << 40,), (0,)),  # one number stretched to a terabyte
        (4, 0, (100,), (0,)),
        (4, 0, (2, 2), (1,)),
        (4, 0, (0, 1 << 60), (1, 1)),
        (4, 1 << 70, (1,), (1,)),
        (1 << 60, 0, (4,), (1,)),  # a storage that is not there
        (5, 0, (4,), (1,)),
        (3, 0, (3,), (1,)),
        (4, 0, (1,) * 20, (1,) * 20),
    ],
)
def test_a_tensor_that_does_not_fit_its_file_is_refused(
    tmp_path: Path, count: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    path = zip_of(
        tmp_path / "a.pt", tensor_pickle(count, offset, size, stride), {"data/0": struct.pack("<4f", 1, 2, 3, 4)}
    )
    for values in (True, False):
        with pytest.raises(WeightsInvalid):
            read_checkpoint(path, values=values)


def test_the_same_file_with_sound_sizes_is_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.pt", tensor_pickle(4, 1, (3,), (1,)), {"data/0": struct.pack("<4f", 1, 2, 3, 4)})
    assert torch.equal(state_of(read_checkpoint(path))["w"], torch.tensor([2.0, 3.0, 4.0]))


def test_a_step_that_is_never_taken_may_be_any_number(tmp_path: Path) -> None:
    data = {"data/0": struct.pack("<4f", 1, 2, 3, 4)}
    path = zip_of(tmp_path / "a.pt", tensor_pickle(4, 0, (1, 4), (1 << 70, 1)), data)
    assert torch.equal(state_of(read_checkpoint(path))["w"], torch.tensor([[1.0, 2.0, 3.0, 4.0]]))


def test_one_storage_stretched_over_many_tensors_is_refused(tmp_path: Path) -> None:
    shared = torch.zeros(4096)
    path = saved(tmp_path / "a.pt", {str(n): shared[:] for n in range(200)})
    with pytest.raises(WeightsInvalid, match="does not fit"):
        read_checkpoint(path)


def test_compressed_locked_doubled_and_foreign_archives_are_refused(tmp_path: Path) -> None:
    bomb = zip_of(tmp_path / "bomb.pt", bytes(50 * 2**20), compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 2**18
    with pytest.raises(WeightsInvalid, match="compressed"):
        read_checkpoint(bomb)
    with zipfile.ZipFile(tmp_path / "two.pt", "w") as archive:
        archive.writestr("a/data.pkl", crafted(b"}"))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/data.pkl", crafted(b"]"))
    with pytest.raises(WeightsInvalid, match="not one of torch's"):
        read_checkpoint(tmp_path / "two.pt")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(WeightsInvalid, match="not one of torch's"):
        read_checkpoint(tmp_path / "other.zip")
    big = zip_of(tmp_path / "big.pt", crafted(b"}"), {"byteorder": b"big"})
    with pytest.raises(WeightsInvalid, match="order of bytes"):
        read_checkpoint(big)


def test_what_is_no_checkpoint_is_refused_and_said(tmp_path: Path) -> None:
    for name, data in {"empty.pt": b"", "text.pt": b"hello world", "pickle.pt": pickle.dumps({"a": 1})}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(WeightsInvalid, match="not a torch checkpoint"):
            read_checkpoint(tmp_path / name)
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        read_checkpoint(tmp_path / "absent.pt")
    with pytest.raises(WeightsInvalid, match="no dictionary"):
        read_checkpoint(saved(tmp_path / "list.pt", [torch.ones(1)]))


def test_a_legacy_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.pt", dict(WEIGHTS), zipped=False).read_bytes()
    cut = tmp_path / "cut.pt"
    for end in range(0, len(data), 37):
        cut.write_bytes(data[:end])
        with pytest.raises(WeightsInvalid):
            read_checkpoint(cut)


def seeds(tmp_path: Path) -> list[bytes]:
    """Contents to mutate: ordinary ones, and attacks."""
    network = torch.nn.Linear(3, 2).state_dict()
    found = []
    for what in ({"state_dict": network, "hyper_parameters": {"head": "linear", "betas": (0.9, 0.99)}}, dict(WEIGHTS)):
        path = saved(tmp_path / "seed.pt", what)
        with zipfile.ZipFile(path) as archive:
            found.append(archive.read("seed/data.pkl"))
    for _, payload in attacks(tmp_path / "was-run")[:12]:
        stream = io.BytesIO()
        pickle.Pickler(stream, 2).dump({"weights": 1, "extra": payload})
        found.append(stream.getvalue())
    return found


_OPCODES = b"".join(opcode.code.encode("latin1") for opcode in pickletools.opcodes)
_NAMES = (
    b"cos\nsystem\n",
    b"c__builtin__\neval\n",
    b"ctorch.hub\nload\n",
    b"csrc\nA\n",
    b"ccollections\nOrderedDict\n",
)


def mutated(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(made) + 1)
        way = draw.randrange(6)
        if way == 0 and place < len(made):
            made[place] = draw.randrange(256)
        elif way == 1:
            made[place:place] = bytes([draw.choice(_OPCODES)])
        elif way == 2:
            del made[place : place + draw.randint(1, 8)]
        elif way == 3:
            other = draw.choice(others)
            start = draw.randrange(len(other))
            made[place:place] = other[start : start + draw.randint(1, 40)]
        elif way == 4:
            made[place:place] = draw.choice(_NAMES)
        else:
            made[place:place] = struct.pack("<Q", draw.getrandbits(64))[: draw.choice((1, 2, 4, 8))]
    return bytes(made)


def test_thousands_of_mutated_pickles_are_read_or_refused_and_nothing_is_run(tmp_path: Path) -> None:
    draw = random.Random(20)
    mark = tmp_path / "was-run"
    kinds = seeds(tmp_path)
    data = {f"data/{n}": bytes(64) for n in range(4)}
    path = tmp_path / "mutant.pt"
    refused = read = 0
    for _ in range(1500):
        zip_of(path, mutated(draw.choice(kinds), kinds, draw), data)
        try:
            read_checkpoint(path)
            read += 1
        except WeightsInvalid:
            refused += 1
    assert not mark.exists()
    assert refused > 1000
    assert read > 0


def test_files_with_flipped_bytes_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(21)
    path = tmp_path / "flipped.pt"
    for zipped in (True, False):
        whole = saved(tmp_path / "a.pt", dict(WEIGHTS), zipped=zipped).read_bytes()
        for _ in range(400):
            made = bytearray(whole)
            for _ in range(draw.randint(1, 4)):
                made[draw.randrange(len(made))] = draw.randrange(256)
            path.write_bytes(made)
            with contextlib.suppress(WeightsInvalid):
                read_checkpoint(path)


def member(module: str, name: str) -> bytes:
    """How Python 3.11.0 to 3.11.3 pickles a member of an enumeration, in protocol 2."""
    text = name.encode()
    word = b"X" + len(text).to_bytes(4, "little") + text
    return b"\x80\x02c__builtin__\ngetattr\nc" + module.encode() + b"\nHead\n" + word + b"\x86R."


def nothing(*_: object) -> object:
    raise AssertionError("there is no tensor in this pickle")


def test_a_member_of_a_configurations_enumeration_is_a_record_however_python_wrote_it() -> None:
    read = Machine("a.ckpt", nothing, nothing).run(io.BytesIO(member("src.config", "LINEAR")))
    assert isinstance(read, Inert)
    assert (str(read.what), read.args) == ("src.config.Head", ("LINEAR",))


@pytest.mark.parametrize("module", ["os", "pathlib", "builtins"])
def test_a_member_of_anything_else_is_refused(module: str) -> None:
    with pytest.raises(WeightsInvalid, match="could run"):
        Machine("a.ckpt", nothing, nothing).run(io.BytesIO(member(module, "LINEAR")))
