"""Kernels that start by forking: one process has done the heavy imports, each visitor's kernel is a copy of it.

A kernel that starts from nothing imports torch, numba and plotly: seconds of work and some 200 MB that are the same for
everybody. Here a nursery process imports them once. For each lesson it forks a process that executes the lesson to its
first figures (`widgets.ready_lesson`), and a visitor's kernel is a copy of that one: nothing is left to compute when a
page opens, and the copies share their pages of memory. A lesson that is not ready yet gets a copy of the nursery.

Forking is safe only while no library has threads of its own: these processes run with one thread a library, which is
also what thirty kernels on a few cores need. The server side is a kernel provisioner, `ForkProvisioner`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import hashlib
import importlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.provisioning import LocalProvisioner

from labcore.threads import ONE_THREAD
from widgets.ready_lesson import executed

# the processes that are copied

_life: list[int] = []  # a pipe that only the nursery can write to: it closes when the nursery ends, however that comes


def _be_born() -> None:
    """In each copy of the nursery."""
    os.close(_life.pop())


def _end_with_the_nursery() -> None:
    os.read(_life[0], 1)
    os._exit(1)


def nursery(folder: str, megabytes: int) -> None:
    """Fork on request, and make the lessons ready that are asked for, one after another. It ends with the server.

    It listens on the Unix socket `nursery` of `folder`; a lesson's own process on the one of its `name_of`.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the system buries them
    _life.extend(os.pipe())
    server = _listen(f"{folder}/nursery")
    _prepare()
    waiting: list[str] = []
    growing: int | None = None  # a pipe that closes when the lesson under way is ready, or has failed
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([server, *([] if growing is None else [growing])], [], [], 1.0)
        if growing in ready:
            os.close(growing)
            growing = None
        if server in ready:
            _serve(server, megabytes, waiting)
        if waiting and growing is None:
            _load_methods()
            growing = _grow(Path(waiting.pop(0)), folder, megabytes, server)


def _listen(address: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    Path(address).unlink(missing_ok=True)  # of a process that was killed
    server.bind(address)
    server.listen(64)
    return server


def _prepare() -> None:
    """The work that is the same for all lessons."""
    server_side = ("__init__", "gallery", "gallery_pages")
    here = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in server_side)
    # a kernel would import its debugger when it starts
    for name in ("ipykernel.kernelapp", "ipykernel.debugger", *(f"widgets.{name}" for name in here)):
        importlib.import_module(name)
    import torch

    from widgets import atlas, lesson

    torch.set_num_threads(1)
    lesson.source(atlas.row)  # compiles the highlighter's expressions


@functools.cache
def _load_methods() -> None:
    """Import every paper's method, so that the lessons' processes share them."""
    from labcore import catalog

    for paper in catalog.papers():
        for name in paper.experiments:
            catalog.load_experiment(f"{paper.key}.{name}")


def _grow(notebook: Path, folder: str, megabytes: int, nursery_socket: socket.socket) -> int:
    """Fork a process that executes this lesson and then waits for visitors; the pipe that closes when it is ready."""
    done, mine = os.pipe()
    gc.freeze()
    if os.fork() > 0:
        os.close(mine)
        return done
    try:
        nursery_socket.close()
        os.close(done)
        _be_born()
        name, began = name_of(notebook), time.monotonic()
        lesson = executed(notebook)
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # or what the runs have freed would stay ours
        server = _listen(f"{folder}/{name}")
        draft = Path(folder, f"{name}.draft")
        nbformat.write(lesson, draft)
        draft.rename(Path(folder, f"{name}.ipynb"))
        os.close(mine)
        print(f"{notebook} is ready after {time.monotonic() - began:.1f} s.", file=sys.stderr, flush=True)
        parent = os.getppid()
        while os.getppid() == parent and name_of(notebook) == name:
            if select.select([server], [], [], 5.0)[0]:
                _serve(server, megabytes, [])
    except BaseException as error:  # noqa: BLE001 - visitors are served as if this process had never been
        print(f"{notebook} is not made ready: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(0)


def name_of(notebook: Path) -> str:
    """The name of this version of a lesson."""
    try:
        facts = notebook.stat()
    except OSError:
        return ""
    return hashlib.sha256(f"{notebook} {facts.st_mtime_ns} {facts.st_size}".encode()).hexdigest()[:20]


def _serve(server: socket.socket, megabytes: int, waiting: list[str]) -> None:
    """Answer one request: {"argv", "env", "cwd"} for a fork, or {"lesson"} for one to make ready."""
    with contextlib.suppress(OSError, ValueError), server.accept()[0] as peer:
        with peer.makefile("r") as lines:
            wanted = json.loads(lines.readline())
        if "lesson" in wanted:
            waiting.append(wanted["lesson"])
            return
        gc.freeze()  # a collection in a child would touch, and so copy, every object
        pid = os.fork()
        if pid == 0:
            server.close()
            peer.close()
            if len(_life) > 1:  # this was the nursery
                _be_born()
            _become_kernel(wanted, megabytes)
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
        sys.argv = wanted["argv"]
        if megabytes:
            limit_memory(megabytes)
        import comm
        import ipywidgets
        from ipykernel.kernelapp import IPKernelApp

        kernel = IPKernelApp.instance()
        kernel.initialize(sys.argv[1:])
        ipywidgets.register_comm_target()  # its import, long ago, found no kernel to tell
        for line in comm.get_comm_manager().comms.values():
            line.kernel = kernel.kernel  # nor did the widgets that the lesson made; they stay silent without one
        threading.Thread(target=_end_with_the_nursery, name="life", daemon=True).start()
        kernel.start()
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

    It counts private data, not pages shared with other processes.
    """
    now = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmData"))
    most = int(now.split()[1]) * 1024 + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


# the server's side


class Nursery:
    """The nursery process of this server: started once, asked for forks.

    `megabytes` is the ceiling of each kernel; `lessons` are notebooks to make ready, in this order.
    """

    def __init__(self, megabytes: int = 0, lessons: Iterable[Path] = ()):
        self._temporary = tempfile.TemporaryDirectory(prefix="labcore-")
        self._folder = Path(self._temporary.name)
        self._asked: set[str] = set()
        self._lessons = set(lessons)
        code = f"from widgets.fork_server import nursery; nursery({str(self._folder)!r}, {megabytes})"
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # nobody sets a breakpoint there
        environment = {**os.environ, **ONE_THREAD, **quiet, "SERVER_SOFTWARE": "voila"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    async def make_ready(self) -> None:
        """Ask for all lessons."""
        for notebook in sorted(self._lessons):
            await self._ask_for(notebook)

    async def _ask_for(self, notebook: Path) -> None:
        name = name_of(notebook)
        if name and name not in self._asked:
            self._asked.add(name)
            with contextlib.suppress(OSError):
                await self._request("nursery", {"lesson": str(notebook)})

    async def ready(self, notebook: Path) -> Path | None:
        """The executed notebook of which `fork` can give copies, or None; one that has changed is made ready anew."""
        if notebook not in self._lessons:
            return None
        found = self._folder / f"{name_of(notebook)}.ipynb"
        if found.exists():
            return found
        await self._ask_for(notebook)
        return None

    async def fork(self, argv: list[str], env: dict[str, str], cwd: str | None, lesson: str = "nursery") -> int:
        """The process id of a new kernel: a copy of a ready lesson, or of the nursery. Raises OSError if it is gone."""
        answer = await self._request(lesson, {"argv": argv, "env": env, "cwd": cwd})
        if not answer:
            raise OSError("the nursery gave no kernel")
        return int(answer)

    async def _request(self, name: str, wanted: dict[str, Any]) -> bytes:
        end = time.monotonic() + 30
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._folder / name)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                # the nursery may not have come so far as to listen
                if name != "nursery" or self.process.poll() is not None or time.monotonic() > end:
                    raise
                await asyncio.sleep(0.05)
        try:
            writer.write(json.dumps(wanted).encode() + b"\n")
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()

    def forget(self, lesson: Path) -> None:
        """Do not take copies of this ready lesson any more: its process is gone. It is made anew when asked for."""
        lesson.unlink(missing_ok=True)
        self._asked.discard(lesson.stem)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(5)
        self._temporary.cleanup()


class Forked:
    """A kernel process that is not our child, with the part of `subprocess.Popen` that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        import psutil

        self.pid = pid
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(pid)  # it knows the start time, so a new process with this id is not it

    def poll(self) -> int | None:
        import psutil

        process = getattr(self, "_process", None)
        try:
            alive = process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            alive = False
        return None if alive else 0

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.02)
        return 0

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


LESSON = "LABCORE_LESSON"  # in a kernel's environment: the name of the ready lesson that it is to be a copy of


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel by a fork of the nursery; other kernels, and all when it is gone, as Jupyter does.

    A copy of a ready lesson is not to be had otherwise: launching one raises OSError when its process is gone.
    """

    nursery: Nursery | None = None  # the server's own, set where the server starts

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if type(self).nursery is None or "ipykernel_launcher" not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        argv, env = cmd[cmd.index("ipykernel_launcher") :], {**kwargs["env"], **ONE_THREAD, "LABCORE_HELPERS": "0"}
        try:
            pid = await type(self).nursery.fork(argv, env, kwargs.get("cwd"), env.get(LESSON, "nursery"))
        except OSError as error:
            if LESSON in env:
                raise
            self.log.warning("The nursery does not answer (%s); this kernel starts from nothing.", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = Forked(pid)
        self.pid = self.pgid = pid  # the child began a session of its own
        return self.connection_info
