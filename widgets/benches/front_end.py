"""Who looks at what a cell shows: a page, and of which server, or nobody."""

from __future__ import annotations

import os


def is_static() -> bool:
    """Whether nobody can answer: no kernel, or one driven by papermill, nbconvert or another batch executor.

    Set LABCORE_FRONTEND to `live` or `static` to decide by hand; `site` is static too, see `is_site`.
    """
    said = os.environ.get("LABCORE_FRONTEND")
    if said in ("live", "static", "site"):
        return said != "live"
    if on_voila():
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return True
    kernel = getattr(get_ipython(), "kernel", None)
    # batch executors refuse stdin, front ends offer it
    return kernel is None or not getattr(kernel, "_allow_stdin", True)


def is_site() -> bool:
    """Whether a lesson is executed to become a page of `make site`."""
    return os.environ.get("LABCORE_FRONTEND") == "site"


def on_voila() -> bool:
    """Whether the page is Voila's, which always comes with its kernel."""
    # Voila names itself in a kernel's environment, and what it starts ahead of its visitors by another word
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila") or "VOILA_PREHEAT" in os.environ
