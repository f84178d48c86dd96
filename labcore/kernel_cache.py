"""Where compiled kernels are kept, and when what is kept is too old.

numba keeps compiled code and compiles anew when the function's own file has changed, but not when a function that it
calls from another file has: the old number would be computed, and recorded under the new version of the code. Here the
stamp is a hash of every file of labcore that the kernel's file imports, directly or not.

Where nothing can be kept (no writable folder, a full disk) the kernel is compiled in each process, and a damaged file
is as good as none.
"""

from __future__ import annotations

import functools
import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core import caching
from numba.core.dispatcher import Dispatcher

from labcore.import_closure import closure, content


def keep_compiled(compiled: Dispatcher, function: Callable) -> None:
    """Let numba keep what it compiles of a function, where a folder takes it; else warn, once a process."""
    try:
        compiled._cache = _Cache(function)
    except (OSError, RuntimeError):  # no folder takes it, or no home
        _say_once("no folder can be written")


@functools.cache
def _say_once(why: str) -> None:
    warnings.warn(f"compiled kernels cannot be kept ({why}); each process compiles its own", stacklevel=4)


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


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = [_Named, _Beside, _AtHome]


class _Cache(caching.FunctionCache):
    _impl_class = _Impl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - whatever unpickling a damaged file raises, it is a miss
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # noqa: BLE001 - the index that is to be extended is damaged
                self.flush()
                super().save_overload(sig, data)
        except OSError as error:
            _say_once(error.strerror or type(error).__name__)
