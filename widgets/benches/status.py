"""What a bench says of its run: how far it is, how it ended, and which value was not taken."""

from __future__ import annotations

import traceback
from html import escape

import ipywidgets as w

from labcore.function_errors import told, traced
from widgets.benches.parts import said, style, words
from widgets.benches.runner import Report


class Status:
    """The widgets `parts`, from top to bottom: a bar, a sentence about the run, and one about what was refused.

    The last is apart, since a run under way overwrites the other.
    """

    def __init__(self) -> None:
        # its layout is its own: it changes
        bar = w.Layout(width="auto", height="6px", visibility="hidden")
        self.bar = w.FloatProgress(min=0, max=1, layout=bar, style=style(w.FloatProgress))
        self.words = words(css="labcore-status")
        self.refusal = words()
        self.parts = [self.bar, self.words, self.refusal]

    def say(self, text: str) -> None:
        self.words.value = f"<span>{escape(text)}</span>"

    def refuse(self, text: str) -> None:
        """Say why a value was not taken, until one is; "" takes the words away."""
        self.refusal.value = _alert(text) if text else ""

    def fail(self, error: BaseException, own: bool = False) -> None:
        """Say what went wrong in one line, with the whole of it folded; of the reader's `own` code, with its line."""
        short = isinstance(error, MemoryError) or not own
        line = said(error) if short else told(error)
        trace = escape(traced(error) if own else "".join(traceback.format_exception(error)))
        self.words.value = f"{_alert(line)}<details><summary>Details</summary><pre>{trace}</pre></details>"

    def show_bar(self, shown: bool) -> None:
        visibility = "visible" if shown else "hidden"
        if self.bar.layout.visibility != visibility:
            self.bar.layout.visibility = visibility

    def under_way(self, report: Report) -> None:
        """Say how far a run is, and how long it may take."""
        if report.open_ended:
            self.show_bar(False)
            word = "Paused at" if report.state == "paused" else "Running:"
            return self.say(f"{word} frame {report.frames}.")
        self.bar.value = report.progress
        left = report.seconds * (1 / report.progress - 1) if report.progress > 0 else None
        word = "Paused" if report.state == "paused" else "Running"
        self.say(f"{word}: {report.progress:.0%}" + (f", about {left:.0f} s left" if left else ""))

    def say_again(self) -> None:
        """Send it all to a page that may have missed it."""
        for part in (self.words, self.bar, self.bar.layout):
            part.send_state()


def _alert(text: str) -> str:
    return f'<span class="labcore-error" role="alert">{escape(text.splitlines()[0][:400])}</span>'
