"""The server's side of kernels that start by forking: the nursery process is started here and asked for copies.

`ForkProvisioner` is the kernel provisioner; what it asks for happens in `widgets.gallery.nursery`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets.log import get_logger

from labcore.guests import HOUSE_ONLY
from labcore.threads import ONE_THREAD
from widgets.gallery.folders import Folders, private_folder
from widgets.gallery.nursery import name_of
from widgets.gallery.shelf import Ready, Shelf

_QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # nobody sets a breakpoint in a kernel


class Nursery:
    """The nursery process of this server: started anew when it ends, asked for forks.

    `megabytes` is the ceiling of each kernel; `shelf` holds the lessons that are kept ready.
    """

    def __init__(self, megabytes: int = 0, shelf: Shelf | None = None):
        self._megabytes = megabytes
        self._shelf = shelf or Shelf(0)
        self._making: asyncio.Future | None = None  # makes the lessons ready that are wanted, one after another
        self._made: Path | None = None  # the one that is being made
        self._starts: deque[float] = deque(maxlen=2)
        self._waits = False
        self._start()

    def _start(self) -> None:
        self._starts.append(time.monotonic())
        # a folder of its own: nothing that an earlier one has left there is taken for living
        self._temporary = private_folder()
        self._folder = Path(self._temporary.name)
        code = f"from widgets.gallery.nursery import nursery; nursery({str(self._folder)!r}, {self._megabytes})"
        environment = {**os.environ, **ONE_THREAD, **_QUIET, "SERVER_SOFTWARE": "voila", HOUSE_ONLY: "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    async def mend(self) -> bool:
        """Start the process again if it has ended, and make the lessons ready that were; whether that was done.

        The first time at once, but no more than twice a minute: one that ends each time must not keep a core busy.
        """
        code = self.process.poll()
        if code is None:
            self._make_ready()  # there may be room again
            return False
        wait = self._starts[0] + 60 - time.monotonic() if len(self._starts) == 2 else 0
        if wait > 0:
            if not self._waits:
                get_logger().error("The nursery has ended again (%d). The next one starts in %.0f s.", code, wait)
            self._waits = True
            return False
        self._waits = False
        get_logger().warning("The nursery has ended (%d). Another one starts, and makes the lessons ready.", code)
        self._temporary.cleanup()
        self._shelf.lose()
        self._start()
        self._make_ready()
        return True

    def warm(self, notebooks: Iterable[Path]) -> None:
        """Make these ready, in this order, as far as there is room."""
        self._shelf.want(notebooks)
        self._make_ready()

    def ready(self, notebook: Path, wish: bool = True) -> Ready | None:
        """The lesson of which `fork` can give copies, or None; then it is made ready for the next visitor.

        Who has said so before asks again without a `wish`.
        """
        found = self._shelf.use(notebook, wish)
        if found is None:
            self._make_ready()
        return found

    def making(self, notebook: Path | None = None) -> bool:
        """Whether this lesson is being made ready, or any one."""
        return self._made is not None and notebook in (None, self._made)

    def waits_for(self, notebook: Path) -> bool:
        """Whether this lesson will be made ready for those who have asked for it."""
        return self.making(notebook) or (self.making() and self._shelf.wishes(notebook) > 0)

    def forget(self, lesson: Ready) -> None:
        """Do not take copies of this ready lesson any more: its process is gone. It is made anew when asked for."""
        self._shelf.forget(lesson)

    def _make_ready(self) -> None:
        # what is made is known at once: a visitor who asks a moment later would else find nothing to wait for
        if self._making is None and (notebook := self._shelf.next()) is not None:
            self._made = notebook
            self._making = asyncio.ensure_future(self._make(notebook))

    async def _make(self, notebook: Path) -> None:
        try:
            while await self._make_one(notebook) and (following := self._shelf.next()) is not None:
                notebook = self._made = following
        finally:
            self._making = self._made = None

    async def _make_one(self, notebook: Path) -> bool:
        """Whether there is still a nursery to make the next one."""
        version, process = name_of(notebook), self.process
        try:
            answer = (await self._request("nursery", {"lesson": str(notebook)})).decode().split()
        except OSError:
            answer = []
        if len(answer) == 3:
            name, megabytes, seconds = answer
            executed = self._folder / f"{name}.ipynb"
            self._shelf.put(Ready(notebook, version, executed, float(megabytes), float(seconds)))
        elif answer:
            self._shelf.give_up(notebook, version)
        else:
            await asyncio.sleep(0.5)  # the last word of the nursery comes before its end
            if process.poll() is not None:
                self._shelf.want([notebook])
                return process is not self.process  # the next one goes on
        return True

    async def fork(self, argv: list[str], env: dict[str, str], cwd: str | None, lesson: str = "nursery") -> int:
        """The process id of a new kernel: a copy of a ready lesson, or of the nursery. Raises OSError if it is gone."""
        answer = await self._request(lesson, {"argv": argv, "env": env, "cwd": cwd})
        if not answer:
            raise OSError("the nursery gave no kernel")
        return int(answer)

    async def _request(self, name: str, wanted: dict[str, Any]) -> bytes:
        end = time.monotonic() + 120  # on a busy machine it takes long, and a kernel from nothing longer
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

    def close(self) -> None:
        if self._making is not None:
            self._making.cancel()
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


# What kernels may know of the server's environment; passwords and tokens are often found there
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_",
    "TZ",
    "TMPDIR",
    "SERVER_SOFTWARE",
    "SCRIPT_NAME",
    "LABCORE_",
    "NUMBA_",
)
_PASSED_ON += (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "JUPYTER",
    "JPY_",
    "IPYTHON",
    "XDG_",
    "PYTHON",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)
LESSON = "LABCORE_LESSON"  # in a kernel's environment: the name of the ready lesson that it is to be a copy of


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel by a fork of the nursery, or from nothing where there is none or it is gone.

    Both ways it has one thread a library, the same ceiling on its memory, the same few names in its environment, and a
    private folder for its temporary files and for the sockets that it is spoken to over; the folder goes with it. Other
    kernels start as Jupyter starts them. A copy of a ready lesson is not to be had otherwise: launching one raises
    OSError when its process is gone.
    """

    # the server's own, set where the server starts
    nursery: Nursery | None = None
    folders: Folders | None = None
    megabytes = 0

    _folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        if self.folders is not None and "ipykernel_launcher" in self.kernel_spec.argv:
            self._folder = self._folder or self.folders.new()
            self._folder.mkdir(mode=0o700, exist_ok=True)  # of a kernel that starts again
            if os.name == "posix":  # anybody on this machine could speak to a TCP port
                self.parent.transport = "ipc"
                self.parent.ip = str(self._folder / "line")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if self._folder is None:
            return await super().launch_kernel(cmd, **kwargs)
        env = {name: value for name, value in kwargs["env"].items() if name.startswith(_PASSED_ON)}
        alone = {"LABCORE_HELPERS": "0", HOUSE_ONLY: "1", "TMPDIR": str(self._folder)}
        kwargs["env"] = {**env, **ONE_THREAD, **_QUIET, **alone}
        try:
            found = await self._launch(cmd[cmd.index("ipykernel_launcher") :], **kwargs)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.folders.belongs_to(self._folder, self.process)
        return found

    async def _launch(self, argv: list[str], **kwargs: Any) -> Any:
        env = kwargs["env"]
        if self.nursery is not None:
            try:
                pid = await self.nursery.fork(argv, env, kwargs.get("cwd"), env.get(LESSON, "nursery"))
            except OSError as error:
                if LESSON in env:
                    raise
                self.log.warning("The nursery does not answer (%s); this kernel starts from nothing.", error)
            else:
                self.process = Forked(pid)
                self.pid = self.pgid = pid  # the child began a session of its own
                return self.connection_info
        code = f"from widgets.gallery.alone import kernel; kernel({self.megabytes})"
        return await super().launch_kernel([sys.executable, "-c", code, *argv], **kwargs)
