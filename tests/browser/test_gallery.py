"""The gallery as a stranger sees it: what it serves, whom it refuses, when it is full, and how its kernels live."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import resource
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPClientError
from tornado.iostream import StreamBufferFullError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from tests.browser.conftest import ALL_READY, ROOT, free_port, leave, serve_voila, wait_for_words, wait_until_ready
from tests.browser.front import write_notebook
from tests.browser.kernel_socket import PROTOCOL, connect, read, send
from widgets.gallery import descriptors
from widgets.gallery.fork_server import Nursery
from widgets.gallery.pages import Line

PAGE = "voila/render/kan/spline_edges.ipynb"


@pytest.fixture
def gallery(voila) -> str:
    """The gallery of the lessons."""
    return voila


class Room(NamedTuple):
    """A gallery over a folder of notebooks with one cell each."""

    folder: Path
    origin: str

    def page(self, name: str = "one") -> str:
        return f"{self.origin}/voila/render/{name}.ipynb"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def end(self, kernel: str) -> None:
        """End a kernel, as its page does when it is left."""
        assert status(f"{self.origin}/voila/api/shutdown/{kernel}", "POST", Origin=self.origin) in (200, 204)


@contextmanager
def room(folder: Path, cells: dict[str, str], *options: str) -> Iterator[Room]:
    """Serve notebooks, by name the source of their only cell."""
    for name, source in cells.items():
        write_notebook(folder / f"{name}.ipynb", source)
    for origin in serve_voila(folder, folder / "log", *options):
        yield Room(folder, origin)


def ask(url: str, method: str = "GET", **headers: str) -> HTTPResponse:
    return urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=120)


def status(url: str, method: str = "GET", **headers: str) -> int:
    try:
        return ask(url, method, **headers).status
    except urllib.error.HTTPError as error:
        return error.code


def text(url: str) -> str:
    return ask(url).read().decode()


@pytest.fixture(scope="module")
def common(desk, voila_desk) -> Room:
    """The gallery that all modules share, with a large room."""
    for name, source in {"kernel": KERNEL, "large": LARGE, "alive": "print('ALIVE')", "slider": SLIDER}.items():
        write_notebook(desk / f"{name}.ipynb", source)
    return Room(desk, voila_desk)


def kernel_of(page: str) -> str:
    """The id of the kernel that a page was given."""
    return page.split('"kernelId": "')[1].split('"')[0]


@pytest.mark.parametrize(
    "path",
    [
        "voila/render/../README.md",
        "voila/render/%2e%2e/README.md",
        "voila/render/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "voila/render//etc/passwd",
        "voila/render/kan/no_such.ipynb",
        "voila/render/kan",
        "voila/files/kan/spline_edges.ipynb",
        "voila/files/index.ipynb",
        "voila/tree",
        "voila/tree/kan",
        "voila/api/contents/kan",
        "api/contents",
        "api/sessions",
        "api/terminals",
        "api/kernels",
        "logout",
        "voila/templates/",
        "voila/templates/lab/static/../../../../../README.md",
        "voila/static/../../voila.py",
        "voila/labextensions/../../../README.md",
    ],
)
def test_nothing_but_lessons_is_served(gallery, path):
    assert status(f"{gallery}/{path}") == 404


def test_a_page_asks_no_other_site_and_shows_no_source(gallery):
    page = text(f"{gallery}/{PAGE}")
    assert 'bench("' not in page and "from widgets import" not in page
    assert "cdn.jsdelivr.net" not in page.split("<body")[0]
    assert status(f"{gallery}/voila/api/shutdown/{kernel_of(page)}", "POST", Origin=gallery) in (200, 204)


@pytest.mark.parametrize("query", ["theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "template=no_such"])
def test_an_address_cannot_write_into_the_page_nor_hang_it(gallery, query):
    page = text(f"{gallery}/{PAGE}?{query}")
    assert "alert(1)" not in page and "</html>" in page
    assert status(f"{gallery}/voila/api/shutdown/{kernel_of(page)}", "POST", Origin=gallery) in (200, 204)


def test_another_site_cannot_end_a_kernel(gallery):
    kernel = kernel_of(text(f"{gallery}/{PAGE}"))
    for headers in ({}, {"Origin": "http://evil.example"}, {"Referer": "http://evil.example/page"}):
        assert status(f"{gallery}/voila/api/shutdown/{kernel}", "POST", **headers) == 403
        assert status(f"{gallery}/api/kernels/{kernel}", "DELETE", **headers) in (403, 404, 405)
    assert status(f"{gallery}/voila/api/shutdown/{kernel}", "POST", Origin=gallery) in (200, 204)


def test_another_site_cannot_talk_to_a_kernel_and_nobody_can_run_code(gallery, tmp_path):
    kernel = kernel_of(text(f"{gallery}/{PAGE}"))
    address = f"{gallery.replace('http', 'ws')}/api/kernels/{kernel}/channels"
    secret = tmp_path / "secret"

    async def attack() -> list[dict]:
        with pytest.raises(HTTPClientError, match="403"):
            await connect(address, "http://evil.example")
        with pytest.raises(HTTPClientError, match="400"):
            await connect(address, gallery, protocol="")
        socket = await connect(address, gallery)
        for kind, content in {
            "execute_request": {"code": f"open({str(secret)!r}, 'w')", "silent": False, "store_history": False},
            "complete_request": {"code": "open", "cursor_pos": 4},
            "inspect_request": {"code": "open", "cursor_pos": 4},
            "history_request": {"output": True, "raw": True, "hist_access_type": "tail", "n": 10},
            "kernel_info_request": {},
        }.items():
            await send(socket, kind, content)
        answers, end = [], time.monotonic() + 20
        while time.monotonic() < end:
            answers.append(await asyncio.wait_for(read(socket), 20))
            if answers[-1]["msg_type"] == "kernel_info_reply":
                break
        socket.close()
        return answers

    # a loop of its own: the browser's driver keeps one running in this thread
    with ThreadPoolExecutor(1) as thread:
        answers = thread.submit(asyncio.run, attack()).result()
    kinds = {a.get("msg_type") for a in answers}
    assert "kernel_info_reply" in kinds, "what a page needs is answered"
    assert not kinds & {"execute_reply", "complete_reply", "inspect_reply", "history_reply"} and not secret.exists()
    assert status(f"{gallery}/voila/api/shutdown/{kernel}", "POST", Origin=gallery) in (200, 204)


def test_a_page_that_sends_nonsense_loses_its_line_and_nobody_waits(gallery):
    kernel = kernel_of(text(f"{gallery}/{PAGE}"))
    address = f"{gallery.replace('http', 'ws')}/api/kernels/{kernel}/channels"

    async def attack() -> None:
        with pytest.raises(HTTPClientError, match="400"):
            await connect(address, gallery, protocol=f"{PROTOCOL}.x")
        for nonsense in (b"\xff" * 5, b"\xff" * 2**20, b"", "five bytes"):
            socket = await connect(address, gallery)
            await socket.write_message(nonsense, binary=isinstance(nonsense, bytes))
            while await asyncio.wait_for(socket.read_message(), 20) is not None:
                pass
        lines = [await connect(address, gallery) for _ in range(4)]
        with pytest.raises(HTTPClientError, match="429"):
            await connect(address, gallery)
        for line in lines:
            line.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, attack()).result()
    began = time.monotonic()
    assert status(f"{gallery}/voila/api/shutdown/{kernel}", "POST", Origin=gallery) in (200, 204)
    assert time.monotonic() - began < 20, "the server hung"


def test_a_page_that_does_not_read_loses_its_line(gallery, monkeypatch):
    """Tornado raises when more is waiting than may; the line that is told so is closed, and says why."""
    cut = []

    class Full:
        def close(self) -> None:
            cut.append(True)

    line = object.__new__(Line)
    line.ws_connection, line.kernel_id = SimpleNamespace(stream=Full()), "k"
    line.application = SimpleNamespace(settings={"room": SimpleNamespace(opened=lambda _: None)})
    monkeypatch.setattr(Line, "log", logging.getLogger("labcore"))

    async def opened(*_) -> None:
        pass

    monkeypatch.setattr(VoilaKernelWebsocketHandler, "open", opened)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, line.open("k")).result()
    assert line.ws_connection.stream.max_write_buffer_size == 32 * 2**20

    def full(*_, **__):
        raise StreamBufferFullError("Reached maximum write buffer size")

    monkeypatch.setattr(VoilaKernelWebsocketHandler, "write_message", full)
    message = serialize_msg_to_ws_v1([b"{}"] * 4, "iopub")
    assert line.write_message(message) is None and cut == [True]


def test_an_address_that_is_too_long_is_refused(small):
    names = "&".join(f"n{i}=1" for i in range(1001))
    assert status(f"{small.page()}?{names}") == 400
    with pytest.raises(OSError, match="closed|reset|Broken pipe"):
        ask(f"{small.page()}?n={'1' * 2**16}")


@pytest.mark.parametrize(
    "path", [PAGE, "api/kernels/00000000-0000-0000-0000-000000000000", "", "voila/static/style.css", "no_such"]
)
def test_another_name_is_refused(gallery, path):
    assert status(f"{gallery}/{path}", Host="evil.example") == 403


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Room]:
    """A room for two."""
    with room(tmp_path_factory.mktemp("small"), {"one": "1"}, "--Gallery.visitors=2") as served:
        yield served


def test_the_room_is_full_and_then_it_is_not(small):
    first, second = (kernel_of(text(small.page())) for _ in range(2))
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(small.page())
    assert refused.value.code == 503 and refused.value.headers["Retry-After"] == "5"
    page = refused.value.read().decode()
    assert "The room is full" in page and 'http-equiv="refresh"' in page
    small.end(second)
    third = kernel_of(text(small.page()))
    assert third not in (first, second)
    small.end(first)
    small.end(third)


def test_who_follows_a_link_in_a_full_room_keeps_the_place(small):
    first, other = (kernel_of(text(small.page())) for _ in range(2))
    # as a browser does: the next page is asked for, and then the last one ends
    line = HTTPConnection(small.origin.removeprefix("http://"), timeout=120)
    line.request("GET", "/voila/render/one.ipynb")
    small.end(first)
    answer = line.getresponse()
    assert answer.status == 200
    second = kernel_of(answer.read().decode())
    assert second != first
    small.end(second)
    small.end(other)


FILES = "import os, tempfile; print('FILES', tempfile.mkdtemp(), os.getpid(), '.')"


def test_what_a_kernel_has_written_goes_with_it_however_it_ends(tmp_path):
    with room(tmp_path, {"one": FILES}) as served:
        pages = [text(served.page()) for _ in range(2)]
        found = [page.split("FILES ")[1].split()[:2] for page in pages]
        folders = [Path(folder) for folder, _ in found]
        assert len({folder.parent for folder in folders}) == 2 and all(folder.is_dir() for folder in folders)
        psutil.Process(int(found[0][1])).kill()
        served.end(kernel_of(pages[1]))
        end = time.monotonic() + 30
        while any(folder.parent.exists() for folder in folders):
            assert time.monotonic() < end, "a kernel is gone, and its files are not"
            time.sleep(0.1)


def test_the_cookie_is_for_this_site(small):
    answer = ask(small.page())
    cookies = answer.headers.get_all("Set-Cookie")
    small.end(kernel_of(answer.read().decode()))
    assert cookies and all("samesite=lax" in cookie.lower() for cookie in cookies)


def test_a_visitor_writes_no_line_into_the_log(small):
    kernel = kernel_of(text(small.page()))

    async def attack() -> None:
        socket = await connect(f"{small.origin.replace('http', 'ws')}/api/kernels/{kernel}/channels", small.origin)
        await send(socket, "a\n[Gallery] FORGED", {})
        await send(socket, "b" * 500_000, {})
        await send(socket, "kernel_info_request", {})
        while (await asyncio.wait_for(read(socket), 20))["msg_type"] != "kernel_info_reply":
            pass
        socket.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, attack()).result()
    small.end(kernel)
    lines = small.log.read_text().splitlines()
    assert any(f"Kernel started: {kernel}" in line for line in lines)
    assert any(f"Kernel shutdown: {kernel}" in line for line in lines)
    assert sum("FORGED" in line for line in lines) == 1 and not any(
        line.startswith("[Gallery] FORGED") for line in lines
    )
    assert any("bbbb" in line for line in lines) and max(map(len, lines)) < 3000


def test_a_page_leaves_one_warning_and_no_address_of_its_visitor(small):
    before = len(small.log.read_text())
    small.end(kernel_of(ask(small.page(), **{"X-Forwarded-For": "203.0.113.9"}).read().decode()))
    assert status(f"{small.origin}/no_such", **{"X-Forwarded-For": "203.0.113.9"}) == 404
    said = small.log.read_text()[before:]
    assert [line.split("|")[1].strip() for line in said.splitlines() if "WARNING" in line] == [
        "Notebook one.ipynb is not trusted"
    ]
    assert "203.0.113.9" not in said


def test_what_is_not_there_takes_one_line_of_the_log(small):
    before = len(small.log.read_text())
    for path in ("no_such", "voila/render/no_such.ipynb", "voila/labextensions/../../x", "voila/templates/"):
        assert status(f"{small.origin}/{path}") == 404
    wait_for_words(small.log, "404 GET /voila/templates/")  # the last line may come after its answer
    told = small.log.read_text()[before:]  # and what the gallery does meanwhile
    assert len([said for said in told.splitlines() if "404" in said]) == 4 and "Traceback" not in told


def test_the_server_listens_on_this_machine_only_and_shows_the_index(small):
    listening = [c.laddr.ip for c in server_of(small.origin).net_connections() if c.status == "LISTEN"]
    assert listening and set(listening) <= {"127.0.0.1", "::1"}
    line = HTTPConnection(small.origin.removeprefix("http://"), timeout=120)
    line.request("GET", "/")
    assert line.getresponse().status == 302


def test_a_port_that_is_taken_is_an_error(small, tmp_path):
    port = small.origin.rsplit(":", 1)[1]
    options = ["--no-browser", f"--port={port}", "--Voila.port_retries=0", "--Gallery.fork=False"]
    done = subprocess.run([sys.executable, "-m", "widgets.gallery", tmp_path, *options], cwd=ROOT, timeout=120)
    assert done.returncode != 0


KERNEL = "import os, sys; print('KERNEL', os.getpid(), os.environ['OMP_NUM_THREADS'], 'torch' in sys.modules)"


def test_a_kernel_is_a_fork_with_one_thread_and_little_memory_of_its_own(common):
    pid, threads, torch = text(common.page("kernel")).split("KERNEL ")[1].split("<")[0].split()[:3]
    assert (threads, torch) == ("1", "True")
    assert psutil.Process(int(pid)).memory_full_info().uss < 250 * 2**20


LARGE = "import numpy as np\ntry:\n    np.ones(80_000_000)\nexcept MemoryError as error:\n    print('CAUGHT', error)"


@pytest.fixture(scope="module")
def strict(tmp_path_factory) -> Iterator[Room]:
    """A room for one, whose kernel gets little memory, and little time when it is idle."""
    options = [
        "--Gallery.visitors=1",
        "--Gallery.kernel_megabytes=300",
        "--MappingKernelManager.cull_idle_timeout=2",
        "--MappingKernelManager.cull_interval=1",
    ]
    with room(tmp_path_factory.mktemp("strict"), {"one": "1", "large": LARGE}, *options) as served:
        yield served


def once_there_is_room(url: str) -> str:
    """The page at this address, once the idle kernel that holds the only place is culled."""
    end = time.monotonic() + 30
    while True:
        try:
            return text(url)
        except urllib.error.HTTPError as error:
            assert error.code == 503 and time.monotonic() < end, "the kernel of a page that nobody holds lives on"


def test_an_idle_kernel_is_culled(strict):
    first = kernel_of(once_there_is_room(strict.page()))
    assert kernel_of(once_there_is_room(strict.page())) != first


def test_a_page_that_is_open_keeps_its_place_until_it_is_told_otherwise(strict, tmp_path):
    async def hold(served: Room, seconds: float) -> bool:
        kernel = kernel_of(await asyncio.to_thread(once_there_is_room, served.page()))
        line = await connect(f"{served.origin.replace('http', 'ws')}/api/kernels/{kernel}/channels", served.origin)
        end = time.monotonic() + seconds
        while (there := await asyncio.to_thread(status, f"{served.origin}/api/kernels/{kernel}") == 200) and (
            time.monotonic() < end
        ):
            await asyncio.sleep(0.2)
        line.close()
        return there

    def held(served: Room, seconds: float) -> bool:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, hold(served, seconds)).result()

    assert held(strict, 6), "it is idle three times as long as a page may be that has gone"
    culled = [f"--MappingKernelManager.{o}" for o in ("cull_idle_timeout=2", "cull_interval=1", "cull_connected=True")]
    with room(tmp_path, {"one": "1"}, *culled) as served:
        assert not held(served, 60)
        assert "Culling" in served.log.read_text()


def test_memory_has_a_ceiling_with_words(strict, common):
    assert "CAUGHT Unable to allocate 610. MiB" in once_there_is_room(strict.page("large"))
    assert "CAUGHT" not in text(common.page("large"))


def server_of(origin: str) -> psutil.Process:
    """The process of the server at this address."""
    port = f"--port={origin.split(':')[2]}"
    (server,) = (p for p in psutil.process_iter(["cmdline"]) if port in (p.info["cmdline"] or ()))
    return server


def nursery_of(origin: str) -> psutil.Process:
    """The nursery process of the server at this address."""
    (nursery,) = (p for p in server_of(origin).children() if "import nursery" in " ".join(p.cmdline()))
    return nursery


def test_a_killed_nursery_ends_no_lesson(common):
    assert "ALIVE" in text(common.page("alive"))
    nursery_of(common.origin).kill()
    assert "ALIVE" in text(common.page("alive"))


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> Iterator[Room]:
    """A gallery that begins with few file descriptors, as programs do."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(few, 1024), most))
    with room(tmp_path_factory.mktemp("counted"), {"one": "1"}) as served:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
        yield served


@pytest.mark.skipif(sys.platform != "linux", reason="looks at another process's limits")
def test_the_server_takes_all_file_descriptors_that_it_may_have(counted):
    soft, hard = server_of(counted.origin).rlimit(resource.RLIMIT_NOFILE)
    assert soft == hard


def falls_to(server: psutil.Process, count: int, seconds: float = 20) -> bool:
    """Whether a process comes to so few descriptors; those of an answer on its way are soon closed."""
    end = time.monotonic() + seconds
    while server.num_fds() > count:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_a_visitor_takes_no_more_descriptors_than_the_page_about_serving_says(counted):
    told = re.search(r"takes (\d+) for its kernel and (\d+) for each line", (ROOT / "docs/serving.md").read_text())
    of_kernel, of_line = int(told[1]), int(told[2])
    server = server_of(counted.origin)
    first = kernel_of(text(counted.page()))  # its context for sockets is made for the first one, and kept
    assert falls_to(server, server.num_fds())
    time.sleep(1)
    before = server.num_fds()

    async def visit() -> None:
        lines = []
        kernel = kernel_of(await asyncio.to_thread(text, counted.page()))
        address = f"{counted.origin.replace('http', 'ws')}/api/kernels/{kernel}/channels"
        for count in range(5):
            assert await asyncio.to_thread(falls_to, server, before + of_kernel + count * of_line)
            if count < 4:
                lines.append(await connect(address, counted.origin))
                await send(lines[-1], "kernel_info_request", {})
                while (await asyncio.wait_for(read(lines[-1]), 20))["msg_type"] != "kernel_info_reply":
                    pass
        for line in lines:
            line.close()
        counted.end(kernel)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, visit()).result()
    counted.end(first)
    assert of_kernel + 4 * of_line <= descriptors.EACH


@pytest.mark.skipif(sys.platform != "linux", reason="sets another process's limits")
def test_before_descriptors_end_the_room_is_full_and_who_is_there_goes_on(counted):
    server = server_of(counted.origin)
    limits = server.rlimit(resource.RLIMIT_NOFILE)

    async def meet() -> None:
        server.rlimit(resource.RLIMIT_NOFILE, (server.num_fds() + 160, limits[1]))
        kernel = kernel_of(await asyncio.to_thread(text, counted.page()))
        line = await connect(f"{counted.origin.replace('http', 'ws')}/api/kernels/{kernel}/channels", counted.origin)
        assert await asyncio.to_thread(status, counted.page()) == 503
        await send(line, "kernel_info_request", {})
        while (await asyncio.wait_for(read(line), 20))["msg_type"] != "kernel_info_reply":
            pass
        server.rlimit(resource.RLIMIT_NOFILE, limits)
        counted.end(kernel_of(await asyncio.to_thread(text, counted.page())))
        line.close()
        counted.end(kernel)

    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, meet()).result()
    finally:
        server.rlimit(resource.RLIMIT_NOFILE, limits)
    assert "Too many open files" not in counted.log.read_text()


MARK = "import os; print('DONE BY', os.getpid())"  # in the page of a ready lesson: the process that executed it


def done_by(page: str) -> int:
    return int(page.split("DONE BY ")[1].split()[0].split("<")[0])


CANNOT_BE_COPIED = {
    "failing": ("print('HERE'); raise ValueError('this cell fails')", "this cell fails"),
    "threaded": (
        "import threading; print('HERE'); threading.Thread(target=threading.Event().wait, name='endless').start()",
        "endless",
    ),
}


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Iterator[Room]:
    """A gallery that executes its notebooks ahead of their visitors; each test has one, and waits for no other."""
    cells = {"copied": MARK, "coloured": MARK, "edited": f"{MARK}; print('OLD WORDS')", "killed": MARK}
    cells |= {name: source for name, (source, _) in CANNOT_BE_COPIED.items()}
    with room(tmp_path_factory.mktemp("ready"), cells, *ALL_READY) as served:
        yield served


def test_visitors_of_a_ready_lesson_get_copies_of_one_process(ready):
    wait_until_ready(ready.log, "copied.ipynb")
    one, two = text(ready.page("copied")), text(ready.page("copied"))
    assert done_by(one) == done_by(two) and kernel_of(one) != kernel_of(two)
    lesson = psutil.Process(done_by(one))
    assert len(lesson.children()) == 2
    ready.end(kernel_of(two))
    end = time.monotonic() + 20
    while len(lesson.children()) > 1:
        assert time.monotonic() < end, "the kernel of a page that was left lives on"
        time.sleep(0.1)


def test_a_ready_lesson_knows_its_theme(ready):
    wait_until_ready(ready.log, "coloured.ipynb")
    assert 'data-jp-theme-light="false"' in text(f"{ready.page('coloured')}?theme=dark")
    assert 'data-jp-theme-light="true"' in text(f"{ready.page('coloured')}?theme=light")


def test_a_lesson_that_was_edited_is_made_ready_anew(ready):
    wait_until_ready(ready.log, "edited.ipynb")
    url, notebook = ready.page("edited"), ready.folder / "edited.ipynb"
    before = done_by(text(url))
    notebook.write_text(notebook.read_text().replace("OLD WORDS", "NEW WORDS ARE HERE"))
    now = text(url)
    assert "NEW WORDS ARE HERE" in now and done_by(now) != before, "until then it is executed for the visitor"
    wait_until_ready(ready.log, "edited.ipynb", 2)
    one, two = text(url), text(url)
    assert "NEW WORDS ARE HERE" in one and done_by(one) == done_by(two)
    end = time.monotonic() + 20
    while psutil.pid_exists(before):
        assert time.monotonic() < end, "the process of the old version lives on"
        time.sleep(0.1)


def test_a_ready_lesson_whose_process_was_killed_is_made_anew(ready):
    wait_until_ready(ready.log, "killed.ipynb")
    url = ready.page("killed")
    before = done_by(text(url))
    psutil.Process(before).kill()
    assert done_by(text(url)) != before, "this visitor's kernel executes the lesson"
    text(url)
    wait_until_ready(ready.log, "killed.ipynb", 2)
    one, two = text(url), text(url)
    assert done_by(one) == done_by(two) != before


@pytest.mark.parametrize("name", CANNOT_BE_COPIED)
def test_a_lesson_that_cannot_be_copied_is_executed_for_each_visitor(ready, name):
    words = f"{name}.ipynb is not made ready"
    wait_for_words(ready.log, words)
    assert CANNOT_BE_COPIED[name][1] in ready.log.read_text().split(words)[1].splitlines()[0]
    assert "HERE" in text(ready.page(name))


HEAVY = f"import builtins, numpy; builtins.held = numpy.ones(20_000_000); {MARK}"  # 160 MB


def test_the_lessons_that_were_asked_for_last_are_kept_and_nobody_waits_for_it(tmp_path):
    with room(tmp_path, {"a": HEAVY, "b": HEAVY}, "--Gallery.warm=1", "--Gallery.ready_megabytes=300") as served:
        wait_until_ready(served.log, "a.ipynb")
        before = done_by(text(served.page("a")))
        first = done_by(text(served.page("b")))
        wait_until_ready(served.log, "b.ipynb")
        assert done_by(text(served.page("b"))) == done_by(text(served.page("b"))) != first, "it executed it itself"
        assert "a.ipynb is no longer kept ready: others were asked for since" in served.log.read_text()
        end = time.monotonic() + 20
        while psutil.pid_exists(before):
            assert time.monotonic() < end, "the process of a lesson that was let go lives on"
            time.sleep(0.1)
        text(served.page("a"))
        wait_until_ready(served.log, "a.ipynb", 2)


AHEAD = f"""
import pathlib, time
from widgets.benches import ahead
def work():
    while not pathlib.Path("go").exists():
        time.sleep(0.1)
        yield
ahead.leave(work)
{MARK}"""


def test_a_lesson_is_ready_before_the_runs_that_nobody_has_asked_for_yet(tmp_path):
    with room(tmp_path, {"one": AHEAD}, *ALL_READY) as served:
        wait_until_ready(served.log, "one.ipynb")
        first = done_by(text(served.page()))
        assert psutil.pid_exists(first)
        (tmp_path / "go").touch()
        end = time.monotonic() + 20
        while psutil.pid_exists(first):
            assert time.monotonic() < end, "the copy that has the runs does not take its place"
            time.sleep(0.1)
        assert done_by(text(served.page())) == first, "what that one executed is shown, from the copy"
        assert "no longer kept ready" not in served.log.read_text()


def test_a_class_that_comes_at_once_executes_a_lesson_once_for_all(tmp_path):
    with room(tmp_path, {"one": f"import time; time.sleep(2); {MARK}"}, "--Gallery.warm=0", *ALL_READY[1:]) as served:
        with ThreadPoolExecutor(8) as visitors:
            pages = list(visitors.map(text, [served.page()] * 8))
        assert len(set(map(done_by, pages))) == 2, "the kernel of the first one, and the process of all others"


def test_no_process_is_left_when_the_server_is_killed(tmp_path):
    with room(tmp_path, {"one": MARK}, *ALL_READY) as served:
        wait_until_ready(served.log, "one.ipynb")
        lesson = psutil.Process(done_by(text(served.page())))
        server = lesson.parent().parent()
        everyone = server.children(recursive=True)
        assert len(everyone) == 3, "the nursery, the lesson, the visitor's kernel"
        server.kill()
        assert not psutil.wait_procs(everyone, 20)[1]


def test_no_process_is_left_when_the_server_ends(tmp_path):
    server = serve_voila("notebooks", tmp_path / "log")
    url = next(server)
    text(f"{url}/voila/render/index.ipynb")
    everyone = server_of(url).children(recursive=True)
    assert len(everyone) == 2, "the nursery and the visitor's kernel"
    server.close()
    assert not psutil.wait_procs(everyone, 20)[1]


def test_a_nursery_that_ends_is_started_again(tmp_path):
    with room(tmp_path, {"one": f"import time; time.sleep(1); {MARK}"}, *ALL_READY) as served:
        first = nursery_of(served.origin)
        while not (lesson := first.children()):  # which executes the lesson now
            assert "is ready after" not in served.log.read_text()
            time.sleep(0.05)
        first.kill()
        # nobody asks for anything
        wait_until_ready(served.log, "one.ipynb")
        assert not psutil.wait_procs(lesson, 20)[1], "the lesson of a nursery that is gone is made ready to the end"
        assert served.log.read_text().count("Another one starts") == 1
        one, two = text(served.page()), text(served.page())
        assert done_by(one) == done_by(two) != lesson[0].pid

        second = nursery_of(served.origin)
        family = second.children(recursive=True)
        assert len(family) == 3, "the lesson and two kernels"
        second.kill()
        assert not psutil.wait_procs(family, 20)[1], "what a nursery has made ends with it"
        end = time.monotonic() + 60
        while "The next one starts in" not in (said := served.log.read_text()):
            assert time.monotonic() < end, said
            if said.count("Another one starts") == 2:
                return  # this machine is so slow that more than a minute has gone since the first start
            time.sleep(0.1)
        assert said.count("Another one starts") == said.count(" is ready after ") == 1


def test_a_nursery_that_always_ends_at_once_does_not_keep_a_core_busy(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    nursery = Nursery()

    def mended() -> bool:
        nursery.process.wait()
        # a loop of its own: the browser's driver keeps one running in this thread
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, nursery.mend()).result()

    assert [mended() for _ in range(5)] == [True, False, False, False, False], "two starts in the first minute"
    now += 61
    assert [mended() for _ in range(5)] == [True, True, False, False, False]
    nursery.close()


def test_a_page_that_never_opens_its_line_loses_its_place(tmp_path):
    slow_page = "import time; time.sleep(6); print('SLOW')"  # longer than `opening` and the server's round
    with room(tmp_path, {"one": slow_page}, "--Gallery.opening=2") as served, ThreadPoolExecutor(3) as threads:
        origin, url = served.origin, served.page()

        def is_there(kernel: str) -> int:
            return status(f"{origin}/api/kernels/{kernel}")

        async def open_and_close(kernel: str) -> None:
            (await connect(f"{origin.replace('http', 'ws')}/api/kernels/{kernel}/channels", origin)).close()

        pages = [done.result() for done in as_completed(threads.submit(text, url) for _ in range(3))]
        assert all("SLOW" in page for page in pages), "a kernel whose page is not there yet is left alone"
        # in the order in which they came: when the last one loses its place, the others would have lost theirs
        slow, opened, left = map(kernel_of, pages)
        threads.submit(asyncio.run, open_and_close(opened)).result()
        end = time.monotonic() + 30
        while f"The page of kernel {left} never opened a line to it" not in served.log.read_text():
            assert is_there(slow) == 200, "the page of a slow connection asks for its kernel"
            assert time.monotonic() < end, "a page that never opens its line keeps its place"
            time.sleep(0.1)
        assert [is_there(kernel) for kernel in (slow, opened)] == [200, 200]
        while is_there(left) != 404:  # the words come before the end
            assert time.monotonic() < end, "a page that never opens its line keeps its kernel"
            time.sleep(0.1)


SLIDER = """import os
import ipywidgets
value, said = ipywidgets.IntSlider(), ipywidgets.Label()
value.observe(lambda change: setattr(said, "value", f"NOW {change.new} IN {os.getpid()}."), "value")
ipywidgets.VBox([value, said])"""


def moved(page) -> tuple[int, int]:
    """Move the slider; its new value and the kernel's process, as the kernel tells them."""
    before = page.locator(".widget-readout").inner_text()
    page.locator(".noUi-handle").press("ArrowRight")
    said = page.get_by_text(f"NOW {int(before) + 1} IN").inner_text().removesuffix(".").split()
    return int(said[1]), int(said[3])


@contextmanager
def far_away(origin: str, port: int) -> Iterator[None]:
    """A way to a server through another port, in a process of its own: what it holds is cut when it ends."""
    code = (
        f"import time; from tests.browser.proxy import proxy\nwith proxy({origin!r}, {port}): print(); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-uc", code], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()


def test_a_page_says_that_its_kernel_is_gone_and_a_broken_line_is_another_thing(common, browser):
    origin, port = common.origin, free_port()
    context = browser.new_context()
    page = context.new_page()
    notice, again = page.get_by_role("alert"), page.get_by_role("button", name="Load the lesson again")
    with far_away(origin, port):
        page.goto(f"http://127.0.0.1:{port}/voila/render/slider.ipynb?theme=dark&answer=42")
        assert moved(page)[0] == 1
        assert not notice.count()
        context.set_offline(True)
    page.get_by_text("The connection to the server is broken").wait_for()
    assert not again.count()
    with far_away(origin, port):
        context.set_offline(False)
        notice.wait_for(state="detached")
        value, kernel = moved(page)
        assert value == 2, "the kernel is the one of before"

        psutil.Process(kernel).kill()
        again.wait_for()
        assert notice.inner_text().startswith("This lesson no longer runs on the server")
        again.click()
        value, other = moved(page)
        assert value == 1 and other != kernel and page.url.endswith("?theme=dark&answer=42")

        # a kernel that the server ends, as culling does, although a page holds a line to it
        name = page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
        assert status(f"{origin}/voila/api/shutdown/{name}", "POST", Origin=origin) in (200, 204)
        again.wait_for()
    context.close()


def forged(message: bytes, change) -> bytes:
    """A message of the kernel's with another content: `change` is given it, and alters it in place."""
    channel, parts = deserialize_msg_from_ws_v1(message)
    content = json.loads(bytes(parts[3]))
    change(content)
    return serialize_msg_to_ws_v1([*parts[:3], json.dumps(content).encode(), *parts[4:]], channel)


# what the page has said where a widget belongs
HEARD = """globalThis.heard = [];
new MutationObserver((all) => {
  for (const { addedNodes } of all) for (const node of addedNodes) heard.push(node.textContent ?? "");
}).observe(document, { childList: true, subtree: true });"""
# once a place waits for its widget, timers of a tenth of a second are late: all widgets have come before they end, and
# ipywidgets has given up looking
LATE_TIMERS = """{ const set = setTimeout, there = () => globalThis.jupyterapp?.widgetManager?.restoredStatus;
const late = (f) => there() ? set(f, 2500) : set(late, 50, f);
setTimeout = (f, ms) => ms === 100 && heard.includes("Loading widget...") ? late(f) : set(f, ms); }"""
# ipywidgets waits four seconds for the first answer; here that one counts, however late
FIRST_ANSWER = """{ const set = setTimeout; setTimeout = (f, ms) => set(f, ms === 4000 ? 1e6 : ms); }"""


@pytest.mark.parametrize(
    ("script", "lost"),
    [
        pytest.param(LATE_TIMERS, [], id="late timers"),
        pytest.param(FIRST_ANSWER, [b"a model"], id="an answer without a model"),
        pytest.param("", [b"update_states", b"comm_info_reply"], id="answers are lost"),
    ],
)
def test_a_page_that_misses_a_model_asks_again(common, browser, script, lost):
    """As on a machine with other work: ipywidgets looks once for its models, and what it then says stays."""
    context, lost = browser.new_context(), list(lost)

    def hold_up(line) -> None:
        server = line.connect_to_server()

        def down(message: str | bytes) -> None:
            if lost and lost[0] == b"a model" and b"update_states" in message:
                lost.clear()
                line.send(forged(message, without_the_box))
            elif lost and lost[0] in message:
                del lost[0]
            else:
                line.send(message)

        server.on_message(down)

    def without_the_box(content: dict) -> None:
        states = content["data"]["states"]
        content["data"]["states"] = {k: s for k, s in states.items() if s["model_name"] != "VBoxModel"}

    context.route_web_socket(lambda address: "/channels" in address, hold_up)
    context.add_init_script(HEARD + script)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(common.page("slider"))
    assert moved(page)[0] == 1 and not lost
    assert page.get_by_text(re.compile("^(Loading|Error displaying) widget")).count() == 0
    wrong = page.evaluate("heard.some((words) => words.startsWith('Error displaying widget'))")
    assert wrong == bool(script), "the situation that this test is about"
    leave(page)
    context.close()
