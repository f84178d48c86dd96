"""File descriptors of the server: how many it may have, what a visitor takes of them, and how many are left."""

from __future__ import annotations

import math
import os
import sys

import zmq

# As tests/browser/test_gallery.py counts them: 4 for a kernel and 9 for each line to it, of which a visitor may have
# four. A browser that comes without a proxy keeps up to 6 connections more.
EACH = 50
OWN = 200  # of the server itself, and of requests on their way
_SPARE = 100  # left for those who are here already, and for refusals


def raise_limit() -> None:
    """Let this process have as many as the system allows it; programs begin with far fewer."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS says "unlimited", and takes no such number
        resource.setrlimit(resource.RLIMIT_NOFILE, (10_240, hard))


def limit() -> float:
    """How many this process may have; infinite where the system does not say."""
    if sys.platform == "win32":
        return math.inf
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def enough_for(visitors: int) -> bool:
    """Whether so many more visitors find what they need."""
    if sys.platform == "win32":
        return True
    used = len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))
    return limit() - used >= _SPARE + visitors * EACH


def most_visitors() -> float:
    """How many visitors the limit allows."""
    return max(1, (limit() - OWN) // EACH)


def allow_sockets(context: zmq.Context) -> None:
    """Let a context have as many sockets as there are file descriptors; it takes 1023 if it is not told otherwise.

    It must not have one yet.
    """
    context.set(zmq.MAX_SOCKETS, int(min(context.get(zmq.SOCKET_LIMIT), limit())))
