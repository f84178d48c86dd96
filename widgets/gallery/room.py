"""The room that visitors share: what there is to open, who is here, and whose place is free again."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from tornado.web import HTTPError
from traitlets.log import get_logger
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from labcore import catalog
from widgets.gallery import descriptors
from widgets.gallery.folders import Folders
from widgets.gallery.fork_server import Nursery
from widgets.gallery.guesses import Guesses


def lessons_of(folder: Path | str, only_catalog: bool) -> set[str]:
    """Paths in this folder that may be asked for."""
    if not only_catalog:
        return {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*.ipynb")}
    return {*catalog.PAGES} | {p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"}


def known_host(host: str, names: Iterable[str]) -> bool:
    """Whether a request's `Host` is one that this server answers to: an IP address, this machine, or one of the names.

    A page of another site can make its own name point here, and would then pass for ours; it cannot do so with these.
    """
    name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    name = name.lower().rstrip(".")
    try:
        return bool(ip_address(name))
    except ValueError:
        own = socket.gethostname().lower()
        return name in {"localhost", own, f"{own}.local", *(n.lower() for n in names)} or name.endswith(".localhost")


@dataclass(eq=False)
class Room:
    """What the server and its answers know of the visitors."""

    # options of `Gallery`
    root_dir: str
    only_catalog: bool
    visitors: int
    retry: int
    opening: int
    hosts: list[str]
    nursery: Nursery | None
    folders: Folders
    kernels: MappingKernelManager
    guesses: Guesses | None = None  # of a class
    addresses: list[str] = field(default_factory=list)  # under which the class finds it
    arriving: int = 0  # visitors whose kernel is not up yet
    executing: int = 0  # visitors whose kernels execute a lesson of their own
    # kernels whose page has come and has no line; when it was last heard of
    unopened: dict[str, float] = field(default_factory=dict)
    lines: set[VoilaKernelWebsocketHandler] = field(default_factory=set)
    # kernels whose last line has closed, and when
    left: dict[str, float] = field(default_factory=dict)

    @property
    def lessons(self) -> set[str]:
        return lessons_of(self.root_dir, self.only_catalog)

    def present(self) -> int:
        """Visitors here: kernels that run, and pages that wait for theirs."""
        return len(self.kernels.list_kernel_ids()) + self.arriving

    def full(self) -> bool:
        """Whether there is no place for one more, or no file descriptors for that one and those who arrive now."""
        coming = self.arriving + len(self.unopened) + 1
        return self.present() >= self.visitors or not descriptors.enough_for(coming)

    def opened(self, line: VoilaKernelWebsocketHandler) -> None:
        """A page has its line."""
        self.lines.add(line)
        self.unopened.pop(line.kernel_id, None)
        self.left.pop(line.kernel_id, None)

    def closed(self, line: VoilaKernelWebsocketHandler) -> None:
        """It has it no more."""
        self.lines.discard(line)
        if all(other.kernel_id != line.kernel_id for other in self.lines):
            self.left[line.kernel_id] = time.monotonic()

    async def look_after(self) -> None:
        """Close lines to kernels that are gone, end kernels without a line, clean up after kernels, mend the nursery.

        A kernel that computes for a page that has gone ends like one that waits: Jupyter culls idle ones alone.
        """
        for line in list(self.lines):
            if line.kernel_id not in self.kernels:
                line.close()
        await self._end(self.unopened, self.opening, "never opened a line to it")
        await self._end(self.left, self.kernels.cull_idle_timeout, "has gone")
        self.folders.clean_up()
        if self.nursery is not None:
            await self.nursery.mend()

    async def _end(self, since: dict[str, float], seconds: float, why: str) -> None:
        """End the kernels that have been on this list for so long; 0: none."""
        for kernel, then in list(since.items()):
            if kernel not in self.kernels:
                since.pop(kernel, None)
            elif 0 < seconds < time.monotonic() - then:
                since.pop(kernel, None)
                get_logger().info("The page of kernel %s %s; its place is free.", kernel, why)
                with contextlib.suppress(KeyError, HTTPError):  # it has ended in the meantime
                    await self.kernels.shutdown_kernel(kernel)
