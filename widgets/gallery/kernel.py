"""A visitor's kernel, which writes into as little as it can of the memory that it shares with all others.

A copy of a process shares its memory page by page, until it writes to a page. Python counts the references to an object
in the object itself, so to look at all of many objects is to copy all their pages: a list of the files of all modules
took 26 MB of each visitor.
"""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import Any

# A kernel imports these when it starts. Of a debugger nobody has use, but its import is not to be had without.
IMPORTED = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "pdb",
    "sqlite3",
    "tornado.platform.asyncio",
)


def import_kernel() -> None:
    """Import what every kernel needs, before copies are made."""
    for name in IMPORTED:
        importlib.import_module(name)


def be_kernel(arguments: list[str]) -> None:
    """Be a kernel until the end, with the arguments of `python -m ipykernel_launcher`."""
    import comm
    import ipywidgets
    from ipykernel import ipkernel, kernelapp
    from ipykernel.iostream import IOPubThread

    class Output(IOPubThread):
        """It would listen on a TCP port for what processes that this one forks have to say; there are none."""

        def __init__(self, socket: Any, pipe: bool = False, **more: Any) -> None:
            super().__init__(socket, pipe=False, **more)

    class Kernel(kernelapp.IPKernelApp):
        """It would make options of the traits of all classes before it reads its arguments, of which there is one."""

        def parse_command_line(self, argv: list[str] | None = None) -> None:
            if argv and len(argv) == 2 and argv[0] == "-f":
                self.connection_file = argv[1]
            else:
                super().parse_command_line(argv)

    kernelapp.IOPubThread = Output
    # it would list the files of all modules, for a debugger to step over
    few = {name: getattr(sys, name) for name in ("version", "version_info", "exc_info")}
    ipkernel.sys = SimpleNamespace(modules={}, **few)
    app = Kernel.instance()
    app.initialize(arguments)
    ipywidgets.register_comm_target()  # its import, long ago, found no kernel to tell
    for line in comm.get_comm_manager().comms.values():
        line.kernel = app.kernel  # nor did the widgets that a lesson made; they stay silent without one
    app.start()
