"""Kernels that start by forking: one process has done the heavy imports, each visitor's kernel is a copy of it.

A kernel that starts from nothing imports torch, numba and plotly: seconds of work and some 200 MB that are the same for
everybody. Here a nursery process imports them once, runs each experiment to its first frame, so that compiled kernels
and cached decompositions are there, and then forks a child for each visitor. The copies share those pages.

Forking is safe only while no library has threads of its own: the nursery runs with one thread a library, which is also
what thirty kernels on a few cores need. The server side is a kernel provisioner, `ForkProvisioner`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
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
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from labcore.threads import ONE_THREAD

# the nursery process


def nursery(address: str, megabytes: int, warm: bool = True) -> None:
    """Listen on the Unix socket `address`, fork on request, warm up in between. It ends when the server does."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the system buries them
    steps = _steps(warm)
    parent, busy = os.getppid(), True
    while os.getppid() == parent:
        ready, _, _ = select.select([server], [], [], 0 if busy else 1.0)
        if ready:
            _serve(server, megabytes)
        else:
            busy = next(steps, None) is not None


def _steps(warm: bool) -> Iterator[str]:
    """The work that is better done before a fork than after: one piece at each step."""
    here = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in ("__init__", "gallery"))
    # a kernel would import its debugger when it starts
    for name in ("ipykernel.kernelapp", "ipykernel.debugger", "plotly", *(f"widgets.{name}" for name in here)):
        importlib.import_module(name)
    import torch

    from labcore import catalog
    from widgets import atlas, lesson, plot
    from widgets.views import view_of

    torch.set_num_threads(1)
    plot.plotly_js()
    lesson.source(atlas.row)  # compiles the highlighter's expressions
    yield "imports"
    for paper in catalog.papers():
        atlas.row(paper)
        yield paper.key
    for paper in catalog.papers() if warm else []:
        for name in paper.experiments:
            experiment = catalog.load_experiment(f"{paper.key}.{name}")
            frames = experiment.frames()
            view_of(experiment)(next(frames))
            frames.close()
            gc.collect()
            yield experiment.id


def _serve(server: socket.socket, megabytes: int) -> None:
    with contextlib.suppress(OSError, ValueError), server.accept()[0] as peer:
        with peer.makefile("r") as lines:
            wanted = json.loads(lines.readline())
        gc.freeze()  # a collection in a child would touch, and so copy, every object
        pid = os.fork()
        if pid == 0:
            server.close()
            peer.close()
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
        import ipywidgets
        from ipykernel.kernelapp import IPKernelApp

        kernel = IPKernelApp.instance()
        kernel.initialize(sys.argv[1:])
        ipywidgets.register_comm_target()  # its import, long ago, found no kernel to tell
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
    """The nursery process of this server: started once, asked for forks. `megabytes` is the ceiling of each kernel."""

    def __init__(self, megabytes: int = 0, warm: bool = True):
        self._folder = tempfile.TemporaryDirectory(prefix="labcore-")
        self._address = f"{self._folder.name}/nursery"
        code = f"from widgets.fork_server import nursery; nursery({self._address!r}, {megabytes}, {warm})"
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # nobody sets a breakpoint there
        environment = {**os.environ, **ONE_THREAD, **quiet, "SERVER_SOFTWARE": "voila"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    async def fork(self, argv: list[str], env: dict[str, str], cwd: str | None) -> int:
        """The process id of a new kernel. Raises OSError when the nursery is gone."""
        end = time.monotonic() + 30
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._address)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                await asyncio.sleep(0.05)
        try:
            writer.write(json.dumps({"argv": argv, "env": env, "cwd": cwd}).encode() + b"\n")
            await writer.drain()
            answer = await reader.readline()
        finally:
            writer.close()
        if not answer:
            raise OSError("the nursery gave no kernel")
        return int(answer)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(5)
        self._folder.cleanup()


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


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel by a fork of the nursery; other kernels, and all when it is gone, as Jupyter does."""

    nursery: Nursery | None = None  # the server's own, set where the server starts

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if type(self).nursery is None or "ipykernel_launcher" not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        argv = cmd[cmd.index("ipykernel_launcher") :]
        try:
            pid = await type(self).nursery.fork(argv, {**kwargs["env"], **ONE_THREAD}, kwargs.get("cwd"))
        except OSError as error:
            self.log.warning("The nursery does not answer (%s); this kernel starts from nothing.", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = Forked(pid)
        self.pid = self.pgid = pid  # the child began a session of its own
        return self.connection_info
