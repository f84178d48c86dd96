"""Whose place is free again, without a server."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from tornado.web import HTTPError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from widgets.gallery.folders import Folders
from widgets.gallery.messages import PROTOCOL
from widgets.gallery.pages import Line
from widgets.gallery.room import Room


class Kernels(set):
    """Kernels by their names, all of them busy."""

    cull_idle_timeout = 600

    async def shutdown_kernel(self, kernel: str) -> None:
        self.remove(kernel)


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def room() -> Room:
    return Room(
        "", True, visitors=9, retry=5, opening=60, hosts=[], nursery=None, folders=Folders(), kernels=Kernels("abc")
    )


def line(room: Room, kernel: str) -> Line:
    made = object.__new__(Line)
    made.kernel_id, made.application = kernel, SimpleNamespace(settings={"room": room})
    made.request = SimpleNamespace(headers={"Sec-WebSocket-Protocol": PROTOCOL})
    return made


def test_a_kernel_whose_lines_have_closed_ends_after_its_time(room, clock):
    lines = [line(room, kernel) for kernel in "aab"]
    for one in lines:
        room.opened(one)
    room.closed(lines[0])
    room.closed(lines[2])
    clock[0] += 599
    asyncio.run(room.look_after())
    assert room.kernels == set("abc")
    clock[0] += 2
    asyncio.run(room.look_after())
    assert room.kernels == set("ac"), "a has another line, c has not been opened and is not on the list"
    room.closed(lines[1])
    room.opened(lines[1])
    clock[0] += 700
    asyncio.run(room.look_after())
    assert room.kernels == set("ac"), "its page has come back"


def test_a_kernel_that_somebody_else_ends_at_that_moment_stops_nothing(room, clock, monkeypatch):
    async def gone(kernels: Kernels, kernel: str) -> None:
        kernels.remove(kernel)
        raise HTTPError(404)

    monkeypatch.setattr(Kernels, "shutdown_kernel", gone)
    room.unopened |= {"a": clock[0], "b": clock[0]}
    clock[0] += 61
    asyncio.run(room.look_after())
    assert room.kernels == {"c"}


def test_without_a_time_a_kernel_is_kept(room, clock):
    room.kernels.cull_idle_timeout = 0
    one = line(room, "a")
    room.opened(one)
    room.closed(one)
    clock[0] += 10_000
    asyncio.run(room.look_after())
    assert room.kernels == set("abc")


def test_a_refused_request_is_no_line(room, clock, monkeypatch):
    async def refused(*_):
        raise HTTPError(403)

    monkeypatch.setattr(VoilaKernelWebsocketHandler, "get", refused)
    room.unopened["a"] = clock[0]
    with pytest.raises(HTTPError, match="403"):
        asyncio.run(line(room, "a").get("a"))
    clock[0] += 61
    asyncio.run(room.look_after())
    assert room.kernels == set("bc")
