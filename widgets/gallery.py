"""Voila over the lessons, for a class: `python -m widgets.gallery notebooks`.

The index notebook is the front page, so that relative links between notebooks work as they do in JupyterLab. Only the
lessons of the catalogue are served, and nothing else of the folder. A visitor's kernel is a copy of a process that has
executed the lesson (`widgets.fork_server`); it has one thread and a ceiling on its memory, and ends with its page. When
the room is full, the next visitor gets a page that says so and tries again. Every option of Voila works; ours are
listed by `--help`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import voila.notebook_renderer
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RedirectHandler
from traitlets import Bool, Int, default
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from labcore import catalog
from widgets.benches.plot import LIBRARIES, PAGE_HAS_PLOTLY
from widgets.fork_server import ForkProvisioner, Nursery
from widgets.gallery_pages import Compressed, Exporter, Lesson, Line, Model, Plotly, Shutdown

_KERNEL = r"voila/api/shutdown/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_READY = 200  # megabytes that a lesson takes, at most or nearly, when it is executed ahead of its visitors
_ROUND = 2  # seconds between two rounds of `Gallery.look_after`
_OURS = 250  # megabytes that a visitor takes, at most, as measured by tests/benchmarks/bench_class.py


class Gallery(Voila):
    """Voila whose front page is `index.ipynb` of the folder that it serves."""

    visitors = Int(help="Most visitors at a time. Default: what the memory of this machine holds.").tag(config=True)
    kernel_megabytes = Int(1024, help="Memory that one visitor's kernel may take; 0: no limit.").tag(config=True)
    retry = Int(5, help="Seconds after which a visitor who found the room full tries again.").tag(config=True)
    opening = Int(
        60,
        min=0,
        help="Seconds after which a page that has come, and neither opens a line to its kernel nor asks for it, loses "
        "its place; 0: never.",
    ).tag(config=True)
    fork = Bool(sys.platform == "linux", help="Start kernels by forks of one warm process.").tag(config=True)
    warm = Bool(
        help="Execute every lesson at the start, so that its visitors find its figures ready. Default: for the lessons "
        "of the catalogue, where forks are used and two thirds of the free memory are left for visitors."
    ).tag(config=True)
    only_catalog = Bool(True, help="Serve the catalogue's lessons and no other notebook of the folder.").tag(
        config=True
    )
    arriving = 0  # visitors whose kernel is not up yet
    nursery: Nursery | None = None

    @default("warm")
    def _warm(self) -> bool:
        room = len(self.lessons) * _READY < psutil.virtual_memory().available / 2**20 / 3
        return self.fork and self.only_catalog and room

    @default("visitors")
    def _visitors(self) -> int:
        free = psutil.virtual_memory().available * 0.8 / 2**20 - self.warm * len(self.lessons) * _READY
        return max(1, int(free / _OURS))

    @property
    def lessons(self) -> set[str]:
        """Paths that may be asked for."""
        if not self.only_catalog:
            return {p.relative_to(self.root_dir).as_posix() for p in Path(self.root_dir).rglob("*.ipynb")}
        return {"index.ipynb"} | {
            p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"
        }

    def present(self) -> int:
        """Visitors here: kernels that run, and pages that wait for theirs."""
        return len(self.kernel_manager.list_kernel_ids()) + self.arriving

    @property
    def plotly_url(self) -> str:
        """The address of plotly.js, up to the name of the library."""
        import plotly

        return url_path_join(self.base_url, f"labcore/plotly-{plotly.__version__}")

    def init_settings(self) -> dict:
        # pages ask their kernel for the widgets: no use to keep a copy here, plotly.js among them
        self.config.VoilaExecutor.store_widget_state = False
        # a kernel that begins anew has nothing of its page; the page says so and can be loaded again
        self.config.KernelRestarter.restart_limit = 0
        voila.notebook_renderer.VoilaExporter = Exporter
        os.environ[PAGE_HAS_PLOTLY] = "1"
        if self.only_catalog and not self.voila_configuration.extension_denylist:
            # 4.9 MB for plotly's own widget, which no lesson has
            self.voila_configuration.extension_denylist = ["jupyterlab-plotly"]
        self.pages: dict[tuple[str, int, str | None], str] = {}  # of lessons executed already, for any kernel
        self.unopened: dict[str, float] = {}  # kernels whose page has come and has no line; when it was last heard of
        self.lines: set[Line] = set()
        if self.fork:
            KernelProvisionerFactory.instance(parent=self).default_provisioner_name = "labcore-fork"
            options = self.voila_configuration
            # what these ask for is done as a page is made, which then is too late
            late = options.prelaunch_hook or options.page_config_hook or options.progressive_rendering
            paths = [Path(self.root_dir, p).resolve() for p in self.lessons] if self.warm and not late else []
            self.log.info("Room for %d visitors.", self.visitors)  # counted before the lessons take their part
            ForkProvisioner.nursery = self.nursery = Nursery(self.kernel_megabytes, paths)
        return {**super().init_settings(), "gallery": self}

    def init_handlers(self) -> list:
        # Tornado takes the first handler that matches: ours go before Voila's
        ours = [
            (url_path_join(self.server_url, _KERNEL), Shutdown),
            (url_path_join(self.server_url, rf"labcore/plotly-[\w.]+-({'|'.join(LIBRARIES)})\.js"), Plotly),
        ]
        replaced = {TornadoVoilaHandler: Lesson, VoilaKernelWebsocketHandler: Line, KernelHandler: Model}
        kept = []
        for handler in super().init_handlers():
            pattern, kind, *rest = handler
            if kind in replaced:
                kept.append((pattern, replaced[kind], *rest))
            elif "tree" in pattern or "contents" in pattern or "voila/files" in pattern:
                continue  # lists and files of the folder
            else:
                kept.append(handler)
        if not self.notebook_path:
            index = url_path_join(self.base_url, "voila/render/index.ipynb")
            ours.insert(0, (url_path_join(self.server_url, "/?"), RedirectHandler, {"url": index, "permanent": False}))
        return [*ours, *kept]

    def listen(self) -> None:
        self.app.transforms.append(Compressed)
        if self.nursery is not None:
            IOLoop.current().add_callback(self.nursery.make_ready)
        PeriodicCallback(self.look_after, 1000 * _ROUND).start()
        super().listen()

    async def look_after(self) -> None:
        """Close lines to kernels that are gone, end kernels to which no line was opened in time, mend the nursery."""
        for line in list(self.lines):
            if line.kernel_id not in self.kernel_manager:
                line.close()
        for kernel, heard in list(self.unopened.items()):
            if time.monotonic() - heard > self.opening:
                del self.unopened[kernel]
                if kernel in self.kernel_manager:
                    self.log.info("The page of kernel %s never opened a line to it; its place is free.", kernel)
                    await self.kernel_manager.shutdown_kernel(kernel)
        if self.nursery is not None and await self.nursery.mend():
            self.pages.clear()

    def stop(self) -> None:
        if self.nursery is not None:
            self.nursery.close()
        super().stop()


main = Gallery.launch_instance

if __name__ == "__main__":
    main()
