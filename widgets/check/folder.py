"""Rules for a paper's folder: its files, what they hand on, and what is loaded with its mechanism."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from labcore import catalog, claims
from labcore.catalog import Paper
from labcore.exercises import exercises_of
from labcore.figure import view_of

NEEDED = ("__init__", "experiments", "claims", "view")
HEAVY = ("xarray", "pydantic", "plotly", "labcore.experiment")  # that whoever takes the mechanism alone does not need
NONSENSE = ("", "abc", "nan", "1e999", "-", "x = ", "__import__('os')", "9" * 400)


def files(paper: Paper) -> Iterator[str]:
    """The files that every paper has, each with a docstring."""
    for name in NEEDED:
        if not (paper.folder / f"{name}.py").exists():
            yield f"{name}.py is missing"
    for file in sorted(paper.folder.glob("*.py")):
        try:
            if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))):
                yield f"{file.name} does not say what it is: begin it with a docstring"
        except (SyntaxError, ValueError) as error:
            yield f"{file.name} is not Python: {error}"


def face(paper: Paper) -> Iterator[str]:
    """What `__all__` of the package lists is there, in order."""
    package = catalog.load_paper(paper.key)
    names = list(getattr(package, "__all__", []))
    if names != sorted(set(names)):
        yield f"__all__ of __init__.py is not sorted: {names}"
    for name in names:
        if not hasattr(package, name):
            yield f"__all__ of __init__.py lists {name}, which is not there"


def source_is_what_is_imported(paper: Paper) -> Iterator[str]:
    """The names that are read from the source, without importing it, are those that it makes."""
    experiments = catalog.load_part(paper.key, "experiments")
    if not paper.experiments:
        yield "experiments.py has no experiment"
    for name in paper.experiments:
        made = getattr(getattr(experiments, name, None), "id", None)
        if made != f"{paper.key}.{name}":
            yield f"experiments.py: {name} is called {made}, not {paper.key}.{name}"
    if not paper.claims:
        yield "claims.py has no claim"
    if [c.name for c in claims.claims_of(paper.key)] != list(paper.claims):
        yield "claims.py makes other claims than can be read from it: begin each with @claim and def"


def views(paper: Paper) -> Iterator[str]:
    """Every experiment has a view of its name."""
    for name in paper.experiments:
        try:
            view = view_of(catalog.load_experiment(f"{paper.key}.{name}"))
        except LookupError:
            view = None
        if getattr(view, "__module__", "") != f"{paper.package}.view" or view.__name__ != name:
            yield f"view.py has no function {name}, which makes a figure of a frame"


def exercises(key: str) -> Iterator[str]:
    """Nonsense is never the right answer of an exercise, and never a bare error."""
    for exercise in exercises_of(key):
        if exercise.question.strip()[-1] not in ".?)" or "{" in exercise.question:
            yield f"{exercise.name}: its question does not end as a sentence: {exercise.question!r}"
        for text in NONSENSE:
            try:
                answer = exercise(text)
            except (ValueError, LookupError) as error:  # what a learner reads: "That could not be read: ..."
                if not str(error):
                    yield f"{exercise.name}: {text[:20]!r} is refused without a word"
            else:
                if answer is not False and not isinstance(answer, str):
                    yield f"{exercise.name}: {text[:20]!r} is answered with {answer!r}"


_WEIGHT = """
import json, sys, time
from labcore import catalog
began = time.perf_counter()
catalog.load_paper(sys.argv[1])
print(json.dumps([time.perf_counter() - began, [m for m in json.loads(sys.argv[2]) if m in sys.modules]]))
"""


def import_weight(key: str) -> tuple[float, list[str]]:
    """Seconds that loading the mechanism takes in a fresh process, and which heavy modules came with it."""
    words = [sys.executable, "-c", _WEIGHT, key, json.dumps(HEAVY)]
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path})
    seconds, heavy = json.loads(done.stdout.splitlines()[-1])
    return seconds, heavy
