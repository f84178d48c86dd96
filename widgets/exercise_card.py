"""An exercise under a learner's hands: a line for the answer, what the check says of it, and hints on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from labcore.experiment import Parameter
from widgets.atlas.progress import opened
from widgets.benches.parts import button, layout, line, row, show, words

LONGEST = 2000  # characters of an answer that are kept
RIGHT = '<span class="labcore-holds">Right.</span>'


class ExerciseCard(w.VBox):
    """A question. `check(text)` is True for a right answer, False for a wrong one, or a sentence that helps.

    It runs in a thread of its own, so that the page says at once that it runs. `name` is what the answer is kept under.
    """

    def __init__(
        self,
        name: str,
        question: str,
        check: Callable[[str], bool | str],
        asks: Sequence[Parameter] = (),
        hints: Sequence[str] = (),
    ):
        self._name, self._check, self._hints = name, check, list(hints)
        self._under_way: str | None = None
        self._last = threading.Lock()
        label = ", ".join(p.label for p in asks) or "Your answer"
        wanted = asks[0].allowed if len(asks) == 1 else f"{len(asks)} numbers" if asks else ""
        self._answer = line(
            label, label_width="initial", size={"width": "420px"}, placeholder=wanted, continuous_update=False
        )
        self._check_button = button("Check", "check", press=self._look, kind="primary")
        self._hint_button = button("Hint", "lightbulb-o", "One step, and not the answer", self._hint)
        self._verdict = words(css="labcore-status")
        self._told = words(css="labcore-hints")
        typed = row([self._answer, self._check_button, self._hint_button], "labcore-toolbar")
        asked = words(f'<div class="labcore-question">{question}</div>')
        super().__init__([asked, typed, self._verdict, self._told], layout=layout())
        self.add_class("labcore-bench")
        self.add_class("labcore-exercise")
        self._ask()
        self._answer.observe(lambda change: self._look() if change["new"] and not self._restoring else None, "value")
        self._progress = opened()
        if self._progress:
            self._progress.join("exercise", name, self._restore, self._ask)

    def _ask(self) -> None:
        """As nobody has answered yet."""
        self._shown, self._restoring = 0, True
        self._answer.value = self._told.value = self._verdict.value = ""
        self._restoring = False
        self._under_way, self._right = None, False
        self._hint_button.description = "Hint"
        show(self._hint_button, bool(self._hints))

    def _restore(self, answer: Any) -> bool:
        """Show an answer of an earlier sitting."""
        if (
            not isinstance(answer, dict)
            or not isinstance(answer.get("text"), str)
            or type(answer.get("right")) is not bool
        ):
            return False
        self._restoring = True
        self._answer.value = answer["text"][:LONGEST]
        self._restoring = False
        self._right = answer["right"]
        self._say(f"{RIGHT} You have answered this before." if self._right else "This is what you wrote before.")
        return True

    def _hint(self) -> None:
        self._shown = min(self._shown + 1, len(self._hints))
        self._told.value = "".join(f"<p>{escape(hint)}</p>" for hint in self._hints[: self._shown])
        self._hint_button.description = "Another hint"
        show(self._hint_button, self._shown < len(self._hints))

    def _look(self) -> None:
        """Let the answer be checked; one that is being checked already is not checked twice."""
        text = self._answer.value.strip()
        if not text:
            return self._say("Write an answer first.")
        with self._last:
            if text == self._under_way:  # Enter, or the press that left the line for the button
                return
            self._under_way = text
        self._say("Checking ...")
        threading.Thread(target=self._judge, args=(text,), name="labcore-exercise", daemon=True).start()

    def _judge(self, text: str) -> None:
        try:
            result = self._check(text)
        except ValueError as error:  # an answer that is refused; the words are for the learner
            result = _sentence(str(error)) or "That could not be read."
        except Exception as error:  # noqa: BLE001 - whatever a checker trips over, the learner must see an answer
            result = f"That could not be checked: {str(error) or type(error).__name__}"
        with self._last:
            if text != self._under_way:  # a later answer, or none, has the last word
                return
            self._under_way = None
        right = not isinstance(result, str) and bool(result)  # numpy's True too
        if right:
            self._say(RIGHT)
        elif isinstance(result, str):
            self._say(escape(result))
        else:
            self._say("Not yet. A hint may help." if self._shown < len(self._hints) else "Not yet.")
        # one that was right stays so, whatever is tried later
        if self._progress and (right or not self._right):
            self._right = right
            self._progress.keep("exercise", self._name, {"text": text[:LONGEST], "right": right})

    def _say(self, html: str) -> None:
        self._verdict.value = f'<div role="status">{html}</div>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".") if text else ""
