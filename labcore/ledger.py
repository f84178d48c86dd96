"""Verdicts that were measured before: on this machine with exactly this code, or by the last nightly run.

The nightly run's record is `docs/ledger.json`, in the repository, so that a fresh clone shows verdicts before it has
measured any; a line of it that was measured with other code says so. A wheel holds it as `labcore/ledger.json`.
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

_INSTALLED = Path(__file__).with_suffix(".json")
RECORD = _INSTALLED if _INSTALLED.exists() else Path(__file__).parents[1] / "docs" / "ledger.json"


def _file(key: str) -> Path:
    """Where this machine keeps what it measured with exactly this code. Raises OSError for a user without a home."""
    try:
        folder = Path(platformdirs.user_cache_dir("labcore"))
    except RuntimeError as error:
        raise OSError(str(error)) from None
    if not folder.is_absolute():
        raise OSError(f"no home: {folder}")  # as some versions of platformdirs answer
    return folder / "ledger" / code_version(key, "claims") / f"{key}.json"


def keep(key: str, entries: list[Entry]) -> None:
    """Keep a paper's entries on this machine. Where no home can be written only the memory is lost."""
    with contextlib.suppress(OSError):
        _write(_file(key), [asdict(e) for e in entries])


def _kept(key: str) -> list[Entry]:
    """What `keep` was given, by whichever process of this user. [] without a home."""
    with contextlib.suppress(OSError):
        return _entries(_file(key))
    return []


def record(entries: Iterable[Entry], path: Path | None = None) -> None:
    """Put these entries into the record. Raises OSError.

    An entry takes the place of an older one of the same claim, unless that was measured with the same code and other
    seeds: then the verdicts of both are kept, and the numbers of the one with the lower first seed.
    """
    path = path or RECORD
    rows = {(e.key, e.name): e for key in _papers_in(path) for e in _entries(path, key)}
    for new in entries:
        old = rows.get((new.key, new.name))
        rows[new.key, new.name] = new if old is None or old.code != new.code else _joined(old, new)
    table: dict[str, list[dict]] = {}
    for (key, _), entry in sorted(rows.items()):
        row = asdict(entry)
        row.pop("standing")
        row["seconds"] = round(row["seconds"], 1)
        table.setdefault(key, []).append(row)
    _write(path, table)


def _joined(old: Entry, new: Entry) -> Entry:
    """One entry of two that were measured with the same code."""
    # the newer verdict counts where both have the same seeds: a clock or a processor may have made the difference
    verdicts = {**old.elsewhere, str(old.seeds_from): old.verdict, **new.elsewhere, str(new.seeds_from): new.verdict}
    shown = new if new.seeds_from <= old.seeds_from else old
    verdicts.pop(str(shown.seeds_from))
    return replace(shown, elsewhere=dict(sorted(verdicts.items(), key=lambda item: int(item[0]))))


def known(seeds_from: int, path: Path | None = None) -> set[tuple[str, str]]:
    """Key and name of every claim of which the record has a verdict of exactly this code with these seeds."""
    path = path or RECORD
    return {
        (e.key, e.name)
        for key in _papers_in(path)
        for e in _entries(path, key)
        if e.code == code_version(key, "claims") and seeds_from in (e.seeds_from, *map(int, e.elsewhere))
    }


def recorded(key: str) -> list[Entry]:
    """What is known of a paper's claims, in their order: what this machine measured with exactly this code, and else
    what the nightly run recorded. [] if nothing is known. Raises `UnknownKey`.
    """
    names = catalog.paper(key).claims
    found = {e.name: e for e in last_full_run(key)}
    for e in _kept(key):
        before = found.get(e.name)
        elsewhere = before.elsewhere if before is not None and before.standing == "recorded" else {}
        found[e.name] = replace(e, standing="kept", elsewhere=elsewhere)
    return sorted(found.values(), key=lambda e: names.index(e.name) if e.name in names else len(names))


def last_full_run(key: str) -> list[Entry]:
    """What the nightly run recorded of a paper's claims, as in the file. Raises `UnknownKey`."""
    code, names = code_version(key, "claims"), catalog.paper(key).claims
    return [
        replace(e, standing="recorded" if e.code == code else "earlier")
        for e in _entries(RECORD, key)
        if e.name in names  # the claim may be gone since
    ]


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
