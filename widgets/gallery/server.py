"""Voila over the lessons, for a class: `python -m widgets.gallery notebooks`.

The index notebook is the front page, so that relative links between notebooks work as they do in JupyterLab. Only the
lessons of the catalogue are served, and nothing else of the folder. A visitor's kernel is a copy of a process that has
executed the lesson (`widgets.gallery.nursery`); it has one thread and a ceiling on its memory, and ends with its page.
When the room is full, the next visitor gets a page that says so and tries again. With `--class`, answers to the
lessons' questions are gathered, and a teacher shows them (`widgets.gallery.guesses`). Every option of Voila works; ours
are listed by `--help`.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import sys
from pathlib import Path

import psutil
import voila.notebook_renderer
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RedirectHandler
from traitlets import Bool, Int, List, Unicode, default
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from labcore.guests import HOUSE_ONLY
from widgets.atlas.cards import NOTES_PAGE
from widgets.benches.plot import LIBRARIES, PAGE_HAS_PLOTLY
from widgets.gallery import connections, descriptors
from widgets.gallery.class_pages import ClassAnswers, TeacherAnswers, TeacherPage, Teaching
from widgets.gallery.folders import Folders
from widgets.gallery.fork_server import ForkProvisioner, Nursery
from widgets.gallery.guesses import Guesses, lessons_by_name
from widgets.gallery.logs import keep_to_one_line
from widgets.gallery.pages import Compressed, Exporter, Lesson, Line, Model, Nothing, Plotly, Shutdown, known
from widgets.gallery.room import Room, lessons_of
from widgets.gallery.shelf import GUESS, Shelf, memory

_KERNEL = r"voila/api/shutdown/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_ROUND = 2  # seconds between two rounds of `Room.look_after`
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
    hosts = List(
        Unicode(), help="Names under which it may be asked for, besides IP addresses, localhost and this machine's own."
    ).tag(config=True)
    fork = Bool(sys.platform == "linux", help="Start kernels by forks of one warm process.").tag(config=True)
    ready_megabytes = Int(
        min=0,
        help="Memory for lessons that are kept ready: those asked for last are executed once, and their visitors get "
        "copies. Default: up to a third of the memory there is, for the catalogue's lessons where forks are used; "
        "0: none is kept.",
    ).tag(config=True)
    warm = Int(
        4, min=0, help="Lessons to make ready at the start, the index first; others follow when somebody has come."
    ).tag(config=True)
    only_catalog = Bool(True, help="Serve the catalogue's lessons and no other notebook of the folder.").tag(
        config=True
    )
    predictions = Bool(
        False,
        help="For a class: answers to the lessons' questions are gathered, without names and in memory only, and the "
        "teacher's page, whose link is printed at the start, shows them.",
    ).tag(config=True)
    flags = {
        **Voila.flags,
        "class": ({"Gallery": {"predictions": True}}, "Gather and show a class's answers; see Gallery.predictions."),
    }
    nursery: Nursery | None = None
    folders: Folders

    def _lessons(self) -> set[str]:
        return lessons_of(self.root_dir, self.only_catalog)

    @default("ready_megabytes")
    def _ready_megabytes(self) -> int:
        return int(min(memory() / 3, len(self._lessons()) * GUESS)) if self.fork and self.only_catalog else 0

    @default("visitors")
    def _visitors(self) -> int:
        free = min(psutil.virtual_memory().available / 2**20, memory()) * 0.8 - self.ready_megabytes
        return max(1, int(min(free / _OURS, descriptors.most_visitors())))

    def _first(self) -> list[Path]:
        """The lessons to make ready at the start."""
        index_first = sorted(self._lessons(), key=lambda path: (path != "index.ipynb", path))
        return [Path(self.root_dir, path).resolve() for path in index_first[: self.warm]]

    def init_settings(self) -> dict:
        # pages ask their kernel for the widgets: no use to keep a copy here, plotly.js among them
        self.config.VoilaExecutor.store_widget_state = False
        # a kernel that starts from nothing imports torch before it answers, which takes long on a busy machine
        self.config.VoilaExecutor.startup_timeout = 300
        # a kernel that begins anew has nothing of its page; the page says so and can be loaded again
        self.config.KernelRestarter.restart_limit = 0
        voila.notebook_renderer.VoilaExporter = Exporter
        os.environ[PAGE_HAS_PLOTLY] = "1"
        if not self.predictions:  # what is right stands there
            os.environ[NOTES_PAGE] = url_path_join(self.base_url, "labcore/teaching")
        os.environ[HOUSE_ONLY] = "1"  # nothing that lies beside a lesson is taken for a paper
        descriptors.raise_limit()
        if self.visitors > descriptors.most_visitors():
            self.log.warning(
                "This process may open %d files, enough for %d visitors; beyond that the room may be full before %d "
                "are here.",
                descriptors.limit(),
                descriptors.most_visitors(),
                self.visitors,
            )
        if self.only_catalog and not self.voila_configuration.extension_denylist:
            # 4.9 MB for plotly's own widget, which no lesson has
            self.voila_configuration.extension_denylist = ["jupyterlab-plotly"]
        KernelProvisionerFactory.instance(parent=self).default_provisioner_name = "labcore-fork"
        ForkProvisioner.folders = self.folders = Folders()
        ForkProvisioner.megabytes = self.kernel_megabytes
        if self.fork:
            options = self.voila_configuration
            # what these ask for is done as a page is made, which then is too late
            late = options.prelaunch_hook or options.page_config_hook or options.progressive_rendering
            shelf = Shelf(0 if late else self.ready_megabytes)
            self.log.info("Room for %d visitors, and %d MB for lessons kept ready.", self.visitors, shelf.megabytes)
            ForkProvisioner.nursery = self.nursery = Nursery(self.kernel_megabytes, shelf)
        settings = super().init_settings()
        descriptors.allow_sockets(self.kernel_manager.context)  # of all lines to kernels
        # another site's page can neither send our cookie nor be sent it; `Lax`, so that links to lessons work
        self.identity_provider.cookie_options = {"samesite": "Lax", **self.identity_provider.cookie_options}
        settings["xsrf_cookie_kwargs"] = {"samesite": "Lax", **settings.get("xsrf_cookie_kwargs", {})}
        self.room = Room(
            root_dir=self.root_dir,
            only_catalog=self.only_catalog,
            visitors=self.visitors,
            retry=self.retry,
            opening=self.opening,
            hosts=self.hosts,
            nursery=self.nursery,
            folders=self.folders,
            kernels=self.kernel_manager,
            guesses=Guesses(dict(lessons_by_name(Path(self.root_dir), self._lessons()))) if self.predictions else None,
        )
        nothing = {"default_handler_class": Nothing, "default_handler_args": {"status_code": 404}}
        return {**settings, **nothing, "room": self.room}

    def _addresses(self) -> list[str]:
        """Where other machines of this network find it, where it listens to them."""
        listening = [self.ip]
        if self.ip in ("", "0.0.0.0", "::"):
            every = (a for found in psutil.net_if_addrs().values() for a in found if a.family == socket.AF_INET)
            listening = [a.address for a in every if not a.address.startswith(("127.", "169.254."))]
        elif self.ip in ("localhost", "127.0.0.1", "::1"):
            return []
        return [f"http://{ip}:{self.port}{self.base_url}" for ip in listening]

    def _tell_teacher(self) -> None:
        self.room.addresses = self._addresses()
        at = self.room.addresses or [f"http://localhost:{self.port}{self.base_url}"]
        if not self.room.addresses:
            self.log.warning("Only this machine, or a proxy on it, finds the class; --Voila.ip=0.0.0.0 lets others in.")
        self.log.info("The class opens %s", " or ".join(at))
        self.log.info("You open %slabcore/teacher#%s and keep that link to yourself.", at[0], self.room.guesses.token)

    def init_handlers(self) -> list:
        # Tornado takes the first handler that matches: ours go before Voila's
        ours = [
            (url_path_join(self.server_url, _KERNEL), Shutdown),
            (url_path_join(self.server_url, rf"labcore/plotly-[\w.]+-({'|'.join(LIBRARIES)})\.js"), Plotly),
        ]
        place = {"base_url": self.base_url}
        ours.append((url_path_join(self.server_url, "labcore/teaching"), Teaching, place))
        if self.predictions:
            pages = {"class": ClassAnswers, "teacher": TeacherPage, "teacher/answers": TeacherAnswers}
            ours += [(url_path_join(self.server_url, f"labcore/{name}"), kind, place) for name, kind in pages.items()]
        replaced = {TornadoVoilaHandler: Lesson, VoilaKernelWebsocketHandler: Line, KernelHandler: Model}
        kept = []
        for handler in super().init_handlers():
            pattern, kind, *rest = handler
            if kind in replaced:
                kept.append((pattern, replaced[kind], *rest))
            elif "tree" in pattern or "contents" in pattern or "voila/files" in pattern:
                continue  # lists and files of the folder
            elif pattern.endswith("/logout"):
                continue  # nobody has logged in
            else:
                kept.append((pattern, known(kind), *rest))
        if not self.notebook_path:
            index = url_path_join(self.base_url, "voila/render/index.ipynb")
            ours.insert(
                0, (url_path_join(self.server_url, "/?"), known(RedirectHandler), {"url": index, "permanent": False})
            )
        return [*ours, *kept]

    def listen(self) -> None:
        self.app.transforms.append(Compressed)
        # before the first request, and after Voila's own words about its address, which are two lines
        IOLoop.current().add_callback(keep_to_one_line, self.log, logging.getLogger())
        if self.nursery is not None:
            IOLoop.current().add_callback(self.nursery.warm, self._first())
        if self.room.guesses is not None:
            IOLoop.current().add_callback(self._tell_teacher)
        PeriodicCallback(self.room.look_after, 1000 * _ROUND).start()
        self.app.listen = functools.partial(connections.listen, self.app)  # which Voila calls, port by port
        super().listen()

    def stop(self) -> None:
        if self.nursery is not None:
            self.nursery.close()
        super().stop()
        self.folders.close()
