"""What the rules say of one paper, as a list that its author can act on."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import psutil
import xarray as xr

from labcore import catalog
from labcore.catalog import Paper
from labcore.claims import claims_of
from labcore.experiment import Experiment
from labcore.figure import view_of
from widgets.check import folder, frames, labels, parameters, verdicts

FOLLOW = 3  # frames of a run at the end of a parameter
MOST = 60.0  # CPU seconds for an experiment's runs at these ends; the rest of them is left to the tests


class Line(NamedTuple):
    """One thing: `fine`, to be told (`note`), or to be done (`mend`). `where` is a file, an experiment or a claim."""

    kind: str
    where: str
    says: str


def report(key: str) -> Iterator[Line]:
    """All that is to be said of a paper, in the order in which it is best mended."""
    paper = catalog.paper(key)
    at = "the folder"
    yield from _lines(at, "its files", lambda: folder.files(paper))
    try:
        catalog.load_part(key, "experiments")
    except Exception as error:  # nothing else can be asked
        yield Line("mend", at, _said(error, paper))
        return
    yield from _lines(at, "what it hands on", lambda: folder.face(paper), paper)
    yield from _lines(at, "its experiments and claims", lambda: folder.source_is_what_is_imported(paper), paper)
    yield from _lines(at, "a view for each experiment", lambda: folder.views(paper), paper)
    if (paper.folder / "exercises.py").exists():
        yield from _lines("exercises.py", "nonsense is never right", lambda: folder.exercises(key), paper)
    yield from _weight(key, paper)
    for name in paper.experiments:
        yield from _experiment(f"{key}.{name}", paper)
    yield from _claims(key, paper)


def _lines(where: str, fine: str, rule: Callable[[], Iterable[str]], paper: Paper | None = None) -> Iterator[Line]:
    """What a rule says, each thing once; that it is fine where it says nothing."""
    says: list[str] = []
    try:
        says += dict.fromkeys(rule())
    except Exception as error:  # noqa: BLE001 - a paper may raise anything, and the other rules have more to say
        says.append(_said(error, paper))
    yield from (Line("mend", where, line) for line in says) if says else [Line("fine", where, fine)]


def _said(error: Exception, paper: Paper | None) -> str:
    """An error in one line, with the last line of the paper's own code that it came through."""
    frames_ = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames_ if paper is not None and f.filename.startswith(f"{paper.folder}")]
    place = f" ({own[-1].filename.removeprefix(f'{paper.folder}')[1:]}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _weight(key: str, paper: Paper) -> Iterator[Line]:
    seconds, heavy = folder.import_weight(key)
    for name in heavy:
        yield Line(
            "mend",
            "__init__.py",
            f"importing the mechanism loads {name}: it must not import experiments, claims or views",
        )
    yield Line("note", "__init__.py", f"importing the mechanism takes {seconds:.1f} s")


def _experiment(name: str, paper: Paper) -> Iterator[Line]:
    experiment = catalog.load_experiment(name)
    yield from _lines(name, "limits of its parameters", lambda: parameters.bounds_are_enforced(experiment), paper)
    yield from _lines(name, "when they matter", lambda: parameters.conditions_are_possible(experiment), paper)
    made: list[xr.Dataset] = []
    others: list[xr.Dataset] = []
    yield from _lines(name, "a quick run", lambda: made.extend(experiment.frames("quick")) or (), paper)
    if not made:
        return
    yield _cost(experiment)
    for fine, rule in (
        ("labels and units, finite numbers", lambda: frames.labelled_and_finite(made)),
        ("frames are as declared", lambda: frames.as_declared(experiment, made)),
        ("its progress rises to 1", lambda: frames.progress_rises_to_one(made)),
        ("its readings", lambda: frames.readings(made)),
        ("same seed, same bits; nothing left behind", lambda: frames.same_bits_and_nothing_left(experiment, made)),
        ("its figures", lambda: frames.figures(experiment, made)),
        ("labels of its figures are apart", lambda: labels.labels_are_apart(view_of(experiment)(made[-1]))),
        ("its file", lambda: frames.netcdf(made[-1])),
    ):
        yield from _lines(name, fine, rule, paper)
    if "seed" in experiment.parameters:
        others.extend(experiment.frames("quick", seed=1))
    yield from _lines(name, "another seed", lambda: frames.another_seed_another_result(experiment, made, others), paper)
    yield from _ends(experiment, paper)


def _ends(experiment: Experiment, paper: Paper) -> Iterator[Line]:
    """A run at each end of each parameter, for at most `MOST` CPU seconds."""
    quick, fine, left, began = experiment.settings("quick"), True, 0, time.process_time()
    for values in parameters.ends(experiment):
        moved = {k: v for k, v in values.items() if v != quick[k]}
        if moved and time.process_time() - began > MOST:
            left += 1
        elif moved:
            where = f"{experiment.id} with " + ", ".join(f"{k}={v}" for k, v in moved.items())
            found = list(
                _lines(where, "", lambda values=values: parameters.runs_well(experiment, values, FOLLOW), paper)
            )
            fine = fine and all(line.kind == "fine" for line in found)
            yield from (line for line in found if line.kind == "mend")
    if left:
        says = f"{left} ends of its parameters were left out, as the others took {MOST:.0f} CPU s"
        yield Line("note", experiment.id, says)
    elif fine:
        yield Line("fine", experiment.id, "runs at both ends of each parameter")


def _cost(experiment: Experiment) -> Line:
    """Time and memory of a second quick run, for which everything is compiled."""
    process = psutil.Process()
    before, began = process.memory_info().rss, time.process_time()
    held = [process.memory_info().rss for _ in experiment.frames("quick")]
    spent, more = time.process_time() - began, max(0, max(held) - before) / 2**20
    return Line("note", experiment.id, f"a quick run takes {spent:.2f} CPU s, {more:.0f} MB and {len(held)} frames")


def _claims(key: str, paper: Paper) -> Iterator[Line]:
    try:
        claims = claims_of(key)
    except Exception as error:  # noqa: BLE001 - as in `_lines`
        yield Line("mend", "claims.py", _said(error, paper))
        return
    for claim in claims:
        where = f"claim {claim.name}"
        if claim.slow:
            yield Line("note", where, "is slow, and not measured here: labcore claims --slow")
            continue
        began = time.process_time()
        fine = f"{claim.expected} with seeds from {', '.join(map(str, verdicts.OFFSETS))}"
        yield from _lines(where, fine, lambda claim=claim: verdicts.at_three_offsets(claim), paper)
        spent = (time.process_time() - began) / len(verdicts.OFFSETS)
        yield Line("note", where, f"takes {spent:.1f} CPU s" + ("; say slow=True over 8" if spent > 8 else ""))
