"""What happens to connections that ask for nothing."""

import asyncio

import pytest
from tornado.web import Application, RequestHandler

from widgets.gallery import connections, descriptors


class Word(RequestHandler):
    def get(self):
        self.write("word")


async def answer(port: int, request: bytes) -> bytes:
    """All that the server says on one connection, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def said(*requests: bytes) -> list[bytes]:
    async def visit() -> list[bytes]:
        server = connections.listen(Application([("/", Word)]), 0, "127.0.0.1")
        port = next(iter(server._sockets.values())).getsockname()[1]
        try:
            return [await answer(port, request) for request in requests]
        finally:
            server.stop()

    return asyncio.run(visit())


ASKED = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


HALF = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.mark.parametrize("request_", [b"", b"GET / HT", ASKED[:-2], HALF])
def test_who_does_not_finish_a_request_is_hung_up_on(monkeypatch, request_):
    monkeypatch.setattr(connections, "IDLE", 0.2)
    assert b"word" not in said(request_)[0]


def test_who_comes_when_no_descriptors_are_left_is_hung_up_on(monkeypatch):
    left = iter([False, True])
    monkeypatch.setattr(descriptors, "enough_for", lambda visitors: next(left))
    refused, served = said(ASKED, ASKED)
    assert refused == b"" and served.endswith(b"word")
