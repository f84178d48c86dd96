"""Voila over the lessons, with the index notebook as its front page: `python -m widgets.gallery notebooks`.

Voila opens a folder on a list of files. Here `/` leads to `/voila/render/index.ipynb` instead, so that the index is
the gallery and relative links between notebooks work as they do in JupyterLab. Every option of Voila works.
"""

from __future__ import annotations

from jupyter_server.utils import url_path_join
from tornado.web import RedirectHandler
from voila.app import Voila


class Gallery(Voila):
    """Voila whose front page is `index.ipynb` of the folder that it serves."""

    def init_handlers(self) -> list:
        handlers = super().init_handlers()
        if self.notebook_path:
            return handlers
        index = url_path_join(self.base_url, "voila/render/index.ipynb")
        # Tornado takes the first handler that matches: this one goes before Voila's list of files
        return [(url_path_join(self.server_url, "/?"), RedirectHandler, {"url": index, "permanent": False}), *handlers]


main = Gallery.launch_instance

if __name__ == "__main__":
    main()
