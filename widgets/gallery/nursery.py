"""The processes that visitors' kernels are copies of, made by forking.

A kernel that starts from nothing imports torch, numba and plotly: seconds of work and some 200 MB that are the same for
everybody. Here a nursery process imports them once. For a lesson that is kept ready it forks a process that executes
the lesson to its first figures (`widgets.gallery.ready_lesson`), and a visitor's kernel is a copy of that one: nothing
is left to compute when a page opens, and the copies share their memory. While it waits for visitors, a copy of it
computes what questions will ask for, and takes its place. Of other lessons a visitor's kernel is a copy of the nursery,
which has the methods of all papers imported.

Forking is safe only while no library has threads of its own: these processes run with one thread a library, which is
also what thirty kernels on a few cores need. The server's side is `widgets.gallery.fork_server`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil

from widgets.benches import ahead
from widgets.benches.recording import BYTES
from widgets.gallery.kernel import be_kernel, import_kernel
from widgets.gallery.ready_lesson import executed

_life: list[int] = []  # a pipe that only the nursery can write to: it closes when the nursery ends, however that comes


def _be_born() -> None:
    """In each copy of the nursery."""
    os.close(_life.pop())


def _end_with_the_nursery() -> None:
    os.read(_life[0], 1)
    os._exit(1)


def _nursery_lives() -> bool:
    return not select.select(_life, [], [], 0)[0]


def nursery(folder: str, megabytes: int) -> None:
    """Fork on request: kernels, and processes that make a lesson ready. It ends with the server.

    It listens on the Unix socket `nursery` of `folder`; a ready lesson's process on one that has its own name.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the system buries them
    _life.extend(os.pipe())
    server, _ = _listen(f"{folder}/nursery")
    prepare()
    methods, left = _load_methods(), True
    parent = os.getppid()
    while os.getppid() == parent:
        if server in select.select([server], [], [], 0 if left else 1.0)[0]:
            _serve(server, megabytes, folder)
        elif left:
            left = next(methods, False)


def _listen(address: str) -> tuple[socket.socket, int]:
    """Listen there, in place of whoever does: nobody who calls meanwhile finds nobody. And the inode of the address."""
    server = socket.socket(socket.AF_UNIX)
    fresh = f"{address}.{os.getpid()}"
    server.bind(fresh)
    server.listen(64)
    inode = os.stat(fresh).st_ino
    os.rename(fresh, address)
    return server, inode


def _shown() -> list[str]:
    """Names of the modules that lessons show things with."""
    house = Path(__file__).parents[2]
    places = ("*.py", "atlas/*.py", "benches/*.py", "boards/**/*.py")
    paths = [p for place in places for p in sorted((house / "widgets").glob(place)) if p.stem != "__init__"]
    return [".".join(p.relative_to(house).with_suffix("").parts) for p in paths]


def prepare() -> None:
    """The work that is the same for all lessons."""
    import_kernel()
    for name in _shown():
        importlib.import_module(name)
    import torch

    from widgets import lesson
    from widgets.atlas import cards

    torch.set_num_threads(1)
    lesson.source(cards.paper_card)  # compiles the highlighter's expressions


def _load_methods() -> Iterator[bool]:
    """Import every paper's method, so that all processes share them; True after each, so that nobody waits for all."""
    from labcore import catalog

    for paper in catalog.papers():
        for name in paper.experiments:
            try:
                catalog.load_experiment(f"{paper.key}.{name}")
            except Exception as error:  # noqa: BLE001 - its own lesson says so too
                print(f"{paper.key} is not imported: {error}", file=sys.stderr, flush=True)
            yield True


def _grow(notebook: Path, folder: str, megabytes: int, peer: socket.socket) -> None:
    """In the child: execute this lesson, answer with its name, its megabytes and seconds, and wait for visitors.

    Then copies of it compute, one after another, what benches have left, and each takes the place of the one before.
    All end when the executed notebook is taken away, when the lesson has changed, and with the nursery.
    """
    try:
        version, began = name_of(notebook), time.monotonic()
        lesson = executed(notebook)
        if not _nursery_lives():
            return  # another one makes this lesson ready
        _give_back_memory()
        # a name that no other process has: a page's widgets are those of the process that made it, and of its copies
        name = f"{version}-{os.getpid()}"
        page = Path(folder, f"{name}.ipynb")
        nbformat.write(lesson, page)
        address, works = f"{folder}/{name}", ahead.left()
        server, inode = _listen(address)
        needed = psutil.Process().memory_full_info().uss / 2**20 + len(works) * 2 * BYTES / 2**20
        with peer:
            peer.sendall(f"{name} {needed:.0f} {time.monotonic() - began:.1f}\n".encode())
        wanted = lambda: _nursery_lives() and page.exists() and name_of(notebook) == version  # noqa: E731
        for work in works:
            if os.fork():
                break
            server.close()
            _do(work, wanted, f"{folder}/ahead")
            if not wanted():
                return
            server, inode = _listen(address)
        while wanted():
            replaced = not os.path.exists(address) or os.stat(address).st_ino != inode
            # who has called here already is answered
            if server in select.select([server, *_life], [], [], 0 if replaced else 1.0)[0]:
                _serve(server, megabytes, folder)
            elif replaced:
                return
    except BaseException as error:  # noqa: BLE001 - visitors are served as if this process had never been
        print(f"{notebook} is not made ready: {error}", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError):
            peer.sendall(b"failed\n")
    finally:
        os._exit(0)


def _give_back_memory() -> None:
    """Or what runs have freed would stay ours."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _do(work: ahead.Work, wanted: Callable[[], bool], lock: str) -> None:
    """Compute what a bench has left, while it is wanted; one process at a time: visitors have the other cores."""
    import fcntl  # only where processes fork

    with open(lock, "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with contextlib.suppress(Exception):  # what fails is said when it is asked for
            for _ in work():
                if not wanted():
                    return
    _give_back_memory()


def name_of(notebook: Path) -> str:
    """The name of this version of a lesson."""
    try:
        facts = notebook.stat()
    except OSError:
        return ""
    return hashlib.sha256(f"{notebook} {facts.st_mtime_ns} {facts.st_size}".encode()).hexdigest()[:20]


def _serve(server: socket.socket, megabytes: int, folder: str) -> None:
    """Answer one request: {"argv", "env", "cwd"} for a kernel, or {"lesson"} for a process that makes it ready.

    The answer is the kernel's process id; a lesson's process answers itself when it is ready, or "failed".
    """
    with contextlib.suppress(OSError, ValueError), server.accept()[0] as peer:
        with peer.makefile("r") as lines:
            wanted = json.loads(lines.readline())
        gc.freeze()  # a collection in a child would touch, and so copy, every object
        pid = os.fork()
        if pid == 0:
            server.close()
            if len(_life) > 1:  # this was the nursery
                _be_born()
            if "lesson" in wanted:
                _grow(Path(wanted["lesson"]), folder, megabytes, peer)
            peer.close()
            _become_kernel(wanted, megabytes)
        if "lesson" not in wanted:
            peer.sendall(f"{pid}\n".encode())


def _become_kernel(wanted: dict[str, Any], megabytes: int) -> None:
    """In the child: take over the folder, the environment and the arguments, and be a kernel until the end."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(wanted["cwd"] or "/")
        os.environ.clear()
        os.environ.update(wanted["env"])
        tempfile.tempdir = None  # it is asked for once, and was perhaps, by the process that this is a copy of
        sys.argv = wanted["argv"]
        if megabytes:
            limit_memory(megabytes)
        threading.Thread(target=_end_with_the_nursery, name="life", daemon=True).start()
        be_kernel(sys.argv[1:])
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:  # noqa: BLE001 - the last words of a process that ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def limit_memory(megabytes: int) -> None:
    """From here on this process gets at most that much more memory; then numpy and torch say so and the bench shows it.

    It counts private data, not pages shared with other processes. Only Linux has such a limit; elsewhere there is none.
    """
    if sys.platform != "linux":
        return
    import resource

    now = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmData"))
    most = int(now.split()[1]) * 1024 + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
