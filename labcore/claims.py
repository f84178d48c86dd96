"""Claims: sentences of a paper as checks that run, and the ledger of their verdicts.

    @claim("The peak is there only if the optimizer reaches a low loss")
    def peak_needs_low_loss(budget: Budget) -> Evidence: ...

A claim runs public experiments and returns `Evidence`, measured at that moment. A claim that honestly does not hold
at laboratory scale says so with `expected="not reproduced"` and a reason; it stays in the ledger with its number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import xarray as xr

from labcore import catalog, ledger
from labcore.code_version import code_version
from labcore.experiment import Budget, Experiment, key_of

Verdict = Literal["holds", "not reproduced", "broken", "surprise"]


@dataclass(frozen=True)
class Evidence:
    """What a claim measured.

    measured   the number(s) that decide, by name
    criterion  the rule they are held against, readable without the code
    holds      whether the rule is met
    n_seeds    independent repetitions behind the numbers
    """

    measured: Mapping[str, float]
    criterion: str
    holds: bool
    n_seeds: int


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper and the function that measures it."""

    key: str
    name: str
    statement: str
    check: Callable[[Budget], Evidence]
    expected: Literal["holds", "not reproduced"] = "holds"
    reason: str = ""
    slow: bool = False

    def measure(self, budget: Budget = "quick") -> Entry:
        """Run the check now. Errors propagate: a claim that crashes is a bug."""
        start = time.perf_counter()
        try:
            evidence = self.check(budget)
        except Exception as error:
            error.add_note(f"while measuring the claim {self.key}.{self.name}")
            raise
        verdict: Verdict
        if evidence.holds:
            verdict = "holds" if self.expected == "holds" else "surprise"
        else:
            verdict = "broken" if self.expected == "holds" else "not reproduced"
        return Entry(
            key=self.key,
            name=self.name,
            statement=self.statement,
            verdict=verdict,
            measured={k: float(v) for k, v in evidence.measured.items()},
            criterion=evidence.criterion,
            n_seeds=evidence.n_seeds,
            reason=self.reason,
            budget=budget,
            seconds=time.perf_counter() - start,
            code=code_version(self.key, "claims"),
        )


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    `broken`: should hold and does not. `surprise`: holds although it was declared not reproduced. `standing` says how
    the line was come by: measured just now, kept from before on this machine, recorded by the last nightly run, or
    recorded with an earlier version of the code.
    """

    key: str
    name: str
    statement: str
    verdict: Verdict
    measured: Mapping[str, float]
    criterion: str
    n_seeds: int
    reason: str
    budget: Budget
    seconds: float
    code: str
    standing: Literal["measured", "kept", "recorded", "earlier"] = "measured"

    @property
    def numbers(self) -> str:
        """The measured numbers in one line."""
        return ", ".join(f"{name} = {value:.3g}" for name, value in self.measured.items())


def claim(
    statement: str,
    *,
    expected: Literal["holds", "not reproduced"] = "holds",
    reason: str = "",
    slow: bool = False,
) -> Callable[[Callable[[Budget], Evidence]], Claim]:
    """Turn `function(budget) -> Evidence` into a claim of the paper whose folder it lies in.

    `slow`: over 8 CPU seconds, measured nightly and not in each test run.
    Raises ValueError when a claim is declared not reproduced without a reason.
    """
    if expected == "not reproduced" and not reason:
        raise ValueError(f"claim {statement!r}: 'not reproduced' needs a reason")
    return lambda check: Claim(key_of(check.__module__), check.__name__, statement, check, expected, reason, slow)


def claims_of(key: str) -> list[Claim]:
    """The claims of one paper, in source order. Imports its `claims`. Raises as `load_paper` does."""
    return [c for c in vars(catalog.load_part(key, "claims")).values() if isinstance(c, Claim)]


_runs: ContextVar[dict | None] = ContextVar("runs of the paper that is being measured", default=None)


def once(experiment: Experiment, /, budget: Budget = "full", **values: Any) -> xr.Dataset:
    """The last frame of a run, for a claim: the same run is computed once while a paper's claims are measured.

    A copy, so that no claim can change what another sees. Outside `measure` nothing is kept: a mechanism that was
    changed in between is run again.
    """
    runs = _runs.get()
    if runs is None:
        return experiment.run(budget, **values)
    key = experiment, json.dumps(experiment.settings(budget, **values), sort_keys=True)
    if key not in runs:
        runs[key] = experiment.run(budget, **values)
    return runs[key].copy(deep=True)


def measure(keys: Iterable[str], budget: Budget = "quick", slow: bool = False) -> Iterator[Entry]:
    """Measure the claims of these papers, one entry at a time, and keep each paper's entries for `ledger.recorded`.

    Slow ones are left out unless `slow`: their verdicts come from the nightly run.
    """
    for key in keys:
        entries, runs = [], {}
        for c in claims_of(key):
            if c.slow and not slow:
                continue
            token = _runs.set(runs)
            try:
                entries.append(c.measure(budget))
            finally:
                _runs.reset(token)
            yield entries[-1]
        ledger.keep(key, budget, entries)
