"""The server's word on a notebook that was opened, and its page to print."""

from __future__ import annotations

import asyncio
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from labcore import catalog
from widgets.lab.lessons import lesson_of, startable
from widgets.lab.printed import FOLDER, address, make

PATIENCE = 10  # seconds of one answer: the way to a browser may lead through others, who wait no minutes


class LessonHandler(APIHandler):
    """GET ?path=..., relative to the folder that is served: {"cells": ...} as `startable` has them, or null."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    def get(self) -> None:
        path = self.get_query_argument("path", strip=False).lstrip("/")
        self.finish({"cells": startable(Path(self.kernel_manager.root_dir, path))})


class PrintHandler(APIHandler):
    """POST ?path=...: {"page": ...}, the address of the lesson's page below `base_url`, or null while it is made.

    Making one runs the lesson, as opening it does; a notebook that would not be started is answered with 404.
    """

    auth_resource = "contents"
    making: dict[str, asyncio.Task[None]] = {}  # by the lesson's name; all pages wait for one and the same

    @web.authenticated
    @authorized
    async def post(self) -> None:
        notebook = Path(self.kernel_manager.root_dir, self.get_query_argument("path", strip=False).lstrip("/"))
        name = lesson_of(notebook)
        if name is None or name in catalog.PAGES or startable(notebook) is None:
            raise web.HTTPError(404, "this is no unchanged lesson of the package")
        if name not in self.making:
            self.making[name] = asyncio.ensure_future(make(name, self.settings[FOLDER]))
        task = self.making[name]
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if done:
            self.making.pop(name, None)
            if task.exception() is not None:
                raise web.HTTPError(500, f"the page was not made: {task.exception()}")
        self.finish({"page": address(name) if done else None})


class PageHandler(JupyterHandler, web.StaticFileHandler):
    """A page that was made, and what it loads."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        await web.StaticFileHandler.get(self, path)
