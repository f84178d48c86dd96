"""One thread a process, for processes that share a machine's cores: visitors' kernels, and the workers of a sweep."""

from __future__ import annotations

# read by the libraries when they are loaded
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
