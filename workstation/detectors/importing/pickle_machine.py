"""A machine for torch's pickles that can only build plain data.

A pickle is a program that may name any function and have it called. This machine knows how to make containers, texts,
numbers and tensors, and nothing else: no name in a pickle is ever looked up or called. A class of a short list of
configuration libraries becomes an `Inert` record of what was said about it; every other name ends the reading.
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Final, cast

from workstation.domain.errors import WeightsInvalid

LARGEST_PICKLE: Final = 16 * 2**20
_MOST_STEPS: Final = 2_000_000
_MARK: Final = object()

# Configuration that trainers write beside weights. Nothing of it is imported: these names only become records.
_HARMLESS_MODULES: Final = frozenset(
    {
        "config",
        "configs",
        "lightning",
        "lightning_fabric",
        "lightning_utilities",
        "omegaconf",
        "pytorch_lightning",
        "src",
        "torchmetrics",
    }
)
_HARMLESS_NAMES: Final = frozenset(
    f"{module} {name}"
    for modules, names in (
        ("argparse", "Namespace"),
        ("builtins __builtin__", "int float bool str bytes complex object slice"),
        ("datetime", "date datetime timedelta timezone"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray numpy._core.multiarray", "scalar"),
        ("pathlib", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"),
        ("torch", "device float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool"),
        ("typing", "Any"),
    )
    for module in modules.split()
    for name in names.split()
)
_CONTAINERS: Final = frozenset({"set", "frozenset", "list", "tuple", "dict"})


@dataclass(frozen=True, slots=True)
class Global:
    """A name in a pickle. It is a record: the name was not looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Inert:
    """What a pickle said about an object of a configuration library: its class, arguments, state and items."""

    what: Global
    args: tuple[object, ...] = ()
    state: object = None
    items: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StorageName:
    """A storage that a pickle points to: the name of its number type ("float32"), its key, its count of numbers."""

    kind: str
    key: str
    count: int


STORAGE_KINDS: Final = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}

Storage = Callable[[StorageName], object]
Tensor = Callable[[object, int, tuple[int, ...], tuple[int, ...]], object]


class Machine:
    """Runs pickles of one file.

    Args:
        name: what messages call the file.
        storage: gives the storage a persistent id names; called once for each pointer.
        tensor: makes a tensor of a storage, an offset, a size and strides (all counted in numbers).
    """

    def __init__(self, name: str, storage: Storage, tensor: Tensor) -> None:
        self._name = name
        self._storage = storage
        self._tensor = tensor

    def run(self, stream: IO[bytes]) -> object:
        """Build what the pickle at the stream's place describes; the stream then stands behind it.

        Raises:
            WeightsInvalid: it names something it must not, or it is damaged.
        """
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        try:
            for step, (opcode, arg, _) in enumerate(pickletools.genops(stream)):
                if step > _MOST_STEPS:
                    raise self.bad("its list of contents is far longer than that of any weights file")
                if opcode.name == "STOP":
                    return self._pop()
                self._step(opcode.name, arg)
        # What pickletools and plain containers raise for nonsense.
        except (ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError, AttributeError) as error:
            raise self.bad(f"its list of contents is damaged ({type(error).__name__})") from error
        raise self.bad("its list of contents is cut short")

    def bad(self, why: str) -> WeightsInvalid:
        return WeightsInvalid(
            f"{self._name} cannot be read: {why}.",
            "Nothing in it was run. Get the file again from its publisher, as safetensors where there is one.",
        )

    def refuse(self, what: Global) -> WeightsInvalid:
        return WeightsInvalid(
            f"{self._name} is refused: beside weights it names {what}, which could run as a program.",
            "Nothing in it was run. Get the weights from their publisher as safetensors.",
        )

    def _pop(self) -> object:
        found = self._stack.pop()
        if found is _MARK:
            raise self.bad("its list of contents is damaged")
        return found

    def _marked(self) -> list[object]:
        """Everything above the last mark; the mark goes too."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                found = self._stack[place + 1 :]
                del self._stack[place:]
                return found
        raise self.bad("its list of contents is damaged")

    def _step(self, name: str, arg: object) -> None:
        push = self._stack.append
        if name in _IGNORED:
            return
        if name in _LITERALS:
            push(arg)
        elif name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in _EMPTY:
            push(_EMPTY[name]())
        elif name == "MARK":
            push(_MARK)
        elif name == "POP":
            self._stack.pop()
        elif name == "POP_MARK":
            self._marked()
        elif name == "DUP":
            push(self._stack[-1])
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            push(self._memo[cast(int, arg)])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[cast(int, arg)] = self._top()
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif name in _TUPLES:
            push(tuple(reversed([self._pop() for _ in range(_TUPLES[name])])))
        elif name == "TUPLE":
            push(tuple(self._marked()))
        elif name == "LIST":
            push(self._marked())
        elif name == "DICT":
            push(self._filled({}, self._marked()))
        elif name == "FROZENSET":
            push(frozenset(self._key(item) for item in self._marked()))
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            items = [self._pop()] if name == "APPEND" else self._marked()
            self._extend(self._top(), items)
        elif name in ("SETITEM", "SETITEMS"):
            pairs = [self._pop(), self._pop()][::-1] if name == "SETITEM" else self._marked()
            self._fill(self._top(), pairs)
        elif name == "GLOBAL":
            place, _, called = cast(str, arg).partition(" ")
            push(self._allowed(Global(place, called)))
        elif name == "STACK_GLOBAL":
            what, module = self._pop(), self._pop()
            if not isinstance(module, str) or not isinstance(what, str):
                raise self.bad("its list of contents is damaged")
            push(self._allowed(Global(module, what)))
        elif name in ("REDUCE", "NEWOBJ"):
            args, what = self._pop(), self._pop()
            push(self._made(what, args))
        elif name == "BUILD":
            state = self._pop()
            self._build(self._top(), state)
        elif name == "BINPERSID":
            push(self._pointed(self._pop()))
        else:
            raise self.bad(f"it uses the instruction {name}, which no file of weights needs")

    def _top(self) -> object:
        if self._stack[-1] is _MARK:
            raise self.bad("its list of contents is damaged")
        return self._stack[-1]

    def _key(self, item: object) -> object:
        """A key of a dictionary or a member of a set: never anything whose hash goes deep."""
        plain = (str, int, float, bytes, type(None), Inert, Global)
        if isinstance(item, plain) or (isinstance(item, tuple) and all(isinstance(part, plain) for part in item)):
            return item
        raise self.bad("its list of contents is damaged")

    def _filled(self, target: dict[object, object], pairs: list[object]) -> dict[object, object]:
        if len(pairs) % 2:
            raise self.bad("its list of contents is damaged")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[self._key(key)] = value
        return target

    def _fill(self, target: object, pairs: list[object]) -> None:
        if isinstance(target, dict):
            self._filled(target, pairs)
        elif isinstance(target, Inert):
            target.items.extend(pairs)
        else:
            raise self.bad("its list of contents is damaged")

    def _extend(self, target: object, items: list[object]) -> None:
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, set):
            target.update(self._key(item) for item in items)
        elif isinstance(target, Inert):
            target.items.extend(items)
        else:
            raise self.bad("its list of contents is damaged")

    def _build(self, target: object, state: object) -> None:
        if isinstance(target, Inert):
            target.state = state
        # The metadata that torch hangs on a state_dict says nothing about weights.
        elif not isinstance(target, OrderedDict):
            raise self.bad("its list of contents is damaged")

    def _allowed(self, what: Global) -> Global:
        if (what.module, what.name) in _MAKERS or f"{what.module} {what.name}" in _HARMLESS_NAMES:
            return what
        if what.module == "torch" and what.name in STORAGE_KINDS:
            return what
        if what.module in ("builtins", "__builtin__") and what.name in _CONTAINERS:
            return what
        if what.module.split(".")[0] in _HARMLESS_MODULES and what.name.isidentifier():
            return what
        raise self.refuse(what)

    def _made(self, what: object, args: object) -> object:
        if not isinstance(what, Global) or not isinstance(args, tuple):
            raise self.bad("its list of contents is damaged")
        if what.module in ("builtins", "__builtin__") and what.name in _CONTAINERS:
            return self._container(what.name, args)
        maker = _MAKERS.get((what.module, what.name))
        return maker(self, args) if maker else Inert(what, args)

    def _container(self, name: str, args: tuple[object, ...]) -> object:
        if not args:
            return {"set": set, "frozenset": frozenset, "list": list, "tuple": tuple, "dict": dict}[name]()
        items = args[0]
        if len(args) != 1 or not isinstance(items, list | tuple):
            raise self.bad("its list of contents is damaged")
        if name in ("list", "tuple"):
            return list(items) if name == "list" else tuple(items)
        if name == "dict":
            return self._ordered((items,))
        members = {self._key(item) for item in items}
        return members if name == "set" else frozenset(members)

    def _ordered(self, args: tuple[object, ...]) -> object:
        made: OrderedDict[object, object] = OrderedDict()
        if args and not isinstance(args[0], list | tuple):
            raise self.bad("its list of contents is damaged")
        for pair in cast("tuple[object, ...]", args[0]) if args else ():
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise self.bad("its list of contents is damaged")
            made[self._key(pair[0])] = pair[1]
        return made

    def _plain_dict(self, args: tuple[object, ...]) -> object:
        return dict(args[0]) if args and isinstance(args[0], dict) else {}

    def _size(self, args: tuple[object, ...]) -> object:
        return self._container("tuple", args)

    def _encoded(self, args: tuple[object, ...]) -> object:
        if len(args) == 2 and isinstance(args[0], str) and args[1] in ("latin1", "latin-1"):
            return args[0].encode("latin1")
        raise self.bad("its list of contents is damaged")

    def _reconstructed(self, args: tuple[object, ...]) -> object:
        if args and isinstance(args[0], Global):
            return Inert(args[0])
        raise self.bad("its list of contents is damaged")

    def _rebuilt(self, args: tuple[object, ...]) -> object:
        storage, offset, size, stride = args[:4]
        if not isinstance(offset, int) or not isinstance(size, tuple) or not isinstance(stride, tuple):
            raise self.bad("one of its tensors is damaged")
        if not all(isinstance(part, int) for part in size + stride):
            raise self.bad("one of its tensors is damaged")
        return self._tensor(storage, offset, size, stride)

    def _member(self, args: tuple[object, ...]) -> object:
        """A member of an enumeration, as Python 3.11.0 to 3.11.3 writes it: ``getattr(class, name)``. A record, too."""
        known = args[0] if len(args) == 2 else None
        if isinstance(known, Global) and isinstance(args[1], str) and known.module.split(".")[0] in _HARMLESS_MODULES:
            return Inert(known, (args[1],))
        raise self.refuse(Global("builtins", "getattr"))

    def _parameter(self, args: tuple[object, ...]) -> object:
        return args[0]

    def _pointed(self, pointer: object) -> object:
        """The storage of a persistent id: ("storage", type, key, device, count), in old files with a view behind."""
        if not isinstance(pointer, tuple) or len(pointer) not in (5, 6) or pointer[0] != "storage":
            raise self.bad("one of its tensors is damaged")
        what, key, count = pointer[1], pointer[2], pointer[4]
        if len(pointer) == 6 and pointer[5] is not None:
            raise self.bad("it was written by a version of torch too old to read here")
        if not isinstance(what, Global) or what.name not in STORAGE_KINDS or what.module != "torch":
            raise self.bad("one of its tensors has a type of number that is not known here")
        if not isinstance(key, str) or not isinstance(count, int) or count < 0:
            raise self.bad("one of its tensors is damaged")
        return self._storage(StorageName(STORAGE_KINDS[what.name], key, count))


_IGNORED = frozenset({"PROTO", "FRAME"})
_LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], object]] = {
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MAKERS: dict[tuple[str, str], Callable[[Machine, tuple[object, ...]], object]] = {
    ("builtins", "getattr"): Machine._member,
    ("__builtin__", "getattr"): Machine._member,
    ("collections", "OrderedDict"): Machine._ordered,
    ("collections", "defaultdict"): Machine._plain_dict,
    ("collections", "Counter"): Machine._plain_dict,
    ("torch", "Size"): Machine._size,
    ("torch._utils", "_rebuild_tensor"): Machine._rebuilt,
    ("torch._utils", "_rebuild_tensor_v2"): Machine._rebuilt,
    ("torch._utils", "_rebuild_parameter"): Machine._parameter,
    ("_codecs", "encode"): Machine._encoded,
    ("copyreg", "_reconstructor"): Machine._reconstructed,
    ("copy_reg", "_reconstructor"): Machine._reconstructed,
}
