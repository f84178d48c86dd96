"""Connections that ask for nothing: how long they may stay, and how many there may be."""

from __future__ import annotations

from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

from widgets.gallery import descriptors

IDLE = 75.0  # seconds; Tornado's own is an hour. A line to a kernel is no request, and stays as long as its page.


class Bounded(HTTPServer):
    """A server that hangs up when no file descriptors are left for another connection, and on who does not speak.

    Without a proxy before it anybody could hold all descriptors by opening connections and asking for nothing.
    """

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        if descriptors.enough_for(0):
            super().handle_stream(stream, address)
        else:
            stream.close()


def listen(app: Application, port: int, address: str) -> Bounded:
    """Serve there, in place of `Application.listen`. Raises OSError if that cannot be."""
    server = Bounded(app, idle_connection_timeout=IDLE, body_timeout=IDLE)
    server.listen(port, address)
    return server
