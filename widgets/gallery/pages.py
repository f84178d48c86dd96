"""The gallery's answers: a lesson's page, the line to its kernel and its end, and plotly.js for all pages."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import time
from asyncio import Future
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jupyter_core.paths import jupyter_path
from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import url_path_join
from nbformat import NotebookNode
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamBufferFullError
from tornado.web import (
    ErrorHandler,
    GZipContentEncoding,
    HTTPError,
    RequestHandler,
    StaticFileHandler,
    authenticated,
)
from voila.exporter import VoilaExporter
from voila.notebook_renderer import NotebookRenderer
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from widgets.benches.plot import plotly_js
from widgets.gallery import descriptors
from widgets.gallery.class_pages import class_script, give_cookie
from widgets.gallery.early_page import EARLY, with_early
from widgets.gallery.fork_server import LESSON
from widgets.gallery.messages import PROTOCOL, counted, speaks, well_formed
from widgets.gallery.room import Room, known_host

# Voila's page asks another site for two icon fonts that JupyterLab's own style already holds
_ELSEWHERE = re.compile(r'<link[^>]*href="https?://cdn\.[^>]*>')
_LINES = 4  # of one kernel: its page, and the same page while it is loaded again
_UNREAD = 32 * 2**20  # bytes that wait for a page which does not read
_CORES = max(2, os.cpu_count() or 1)
_MAKING = 90.0  # seconds that a visitor waits for a lesson that is being made ready
_PATIENCE = 2.0  # seconds that a visitor waits for a place before reading that there is none
_NO_KERNEL = "00000000-0000-0000-0000-000000000000"  # in a page that is kept, where its visitor's kernel is named
_KERNEL = re.compile(r'"kernelId": "([\w-]+)"')  # where a page names it
_SCRIPT = f"<script>{Path(__file__).with_name('page.js').read_text()}</script>"

# JupyterLab's dark colours, for those who asked their system for them. A page whose address names a theme has that one.
_DARK = """<style media="(prefers-color-scheme: dark)">COLOURS</style><script>{
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => {
  document.body.dataset.jpThemeLight = !dark.matches;
  document.body.classList.toggle("theme-dark", dark.matches);
  document.body.classList.toggle("theme-light", !dark.matches);
};
addEventListener("DOMContentLoaded", follow);
dark.addEventListener("change", follow);
}</script>"""

# Voila's frames of the page hide what stands out of them, and a script that brings a part into view could scroll them:
# the page would stand higher than its window, with nothing below it, and no hand could move it back.
_STILL = "<style>#main, #jp-main-content-panel, .jp-OutputArea-child { overflow: clip !important; }</style>"

# A lesson's first cell says how to run its cells. Here they have run, and its first picture can stand so much higher.
_HOW = ".jp-Cell:nth-child(1 of .jp-Cell) p:has(> em:only-child > strong:only-child)"
_HAS_RUN = f"<style>{_HOW} {{ display: none; }}</style>"

# plotly.js for `plot.js`. The small one arrives early, and is compiled when the page has loaded and Voila waits for the
# kernel: Voila begins on `load`. The whole one is asked for by figures that need it.
_PLOTLY = """<link rel="preload" as="script" href="URL-cartesian.js"><script>{
const made = {};
globalThis.labcorePlotly = (name) => made[name] ??= new Promise((done, failed) => document.head.append(
  Object.assign(document.createElement("script"), { src: `URL-${name}.js`, onload: () => done(Plotly),
    onerror: () => failed(new Error("plotly.js did not arrive; load the page again")) })));
addEventListener("load", () => labcorePlotly("cartesian").catch(() => {}));
}</script>"""

_FULL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The room is full</title>
<meta http-equiv="refresh" content="{seconds}"><meta name="viewport" content="width=device-width">
<style>body{{font:17px system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em;
color-scheme:light dark}}</style>
</head><body><h1>The room is full</h1><p>{visitors} people work here now, as many as this machine takes. This page tries
again every {seconds} seconds, and opens as soon as somebody leaves.</p></body></html>"""


@functools.cache
def _dark_colours() -> str:
    """The dark colours that come with nbconvert, before the light ones wherever these stand in a page."""
    folders = map(Path, jupyter_path("nbconvert", "templates", "lab", "static"))
    style = next(found for folder in folders if (found := folder / "theme-dark.css").exists())
    return style.read_text(encoding="utf-8").replace(":root", ":root:root")


def _plotly_url(base_url: str) -> str:
    """The address of plotly.js, up to the name of the library."""
    import plotly

    return url_path_join(base_url, f"labcore/plotly-{plotly.__version__}")


class Known:
    """Answers under the names that the gallery knows, and under no other: Voila answers under any."""

    def prepare(self) -> Any:
        if known_host(self.request.host, self.settings["room"].hosts):
            return super().prepare()
        self.set_status(403)
        self.finish()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if isinstance(self, APIHandler):
            super().write_error(status_code, **kwargs)
        else:  # Jupyter's page about an error needs a setting that Voila has not, and fails itself
            RequestHandler.write_error(self, status_code, **kwargs)


class Nothing(Known, ErrorHandler):
    """What there is not."""


class Files(Known):
    """Files of the page: an address that names none is not found, however it is wrong."""

    async def get(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().get(*args, **kwargs)
        except (AssertionError, ValueError):  # of Voila, which takes an address apart as it should be
            raise HTTPError(404) from None
        except HTTPError as error:
            raise HTTPError(404 if error.status_code == 403 else error.status_code) from None


def known(kind: type[RequestHandler]) -> type[RequestHandler]:
    """A handler of Voila's that answers under known names only."""
    more = Files if issubclass(kind, StaticFileHandler) else Known
    return kind if issubclass(kind, Known) else type(kind.__name__, (more, kind), {})


class Shutdown(Known, VoilaShutdownKernelHandler):
    """Voila's page cannot send the token that its server asks for; where the request comes from is asked instead."""

    def check_xsrf_cookie(self) -> None:
        origin = self.request.headers.get("Origin") or self.request.headers.get("Referer") or ""
        if urlsplit(origin).netloc != self.request.host:
            raise HTTPError(403, "this request comes from another site")


class Line(Known, VoilaKernelWebsocketHandler):
    """A page's line to its kernel, in the protocol of today's pages and no other.

    Voila 0.5 reads a message of the older one as if it were of today's, and then counts, and grows, almost without end.
    A page that sends what is no message, or does not read what it is sent, loses its line.
    """

    async def get(self, kernel_id: str) -> None:
        room: Room = self.settings["room"]
        if not speaks(self.request.headers.get("Sec-WebSocket-Protocol", "")):
            raise HTTPError(400, f"this server speaks {PROTOCOL}")
        lines = sum(line.kernel_id == kernel_id for line in room.lines)
        if lines >= _LINES:
            raise HTTPError(429, f"this kernel has {_LINES} lines, as many as it may have")
        if lines and not descriptors.enough_for(0):
            raise HTTPError(503, "no file descriptors are left for a second line")
        await super().get(kernel_id)

    async def open(self, kernel_id: str) -> None:
        self.settings["room"].opened(self)
        self.ws_connection.stream.max_write_buffer_size = _UNREAD
        await super().open(kernel_id)

    def on_message(self, message: str | bytes) -> None:
        if well_formed(message):
            super().on_message(message)
        else:
            self.log.warning("A page of kernel %s sent what is no message; its line is closed.", self.kernel_id)
            self._cut()

    def write_message(self, message: bytes | dict[str, Any], binary: bool = False) -> Future[None] | None:
        # For a line that has closed jupyter_server speaks the older protocol: Voila would count here, too.
        if self.ws_connection is None or (isinstance(message, bytes) and not counted(message)):
            return None
        try:
            return super().write_message(message, binary)
        except StreamBufferFullError:
            self.log.warning("A page of kernel %s does not read; its line is closed.", self.kernel_id)
            self._cut()

    def _cut(self) -> None:
        """Close the line at once: who sends nonsense, or does not read, need not answer a farewell."""
        if self.ws_connection is not None:
            self.ws_connection.stream.close()

    def on_close(self) -> None:
        self.settings["room"].closed(self)
        super().on_close()


class Model(Known, KernelHandler):
    """What a page that has no line asks about its kernel, which is a sign that the page is there."""

    async def get(self, kernel_id: str) -> None:
        room: Room = self.settings["room"]
        if kernel_id in room.unopened:
            room.unopened[kernel_id] = time.monotonic()
        await super().get(kernel_id)


class Lesson(Known, TornadoVoilaHandler):
    """A lesson of the catalogue, if the room has a place."""

    _begun = False
    _kernel: str | None = None
    _more = ""  # what a class's page has beside the rest

    @authenticated
    async def get(self, path: str | None = None) -> None:
        room: Room = self.settings["room"]
        if path not in room.lessons:
            raise HTTPError(404)
        # Voila writes the theme's name into the page as it came, and waits for ever for a template that does not exist
        self.request.arguments.pop("template", None)
        if self.get_argument("theme", "") not in ("light", "dark"):
            self.request.arguments.pop("theme", None)
        # who follows a link asks for the next lesson just before the place in the last one is free
        end = time.monotonic() + _PATIENCE
        while room.full():
            if time.monotonic() > end:
                self.set_status(503)
                self.set_header("Retry-After", str(room.retry))
                self.finish(_FULL.format(seconds=room.retry, visitors=room.present()))
                return
            await asyncio.sleep(0.1)
        if room.guesses is not None:
            lesson = path.removesuffix(".ipynb")
            give_cookie(self, room.guesses, self.base_url)
            self._more = class_script(lesson, self.base_url) if room.guesses.asks(lesson) else ""
        room.arriving += 1
        self._arriving = True
        try:
            if not await self._ready(room, path):
                room.executing += 1
                try:
                    await super().get(path)
                finally:
                    room.executing -= 1
        finally:
            self._arrived()

    async def _ready(self, room: Room, path: str) -> bool:
        """Answer with the page of a lesson that is executed already, if this one is, or is soon.

        A visitor's kernel executes a lesson of its own only where a core is free for that, and nobody executes the
        same one for all: a class that comes at once would else execute it thirty times.
        """
        if room.nursery is None:
            return False
        notebook, end = Path(room.root_dir, path).resolve(), time.monotonic() + _MAKING
        first = not room.nursery.waits_for(notebook)
        found = room.nursery.ready(notebook)
        while found is None and room.nursery.waits_for(notebook) and time.monotonic() < end:
            free = room.executing + room.nursery.making() < _CORES
            if free and (first or not room.nursery.making(notebook)):
                break
            await asyncio.sleep(0.1)
            found = room.nursery.ready(notebook, wish=False)
        if found is None:
            return False
        theme = self.get_argument("theme", None)
        server = {"SERVER_SOFTWARE": "voila", LESSON: found.executed.stem}
        try:
            if theme not in found.pages:
                found.pages[theme] = await self._render(path, found.executed)
            kernel = await self.kernel_manager.start_kernel(
                kernel_name="python3", path=os.path.dirname(path), env={**os.environ, **server}
            )
        except OSError as error:
            self.log.warning("The process of %s is gone (%s); it is executed anew.", path, error)
            room.nursery.forget(found)
            return False
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        self.write(found.pages[theme].replace(_NO_KERNEL, kernel))
        return True

    async def _render(self, path: str, executed: Path) -> str:
        voila_configuration = self.voila_configuration
        page = {
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
            page_config=get_page_config(**page),
        )
        made.executed = nbformat.read(executed, as_version=4)
        await made.initialize(theme=self.get_argument("theme", None))
        return with_early(await made.generate_content_str(), made.executed.metadata.get(EARLY, {}))

    def _arrived(self) -> None:
        if getattr(self, "_arriving", False):
            self._arriving = False
            self.settings["room"].arriving -= 1

    def write(self, chunk: str | bytes | dict) -> None:
        self._arrived()  # the first words of a page come when its kernel is up, and counted as one
        if isinstance(chunk, str):
            plotly = _PLOTLY.replace("URL", _plotly_url(self.base_url))
            chunk = _ELSEWHERE.sub("", chunk)
            if not self._begun and "</title>" in chunk:  # once: pictures in the page have titles too
                self._begun = True
                theme = "" if self.get_argument("theme", "") else _DARK.replace("COLOURS", _dark_colours())
                chunk = chunk.replace("</title>", f"</title>{_STILL}{_HAS_RUN}{_SCRIPT}{self._more}{plotly}{theme}", 1)
            if found := _KERNEL.search(chunk):
                self._kernel = found[1]
        super().write(chunk)

    def on_finish(self) -> None:
        if self._kernel is not None and self.settings["room"].opening:
            self.settings["room"].unopened[self._kernel] = time.monotonic()
        super().on_finish()


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


class Plotly(Known, RequestHandler):
    """plotly.js, which a browser keeps for all lessons; its address names the version."""

    def get(self, library: str) -> None:
        self.set_header("Content-Type", "text/javascript")
        self.set_header("Content-Encoding", "gzip")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(plotly_js(library))


class Compressed(GZipContentEncoding):
    """Compresses what goes to another machine: a browser on this one has no need, and a proxy here does it itself."""

    GZIP_LEVEL = 3  # a first page is 6 MB: 0.08 s of work, against 0.13 s at the usual level for a tenth less

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._gzipping &= not ip_address(request.remote_ip).is_loopback


class _Templates(BytecodeCache):
    """Compiled templates of pages: Voila makes each page's templates anew, a fifth of all that its server does."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Exporter(VoilaExporter):
    """Voila's exporter, which compiles a template once."""

    _templates = _Templates()

    def _create_environment(self) -> Environment:
        made = super()._create_environment()
        made.bytecode_cache = self._templates
        return made
