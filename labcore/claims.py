"""Claims: sentences of a paper as checks that run, and the ledger of their verdicts.

    @claim("The peak is there only if the optimizer reaches a low loss")
    def peak_needs_low_loss(seeds: Seeds) -> Evidence: ...

A claim runs public experiments with seeds that come from outside and returns `Evidence`, measured at that moment. A
claim that honestly does not hold at laboratory scale says so with `expected="not reproduced"` and a reason; one whose
limit lies within the noise says `expected="fragile"`. Both stay in the ledger with their numbers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import xarray as xr

from labcore import catalog, ledger
from labcore.code_version import code_version
from labcore.evidence import Check, Evidence, exact, geometric, jackknife, mean, median, share
from labcore.experiment import Experiment, key_of

__all__ = [
    "Evidence",
    "Seeds",
    "claim",
    "exact",
    "geometric",
    "jackknife",
    "mean",
    "median",
    "once",
    "repeats",
    "share",
]

Expected = Literal["holds", "not reproduced", "fragile"]
Verdict = Literal["holds", "not reproduced", "fragile", "broken", "surprise"]


@dataclass(frozen=True)
class Seeds:
    """Where a claim takes its seeds from: `seeds.first` for a run with several repetitions, or each of `seeds(20)`."""

    first: int = 0

    def __post_init__(self):
        if not 0 <= self.first <= 2**30:
            raise ValueError(f"first = {self.first} is not allowed; it must be from 0 to {2**30}")

    def __call__(self, n: int) -> range:
        """n seeds in a row."""
        return range(self.first, self.first + n)


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper and the function that measures it."""

    key: str
    name: str
    statement: str
    check: Callable[[Seeds], Evidence]
    expected: Expected = "holds"
    reason: str = ""
    slow: bool = False

    def measure(self, seeds: Seeds = Seeds()) -> Entry:
        """Run the check now. Errors propagate: a claim that crashes is a bug."""
        start = time.process_time()
        try:
            evidence = self.check(seeds)
        except Exception as error:
            error.add_note(f"while measuring the claim {self.key}.{self.name}, seeds from {seeds.first}")
            raise
        return Entry(
            key=self.key,
            name=self.name,
            statement=self.statement,
            expected=self.expected,
            verdict=self._verdict(evidence),
            checks=evidence.checks,
            size=evidence.size,
            also=evidence.also,
            reason=self.reason,
            seeds_from=seeds.first,
            seconds=time.process_time() - start,
            code=code_version(self.key, "claims"),
        )

    def _verdict(self, evidence: Evidence) -> Verdict:
        if not evidence.firm:
            return "fragile"
        found: Verdict = "holds" if evidence.holds else "not reproduced"
        if self.expected in (found, "fragile"):
            return found
        return "surprise" if evidence.holds else "broken"


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    `fragile`: other seeds could turn it. `broken`: should hold and does not. `surprise`: holds although it was declared
    not reproduced. `seconds` are CPU seconds; a run that another claim of the paper has paid for counts there.
    `elsewhere` has the verdicts of the same code with other first seeds. `standing` says how the line was come by:
    measured just now, kept from before on this machine, recorded by the last nightly run, or recorded with an earlier
    version of the code.
    """

    key: str
    name: str
    statement: str
    expected: Expected
    verdict: Verdict
    checks: tuple[Check, ...]
    size: str
    also: Mapping[str, float]
    reason: str
    seeds_from: int
    seconds: float
    code: str
    elsewhere: Mapping[str, Verdict] = field(default_factory=dict)
    standing: Literal["measured", "kept", "recorded", "earlier"] = "measured"

    def __post_init__(self):
        """Checks from a file are plain dicts."""
        checks = tuple(Check(**c) if isinstance(c, dict) else c for c in self.checks)
        object.__setattr__(self, "checks", checks)

    @property
    def numbers(self) -> str:
        """The measured numbers in one line."""
        return ", ".join([*(c.number for c in self.checks), *(f"{k} = {v:.3g}" for k, v in self.also.items())])

    @property
    def criterion(self) -> str:
        """The rule they are held against, and the size it was measured at."""
        return "; ".join([*(c.rule for c in self.checks), self.size])

    @property
    def repetitions(self) -> str:
        """How many repetitions are behind the numbers: "20 repetitions", "3 to 20 repetitions" or "exact"."""
        counts = sorted({c.n for c in self.checks if c.n})
        if not counts:
            return "exact"
        return f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} repetitions"

    @property
    def offsets(self) -> str:
        """Whether other first seeds say the same; empty where none was tried."""
        tried = list(self.elsewhere.values())
        if not tried:
            return ""
        same = tried.count(self.verdict)
        others = ", ".join(f"{v} from {k}" for k, v in self.elsewhere.items() if v != self.verdict)
        return f"the same with {same} of {len(tried)} other sets of seeds" + (f" ({others})" if others else "")


def claim(
    statement: str, *, expected: Expected = "holds", reason: str = "", slow: bool = False
) -> Callable[[Callable[[Seeds], Evidence]], Claim]:
    """Turn `function(seeds) -> Evidence` into a claim of the paper whose folder it lies in.

    `slow`: over 8 CPU seconds, measured nightly and not in each test run.
    Raises ValueError when a claim is declared not reproduced or fragile without a reason.
    """
    if expected not in get_args(Expected):
        raise ValueError(f"claim {statement!r}: expected = {expected!r} must be one of {', '.join(get_args(Expected))}")
    if expected != "holds" and not reason:
        raise ValueError(f"claim {statement!r}: {expected!r} needs a reason")
    return lambda check: Claim(key_of(check.__module__), check.__name__, statement, check, expected, reason, slow)


def claims_of(key: str) -> list[Claim]:
    """The claims of one paper, in source order. Imports its `claims`. Raises as `load_paper` does."""
    return [c for c in vars(catalog.load_part(key, "claims")).values() if isinstance(c, Claim)]


_runs: ContextVar[dict | None] = ContextVar("runs of the paper that is being measured", default=None)


def once(experiment: Experiment, /, **values: Any) -> xr.Dataset:
    """The last frame of a run, for a claim: the same run is computed once while a paper's claims are measured.

    A copy, so that no claim can change what another sees. Outside `measure` nothing is kept: a mechanism that was
    changed in between is run again.
    """
    runs = _runs.get()
    if runs is None:
        return experiment.run(**values)
    key = experiment, json.dumps(experiment.settings(**values), sort_keys=True)
    if key not in runs:
        runs[key] = experiment.run(**values)
    return runs[key].copy(deep=True)


def repeats(experiment: Experiment, seeds: Seeds, n: int, /, dim: str = "repeat", **values: Any) -> xr.Dataset:
    """n repetitions of an experiment that takes `n_seeds`, from as few runs as its bound allows.

    The last frames' variables that have the dimension `dim`, joined along it. The first seeds of two runs are as far
    apart as a run has repetitions, so that no repetition comes twice, however a run makes its seeds.
    """
    most = int(experiment.parameters["n_seeds"].high)
    frames = [
        once(experiment, seed=seeds.first + begin, n_seeds=min(most, n - begin), **values)
        for begin in range(0, n, most)
    ]
    return xr.concat([f[[name for name in f.data_vars if dim in f[name].dims]] for f in frames], dim)


def measure(keys: Iterable[str], seeds: Seeds = Seeds(), slow: bool = False, skip: Iterable = ()) -> Iterator[Entry]:
    """Measure the claims of these papers, one entry at a time. Entries of the first seeds are kept for `recorded`.

    Slow ones are left out unless `slow`: their verdicts come from the nightly run. `skip` holds (key, name) of claims
    to be left out.
    """
    skip = set(skip)
    for key in keys:
        entries, runs = [], {}
        for c in claims_of(key):
            if (c.slow and not slow) or (key, c.name) in skip:
                continue
            token = _runs.set(runs)
            try:
                entries.append(c.measure(seeds))
            finally:
                _runs.reset(token)
            yield entries[-1]
        if seeds == Seeds():
            ledger.keep(key, entries)
