"""A visitor's kernel, whether it is a copy of the nursery or starts from nothing: the same lines, ceiling and end."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from widgets.gallery import folders
from widgets.gallery.folders import LONGEST, Folders, private_folder
from widgets.gallery.fork_server import ForkProvisioner, Nursery

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels have no ceiling, and do not fork")

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")


class Kernel:
    """A kernel that runs, and what may be asked of it."""

    def __init__(self, manager: AsyncKernelManager):
        self.manager, self.client = manager, manager.client()
        self.client.start_channels()

    async def told(self, expression: str) -> str:
        """What an expression is worth there, as text."""
        asked = {"worth": expression}
        reply = await self.client.execute("", user_expressions=asked, reply=True, timeout=60)
        worth = reply["content"]["user_expressions"]["worth"]
        return worth["data"]["text/plain"] if worth["status"] == "ok" else worth["ename"]

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.manager.provisioner.pid)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery(300)
    yield made
    made.close()


@pytest.fixture(params=["copy", "alone"])
def with_kernel(request, monkeypatch, tmp_path) -> Iterator[Callable[..., Any]]:
    """`with_kernel(use)`: what the coroutine `use(kernel)` returns."""
    monkeypatch.setenv("A_PASSWORD", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", "labcore-fork")
    nursery = request.getfixturevalue("nursery") if request.param == "copy" else None
    kept = Folders()
    for name, value in {"nursery": nursery, "folders": kept, "megabytes": 300}.items():
        monkeypatch.setattr(ForkProvisioner, name, value)

    async def live(use: Callable[[Kernel], Any]) -> Any:
        manager = AsyncKernelManager(kernel_name="python3", connection_file=str(tmp_path / "kernel.json"))
        await manager.start_kernel(cwd=str(tmp_path))
        kernel = Kernel(manager)
        try:
            await kernel.client.wait_for_ready(300)
            return await use(kernel)
        finally:
            kernel.client.stop_channels()
            await manager.shutdown_kernel(now=True)

    yield lambda use: asyncio.run(live(use))
    kept.close()


def ports_of(process: psutil.Process) -> list[str]:
    """Addresses of TCP at which a process listens, as the system lists them."""
    held = set()
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            held.add(os.readlink(descriptor))
        except FileNotFoundError:
            continue  # closed in the meantime
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held]


def test_a_kernel_is_spoken_to_in_its_own_folder_and_over_no_port(with_kernel, capfd):
    async def use(kernel: Kernel) -> Path:
        assert await kernel.told("6 * 7") == "42"
        assert ports_of(kernel.process) == []
        folder = Path((await kernel.told("__import__('tempfile').gettempdir()")).strip("'"))
        assert len([p for p in folder.iterdir() if p.is_socket()]) == 5
        assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
        return folder

    folder = with_kernel(use)
    ForkProvisioner.folders.clean_up()
    assert not folder.exists() and folder.parent.exists()
    assert "without encryption" not in "".join(capfd.readouterr())


def test_a_kernel_leaves_the_memory_that_it_shares_alone(with_kernel, request):
    async def use(kernel: Kernel) -> None:
        # a list of the files of all modules, which ipykernel makes, touches each of thousands of modules
        assert await kernel.told("get_ipython().kernel._kernel_modules") == "[]"
        if "copy" in request.node.name:  # objects that no collection of garbage looks at, and so copies
            assert int(await kernel.told("__import__('gc').get_freeze_count()")) > 100_000

    with_kernel(use)


def test_a_killed_kernel_leaves_no_folder(with_kernel):
    async def use(kernel: Kernel) -> None:
        folder = Path(kernel.manager.ip).parent
        process = kernel.process
        ForkProvisioner.folders.clean_up()
        assert folder.exists(), "it lives"
        process.kill()
        end = time.monotonic() + 20
        while folder.exists():
            assert time.monotonic() < end, "it is gone, and its folder is not"
            ForkProvisioner.folders.clean_up()
            await asyncio.sleep(0.05)

    with_kernel(use)


def test_a_kernel_has_a_ceiling_one_thread_and_no_secrets(with_kernel):
    async def use(kernel: Kernel) -> None:
        assert await kernel.told("len(__import__('numpy').ones(10_000_000))") == "10000000"
        assert "Memory" in await kernel.told("len(__import__('numpy').ones(80_000_000))")
        assert await kernel.told("__import__('torch').get_num_threads()") == "1"
        assert kernel.process.num_threads() <= int(re.search(r"`TasksMax` at least (\d+) a visitor", PAGE)[1])
        names = "[__import__('os').environ.get(n) for n in ('A_PASSWORD', 'OMP_NUM_THREADS', 'LABCORE_HELPERS')]"
        assert await kernel.told(names) == "[None, '1', '0']"

    with_kernel(use)


def test_a_paper_that_lies_beside_a_lesson_is_nobodys(with_kernel, tmp_path):
    hostile = tmp_path / "my_hostile"
    hostile.mkdir()
    (hostile / "paper.toml").write_text('title = "A"\nyear = 2026\nidea = "B."\n', "utf-8")
    for name in ("__init__", "experiments"):
        (hostile / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n", "utf-8")

    async def use(kernel: Kernel) -> None:
        code = "import os; os.chdir({!r}); from labcore import catalog; print('GUESTS', catalog.guests())"
        waiting = kernel.client.execute(code.format(str(tmp_path)))
        said = ""
        while "GUESTS" not in said:
            said = (await kernel.client.get_iopub_msg(60))["content"].get("text", "")
        assert said.strip() == "GUESTS []" and waiting
        code = "from widgets import bench; bench('my_hostile.course')"
        waiting = kernel.client.execute(code)
        while (reply := await kernel.client.get_shell_msg(60))["parent_header"]["msg_id"] != waiting:
            pass
        assert reply["content"]["ename"] == "UnknownKey" and not (tmp_path / "run").exists()

    with_kernel(use)


def test_a_busy_kernel_is_interrupted_and_ends_when_asked(with_kernel):
    async def use(kernel: Kernel) -> None:
        waiting = kernel.client.execute("import time; print('BUSY', flush=True); time.sleep(300)")
        while (await kernel.client.get_iopub_msg(60))["content"].get("text", "").strip() != "BUSY":
            pass
        await kernel.manager.interrupt_kernel()
        while (reply := await kernel.client.get_shell_msg(60))["parent_header"]["msg_id"] != waiting:
            pass
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        process = kernel.process
        await kernel.manager.shutdown_kernel()
        assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    with_kernel(use)


def test_a_long_name_for_temporary_files_does_not_make_sockets_impossible(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(folders.tempfile, "tempdir", str(deep))
    with private_folder() as name:
        assert len(name) <= LONGEST and Path(name).stat().st_mode & 0o777 == 0o700
    assert not list(deep.iterdir())
