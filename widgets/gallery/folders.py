"""Private folders for the time that the server runs: of its nursery, and of each kernel."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

# bytes of such a folder's path: a Unix socket's path has 104 at most on macOS and 108 on Linux, its end included, and
# the longest name that we put there is of a ready lesson, with some thirty letters
LONGEST = 70


def private_folder() -> tempfile.TemporaryDirectory:
    """A new folder that nobody else may enter, in the temporary one, or in /tmp where sockets' paths would be too long.

    It goes with the object.
    """
    made = tempfile.TemporaryDirectory(prefix="labcore-", ignore_cleanup_errors=True)
    if os.name != "posix" or len(os.fsencode(made.name)) <= LONGEST:
        return made
    made.cleanup()
    return tempfile.TemporaryDirectory(prefix="labcore-", dir="/tmp", ignore_cleanup_errors=True)


class Folders:
    """The folders of the kernels, with their sockets and their temporary files."""

    def __init__(self) -> None:
        self._all = private_folder()
        self._owners: dict[Path, Any] = {}  # folder -> its kernel's process

    def new(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="", dir=self._all.name))

    def belongs_to(self, folder: Path, process: Any) -> None:
        """This folder goes when the process has ended, in whatever way."""
        self._owners[folder] = process

    def clean_up(self) -> None:
        """Remove the folders of kernels that have ended."""
        for folder, process in list(self._owners.items()):
            if process.poll() is not None:
                del self._owners[folder]
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        self._all.cleanup()
