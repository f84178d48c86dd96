"""Verdicts that were measured before: on this machine with exactly this code, or by the last nightly run.

The nightly run's record is `docs/ledger.json`, in the repository, so that a fresh clone shows verdicts before it has
measured any; a line of it that was measured with other code says so.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from labcore import catalog
from labcore.code_version import code_version

if TYPE_CHECKING:
    from labcore.claims import Entry
    from labcore.experiment import Budget

RECORD = Path(__file__).parents[1] / "docs" / "ledger.json"


def _file(key: str, budget: Budget) -> Path:
    folder = Path(platformdirs.user_cache_dir("labcore")) / "ledger"
    return folder / code_version(key, "claims") / f"{key}-{budget}.json"


def keep(key: str, budget: Budget, entries: list[Entry]) -> None:
    """Keep a paper's entries on this machine. Where its home cannot be written only the memory is lost."""
    with contextlib.suppress(OSError):
        _write(_file(key, budget), [asdict(e) for e in entries])


def record(entries: Iterable[Entry], path: Path | None = None) -> None:
    """Put these entries into the record, in the place of older ones of the same claims. Raises OSError."""
    path = path or RECORD
    rows = {(e.key, e.name): asdict(e) for key in _papers_in(path) for e in _entries(path, key)}
    rows |= {(e.key, e.name): asdict(e) for e in entries}
    table: dict[str, list[dict]] = {}
    for (key, _), row in sorted(rows.items()):
        row.pop("standing")
        row["seconds"] = round(row["seconds"], 1)
        table.setdefault(key, []).append(row)
    _write(path, table)


def recorded(key: str) -> list[Entry]:
    """What is known of a paper's claims, in their order: what this machine measured with exactly this code, full budget
    before quick, and else what the nightly run recorded. [] if nothing is known. Raises `UnknownKey`.
    """
    code, names = code_version(key, "claims"), catalog.paper(key).claims
    found = {
        e.name: replace(e, standing="recorded" if e.code == code else "earlier")
        for e in _entries(RECORD, key)
        if e.name in names  # the claim may be gone since
    }
    for budget in ("quick", "full"):
        found |= {e.name: replace(e, standing="kept") for e in _entries(_file(key, budget))}
    return sorted(found.values(), key=lambda e: names.index(e.name) if e.name in names else len(names))


def _papers_in(path: Path) -> list[str]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return []


def _entries(path: Path, key: str | None = None) -> list[Entry]:
    """The entries of a file, of one paper where the file holds several; [] for a file that is damaged or not there."""
    from labcore.claims import Entry

    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Entry(**row) for row in (rows if key is None else rows.get(key, []))]
    except (OSError, ValueError, TypeError, AttributeError):
        return []


def _write(path: Path, rows: list | dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
