"""Voila over the lessons, for a class: `python -m widgets.gallery notebooks`.

The index notebook is the front page, so that relative links between notebooks work as they do in JupyterLab. Only the
lessons of the catalogue are served, and nothing else of the folder. A visitor's kernel is a copy of a process that has
executed the lesson (`widgets.fork_server`); it has one thread and a ceiling on its memory, and ends with its page. When
the room is full, the next visitor gets a page that says so and tries again. Every option of Voila works; ours are
listed by `--help`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import psutil
import voila.notebook_renderer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_server.utils import url_path_join
from nbformat import NotebookNode
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RedirectHandler, RequestHandler
from traitlets import Bool, Int, default
from voila.app import Voila
from voila.exporter import VoilaExporter
from voila.notebook_renderer import NotebookRenderer
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from labcore import catalog
from widgets.fork_server import LESSON, ForkProvisioner, Nursery
from widgets.plot import PAGE_HAS_PLOTLY, plotly_js

_KERNEL = r"voila/api/shutdown/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_PROTOCOL = "v1.kernel.websocket.jupyter.org"
# Voila's page asks another site for two icon fonts that JupyterLab's own style already holds
_ELSEWHERE = re.compile(r'<link[^>]*href="https?://cdn\.[^>]*>')
_NO_KERNEL = "00000000-0000-0000-0000-000000000000"  # in a page that is kept, where its visitor's kernel is named
_READY = 200  # megabytes that a lesson takes, at most or nearly, when it is executed ahead of its visitors
_OURS = 250  # megabytes that a visitor takes, at most, as measured by tests/benchmarks/bench_class.py

# It arrives early, and is compiled when the page has loaded and Voila waits for the kernel: Voila begins on `load`.
_PLOTLY = """<link rel="preload" as="script" href="SOURCE"><script>addEventListener("load", () => {
const script = Object.assign(document.createElement("script"), { id: "labcore-plotly", src: "SOURCE" });
script.onerror = () => { script.dataset.failed = 1; };
document.head.append(script); });</script>"""

_FULL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The room is full</title>
<meta http-equiv="refresh" content="{seconds}"><meta name="viewport" content="width=device-width">
<style>body{{font:17px system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em;
color-scheme:light dark}}</style>
</head><body><h1>The room is full</h1><p>{visitors} people work here now, as many as this machine takes. This page tries
again every {seconds} seconds, and opens as soon as somebody leaves.</p></body></html>"""


class _Shutdown(VoilaShutdownKernelHandler):
    """Voila's page cannot send the token that its server asks for; where the request comes from is asked instead."""

    def check_xsrf_cookie(self) -> None:
        origin = self.request.headers.get("Origin") or self.request.headers.get("Referer") or ""
        if urlsplit(origin).netloc != self.request.host:
            raise HTTPError(403, "this request comes from another site")


class _Line(VoilaKernelWebsocketHandler):
    """A page's line to its kernel, in the protocol of today's pages.

    Voila 0.5 reads a message of the older one as if it were of today's, and then counts, and grows, almost without end.
    """

    async def get(self, kernel_id: str) -> None:
        if _PROTOCOL not in self.request.headers.get("Sec-WebSocket-Protocol", ""):
            raise HTTPError(400, f"this server speaks {_PROTOCOL}")
        await super().get(kernel_id)


class _Lesson(TornadoVoilaHandler):
    """A lesson of the catalogue, if the room has a place."""

    async def get(self, path: str | None = None) -> None:
        gallery: Gallery = self.settings["gallery"]
        if path not in gallery.lessons:
            raise HTTPError(404)
        # Voila writes the theme's name into the page as it came, and waits for ever for a template that does not exist
        self.request.arguments.pop("template", None)
        if self.get_argument("theme", "") not in ("light", "dark"):
            self.request.arguments.pop("theme", None)
        if gallery.present() >= gallery.visitors:
            self.set_status(503)
            self.set_header("Retry-After", str(gallery.retry))
            self.finish(_FULL.format(seconds=gallery.retry, visitors=gallery.visitors))
            return
        gallery.arriving += 1
        self._arriving = True
        try:
            if not await self._ready(gallery, path):
                await super().get(path)
        finally:
            self._arrived()

    async def _ready(self, gallery: Gallery, path: str) -> bool:
        """Answer with the page of a lesson that is executed already, if this one is."""
        found = await gallery.nursery.ready(Path(gallery.root_dir, path).resolve()) if gallery.nursery else None
        if found is None:
            return False
        # the names of its widgets change with every execution
        key = found.stem, found.stat().st_mtime_ns, self.get_argument("theme", None)
        if key not in gallery.pages:
            gallery.pages[key] = await self._render(path, found)
        server = {"SERVER_SOFTWARE": "voila", LESSON: found.stem}
        try:
            kernel = await self.kernel_manager.start_kernel(
                kernel_name="python3", path=os.path.dirname(path), env={**os.environ, **server}
            )
        except OSError as error:
            self.log.warning("The process of %s is gone (%s); it is executed anew.", path, error)
            gallery.nursery.forget(found)
            return False
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        self.write(gallery.pages[key].replace(_NO_KERNEL, kernel))
        return True

    async def _render(self, path: str, executed: Path) -> str:
        voila_configuration = self.voila_configuration
        known = {
            "base_url": self.base_url,
            "settings": self.settings,
            "log": self.log,
            "voila_configuration": voila_configuration,
        }
        made = _Executed(
            request_handler=self,
            voila_configuration=voila_configuration,
            traitlet_config=self.traitlet_config,
            notebook_path=path,
            template_paths=self.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
            kernel_spec_manager=self.kernel_spec_manager,
            page_config=get_page_config(**known),
        )
        made.executed = nbformat.read(executed, as_version=4)
        await made.initialize(theme=self.get_argument("theme", None))
        return await made.generate_content_str()

    def _arrived(self) -> None:
        if getattr(self, "_arriving", False):
            self._arriving = False
            self.settings["gallery"].arriving -= 1

    def write(self, chunk: str | bytes | dict) -> None:
        self._arrived()  # the first words of a page come when its kernel is up, and counted as one
        if isinstance(chunk, str):
            plotly = _PLOTLY.replace("SOURCE", self.settings["gallery"].plotly_url)
            chunk = _ELSEWHERE.sub("", chunk).replace("</title>", f"</title>{plotly}", 1)
        super().write(chunk)


class _Executed(NotebookRenderer):
    """Voila's page of a notebook that is executed already, for any kernel."""

    executed: NotebookNode

    async def load_notebook(self, path: str) -> NotebookNode:
        return await self.fix_notebook(self.executed)

    async def _jinja_kernel_start(self, *_: Any, **__: Any) -> str:
        return _NO_KERNEL

    async def _jinja_cell_generator(self, nb: NotebookNode, kernel_id: str) -> AsyncIterator[NotebookNode]:
        for cell in nb.cells:
            yield cell


class _Plotly(RequestHandler):
    """plotly.js, which a browser keeps for all lessons; its address names the version."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript")
        self.set_header("Content-Encoding", "gzip")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(plotly_js())


class _Templates(BytecodeCache):
    """Compiled templates of pages: Voila makes each page's templates anew, a fifth of all that its server does."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class _Exporter(VoilaExporter):
    """Voila's exporter, which compiles a template once."""

    _templates = _Templates()

    def _create_environment(self) -> Environment:
        made = super()._create_environment()
        made.bytecode_cache = self._templates
        return made


class Gallery(Voila):
    """Voila whose front page is `index.ipynb` of the folder that it serves."""

    visitors = Int(help="Most visitors at a time. Default: what the memory of this machine holds.").tag(config=True)
    kernel_megabytes = Int(1024, help="Memory that one visitor's kernel may take; 0: no limit.").tag(config=True)
    retry = Int(5, help="Seconds after which a visitor who found the room full tries again.").tag(config=True)
    fork = Bool(sys.platform == "linux", help="Start kernels by forks of one warm process.").tag(config=True)
    warm = Bool(
        help="Execute every lesson at the start, so that its visitors find its figures ready. Default: where forks are "
        "used and two thirds of the free memory are left for visitors."
    ).tag(config=True)
    only_catalog = Bool(True, help="Serve the catalogue's lessons and no other notebook of the folder.").tag(
        config=True
    )
    arriving = 0  # visitors whose kernel is not up yet
    nursery: Nursery | None = None

    @default("warm")
    def _warm(self) -> bool:
        return self.fork and len(self.lessons) * _READY < psutil.virtual_memory().available / 2**20 / 3

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
        import plotly

        return url_path_join(self.base_url, f"labcore/plotly-{plotly.__version__}.js")

    def init_settings(self) -> dict:
        # pages ask their kernel for the widgets: no use to keep a copy here, plotly.js among them
        self.config.VoilaExecutor.store_widget_state = False
        voila.notebook_renderer.VoilaExporter = _Exporter
        os.environ[PAGE_HAS_PLOTLY] = "1"
        if self.only_catalog and not self.voila_configuration.extension_denylist:
            # 4.9 MB for plotly's own widget, which no lesson has
            self.voila_configuration.extension_denylist = ["jupyterlab-plotly"]
        self.pages: dict[tuple[str, int, str | None], str] = {}  # of lessons that are executed already, without a kernel
        if self.fork:
            KernelProvisionerFactory.instance(parent=self).default_provisioner_name = "labcore-fork"
            paths = [Path(self.root_dir, path).resolve() for path in self.lessons] if self.warm else []
            self.log.info("Room for %d visitors.", self.visitors)  # counted before the lessons take their part
            ForkProvisioner.nursery = self.nursery = Nursery(self.kernel_megabytes, paths)
        return {**super().init_settings(), "gallery": self}

    def init_handlers(self) -> list:
        # Tornado takes the first handler that matches: ours go before Voila's
        ours = [
            (url_path_join(self.server_url, _KERNEL), _Shutdown),
            (url_path_join(self.server_url, r"labcore/plotly-[\w.]+\.js"), _Plotly),
        ]
        kept = []
        for handler in super().init_handlers():
            pattern, kind, *rest = handler
            if kind in (TornadoVoilaHandler, VoilaKernelWebsocketHandler):
                kept.append((pattern, {TornadoVoilaHandler: _Lesson}.get(kind, _Line), *rest))
            elif "tree" in pattern or "contents" in pattern or "voila/files" in pattern:
                continue  # lists and files of the folder
            else:
                kept.append(handler)
        if not self.notebook_path:
            index = url_path_join(self.base_url, "voila/render/index.ipynb")
            ours.insert(0, (url_path_join(self.server_url, "/?"), RedirectHandler, {"url": index, "permanent": False}))
        return [*ours, *kept]

    def listen(self) -> None:
        if self.nursery is not None:
            IOLoop.current().add_callback(self.nursery.make_ready)
        super().listen()

    def stop(self) -> None:
        if self.nursery is not None:
            self.nursery.close()
        super().stop()


main = Gallery.launch_instance

if __name__ == "__main__":
    main()
