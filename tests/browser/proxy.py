"""A small reverse proxy, to see that what stands behind one works: pages, and websockets with their protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

_OWN = {"Content-Length", "Transfer-Encoding", "Connection"}  # of one connection, not of the answer


class _Page(RequestHandler):
    def initialize(self, upstream: str) -> None:
        self.upstream = upstream

    async def _pass(self) -> None:
        asked = HTTPRequest(
            self.upstream + self.request.uri,
            self.request.method,
            self.request.headers,
            self.request.body or None,
            allow_nonstandard_methods=True,
            decompress_response=False,
            follow_redirects=False,
            request_timeout=120,
        )
        answer = await AsyncHTTPClient().fetch(asked, raise_error=False)
        self.set_status(answer.code, answer.reason)
        self.clear_header("Content-Type")
        for name, value in answer.headers.get_all():
            if name not in _OWN:
                self.add_header(name, value)
        if answer.body:
            self.write(answer.body)

    get = post = head = delete = _pass


class _Line(WebSocketHandler):
    def initialize(self, upstream: str) -> None:
        self.upstream = upstream

    async def get(self, *args: str) -> None:
        kept = {k: v for k, v in self.request.headers.items() if k in ("Host", "Origin", "Cookie")}
        asked = HTTPRequest(f"ws://{urlsplit(self.upstream).netloc}{self.request.uri}", headers=kept)
        offered = [p.strip() for p in self.request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        self.far: WebSocketClientConnection = await websocket_connect(
            asked, subprotocols=offered or None, max_message_size=2**30
        )
        await super().get(*args)

    def check_origin(self, origin: str) -> bool:
        return True  # the server behind decides

    def select_subprotocol(self, offered: list[str]) -> str | None:
        return self.far.selected_subprotocol

    def open(self, *args: str) -> None:
        self._pump = asyncio.ensure_future(self._back())

    async def _back(self) -> None:
        while (message := await self.far.read_message()) is not None:
            await self.write_message(message, isinstance(message, bytes))
        self.close()

    def on_message(self, message: str | bytes) -> None:
        self.far.write_message(message, isinstance(message, bytes))

    def on_close(self) -> None:
        self._pump.cancel()
        self.far.close()


@contextmanager
def proxy(upstream: str, port: int) -> Iterator[str]:
    """Answer on `port` with what the server at `upstream` answers; Host and Origin are passed on as they came."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        to = {"upstream": upstream}
        Application([(r".*/channels", _Line, to), (r".*", _Page, to)]).listen(port, "127.0.0.1")
        ready.set()
        await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
