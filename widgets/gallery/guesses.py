"""What a class predicts: answers without names, in memory only, by lesson and question.

Commit, see the others, discuss, commit again, reveal. A question begins in its first round. Who has committed in a
round sees the others' answers once the teacher shows them, and nobody sees any before. Until they are shown an answer
may be replaced by its visitor's next one; after that it stands, until the teacher opens the second round. "Reveal" ends
the rounds: pages then let the learner's Commit go on to the bench, which says what is right. The server never knows
that, and the kernels know nothing of a class: the page holds a Commit back, posts it, and passes it on later
(`class.js`). So lessons that are executed once for all, and kernels that are copies, need nothing of their own.

A visitor is a cookie that the server has signed, and gets with a lesson's page: it needs no memory until the first
answer. What is kept is bounded: `VISITORS` cookies, the questions that the lessons ask, two rounds each, one answer a
cookie and round.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore import catalog
from widgets.benches.asked import Asked, asked

VISITORS = 500  # cookies whose answers are kept
ROUNDS = 2
BURST, EACH = 20, 1.0  # requests that a cookie may send at once, and after that a second
_BUCKETS = 4 * VISITORS  # cookies whose requests are counted
DEEDS = ("show", "again", "reveal", "afresh")

Answer = int | tuple[float, ...]


class Refused(Exception):
    """What the class does not take: `status` of HTTP, and a sentence for the page."""

    def __init__(self, status: int, words: str):
        super().__init__(words)
        self.status = status


@dataclass
class Poll:
    """How a question stands: its rounds, each the answers by visitor, and how many of them are shown."""

    rounds: list[dict[str, Answer]] = field(default_factory=lambda: [{}])
    shown: int = 0
    revealed: bool = False

    @property
    def number(self) -> int:
        """The round that it is in, from 1."""
        return len(self.rounds)

    def latest(self, visitor: str) -> Answer | None:
        """The last answer of this visitor."""
        return next((r[visitor] for r in reversed(self.rounds) if visitor in r), None)

    def takes(self, visitor: str) -> bool:
        """Whether a Commit of this visitor counts."""
        return not self.revealed and (self.shown < self.number or visitor not in self.rounds[-1])

    def sees(self, visitor: str) -> int:
        """How many rounds this visitor may see: shown ones, up to the last in which there was a Commit of theirs."""
        own = max((k for k, answers in enumerate(self.rounds, 1) if visitor in answers), default=0)
        return self.shown if own and self.revealed else min(self.shown, own)


class Guesses:
    """The class's answers to the questions of these lessons; `lessons` are notebooks by the lesson's name.

    `token` opens the teacher's page, for the time that the server runs.
    """

    def __init__(self, lessons: Mapping[str, Path]):
        self.lessons = dict(lessons)
        self.token = secrets.token_urlsafe(24)
        self._key = secrets.token_bytes(32)
        self._polls: dict[tuple[str, str], Poll] = {}
        self._buckets: dict[str, tuple[float, float]] = {}  # visitor -> requests left, and when that was

    # who asks

    def new_cookie(self) -> str:
        """A visitor's name and its signature, for a page of a browser that brings none of ours."""
        name = secrets.token_urlsafe(12)
        return f"{name}.{self._signature(name)}"

    def visitor(self, cookie: str | None) -> str | None:
        """The name in a cookie that we have signed, or None."""
        name, _, signature = (cookie or "")[:200].partition(".")
        known = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return name if known else None

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()

    def is_teacher(self, token: str | None) -> bool:
        return hmac.compare_digest((token or "").encode(), self.token.encode())

    def count(self, visitor: str) -> None:
        """One more request of this visitor. Raises `Refused` where there are too many."""
        now = time.monotonic()
        left, then = self._buckets.pop(visitor, (BURST, now))
        left = min(BURST, left + EACH * (now - then))
        if len(self._buckets) >= _BUCKETS:  # the one that has been silent for longest is full again
            del self._buckets[next(iter(self._buckets))]
        self._buckets[visitor] = (max(left - 1, 0.0), now)
        if left < 1:
            raise Refused(429, "That was a lot at once. Wait a few seconds.")

    # what they say

    def asks(self, lesson: str) -> tuple[Asked, ...]:
        """The questions of a lesson. Raises `Refused` where there is no such lesson."""
        notebook = self.lessons.get(lesson)
        if notebook is None:
            raise Refused(400, "There is no such lesson.")
        try:
            return asked(notebook)
        except (OSError, ValueError):  # it went, or is no notebook
            return ()

    def _question(self, lesson: Any, bench: Any) -> Asked:
        if isinstance(lesson, str) and isinstance(bench, str):
            for question in self.asks(lesson):
                if question.bench == bench:
                    return question
        raise Refused(400, "There is no such question.")

    def commit(self, visitor: str, said: Any) -> dict[str, Any]:
        """Take {"lesson", "bench", "round", "answer"} of a visitor; how the question then stands for this one.

        Raises `Refused`: 400 for what is no answer, 409 for one that comes too late, 503 where no more are kept.
        """
        if not isinstance(said, dict) or set(said) != {"lesson", "bench", "round", "answer"}:
            raise Refused(400, "An answer has lesson, bench, round and answer.")
        question = self._question(said["lesson"], said["bench"])
        answer = _answer(question, said["answer"])
        poll = self._polls.get((said["lesson"], question.bench), Poll())
        if type(said["round"]) is not int or said["round"] != poll.number:
            raise Refused(409, "Your teacher has opened another round. Commit again.")
        if not poll.takes(visitor):
            raise Refused(409, "The answers are shown, so this one stands.")
        kept = {name for poll in self._polls.values() for answers in poll.rounds for name in answers}
        if visitor not in kept and len(kept) >= VISITORS:
            raise Refused(503, "The class is full: no more answers are kept.")
        self._polls[said["lesson"], question.bench] = poll
        poll.rounds[-1][visitor] = answer
        return self._for(visitor, said["lesson"], question)

    def seen_by(self, visitor: str, lesson: str) -> dict[str, dict[str, Any]]:
        """How the questions of a lesson stand for a visitor, by bench. Raises `Refused`."""
        return {question.bench: self._for(visitor, lesson, question) for question in self.asks(lesson)}

    def _for(self, visitor: str, lesson: str, question: Asked) -> dict[str, Any]:
        poll = self._polls.get((lesson, question.bench), Poll())
        return {
            "kind": question.kind,
            "options": question.options,
            "round": poll.number,
            "takes": poll.takes(visitor),
            "committed": visitor in poll.rounds[-1],
            "revealed": poll.revealed,
            "mine": poll.latest(visitor),
            "rounds": [_together(question, answers) for answers in poll.rounds[: poll.sees(visitor)]],
        }

    # what the teacher does

    def act(self, said: Any) -> None:
        """Do {"lesson", "bench", "round", "do"}; `do` is one of `DEEDS`. Raises `Refused`."""
        if not isinstance(said, dict) or set(said) != {"lesson", "bench", "round", "do"} or said["do"] not in DEEDS:
            raise Refused(400, f"A deed has lesson, bench, round and do, one of {', '.join(DEEDS)}.")
        key = said["lesson"], self._question(said["lesson"], said["bench"]).bench
        poll = self._polls.get(key, Poll())
        if type(said["round"]) is not int or said["round"] != poll.number:  # of a page that has not followed
            raise Refused(409, "The question is in another round.")
        if said["do"] == "afresh":
            self._polls.pop(key, None)
            return
        if said["do"] == "again" and (poll.revealed or poll.shown < poll.number or poll.number == ROUNDS):
            raise Refused(409, "A second round comes after the answers of the first are shown, and before the end.")
        self._polls[key] = poll
        if said["do"] == "again":
            poll.rounds.append({})
        else:
            poll.shown, poll.revealed = poll.number, poll.revealed or said["do"] == "reveal"

    def overview(self) -> list[dict[str, Any]]:
        """For the teacher: all questions, and how the class has answered them."""
        return [{"lesson": lesson, **self._told(lesson, q)} for lesson in self.lessons for q in self.asks(lesson)]

    def _told(self, lesson: str, question: Asked) -> dict[str, Any]:
        poll = self._polls.get((lesson, question.bench), Poll())
        return {
            "bench": question.bench,
            "question": question.question,
            "kind": question.kind,
            "options": question.options,
            "axes": question.axes,
            "shown": poll.shown,
            "revealed": poll.revealed,
            "rounds": [_together(question, answers) for answers in poll.rounds],
            "again": poll.number < ROUNDS,
        }


def _answer(question: Asked, said: Any) -> Answer:
    """An answer as it is kept: the number of an option, or shares of the axes. Raises `Refused`."""
    if question.kind == "options":
        if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < len(question.options):
            return said
        raise Refused(400, f"An answer is the number of an option, 0 to {len(question.options) - 1}.")
    if isinstance(said, list) and len(said) == question.numbers and all(map(_is_share, said)):
        return tuple(round(float(share), 3) for share in said)
    raise Refused(400, f"A drawing is {question.numbers} numbers from 0 to 1.")


def _is_share(said: Any) -> bool:
    return isinstance(said, (int, float)) and not isinstance(said, bool) and 0 <= said <= 1


def _together(question: Asked, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """The answers of a round without whose they are: counts, or drawings in an order that says nothing."""
    if question.kind == "options":
        counted = Counter(answers.values())
        return {"of": len(answers), "counts": [counted[k] for k in range(len(question.options))]}
    return {"of": len(answers), "drawn": sorted(answers.values())}


def lessons_by_name(root: Path, paths: set[str]) -> Iterator[tuple[str, Path]]:
    """The notebooks of a folder by their lessons' names, in the order of the course, and then by name."""
    order = [lesson.name for lesson in catalog.lessons()]
    names = {path.removesuffix(".ipynb"): root / path for path in paths}
    yield from sorted(
        names.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0])
    )
