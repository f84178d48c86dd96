"""Where compiled kernels are kept, and when what is kept is not used.

numba keeps compiled code and compiles anew when the function's own file has changed, but not when a function that it
calls from another file has: the old number would be computed, and recorded under the new version of the code. Here the
stamp is a hash of every file of labcore that the kernel's file imports, directly or not.

Each file begins with a hash of the stamp and of what it holds. One that is damaged, half of another version, or not to
be read is as good as none. Where nothing can be kept (no writable folder, no home, a full disk) the kernel is compiled
in each process.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import warnings
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from numba import vectorize
from numba.core import caching
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.dufunc import DUFunc

from labcore.import_closure import closure, content

_SEAL = hashlib.sha256().digest_size
_SAID = "LABCORE_KERNELS_NOT_KEPT"  # in the environment: a sweep's helpers do not say it again


def keep_compiled(compiled: Dispatcher, function: Callable) -> None:
    """Let numba keep what it compiles of a function, where a folder takes it; else warn, once."""
    if kept := _cache_of(function):
        compiled._cache = kept


def kept_ufunc(*signatures: str) -> Callable[[Callable], DUFunc]:
    """numba's `vectorize` for these types, whose compiled code is kept as a kernel's is."""

    def decorate(function: Callable) -> DUFunc:
        made = vectorize(function)
        if kept := _cache_of(function):
            made._dispatcher.cache = kept
        for signature in signatures:
            made.add(signature)
        made.disable_compile()
        return made

    return decorate


def _cache_of(function: Callable) -> _Cache | None:
    if not os.path.exists(function.__code__.co_filename):
        return None  # of a notebook's cell: no other process will ask for it
    try:
        return _Cache(function)
    except (OSError, RuntimeError):
        _say_once("no folder can be written")
        return None


def _say_once(why: str) -> None:
    if _SAID not in os.environ:
        os.environ[_SAID] = why
        warnings.warn(f"compiled kernels cannot be kept ({why}); each process compiles its own", stacklevel=5)


@functools.cache
def _stamp(file: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(closure(Path(file))):
        digest.update(path.name.encode() + content(path))
    return digest.hexdigest()


class _Stamped:
    """A place for compiled code whose freshness is that of all code behind the kernel."""

    def get_source_stamp(self) -> str:
        return _stamp(self._py_file)


class _Named(_Stamped, caching.UserProvidedCacheLocator):
    """The folder of NUMBA_CACHE_DIR."""


class _Beside(_Stamped, caching.InTreeCacheLocator):
    """`__pycache__` beside the source."""


class _AtHome(_Stamped, caching.UserWideCacheLocator):
    """The user's folder for caches."""

    def ensure_cache_path(self) -> None:
        if not os.path.isabs(self.get_cache_path()):
            raise OSError("no home")  # a folder of the name ~ would be made where the process is
        super().ensure_cache_path()


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = [_Named, _Beside, _AtHome]


class _File(caching.IndexDataCacheFile):
    """An index of calls, and a file for each. Neither is believed before its seal fits.

    numba writes the index first: a process that ended there, or a full disk, would leave old code under a new stamp.
    """

    def save(self, key: Hashable, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Hashable) -> Any:
        """What was kept for this call. Raises ValueError or OSError where it cannot be read."""
        found, data = super().load(key) or (key, None)
        return data if found == key else None  # two processes may have given one name to two calls

    def _load_index(self) -> dict[Hashable, str]:
        try:
            return self._read(self._index_path)
        except (OSError, ValueError):
            return {}

    def _save_index(self, overloads: dict[Hashable, str]) -> None:
        self._write(self._index_path, overloads)

    def _load_data(self, name: str) -> Any:
        return self._read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str) -> Any:
        whole = Path(path).read_bytes()
        if whole[:_SEAL] != self._seal(whole[_SEAL:]):
            raise ValueError(f"{path} is damaged, or of other code")
        return pickle.loads(whole[_SEAL:])

    def _write(self, path: str, held: Any) -> None:
        body = self._dump(held)
        with self._open_for_write(path) as file:
            file.write(self._seal(body) + body)

    def _seal(self, body: bytes) -> bytes:
        return hashlib.sha256(repr((self._version, self._source_stamp)).encode() + body).digest()


class _Cache(caching.FunctionCache):
    _impl_class = _Impl

    def __init__(self, function: Callable):
        super().__init__(function)
        self._cache_file = _File(self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - whatever a file that cannot be read raises, it is a miss
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - a kernel that cannot be kept computes all the same
            _say_once(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")
