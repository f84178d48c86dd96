"""The atlas: all papers of the catalogue on one page."""

from widgets.atlas.cards import atlas

__all__ = ["atlas"]
