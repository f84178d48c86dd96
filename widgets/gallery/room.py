"""The room that visitors share: what there is to open, who is here, and whose place is free again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from traitlets.log import get_logger
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from labcore import catalog
from widgets.gallery.fork_server import Nursery


def lessons_of(folder: Path | str, only_catalog: bool) -> set[str]:
    """Paths in this folder that may be asked for."""
    if not only_catalog:
        return {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*.ipynb")}
    return {"index.ipynb"} | {p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"}


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
    kernels: MappingKernelManager
    arriving: int = 0  # visitors whose kernel is not up yet
    # of lessons executed already, for any kernel
    pages: dict[tuple[str, int, str | None], str] = field(default_factory=dict)
    # kernels whose page has come and has no line; when it was last heard of
    unopened: dict[str, float] = field(default_factory=dict)
    lines: set[VoilaKernelWebsocketHandler] = field(default_factory=set)

    @property
    def lessons(self) -> set[str]:
        return lessons_of(self.root_dir, self.only_catalog)

    def present(self) -> int:
        """Visitors here: kernels that run, and pages that wait for theirs."""
        return len(self.kernels.list_kernel_ids()) + self.arriving

    async def look_after(self) -> None:
        """Close lines to kernels that are gone, end kernels to which no line was opened in time, mend the nursery."""
        for line in list(self.lines):
            if line.kernel_id not in self.kernels:
                line.close()
        for kernel, heard in list(self.unopened.items()):
            if time.monotonic() - heard > self.opening:
                del self.unopened[kernel]
                if kernel in self.kernels:
                    get_logger().info("The page of kernel %s never opened a line to it; its place is free.", kernel)
                    await self.kernels.shutdown_kernel(kernel)
        if self.nursery is not None and await self.nursery.mend():
            self.pages.clear()
