"""A class on one machine: visitors open lessons, move sliders and leave; how long they wait and what they take.

    python -m tests.benchmarks.bench_class [--visitors 5,10,20,30] [--server ready] [--hostile 1] [--lessons WORD]
        [--json FILE]

A visitor is a websocket client that does what a page does: it loads the page, asks for the widgets' states, waits until
the first figure holds data, moves a slider of the first bench ten times, waiting for each new figure, and closes. All
visitors come within ten seconds. What a browser itself needs to draw is not in it: it is the visitor's own machine's.

Hostile visitors come before the others and stay as long as these: they send their kernel five bytes and a megabyte that
are no messages, and ask it for every state on a line that they never read, twenty times a second. What is measured is
what the others wait; how many of its lines were closed is said beside it.

The servers: `ready`, the gallery when all lessons are executed ahead; `fresh`, as it starts, with a few that are, and
the others executed as they are asked for; `forks`, which keeps none ready; `voila`, plain Voila; `pool`, plain Voila
that keeps one executed kernel of each lesson, and executes a new one for each that is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from labcore import catalog
from tests.browser.conftest import free_port, serve, serve_voila
from tests.browser.kernel_socket import connect, read, send

ARRIVALS, MOVES, PATIENCE = 10.0, 10, 120.0
PATIENT = {"request_timeout": PATIENCE, "connect_timeout": PATIENCE}
AsyncHTTPClient.configure(None, max_clients=200)  # or the visitors would wait for each other here


class Visitor:
    """One visit. `figure`: seconds from the request to the first figure; `moves`: seconds for each slider move."""

    def __init__(self, url: str, lesson: str, wait: float):
        self.url, self.lesson, self.wait = url, lesson, wait
        self.figure: float | None = None
        self.moves: list[float] = []
        self.error = ""

    async def visit(self) -> None:
        await asyncio.sleep(self.wait)
        try:
            await asyncio.wait_for(self._visit(), PATIENCE)
        except Exception as error:  # noqa: BLE001 - a failed visit is a result
            self.error = f"{self.lesson}: {type(error).__name__} {error} {traceback.format_exc(limit=-1)}"

    async def _visit(self) -> None:
        began = time.perf_counter()
        page = await AsyncHTTPClient().fetch(f"{self.url}/voila/render/{self.lesson}", **PATIENT)
        self.kernel = page.body.decode().split('"kernelId": "')[1].split('"')[0]
        address = f"{self.url.replace('http', 'ws')}/api/kernels/{self.kernel}/channels"
        self.socket = await connect(address, self.url)
        try:
            states = await self._states()
            plots = {k for k, s in states.items() if "bench_id" in s["state"] and s["state"]["bench_id"]}
            first = next(k for k in states if k in plots)
            spec = states[first]["state"]["spec"]
            if not spec["data"]:
                await self._send(
                    "comm_msg", {"comm_id": first, "data": {"method": "custom", "content": {"type": "opened"}}}
                )
                spec = await self._figure(first)
            self.figure = time.perf_counter() - began
            sliders = [k for k, s in states.items() if s["model_name"] == "IntSliderModel" and s["state"]["max"] > 20]
            # the slider of the first bench: the models come in the order in which they were made
            order = list(states)
            slider = max((k for k in sliders if order.index(k) < order.index(first)), key=order.index, default=None)
            if slider is None:
                return
            top = states[slider]["state"]["max"]
            for n in range(MOVES):
                began = time.perf_counter()
                value = round(top * (0.2 + 0.6 * ((n * 3) % MOVES) / MOVES))
                update = {"method": "update", "state": {"value": value}, "buffer_paths": []}
                await self._send("comm_msg", {"comm_id": slider, "data": update})
                try:
                    await asyncio.wait_for(self._figure(first), 3)
                except TimeoutError:
                    continue  # a long experiment waits for Run
                self.moves.append(time.perf_counter() - began)
                await asyncio.sleep(0.3)
        finally:
            self.socket.close()
            leave = HTTPRequest(
                f"{self.url}/voila/api/shutdown/{self.kernel}", "POST", {"Origin": self.url}, body="", **PATIENT
            )
            # plain Voila refuses its own pages here
            await AsyncHTTPClient().fetch(leave, raise_error=False)

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        await send(self.socket, kind, content)

    async def _read(self) -> dict[str, Any]:
        return await read(self.socket)

    async def _states(self) -> dict[str, dict]:
        comm = uuid.uuid4().hex
        await self._send("comm_open", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
        await self._send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        while True:
            message = await self._read()
            data = message.get("content", {}).get("data", {})
            if message.get("msg_type") == "comm_msg" and data.get("method") == "update_states":
                return data["states"]

    async def _figure(self, plot: str) -> dict:
        while True:
            message = await self._read()
            content = message.get("content", {})
            if message.get("msg_type") == "comm_msg" and content.get("comm_id") == plot:
                spec = content["data"].get("state", {}).get("spec")
                if spec and spec["data"]:
                    return spec


class Hostile:
    """A visitor who keeps the server busy. `sent` and `closed`: its messages, and its lines that the server closed."""

    def __init__(self, url: str, lesson: str):
        self.url, self.lesson = url, lesson
        self.sent = self.closed = 0

    async def stay(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(HTTPError, StreamClosedError, WebSocketClosedError, OSError, IndexError):
                page = await AsyncHTTPClient().fetch(f"{self.url}/voila/render/{self.lesson}", **PATIENT)
                kernel = page.body.decode().split('"kernelId": "')[1].split('"')[0]
                await self._trouble(f"{self.url.replace('http', 'ws')}/api/kernels/{kernel}/channels")
            await asyncio.sleep(1)  # there was no place, or its kernel is gone

    async def _trouble(self, address: str) -> None:
        unread, comm = None, uuid.uuid4().hex
        while True:
            for nonsense in (b"\xff" * 5, b"\xff" * 2**20):
                line = await connect(address, self.url)
                await line.write_message(nonsense, binary=True)
                self.sent += 1
                with contextlib.suppress(asyncio.TimeoutError):
                    self.closed += await asyncio.wait_for(line.read_message(), 5) is None
                line.close()
            if unread is None:
                unread = await connect(address, self.url)
                await send(unread, "comm_open", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
            try:
                await send(unread, "comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
                self.sent += 1
            except (StreamClosedError, WebSocketClosedError):
                self.closed, unread = self.closed + 1, None
            await asyncio.sleep(0.05)


def kernels() -> list[psutil.Process]:
    """Processes of kernels: copies that began a session of their own, and kernels started from nothing."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, OSError):
            line = " ".join(process.info["cmdline"] or ())
            copied = "import nursery" in line and "import nursery" in " ".join(process.parent().cmdline())
            if "ipykernel_launcher" in line or (copied and os.getsid(process.pid) == process.pid):
                found.append(process)
    return found


async def class_of(url: str, size: int, lessons: list[str], hostile: int = 0) -> dict[str, Any]:
    """A row: what `size` visitors of these lessons waited, beside so many hostile ones."""
    others = [Hostile(url, lessons[0]) for _ in range(hostile)]
    troubles = [asyncio.ensure_future(other.stay()) for other in others]
    visitors = [Visitor(url, lessons[i % len(lessons)], ARRIVALS * i / size) for i in range(size)]
    most = {"own": 0.0, "here": 0}
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            own = []
            for kernel in kernels():
                try:
                    own.append(kernel.memory_full_info().uss / 2**20)
                except psutil.Error:
                    continue
            if own and sum(own) > most["own"]:
                most.update(own=sum(own), here=len(own))
            await asyncio.sleep(1)

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(v.visit() for v in visitors))
    done.set()
    await watching
    for trouble in troubles:
        trouble.cancel()
    await asyncio.gather(*troubles, return_exceptions=True)
    figures = [v.figure for v in visitors if v.figure is not None] or [np.nan]
    moves = [m for v in visitors for m in v.moves] or [np.nan]
    return {
        "visitors": size,
        "failures": sum(bool(v.error) for v in visitors),
        "first figure, median s": float(np.median(figures)),
        "first figure, 95 % s": float(np.percentile(figures, 95)),
        "slider, median ms": float(np.median(moves) * 1000),
        "slider, 95 % ms": float(np.percentile(moves, 95) * 1000),
        "memory a visitor, MB": most["own"] / max(most["here"], 1),
        "hostile messages": sum(other.sent for other in others),
        "hostile lines closed": sum(other.closed for other in others),
        "errors": [v.error for v in visitors if v.error][:3],
    }


GALLERY = {"ready": [], "fresh": ["--Gallery.ready_megabytes=5000"], "forks": []}  # options
SERVERS = (*GALLERY, "voila", "pool")


def class_rows(
    server: str, sizes: Sequence[int], lessons: Sequence[str] = (), hostile: int = 0
) -> Iterator[dict[str, Any]]:
    """`class_of` for each size, on one server; `lessons`: paths in the folder of notebooks, or nothing for all."""
    lessons = list(lessons) or sorted(
        {p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"}
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        if server in GALLERY:
            places = f"--Gallery.visitors={max(sizes) + hostile + 5}"
            serving = serve_voila("notebooks", log, places, *GALLERY[server], warm=server == "ready")
        else:
            port = free_port()
            command = [sys.executable, "-m", "voila", "notebooks", f"--port={port}", "--no-browser"]
            pool = ["--VoilaConfiguration.preheat_kernel=True", "--VoilaKernelManager.default_pool_size=1"]
            serving = serve(command + pool * (server == "pool"), port, log)
        url = next(serving)
        try:
            _settle()
            for size in sizes:
                yield {"server": server, **asyncio.run(class_of(url, size, lessons, hostile))}
        finally:
            serving.close()


def _settle(seconds: float = 300) -> None:
    """Wait until the server and its kernels have nothing left to do, or for so many seconds."""
    end = time.monotonic() + seconds
    before, now = -1.0, 0.0
    while now - before > 0.3 and time.monotonic() < end:
        time.sleep(3)
        before, now = now, 0.0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it may have ended
                now += sum(process.cpu_times()[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", default="5,10,20,30")
    parser.add_argument("--server", default="ready", choices=SERVERS)
    parser.add_argument("--hostile", type=int, default=0, help="so many visitors who only make trouble")
    parser.add_argument("--lessons", default="", help="only those with this word in their path")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    every = sorted({p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"})
    rows = []
    sizes, lessons = [int(n) for n in options.visitors.split(",")], [x for x in every if options.lessons in x]
    for row in class_rows(options.server, sizes, lessons, options.hostile):
        print({k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
        rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
