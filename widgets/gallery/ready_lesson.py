"""A lesson that is executed ahead of its visitors, in a process of which each visitor then gets a copy.

Cells run in an IPython shell without a kernel, so without sockets and threads, which no fork would survive. Widgets are
made all the same: their page asks the kernel for them when it opens, and finds every bench with its first figure.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from traitlets.config import Config

from widgets.benches import ahead
from widgets.benches.bench import benches
from widgets.benches.early import early
from widgets.gallery.early_page import EARLY

FIGURES = 600.0  # seconds that the benches of a lesson may take for their first figures
OTHERS = 5.0  # seconds that other threads may go on after that


class NotReady(RuntimeError):
    """A cell failed, or something is left running: copies of this process would not work."""


def executed(notebook: Path) -> NotebookNode:
    """Run all cells in this process, in the notebook's folder; the notebook with their outputs, once all is quiet.

    Its metadata have, under `EARLY`, what stands for each bench until it has come: HTML by the name of its model. What
    its benches would compute ahead is left to this process. Raises `NotReady` where a cell fails, and where a
    thread is left running.
    """
    ahead.keep()
    os.chdir(notebook.parent)
    node = nbformat.read(notebook, as_version=4)
    with _shell() as (shell, outputs):
        for cell in node.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = _run(shell, outputs, cell.source), None
    _wait_for_threads()
    node.metadata[EARLY] = {bench.model_id: html for bench in benches() if (html := early(bench))}
    return node


@contextlib.contextmanager
def _shell() -> Iterator[tuple[InteractiveShell, list]]:
    """A shell that keeps what cells show, for the length of a `with`; a kernel makes its own later."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.display_pub = CapturingDisplayPublisher()
    shell.display_trap.hook = CapturingDisplayHook(shell, shell.display_pub.outputs)
    shell.user_ns["__name__"] = "__main__"
    try:
        yield shell, shell.display_pub.outputs
    finally:
        InteractiveShell.clear_instance()


def _run(shell: InteractiveShell, outputs: list, source: str) -> list[NotebookNode]:
    outputs.clear()
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as warned:
        result = shell.run_cell(source)
    if not result.success:
        raise NotReady(f"{result.error_in_exec or result.error_before_exec}")
    streams = [("stdout", said.getvalue()), ("stderr", warned.getvalue())]
    words = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in streams if text]
    shown = [nbformat.v4.new_output("display_data", data=o["data"], metadata=o["metadata"] or {}) for o in outputs]
    return words + shown


def _wait_for_threads() -> None:
    for ours, seconds in ((True, FIGURES), (False, OTHERS)):
        end = time.monotonic() + seconds
        while left := [t.name for t in threading.enumerate()[1:] if not ours or t.name.startswith("labcore-")]:
            if time.monotonic() > end:
                raise NotReady(f"a thread is left running: {', '.join(left)}")
            time.sleep(0.05)
    # Python calls a thread ended a moment before the system does
    end = time.monotonic() + OTHERS
    while (count := len(os.listdir("/proc/self/task"))) > 1:
        if time.monotonic() > end:
            raise NotReady(f"a library runs {count - 1} threads of its own")
        time.sleep(0.01)
