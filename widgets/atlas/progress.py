"""How far a learner is in a lesson: exercises that are right, predictions that were made.

The page keeps the answers in its browser and gives them to the kernel when it opens; what shows them joins here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import anywidget
import traitlets

_HERE = Path(__file__).parent

Kind = Literal["exercise", "prediction"]


class Progress(anywidget.AnyWidget):
    """The learner's answers in a lesson, as a line that says how many there are, and a button that forgets them."""

    _esm = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("keep.js", "progress.js"))
    _css = _HERE / "progress.css"

    lesson = traitlets.Unicode().tag(sync=True)
    kept = traitlets.Dict(help="By kind and name, what was answered, as JSON has it.").tag(sync=True)
    counts = traitlets.List(help="Exercises right and in all, predictions made and in all.").tag(sync=True)
    heard = traitlets.Bool(False, help="Whether a page has said what its browser keeps.").tag(sync=True)

    def __init__(self, lesson: str):
        super().__init__(lesson=lesson, counts=[0, 0, 0, 0])
        self._one = threading.RLock()  # exercises are checked in threads
        self._parts: dict[str, tuple[Callable[[Any], bool], Callable[[], None]]] = {}
        self.on_msg(self._hear)

    def join(self, kind: Kind, name: str, restore: Callable[[Any], bool], afresh: Callable[[], None]) -> None:
        """Take part. `restore(answer)` shows what was answered before, and is False for what is no answer; `afresh()`
        asks anew. One that joins under the name of another takes its place: its cell ran again.
        """
        self._parts[f"{kind} {name}"] = restore, afresh
        self._restore(f"{kind} {name}")
        self._count()

    def keep(self, kind: Kind, name: str, answer: Any) -> None:
        """Remember an answer: what JSON can hold."""
        with self._one:
            self.kept = {**self.kept, f"{kind} {name}": answer}
            self._count()

    def _hear(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message["type"] == "opened":
            known = message["kept"] if isinstance(message["kept"], dict) else {}
            with self._one:
                new = [name for name in known if name not in self.kept]
                self.kept = {**known, **self.kept}
                for name in new:
                    self._restore(name)
                self.heard = True
                self._count()
            # a page that opens onto a running kernel may have missed what was said before
            self.send_state(["kept", "counts", "heard"])
        elif message["type"] == "afresh":
            with self._one:
                self.kept = {}
                for _, afresh in self._parts.values():
                    afresh()
                self._count()

    def _restore(self, name: str) -> None:
        if name in self.kept and name in self._parts and not self._parts[name][0](self.kept[name]):
            self.kept = {n: answer for n, answer in self.kept.items() if n != name}

    def _count(self) -> None:
        def counted(kind: Kind) -> list[int]:
            names = [name for name in self._parts if name.startswith(f"{kind} ")]
            answers = [self.kept[name] for name in names if name in self.kept]
            return [sum(answer["right"] for answer in answers) if kind == "exercise" else len(answers), len(names)]

        self.counts = counted("exercise") + counted("prediction")


_opened: Progress | None = None


def begin(lesson: str) -> Progress:
    """The progress in a lesson, for all that is shown in this kernel from here on."""
    global _opened
    _opened = Progress(lesson)
    return _opened


def opened() -> Progress | None:
    """The progress in the lesson that this kernel shows, if it is one."""
    return _opened
