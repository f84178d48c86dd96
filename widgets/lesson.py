"""What a lesson needs besides benches: the mechanism's source, the ledger of its claims, exercises with checkers."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

import ipywidgets as w
from IPython.display import HTML

from labcore import catalog, claims
from labcore.code_version import CELL
from labcore.exercises import load_exercise
from labcore.experiment import Experiment
from labcore.ledger import recorded
from widgets.benches.front_end import is_site, is_static, on_voila
from widgets.benches.parts import button, layout, row, words
from widgets.benches.static_bench import folded
from widgets.check.verdicts import with_evidence
from widgets.exercise_card import ExerciseCard
from widgets.listing import highlighted, listing, plain

_VERDICTS = {
    "holds": ("labcore-holds", "holds"),
    "not reproduced": ("labcore-not", "not reproduced here"),
    "fragile": ("labcore-fragile", "fragile"),
    "broken": ("labcore-broken", "BROKEN"),
    "surprise": ("labcore-broken", "holds, against its entry"),
}
_MEANINGS = {
    "holds": "The rule is met, and the 99 % interval lies on the right side of its limit.",
    "not reproduced": "The rule is missed at this size; the reason says why.",
    "fragile": "The limit lies inside the 99 % interval: other seeds could turn this verdict.",
    "broken": "It should hold and does not.",
    "surprise": "It was entered as not reproduced, and holds.",
}
_STANDINGS = {
    "measured": "",
    "kept": ", before on this machine",
    "recorded": ", in the last nightly run",
    "earlier": ", in a nightly run with earlier code",
}


def source(*functions: Callable | Experiment) -> HTML:
    """The real source of these functions: their essential lines, and in a fold the whole of what runs.

    A function of the notebook itself is shown where its cells are not, on dashboards.
    """
    shown = [each for each in functions if on_voila() or plain(each).__module__ != CELL]
    return HTML("".join(map(listing, shown)))


def ledger_table(entries: list[claims.Entry]) -> str:
    """Ledger entries as an HTML table."""
    rows = []
    for e in entries:
        css, word = _VERDICTS[e.verdict]
        whose = "of this notebook" if e.key == CELL else f"{e.key} ({catalog.paper(e.key).year})"
        why = f"<br><i>{escape(e.reason)}</i>" if e.reason else ""
        # a run that two claims look at counts for the first
        took = f"{e.seconds:.1f} CPU s" if e.seconds >= 0.05 else "no time of its own"
        how = f"{e.repetitions}{', ' + e.offsets if e.offsets else ''}, {took}{_STANDINGS[e.standing]}"
        rows.append(
            f'<tr><td><span class="{css}" title="{_MEANINGS[e.verdict]}">{word}</span></td>'
            f"<td>{escape(e.statement)}{why}</td><td>{'<br>'.join(_numbers(e))}</td>"
            f'<td class="labcore-aside">{whose}, {escape(how)}</td></tr>'
        )
    head = "<tr><th>verdict</th><th>claim</th><th>measured, with its 99 % interval</th><th>how</th></tr>"
    return f'<div class="labcore-card"><table class="labcore-table">{head}{"".join(rows)}</table></div>'


def _numbers(e: claims.Entry) -> list[str]:
    """As HTML: the numbers that decide and what is asked of them, then those beside them, and the size of it all."""
    sides = {"<=": "at most", ">=": "at least"}
    deciding = [f"{escape(c.number)}; asked: {sides[c.side]} {c.limit:.4g}" for c in e.checks]
    beside = ", ".join([*(f"{name} = {value:.3g}" for name, value in e.also.items()), e.size])
    return [*deciding, f'<span class="labcore-aside">{escape(beside)}</span>']


class BrokenClaim(AssertionError):
    """A claim that should hold did not, when a lesson was executed as a test."""


def ledger(*what: str | claims.Claim) -> Any:
    """The claims of these papers, or these claims of your own, measured now by running code.

    Live, a button measures them (verdicts measured before are shown at once, with where they are from). Executed as a
    batch, they are measured on the spot, and a claim that should hold and does not raises `BrokenClaim`. Slow claims
    are measured by the nightly run, whose record is shown.
    """
    keys = tuple(key for key in what if not isinstance(key, claims.Claim))
    own = tuple(claim for claim in what if isinstance(claim, claims.Claim))
    for key in keys:
        catalog.paper(key)
    if is_site() and not own:
        return HTML(ledger_table(_with_slow(keys, [])))
    if is_static():
        entries = list(_measured(keys, own))
        broken = [e for e in entries if e.verdict in ("broken", "surprise")]
        if broken:
            raise BrokenClaim("; ".join(f"{e.key}.{e.name}: {e.verdict}: {e.numbers} ({e.criterion})" for e in broken))
        return HTML(ledger_table(_with_slow(keys, entries)))
    return _LiveLedger(keys, own)


def _measured(keys: Iterable[str], own: Iterable[claims.Claim]) -> Iterator[claims.Entry]:
    yield from claims.measure(keys)
    for claim in own:
        yield with_evidence(claim).measure()


def _with_slow(keys: Iterable[str], entries: list[claims.Entry]) -> list[claims.Entry]:
    """The entries just measured, and what is recorded of the other claims of these papers."""
    now = {(e.key, e.name) for e in entries}
    return entries + [e for key in keys for e in recorded(key) if (e.key, e.name) not in now]


class _LiveLedger(w.VBox):
    def __init__(self, keys: tuple[str, ...], own: tuple[claims.Claim, ...]):
        self._keys, self._own = keys, own
        known = _with_slow(keys, [])
        self._table = words(ledger_table(known) if known else "")
        self._status = words("These were measured before." if known else "", "labcore-status")
        self._button = button("Measure the claims now", "check-square-o", "", self._begin, "primary", width="auto")
        bar = row([self._button], "labcore-toolbar")
        super().__init__([bar, self._status, self._table], layout=layout())
        self.add_class("labcore-bench")

    def _begin(self) -> None:
        self._button.disabled = True
        self._status.value = "Measuring ..."
        threading.Thread(target=self._measure, daemon=True).start()

    def _measure(self) -> None:
        entries: list[claims.Entry] = []
        total = sum(not c.slow for key in self._keys for c in claims.claims_of(key)) + len(self._own)
        try:
            for entry in _measured(self._keys, self._own):
                entries.append(entry)
                self._table.value = ledger_table(_with_slow(self._keys, entries))
                self._status.value = f"Measured {len(entries)} of {total} claims ..."
            self._status.value = f"Measured {total} claims in {sum(e.seconds for e in entries):.1f} s."
        except Exception as error:  # noqa: BLE001 - shown to the person: there is nobody else to catch it in this thread
            line = escape(f"{type(error).__name__}: {error}")
            self._status.value = f'<span class="labcore-error" role="alert">{line}</span>'
        finally:
            self._button.disabled = False


def exercise(
    question: str, check: Callable[[str], bool | str] | None = None, hint: str | tuple[str, ...] = (), *, seed: int = 0
) -> ExerciseCard | HTML:
    """A question with a line for the answer: one of a paper, by its name `KEY.NAME`, or one of your own.

    `check(text)` returns True for a right answer, False for a wrong one, or a sentence that helps. Any right answer
    must pass, however it is written: parse numbers, try code, do not compare strings. Raises `UnknownKey`.

    Where nobody can answer, the question is read, with its hints in folds; on a page of `make site`, the code that
    would check an answer too.
    """
    name, asks, hints = question, (), (hint,) if isinstance(hint, str) else hint
    if check is None:
        found = load_exercise(question)
        question, asks, hints, check = found.question, found.asks, found.hints, functools.partial(found, seed=seed)
    hints = [each for each in hints if each]
    if is_static():
        heads = ["A hint", *["Another hint"] * len(hints)]
        below = "".join(folded(head, f"<p>{escape(each)}</p>") for head, each in zip(heads, hints))
        if is_site():
            looks = inspect.getsource(getattr(check, "func", check).check)
            below += folded("How an answer is checked", highlighted(looks))
        return HTML(f'<div class="site-exercise"><p><b>{question}</b></p>{below}</div>')
    return ExerciseCard(name, question, check, asks, hints)
