"""What a function of your own computes with, as a hash: its code and all that the code reaches.

That is the compiled code of the function, its defaults and closure, and every global that it names, through functions,
classes and modules of yours; of Labcore, the files behind what it names. Libraries count by their names alone, and
comments and docstrings not at all. It is what runs in this process, whatever a file or a cell says by now.
"""

from __future__ import annotations

import builtins
import dis
import functools
import hashlib
import importlib
import importlib.util
import random
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labcore import live_code
from labcore.code_version import CARRIERS
from labcore.essence import essence
from labcore.import_closure import closure

_ATOMS = (type(None), bool, int, float, complex, str, bytes, types.EllipsisType, types.NotImplementedType, range, slice)
_BOUND = (types.BuiltinFunctionType, types.MethodWrapperType)
_SLOTS = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_RANDOM = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
# of a class: what differs from one definition of it to the next and computes nothing
_NO_MEMBER = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __qualname__ __firstlineno__ __static_attributes__ __annotations__ "
    "__annotations_cache__ __annotate__ __annotate_func__ _abc_impl".split()
)
_READS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_WRITES = {"STORE_GLOBAL", "DELETE_GLOBAL"}


class CodeError(ValueError):
    """Something that a function computes with and that no hash can stand for. The message names it."""


@dataclass(frozen=True)
class Reached:
    """A hash of the code, your modules that must go with the function, and Labcore's modules behind it.

    `compiles`: whether a part of yours is compiled by numba, which takes seconds.
    """

    code: str
    modules: tuple[types.ModuleType, ...]
    house: tuple[str, ...]
    compiles: bool


def reached(function: Any, who: str) -> Reached:
    """What this function computes with, as it is now.

    Raises `CodeError` for a value that cannot be told from its like, such as a lock or a random generator, for a
    function that assigns globals, and for a part of Labcore that was changed in memory.
    """
    reader = _Reader(who)
    try:
        reader.read(function)
    except RecursionError:
        raise CodeError(f"{who}: {reader.place} is nested too deeply") from None
    house = sorted(reader.house)
    for module in house:
        if changed := live_code.changed(module):
            raise CodeError(
                f"{who} uses {changed}, which is not what its file says: it was changed in this process, or its file "
                "after it was loaded"
            )
        reader.feed("labcore", module, house_version(module))
    return Reached(reader.digest.hexdigest()[:12], tuple(reader.modules.values()), tuple(house), reader.compiles)


@functools.cache
def house_version(module: str) -> str:
    """A hash of the files behind a module of Labcore; behind labcore itself, which loads papers by name, of all."""
    file = Path(importlib.import_module(module).__file__)
    behind = file.parent.rglob("*.py") if module in ("labcore", "labcore.catalog") else closure(file)
    digest = hashlib.sha256()
    for path in sorted(behind):
        if path.parent.name != "labcore" or path.stem not in CARRIERS:
            digest.update(essence(path.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


@dataclass
class _Reader:
    """Each value has a hash of its own, made of those of its parts: who shares a value with whom does not count."""

    who: str
    digest: Any = field(default_factory=hashlib.sha256)  # of the value that is being read
    place: str = "the function"
    known: dict[int, tuple[Any, bytes]] = field(default_factory=dict)  # values, kept so that no other gets their id
    open: list[int] = field(default_factory=list)  # ids of those that are being read
    modules: dict[str, types.ModuleType] = field(default_factory=dict)
    house: set[str] = field(default_factory=set)
    compiles: bool = False

    def feed(self, *words: Any) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
            self.digest.update(len(data).to_bytes(8, "little") + data)

    def refuse(self, why: str) -> CodeError:
        return CodeError(f"{self.who}: {self.place} {why}")

    def read(self, value: Any, place: str = "") -> None:
        """Feed a value; `place` says what it is, for whoever must change it."""
        if place:
            before, self.place = self.place, place
            self.read(value)
            self.place = before
            return
        kind = type(value)
        if kind in _ATOMS:
            return self.feed(kind.__name__, repr(value))
        if id(value) in self.open:
            return self.feed("around", len(self.open) - self.open.index(id(value)))
        if id(value) not in self.known:
            self.known[id(value)] = value, self._hash(value)
        self.feed(self.known[id(value)][1])

    def _hash(self, value: Any) -> bytes:
        above, self.digest = self.digest, hashlib.sha256()
        self.open.append(id(value))
        try:
            self._parts(value)
            return self.digest.digest()
        finally:
            self.digest = above
            self.open.pop()

    def _parts(self, value: Any) -> None:
        kind = type(value)
        if isinstance(value, types.ModuleType):
            self._module(value, ())
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            self._class(value)
        elif kind in (list, tuple):
            self.feed(kind.__name__, len(value))
            for one in value:
                self.read(one)
        elif kind in (dict, types.MappingProxyType):
            self.feed("dict", len(value))
            for key, one in value.items():
                self.read(key)
                self.read(one)
        elif kind in (set, frozenset):
            self.feed(kind.__name__, *sorted(self._hash([one]) for one in value))  # it has no order
        elif isinstance(value, (np.ndarray, np.generic)):
            self._array(np.asarray(value))
        elif isinstance(value, types.CodeType):
            self._code(value, None)
        else:
            self._object(value)

    def _array(self, array: np.ndarray) -> None:
        self.feed("array", array.dtype.descr if array.dtype.names else array.dtype.str, array.shape)
        if array.dtype.hasobject:
            for one in array.ravel().tolist():
                self.read(one)
        else:
            self.feed(np.ascontiguousarray(array).tobytes())

    def _module(self, module: types.ModuleType, names: tuple[str, ...]) -> None:
        """Of a module of yours its file, and what it holds now under these names."""
        name = module.__name__
        if name.partition(".")[0] == "labcore":
            self.house.add(name)
            for one in (vars(module).get(n) for n in names):
                if isinstance(one, types.ModuleType) and one.__name__ not in self.house:
                    self._module(one, names)
        if not yours(name):
            return self.feed("module", name)
        self.modules[name] = module
        file = getattr(module, "__file__", None)
        self.feed("your module", name, essence(Path(file).read_text(encoding="utf-8")) if file else "")
        for one in names:
            if one in vars(module):
                self.feed(one)
                self.read(vars(module)[one], f"{name}.{one}")

    def _function(self, function: types.FunctionType) -> None:
        module = function.__globals__.get("__name__", "")
        if module.partition(".")[0] == "labcore":
            self.house.add(module)
        own = yours(module)
        if not own and at_home(function, module):
            return self.feed("library", module, function.__qualname__)
        # of yours, or what a decorator of somebody else has made of it
        if own and module in sys.modules and module != "__main__":
            self.modules[module] = sys.modules[module]
        name = function.__name__
        self._code(function.__code__, function.__doc__)
        for place, one in zip(reversed(_parameters(function)), reversed(function.__defaults__ or ())):
            self.feed("default", place)
            self.read(one, f"the default of {place!r} of {name}")
        for place, one in (function.__kwdefaults__ or {}).items():
            self.feed("default", place)
            self.read(one, f"the default of {place!r} of {name}")
        for place, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self.feed("closure", place)
            try:
                held = cell.cell_contents
            except ValueError:  # empty as yet
                continue
            self.read(held, f"{place!r}, around {name},")
        for place, one in vars(function).items():
            if place not in ("__wrapped__", "__signature__"):
                self.feed("attribute", place)
                self.read(one, f"{name}.{place}")
        if own:
            self._globals(function.__code__, function.__globals__, name)

    def _globals(self, code: types.CodeType, held: dict[str, Any], name: str) -> None:
        """What this code names outside of itself, and the code in it."""
        ready = vars(builtins).keys() - held.keys()
        for one in _codes(code):
            for step in dis.get_instructions(one):
                if step.opname in _WRITES:
                    raise CodeError(
                        f"{self.who}: {name} assigns the global {step.argval!r}, so that one run would change the "
                        "next; return it instead"
                    )
                if step.opname == "IMPORT_NAME":
                    self._import(step.argval, one.co_names)
                if step.opname not in _READS or step.argval in ready:
                    continue
                self.feed("global", step.argval)
                if step.argval not in held:
                    continue  # it is missing, and is an error when it runs
                value = held[step.argval]
                if isinstance(value, types.ModuleType):
                    self._module(value, one.co_names)
                else:
                    self.read(value, f"the global {step.argval!r} of {name}")

    def _import(self, name: str, names: tuple[str, ...]) -> None:
        """A module that a function imports when it runs."""
        if not yours(name) and name.partition(".")[0] != "labcore":
            return self.feed("import", name)
        try:
            module = importlib.import_module(name)
        except ImportError:
            return self.feed("import", name)
        self._module(module, names)

    def _code(self, code: types.CodeType, doc: str | None) -> None:
        self.feed("code", code.co_code, code.co_flags, code.co_argcount, code.co_posonlyargcount)
        self.feed(code.co_kwonlyargcount, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
        self.feed(getattr(code, "co_exceptiontable", b""))
        for place, one in enumerate(code.co_consts):
            self.read(None if place == 0 and isinstance(one, str) and one == doc else one)

    def _class(self, one: type) -> None:
        module = one.__module__
        if module.partition(".")[0] == "labcore":
            self.house.add(module)
        if not yours(module):
            return self.feed("class", module, one.__qualname__)
        if module in sys.modules and module != "__main__":
            self.modules[module] = sys.modules[module]
        self.feed("class", one.__qualname__, len(one.__bases__))
        for base in (*one.__bases__, type(one)):
            self.read(base)
        for name, member in vars(one).items():
            if name not in _NO_MEMBER and not isinstance(member, _SLOTS):
                self.feed("member", name)
                self.read(member, f"{one.__name__}.{name}")

    def _object(self, value: Any) -> None:
        from labcore.experiment import Experiment

        kind = type(value)
        torch = sys.modules.get("torch")
        if isinstance(value, _RANDOM) or torch and isinstance(value, torch.Generator):
            raise self.refuse(
                f"{self._is(value)}, whose state changes with each use: make it inside the function, from a seed"
            )
        if isinstance(value, (staticmethod, classmethod, types.MethodType)):
            self.feed(kind.__name__)
            self.read(getattr(value, "__self__", None))
            self.read(value.__func__)
        elif isinstance(value, property):
            self.feed("property")
            self.read([value.fget, value.fset, value.fdel])
        elif isinstance(value, functools.partial):
            self.feed("partial")
            self.read([value.func, value.args, value.keywords])
        elif isinstance(value, _BOUND):
            self.feed(kind.__name__, value.__name__)
            if not isinstance(value.__self__, (types.ModuleType, type(None))):
                self.read(value.__self__)
        elif isinstance(value, _SLOTS):
            self.feed(kind.__name__, value.__qualname__)
        elif isinstance(value, Experiment):
            self.feed("experiment", value.id)
            self.read(value.quick)
            self.read(getattr(value, "function", value._function))
        elif isinstance(getattr(value, "py_func", None), types.FunctionType):  # compiled by numba
            self.feed("compiled")
            self.compiles |= yours(value.py_func.__module__)
            self.read(getattr(value, "targetoptions", None))
            self.read(value.py_func)
        elif callable(getattr(value, "__wrapped__", None)) and not isinstance(value, type):
            self.feed("wrapped", kind.__module__, kind.__qualname__)
            self.read(value.__wrapped__)
        elif torch and isinstance(value, torch.Tensor):
            self.feed("tensor", value.dtype, value.requires_grad, tuple(value.shape))
            flat = value.detach().cpu().contiguous().reshape(-1)
            self.feed(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
        elif torch and isinstance(value, (torch.dtype, torch.device)):
            self.feed("torch", value)
        else:
            self._reduced(value)

    def _reduced(self, value: Any) -> None:
        """Any other object by what pickle would keep of it."""
        try:
            kept = value.__reduce_ex__(4)
        except Exception:
            why = "which cannot be told from its like; make it inside the function"
            raise self.refuse(f"{self._is(value)}, {why}") from None
        if isinstance(kept, str):
            return self.feed("named", type(value).__module__, getattr(value, "__module__", ""), kept)
        self.feed("object", len(kept))
        for part in kept:
            self.read(list(part) if isinstance(part, Iterator) else part)

    def _is(self, value: Any) -> str:
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        return f"is or holds a {name}"


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from _codes(one)


def _parameters(function: types.FunctionType) -> tuple[str, ...]:
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def at_home(function: types.FunctionType, module: str) -> bool:
    """Whether its module holds it under its name, so that the name says what it is."""
    held: Any = sys.modules.get(module)
    for part in function.__qualname__.split("."):
        held = getattr(held, part, None)
    return held is function or getattr(held, "__func__", None) is function


def yours(module: str) -> bool:
    """Whether a module is neither Labcore's nor a library's: a notebook, a script, a file beside them."""
    top = module.partition(".")[0]
    if top == "__main__":
        return True
    if top in ("", "labcore", "widgets", "builtins") or top in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(top), "__file__", None) or _file_of(top)
    return bool(file) and not live_code.installed(Path(file))


def _file_of(top: str) -> str | None:
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    return found.origin if found and found.origin not in ("built-in", "frozen") else None
