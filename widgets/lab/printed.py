"""The page that stands for a lesson on paper: `widgets.site` makes it, once for each version of the lesson."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import platformdirs

FOLDER = "labcore_pages"  # in the server's settings
PAGES = "labcore/pages"  # in its addresses


def folder() -> Path:
    """Where pages are kept: this user's cache, or for a user without a home a folder that goes with the machine's."""
    try:
        kept = Path(platformdirs.user_cache_dir("labcore")) / "pages"
        kept.mkdir(parents=True, exist_ok=True)
        if kept.is_absolute() and os.access(kept, os.W_OK):
            return kept
    except (OSError, RuntimeError):
        pass
    return Path(tempfile.mkdtemp(prefix="labcore-pages-"))


def address(name: str) -> str:
    """Of the page of the lesson THEME/TOPIC.ipynb, below the server's `base_url`."""
    return f"{PAGES}/{name.removesuffix('.ipynb')}.html"


async def make(name: str, kept: Path) -> None:
    """Write the page of this lesson, unless it is there as it would be. Raises RuntimeError with the reason."""
    # in a process of its own, which finds no module in the folder that is served
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "widgets.site", str(kept), name, "--jobs", "1"),
        cwd=kept,
        env=os.environ | {"PYTHONPATH": path},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError((said.decode(errors="replace").strip().splitlines() or ["no reason was given"])[-1][:300])
