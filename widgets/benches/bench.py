"""The bench: an experiment under a person's hands.

    bench("double_descent.model_wise", label_noise=0.3)
    bench(my_function)

With a front end it is live: controls, run thread, figure, pins, share, export. Without one (papermill, nbconvert) it
runs the experiment at its budget and leaves the figure and its reading as static output.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w
import xarray as xr
from IPython.display import display

from labcore import answers
from labcore.experiment import MAIN, Budget, Experiment, ParameterError
from labcore.functions import experiment_of
from labcore.without import Without, declared
from widgets.atlas.progress import opened
from widgets.benches import ahead, sharing
from widgets.benches.audience import Audience
from widgets.benches.cells import Cell
from widgets.benches.controls import Control, control_panel
from widgets.benches.drawer import Drawer
from widgets.benches.film import Film
from widgets.benches.first_still import first_still
from widgets.benches.front_end import is_site, is_static, on_voila
from widgets.benches.hands import hand_facts
from widgets.benches.pacing import Pacing
from widgets.benches.parts import button, column, layout, row
from widgets.benches.pins import Pin, difference, ghosts, pin
from widgets.benches.plot import Plot, Spec, jsonable
from widgets.benches.prepared import Prepared
from widgets.benches.question import Question
from widgets.benches.runner import Job, Report, Runner
from widgets.benches.static_bench import StaticBench
from widgets.benches.status import Status
from widgets.benches.story import SharedLink, Standing, Story
from widgets.benches.taken_out import TakenOut, waiting

# What a person feels: under INSTANT a figure moves with the slider; up to SHORT it may follow when the slider rests.
INSTANT, SHORT, REST = 0.1, 2.0, 0.3
# Seconds that a run may take which is played although nobody asked for it.
BRIEF = 2.0

# By label: the newest bench of that label, which is the one that links of the prose mean. A cell that runs again makes
# another one.
_labelled: dict[str, Bench] = {}
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_opening = threading.Lock()  # benches of one page compute their first frames one after another, in reading order


def bench(
    what: str | Experiment | Callable[..., Any],
    /,
    *,
    budget: Budget = "full",
    predict: Question | None = None,
    opening: bool = False,
    label: str = "",
    without: bool = False,
    view: Callable[[xr.Dataset], Spec] | None = None,
    **values: Any,
) -> Bench | StaticBench:
    """A bench for the experiment `KEY.EXPERIMENT`, or for a function of yours, starting at these values.

    `labcore.functions` says what a function may be. Its cell run again ends the run of before, and keeps the values of
    the controls whose defaults are as they were.

    `view` makes the figure of a frame, as in a paper's `view.py`; without it a paper has its own, and the frame of a
    function is drawn by what it holds.

    With `opening`, its run is recorded, and played once when it comes into view. So is that of a paper's experiment
    without a question, where it takes at most `BRIEF` seconds. What a question asks is not: the run of `predict.then`
    is never played so, and where that is the bench's own run, nothing is.

    `label` is the name of this bench in its lesson, and unique there: links call it so. Without one it has the
    experiment's.

    With `without`, a switch takes the paper's idea out: the bench then runs a copy of the paper without the line that
    its `without.py` names, and shows the line.

    Raises `UnknownKey` for a name that does not exist, `ParameterError` for bad values and for a signature that cannot
    be read, `ValueError` for a label that no link can hold, and LookupError where no line is named for this experiment.
    """
    if label and not _LABEL.fullmatch(label):
        raise ValueError(f"label = {label!r} is not allowed; it must be of letters, digits, '.', '_' and '-'")
    experiment = experiment_of(what)
    if without and not experiment.named:
        raise LookupError(f"{experiment.id} is no paper's, and names no line that carries its idea")
    taken = declared(experiment.key) if without else None
    if taken and taken.shows != experiment.id:
        raise LookupError(f"{experiment.id} does not fail without {taken.idea}; {taken.shows} does")
    settings = experiment.settings(budget, **values)
    view = view or experiment.view
    if is_site() and experiment.named:
        from widgets.site.still import StillBench

        small = experiment.settings("quick", **values)
        return StillBench(experiment, settings, small, view, predict, taken, label)
    if is_static():
        linked = sharing.environment_values(experiment, label)
        # a link shows what its sender saw, and that is no answer to the lesson's question
        return StaticBench(experiment, linked or settings, view, None if linked else predict, taken)
    moved = {} if experiment.named else _of_before(experiment, label, settings)
    brief = experiment.named and predict is None and not opening
    return Bench(experiment, settings, view, predict, opening, label, taken, moved, brief)


def benches() -> tuple[Bench, ...]:
    """The benches of this process that links mean, in the order in which they were made."""
    return tuple(_labelled.values())


def _of_before(experiment: Experiment, label: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """End the bench that this cell made when it ran before. Its values where what they start from is as it was."""
    old = _labelled.get(label or experiment.id)
    if old is None or not old.cell.ran_before(Cell.here()):
        return {}
    old.close()
    kept = {}
    for name, value in old.values.items():
        if name in settings and old.starts_at(name, settings[name]):
            with contextlib.suppress(ParameterError):  # its limits have changed
                kept[name] = experiment.validate(**{**settings, name: value})[name]
    return kept


class Bench(w.VBox):
    """The live bench. `values` and `frame` are the current ones; `wait()` lets a script wait for a run.

    With `brief`, it opens with its run where that takes at most `BRIEF` seconds.
    """

    def __init__(
        self,
        experiment: Experiment,
        values: dict[str, Any],
        view: Callable[[xr.Dataset], Spec],
        predict: Question | None = None,
        opening: bool = False,
        label: str = "",
        without: Without | None = None,
        moved: Mapping[str, Any] | None = None,
        brief: bool = False,
    ):
        self.experiment, self.values, self.view = experiment, {**values, **(moved or {})}, view
        self.cell = Cell.here()
        self.label = label or experiment.id
        _labelled[self.label] = self
        self.frame: xr.Dataset | None = None
        self._shown_values = dict(self.values)  # those of the frame
        self.pins: list[Pin] = []
        self._start = dict(values)
        self._spec: Spec = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
        self._cost: dict[str, float] = {}
        self._last_moved: str | None = None
        self._link = SharedLink(experiment, self.label, self._start)
        self._story = Story(self.back)
        self._void: Job | None = None  # a run that is seen no more
        self._long = 0.0  # seconds of the last run if it had more than one frame
        self._timer: threading.Timer | None = None
        self._drawing = threading.Lock()

        self._controls = {n: Control(p, self._moved, self._typed) for n, p in experiment.parameters.items()}
        self._plot = Plot(self._spec, "Computing the first figure ...", bench_id=self.label)
        self._plot.on_msg(self._heard)
        self._drawer = Drawer(experiment, self.label, self._plot, lambda: self.frame)
        self._film = Film(self._plot, lambda frame: self.view(frame))  # which the slider's benchmark exchanges
        self._pacing = Pacing(self._tell_how_it_stands, lambda job: self._runner.job is job)
        self._audience = Audience(partial(self._plot.send, {"type": "anyone"}), self._leave)
        self._plot.add_class("labcore-picture")
        self._status = Status()
        self._say, self._refuse = self._status.say, self._status.refuse
        panel = control_panel(list(self._controls.values()), _main(experiment, predict))
        self._idea = TakenOut(experiment, without, self._turned) if without else None
        if self._idea:
            panel = [panel[0], self._idea.row, *panel[1:]]
        side = column([self._toolbar(), *self._status.parts, *panel], "labcore-side")
        body = row([self._plot, side], "labcore-body")
        self._predict, self._question = predict, predict.panel(self._committed) if predict else None
        asked = experiment.validate(**{**self.values, **predict.then}) if predict else None
        opens = self.values if opening or brief else None
        self._prepared = Prepared(experiment, opens, asked, BRIEF if brief else math.inf)
        self._answered = self._told = False
        rows = [self._story, body, *([self._idea.difference] if self._idea else []), self._drawer]
        super().__init__([self._question, *rows] if self._question else rows, layout=layout())
        self.add_class("labcore-bench")
        self._refresh_controls()
        if self._question:
            self._lock(True)
            self._question.play = self._play  # for a panel that offers other runs after its answer
            self._cover(asked == self.values)
        self._runner = Runner(self._frames, self._draw, self._report, interrupts=not experiment.named)
        self._preview = Job(dict(self.values), preview=True)
        self._runner.submit(self._preview)
        self._progress = opened()
        if self._progress and hasattr(self._question, "restore"):
            self._progress.join("prediction", self.label, self._restore, self.ask_again)

    def _ipython_display_(self) -> None:
        """Show the bench, and a still until it comes, or words for a page that opens the notebook without its kernel.

        A page that knows none of our figures has not our style sheet either, which hides these words.
        """
        word = f"This bench of {self.experiment.id} is not running."
        help = "To see it and move it, run its cell again: in JupyterLab, menu Run, Run All Cells."
        bundle = dict(super()._repr_mimebundle_())
        bundle["text/plain"] = f"{word} {help}"
        display(bundle, raw=True)
        # a page of Voila's always comes with its kernel, and takes a while to make the widgets
        if not on_voila():
            more = f'<p class="labcore-unrun">{escape(word)} {help}</p>'
        else:
            more = "" if self._film.covered else first_still(self.experiment)
        if more:
            display({"text/plain": "", "text/html": more}, raw=True)

    def _toolbar(self) -> w.Box:
        self._run_button = button("Run", "play", "Run with these values; pause, or go on", self.run_or_pause, "primary")
        self._run_button.add_class("labcore-run")
        menu = button("Menu", "ellipsis-h", "Stop, start again, share, save")
        menu.add_class("labcore-opens")
        often = [
            self._run_button,
            button("Step", "step-forward", "One frame at a time", self.step),
            button("Pin", "thumb-tack", "Keep these curves as ghosts behind the next ones", self.pin),
        ]
        seldom = [
            button("Stop", "stop", "End the run at its next frame", self.stop),
            button("Unpin", "eraser", "Remove the ghosts", self.unpin),
            button("Reset", "undo", "Back to the values the bench opened with", self.reset),
            button("Share", "link", "A link, and the lines that reproduce this figure", self.share),
            button("Export", "download", "Save the data or the picture", self.export),
            button("Sweep", "th", "Run this over many values and seeds", self.sweep),
        ]
        self._buttons = [*often, *seldom]
        return row([*often, menu, row(seldom, "labcore-more")], "labcore-toolbar")

    # what a person does

    def run(self) -> None:
        """Run with the current values; a run under way is replaced."""
        self._refuse("")
        self._submit(Job(self._wanted))

    def pause(self) -> None:
        """Pause the run, or let a paused one go on."""
        if self._runner.active:
            self._runner.pause(not self._runner.paused)
            self._call("Resume" if self._runner.paused else "Pause")

    def run_or_pause(self) -> None:
        """What the first button says: run, or pause the run with these values, or let it go on."""
        (self.run if self._run_button.description == "Run" else self.pause)()

    def step(self) -> None:
        """One frame: of the paused run, or of a new one that pauses after it."""
        if self._runner.active:
            self._runner.step()
        else:
            self._runner.submit(Job(self._wanted), paused=True)

    def stop(self) -> None:
        """End the run at its next frame."""
        self._cancel_timer()
        job = self._runner.job
        if job is not None and not job.prepare and not self.experiment.named:
            self._say("Stopping: it ends when the call that it is in returns.")
        self._runner.stop()

    def pin(self) -> None:
        """Keep the current curves as ghosts behind the next runs."""
        if self.frame is not None:
            kept = pin(self._spec, self._compared)
            if not kept.traces:
                return self._say("This figure has no curves to pin.")
            self.pins.append(kept)
            with self._drawing:
                self._look()
            self._say(f"Pinned {len(self.pins)}. Move a control: the pinned curves stay behind.")

    def unpin(self) -> None:
        """Remove all ghosts."""
        self.pins.clear()
        with self._drawing:
            self._look()

    def reset(self) -> None:
        """Back to the values the bench opened with."""
        self._put_back()
        self._plot.send({"type": "released"})
        self.set(**self._start)

    def set(self, **values: Any) -> None:
        """Move controls to these values and run if that is quick enough. Raises `ParameterError`."""
        self.values = self.experiment.validate(**{**self.values, **values})
        self._refuse("")
        self._refresh_controls()
        self._last_moved = next(iter(values)) if len(values) == 1 else None
        self._follow()

    def back(self) -> None:
        """Undo links of the prose: controls, figure and pins are as before the first of them."""
        before = self._story.end()
        if before is None:
            return
        self._refuse("")
        self._put_back()
        self._cancel_timer()
        self.values, self._last_moved, self._long = dict(before.values), None, before.long
        self._refresh_controls()
        with self._drawing:
            self._void = self._runner.job
            self._runner.stop()
            self.pins = list(before.pins)
            self._film.restore(before.film)
            self._look()
        if self.frame is None:
            return self.run()
        self._mark()
        self._say("This is where the story was.")

    def share(self) -> None:
        """Show the link and the lines that reproduce the figure."""
        if self._of_copy:
            return self._refuse(f"What is shared is of the paper itself. Put {self._idea.without.idea} back first.")
        self._drawer.share(self._shown_values)

    def export(self) -> None:
        """Offer the frame as CSV or NetCDF and the figure as PNG or SVG."""
        self._drawer.export()

    def sweep(self) -> None:
        """Offer to run the experiment over a grid, with the bench's other values."""
        if not any(name != "seed" for name in self.experiment.parameters):
            return self._refuse(f"{self.experiment.id} has no parameter that a sweep could vary.")
        if self._of_copy:
            return self._refuse(f"What is swept is the paper itself. Put {self._idea.without.idea} back first.")
        self._drawer.sweep(lambda: self.values, self.view)

    def close(self) -> None:
        """End the run and take the bench away from its pages."""
        self._audience.close()
        self._leave()
        if _labelled.get(self.label) is self:
            del _labelled[self.label]
        super().close()

    def starts_at(self, name: str, value: Any) -> bool:
        """Whether this is the value of a parameter that the bench opened with."""
        return name in self._start and self._start[name] == value

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until no run is under way. For tests and scripts."""
        return self._runner.wait(timeout)

    # the idea, taken out

    def take_out(self, out: bool = True) -> None:
        """Run the paper's copy without its essential line, before the curves of the real one; or put the line back."""
        if self._idea is None:
            raise ValueError(f"{self.experiment.id} has no line that could be taken out; open it with without=True")
        self._idea.switch.value = out

    def _turned(self, out: bool) -> None:
        """Let the run and the page follow the switch."""
        if out == self._idea.out:
            return
        if not out:
            self._put_back()
            return self.run()
        self._refuse("")
        self._drawer.shut()
        shots = self._film.shots
        whole = shots and shots[-1].frame.attrs["progress"] == 1 and not self._of_copy
        before = list(self.pins)
        self.pin()
        self._idea.take(before, (self._film.values, [shot.frame for shot in shots]) if whole else None)
        self.run()
        self._say(waiting(self._idea.without))

    def _put_back(self) -> None:
        """The paper as it is: the next run is its own."""
        if self._idea and self._idea.out:
            self.pins = self._idea.put_back()

    @property
    def _wanted(self) -> dict[str, Any]:
        """The values to run with."""
        return self._idea.wanted(self.values) if self._idea else dict(self.values)

    @property
    def _compared(self) -> dict[str, Any]:
        """The values of the figure, by which pins differ."""
        return self._idea.compared(self._shown_values) if self._idea else dict(self._shown_values)

    @property
    def _of_copy(self) -> bool:
        """Whether the figure, or the next one, is not of the paper itself."""
        return self._idea is not None and (self._idea.out or self._idea.of_copy(self._shown_values))

    # what the page reports

    def _moved(self, name: str, value: Any) -> None:
        self.set(**{name: value})

    def _typed(self, name: str, text: str) -> None:
        # the page may repeat the old value that a refusal put back; that is no answer to the refusal
        if text.strip() == self._controls[name].written(self.values[name]):
            return
        try:
            value = answers.taken(self.experiment.parameters[name], text)
        except ParameterError as error:
            self._refresh_controls()
            return self._refuse(str(error))
        self.set(**{name: value})

    def _heard(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message["type"] in ("hand", "shared", "copied"):
            self._drawer.hear(message)
        elif message["type"] == "link":
            _labelled.get(message["name"], self)._read_prose(message["values"], message["page"])
        elif message["type"] in ("film", "shown"):
            with self._drawing:
                self._film.hear(message)
                self._look()
        elif message["type"] in ("gone", "here"):
            self._audience.hear(message["type"])
        elif message["type"] == "opened":
            self._audience.hear("opened")
            self._say_again(message.get("drawn", -1))
            if "link" in message:
                self._read_link(message["link"])
        elif message["type"] == "set" and self._controls_enabled:
            try:
                values = dict(message["values"])
                for name, value in values.items():
                    # a click or a drag can land between or outside the allowed values; take the nearest
                    p = self.experiment.parameters.get(name)
                    if p is not None and p.kind in ("int", "float"):
                        near = min(max(float(value), p.low), p.high)
                        short = min(max(float(f"{near:.6g}"), p.low), p.high)  # a bound such as 2/3 stays what it is
                        values[name] = round(near) if p.kind == "int" else short
                self.set(**values)
            except (ParameterError, ValueError, TypeError) as error:  # a click on a category has no number
                self._refuse(str(error))

    def _say_again(self, drawn: int) -> None:
        """Repeat what the run thread may have said while the page was still making its widgets, and so missed."""
        with self._drawing:
            self._plot.show_again(drawn)
        self._status.say_again()

    def _read_link(self, query: str) -> None:
        try:
            self._link.read(query)
        except ParameterError as error:
            return self._refuse(f"The link was not taken; the lesson's own values are shown. {error}")
        if self._link and self._controls_enabled:
            self._follow_link()

    def _follow_link(self) -> None:
        """Show what the link's sender saw, however long it takes: opening the link asked for it."""
        self._go(*self._link.take())

    def _go(self, values: dict[str, Any], moved: str, at: float = 1.0) -> None:
        self._put_back()
        self.values, self._last_moved = values, None
        self._refresh_controls()
        self._refuse("")
        self._submit(Job(self._wanted, at=at))
        if moved:
            self._refuse(f"Not all that the link asks for is allowed here: {moved}.")

    def _read_prose(self, query: str, page: str) -> None:
        """Follow a link of the lesson's prose; values that it leaves out are those that the bench opened with."""
        if self._controls_enabled:
            query = f"bench={self.label}&{query}"
            try:
                values = sharing.link_values(self.experiment, query, self.label, self._start)
                moved = sharing.link_moved(self.experiment, query, self.label)
            except ParameterError as error:
                self._refuse(f"The link was not taken. {error}")
            else:
                self._story.leave(Standing(self.values, list(self.pins), self._film.standing(), self._long))
                self._go(values, moved)
                changed = difference(values, self._start, self.experiment.parameters)
                self._story.tell(changed if values != self._start else "as it opened")
        else:
            self._refuse("This bench asks you something first. Answer or skip its question, then follow the link.")
        self._plot.send({"type": "look", "page": page})

    def _committed(self, _: Any) -> None:
        """Show the run that the question is about, to its end."""
        self._refuse("")
        self._lock(False)
        self._cover(False)
        asked = self._prepared.asked.values
        if asked != self.values and not self._link:  # a link shows what its sender saw
            self.pin()
        self.values, self._last_moved = dict(asked), None
        self._refresh_controls()
        self._answered = True
        if self._progress and getattr(self._question, "kept", None) is not None:
            self._progress.keep("prediction", self.label, self._question.kept)
        self._submit(Job(dict(asked), asked=True))

    def _restore(self, answer: Any) -> bool:
        """Show what the learner answered in an earlier sitting: the figure is free, and the result a press away."""
        if not self._question.restore(answer):
            return False
        self._lock(False)
        self._cover(False)
        return True

    def ask_again(self) -> None:
        """Put the question anew, before the figure that the bench opened with."""
        if self._question is None:
            return
        self._put_back()
        self._cancel_timer()
        self._refuse("")
        self._question = self._predict.panel(self._committed)
        self._question.play = self._play
        self.children = [self._question, *self.children[1:]]
        self.values, self._last_moved = dict(self._start), None
        self._answered = self._told = False
        self._story.end()
        with self._drawing:
            self._void, self.frame = self._runner.job, None  # the next one is the bench's first again
            self.pins.clear()
        self._refresh_controls()
        self._lock(True)
        self._cover(self._prepared.asked.values == self._start)
        self._preview = Job(dict(self.values), preview=True)
        self._runner.submit(self._preview)

    def _play(self, values: Mapping[str, Any]) -> None:
        """Run what the question is about with other values, to the end; what is shown stays behind."""
        self._put_back()
        self.pin()
        self.values, self._last_moved = self.experiment.validate(**{**self._prepared.asked.values, **values}), None
        self._refresh_controls()
        self.run()

    def _tell(self, frame: xr.Dataset) -> None:
        """Give the question its answer, and then a link its turn."""
        self._told = True
        self._question.measured(frame)
        if self._link:
            self._follow_link()

    # runs

    def _prepare(self) -> None:
        """Compute the next run that nobody has asked for yet."""
        runs = self._prepared.rest
        if runs and not self._answered and not ahead.leave(self._compute_ahead):
            self._runner.offer(Job(runs[0].values, prepare=True, most=self._prepared.most(runs[0])))

    def _compute_ahead(self) -> Iterator[None]:
        """The same in a process that waits for others: without a thread, and with a pause after each frame."""
        for run in self._prepared.rest:
            spent, frames, most = 0.0, iter(run), self._prepared.most(run)  # one after another, and nobody waits
            while spent <= most:
                began = time.perf_counter()
                ended = next(frames, None) is None
                spent += time.perf_counter() - began
                if ended:
                    break
                yield
            if len(run.frames) > 1:
                self._long = spent
        self._open()

    def _open(self) -> None:
        """Let the page play the run that the bench opens with, if nothing else has been shown since."""
        run = self._prepared.open()
        if run is None:
            return
        with self._drawing:
            if self._preview is self._film.key and self.values == run.values:
                self._film.load(run.values, run.frames, opening=True)
                self._look()
                self._say("Ready.")

    def _frames(self, values: dict[str, Any]) -> Iterator[xr.Dataset]:
        # a function may take long for its first frame, or have none
        first = self.frame is None and self.experiment.named
        if first:
            _opening.acquire()
        try:
            frames = self._computed(values)
            frame = next(frames, None)
        finally:
            if first:
                _opening.release()
        try:
            while frame is not None:
                yield frame
                frame = next(frames, None)
        finally:
            frames.close()

    def _computed(self, values: dict[str, Any]) -> Iterator[xr.Dataset]:
        """The frames of a run; what is ready is not computed again."""
        without = self._idea.frames(values) if self._idea else None
        return without or self._prepared.frames(values) or self.experiment.frames(**values)

    def _submit(self, job: Job) -> None:
        self._cancel_timer()
        self._runner.submit(job)

    def _follow(self) -> None:
        """After a change: run now, when the hand rests, or wait for Run, by how long such a run took last time."""
        self._cancel_timer()
        cost = self._expected
        if cost <= INSTANT:
            self._submit(Job(self._wanted, brief=True))
        elif cost <= SHORT:
            # not `run`, which takes a refusal away: a person may have typed a bad value in the meantime
            self._timer = threading.Timer(REST, lambda: self._submit(Job(self._wanted)))
            self._timer.daemon = True
            self._timer.start()
        else:
            self._mark()
            self._say(f"Press Run. The last run took {cost:.0f} s.")

    @property
    def _expected(self) -> float:
        """Seconds that a run takes, by what such a one took last time."""
        return max(self._cost.get(self._last_moved or "", 0.0), self._long)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _draw(self, job: Job, frame: xr.Dataset) -> None:
        if job.prepare:
            with _opening:  # let the first figures of the page's other benches come first
                return
        if self.frame is None and hasattr(self._question, "opened"):
            self._question.opened(frame)
        with self._drawing:
            if job is self._void:
                return
            first = job is not self._film.key
            self._film.add(job, job.values, frame)
            if self._pacing.due(job, first):
                self._show(job)

    def _show(self, job: Job) -> None:
        """Bring the newest frame of a run to the page."""
        self._film.show()
        self._look()
        self._pacing.shown()
        if job.values == self._wanted:
            self._mark()

    def _catch_up(self, job: Job) -> None:
        with self._drawing:
            if job is self._film.key and job is not self._void and self._film.behind:
                self._show(job)

    def _look(self) -> None:
        """Take the frame that the page shows for the current one, and put the pins behind it."""
        shot = self._film.shown
        if shot is None:
            return
        self.frame, self._spec, self._shown_values = shot.frame, shot.spec, self._film.values
        self._plot.hands = hand_facts(self.experiment, self._spec) if self._controls_enabled else {}
        self._plot.ghosts = jsonable(ghosts(self.pins, self._compared, self.experiment.parameters))

    def _mark(self) -> None:
        """Let a figure that does not belong to the controls say so."""
        self._plot.stale = self.frame is not None and self._shown_values != self._wanted

    def _cover(self, yes: bool) -> None:
        """Keep the figure from the learner, who sees its axes; or show it."""
        if yes != self._film.covered:
            self._plot.covered = yes
            with self._drawing:
                self._film.cover(yes, yes and self._predict.start)

    def _leave(self) -> None:
        """End all that goes on."""
        self.stop()
        self._drawer.stop()

    def _report(self, report: Report) -> None:
        if report.state == "silent":
            if self._runner.stopping:
                return
            if self.experiment.named:
                return self._say("At work: the first frame is on its way.")
            return self._say(f"{self.experiment.id} is at work, without a frame so far. Stop ends it.")
        if report.job.prepare:
            # what failed is said when it is asked for
            if report.state == "done":
                if report.frames > 1:
                    self._long = report.seconds
                self._open()
                self._prepare()
            return
        if report.state == "running" and self._film.behind:
            return self._pacing.later(report)
        self._pacing.over()
        self._tell_how_it_stands(report)

    def _tell_how_it_stands(self, report: Report) -> None:
        """Show the frame that a run has come to, if it was not shown yet, and say how the run stands."""
        try:
            self._catch_up(report.job)
        except Exception:
            if report.state != "failed":  # a view that failed is why
                raise
        if report.job.preview:
            self._prepare()
        if report.job is self._void:
            self._status.show_bar(False)
            return self._call("Run")
        going = report.state in ("running", "paused")
        self._status.show_bar(going)
        if not going or report.job.values != self._wanted:
            self._call("Run")  # the controls ask for another run than the one under way
        else:
            self._call("Resume" if report.state == "paused" else "Pause")
        if going:
            return self._status.under_way(report)
        if report.state == "failed":
            self._mark()
            if self.frame is None:
                self._plot.reading = "No figure: the run failed before its first frame."
            return self._status.fail(report.error, own=not self.experiment.named)
        self._mark()
        if report.state == "done" and report.job.at < 1:
            with self._drawing:
                if report.job is self._film.key:
                    self._film.turn(report.job.at)
                    self._look()
        if report.state == "done" and report.job.preview:
            self._say("Ready.")  # its time says nothing: the benches of a page open one after another
        elif report.state == "done" and report.job.asked:
            self._say("Done.")  # what was ready is shown in less time than it took, or in more
        elif report.state == "done":
            self._long = report.seconds if report.frames > 1 else 0.0
            if self._last_moved:
                self._cost[self._last_moved] = report.seconds
            self._say(f"{report.seconds * 1000:.0f} ms" if report.seconds < 1 else f"{report.seconds:.1f} s")
        elif report.state == "stopped":
            where = f"frame {report.frames}" if report.open_ended else f"{report.progress:.0%}"
            self._say(f"Stopped at {where}." if report.frames else "Stopped before the first frame.")
            if self.frame is None:
                self._plot.reading = "No figure: the run was stopped before its first frame."
        elif report.state == "ready":
            self._long = max(self._long, SHORT + 1)
            self._say("This is where it starts." + " Press Run." * self._controls_enabled)
        if self._answered and not self._told and report.state != "failed":
            asked = self._prepared.asked
            if report.state == "done" and report.job.values == asked.values:
                self._tell(self._film.shots[-1].frame)
            elif asked.complete:  # the learner went on before its end
                self._tell(asked.frames[-1])

    # small parts

    def _lock(self, locked: bool) -> None:
        for part in [*self._controls.values()]:
            part.set_enabled(not locked)
        for made in self._buttons:
            made.disabled = locked
        if self._idea:
            self._idea.lock(locked)

    @property
    def _controls_enabled(self) -> bool:
        return not self._run_button.disabled

    def _call(self, name: str) -> None:
        """What the first button does next: Run, Pause or Resume."""
        if name != self._run_button.description:
            with self._run_button.hold_sync():
                self._run_button.description, self._run_button.icon = name, "pause" if name == "Pause" else "play"

    def _refresh_controls(self) -> None:
        for name, control in self._controls.items():
            control.show(self.values[name])
            control.set_visible(control.parameter.matters(self.values))
        if self._shown_values != self._wanted and self._run_button.description != "Run":
            self._call("Run")


def _main(experiment: Experiment, question: Question | None) -> set[str]:
    """The parameters whose controls stand open: those that the question moves, and the experiment's main ones."""
    asked = list(question.then) if question else []
    own = [name for name, p in experiment.parameters.items() if p.main]
    return set(list(dict.fromkeys([*asked, *own]))[:MAIN])
