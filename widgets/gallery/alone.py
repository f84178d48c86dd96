"""A kernel that starts from nothing, where no nursery gives a copy: the same imports, and then the same ceiling."""

from __future__ import annotations

import sys

from widgets.gallery.kernel import be_kernel
from widgets.gallery.nursery import limit_memory, prepare


def kernel(megabytes: int) -> None:
    """Be a kernel until the end, with this process's arguments; `megabytes`: its ceiling, 0 for none."""
    sys.argv = sys.argv[1:]
    prepare()
    if megabytes:
        limit_memory(megabytes)
    be_kernel(sys.argv[1:])
