"""Compiled kernels: numba's `njit`, with compiled code that is kept and never older than what it was compiled from.

@kernel
def step(w: np.ndarray, x: np.ndarray, eta: float) -> None: ...
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import typeinfer
from numba.core.dispatcher import Dispatcher

from labcore.kernel_cache import keep_compiled


def kernel(function: Callable | None = None, /, *, signatures: tuple = (), **options: Any) -> Any:
    """Compile a function without Python's lock: `@kernel`, or with options of `numba.njit`, `@kernel(fastmath=True)`.

    `signatures` compiles for these types at once and for no others.
    """
    if function is None:
        return functools.partial(kernel, signatures=signatures, **options)
    compiled = njit(nogil=True, **options)(function)
    if not isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT, for debuggers
        return compiled
    keep_compiled(compiled, function)
    if signatures:
        with typeinfer.register_dispatcher(compiled):
            for signature in signatures:
                compiled.compile(signature)
        compiled.disable_compile()
    return compiled
