"""A helper process of a sweep: points come in by its input, results go out by its output, and it ends with its caller.

Both are pipes that only the caller holds. Nothing listens, so nobody else can send it work, which is pickled code.
Each message is a pickle in a pickle: of bytes, which are opened where they are used.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import sys
import threading
import time
from typing import Any, BinaryIO


def send(pipe: BinaryIO, message: Any) -> None:
    """Raises OSError when nobody is at the other end."""
    pickle.dump(pickle.dumps(message), pipe)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes:
    """The next message, to be opened by `pickle.loads`. Raises EOFError at the end."""
    try:
        return pickle.load(pipe)
    except (pickle.UnpicklingError, OSError) as error:
        raise EOFError(str(error)) from None


def _listen(pipe: BinaryIO, points: queue.SimpleQueue) -> None:
    try:
        while True:
            points.put(receive(pipe))
    finally:
        os._exit(0)


def _watch(caller: int) -> None:
    """A process that the caller has forked holds its end of the pipe open when the caller is gone."""
    while os.getppid() == caller:
        time.sleep(0.5)
    os._exit(0)


def _answer(pipe: BinaryIO, message: Any) -> None:
    try:
        send(pipe, message)
    except OSError:  # the caller is gone, and nobody is left to read a traceback
        os._exit(0)


def main(preload: str, caller: int) -> None:
    """Import this module, say so with None, and answer each (work, parameters) with (result, error)."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for end, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY)):  # what an experiment prints must not get among the answers
        os.dup2(os.open(os.devnull, mode), end)
    points: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, points), daemon=True).start()
    if os.name == "posix":
        threading.Thread(target=_watch, args=(caller,), daemon=True).start()
    importlib.import_module(preload)
    _answer(answers, None)
    while True:
        message = points.get()
        try:
            work, parameters = pickle.loads(message)
            answer = work(parameters), None
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            answer = None, error
        _answer(answers, answer)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
