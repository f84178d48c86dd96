"""`python -m widgets.gallery` serves the lessons of a folder."""

from widgets.gallery.server import Gallery

Gallery.launch_instance()
