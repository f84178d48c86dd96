"""The server's word on a notebook that was opened."""

from __future__ import annotations

from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from widgets.lab.lessons import startable


class LessonHandler(APIHandler):
    """GET ?path=..., relative to the folder that is served: {"cells": ...} as `startable` has them, or null."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    def get(self) -> None:
        path = self.get_query_argument("path", strip=False).lstrip("/")
        self.finish({"cells": startable(Path(self.kernel_manager.root_dir, path))})
