"""Lessons that open alive in JupyterLab.

A part in the browser, labextensions/labcore/lessons.js, asks a part in the server, this one, whether the notebook that
was opened is an unchanged lesson of the package. It runs such a lesson, and prints it as `widgets.site` writes it, with
its figures. Settings in `.jupyter` switch the server's part on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "widgets.lab"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from jupyter_server.utils import url_path_join

    from widgets.lab.handler import LessonHandler, PageHandler, PrintHandler
    from widgets.lab.printed import FOLDER, PAGES, folder

    settings = server.web_app.settings
    settings.setdefault("page_config_data", {})["labcoreLessons"] = "true"
    kept = settings[FOLDER] = folder()
    ours = [
        ("labcore/lesson", LessonHandler),
        ("labcore/print", PrintHandler),
        (f"{PAGES}/(.*)", PageHandler, {"path": str(kept)}),
    ]
    base = settings["base_url"]
    server.web_app.add_handlers(".*$", [(url_path_join(base, place), *more) for place, *more in ours])
