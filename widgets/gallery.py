"""Voila over the lessons, with the index notebook as its front page: `python -m widgets.gallery notebooks`.

Voila opens a folder on a list of files. Here `/` leads to `/voila/render/index.ipynb` instead, so that the index is
the gallery and relative links between notebooks work as they do in JupyterLab. Every option of Voila works.

A closed page ends its kernel. Voila 0.5 means to do that too, but its page then sends a token that standalone Voila
never set, and the server refuses.
"""

from __future__ import annotations

from jupyter_server.utils import url_path_join
from tornado.web import RedirectHandler
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

_KERNEL = r"voila/api/shutdown/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class _Shutdown(VoilaShutdownKernelHandler):
    """Voila's own, without the token: who knows a kernel's id, 128 random bits, is the page that it serves."""

    def check_xsrf_cookie(self) -> None:
        pass


class Gallery(Voila):
    """Voila whose front page is `index.ipynb` of the folder that it serves."""

    def init_handlers(self) -> list:
        # Tornado takes the first handler that matches: ours go before Voila's
        handlers = [(url_path_join(self.server_url, _KERNEL), _Shutdown), *super().init_handlers()]
        if self.notebook_path:
            return handlers
        index = url_path_join(self.base_url, "voila/render/index.ipynb")
        return [(url_path_join(self.server_url, "/?"), RedirectHandler, {"url": index, "permanent": False}), *handlers]


main = Gallery.launch_instance

if __name__ == "__main__":
    main()
