"""The record of a machine: one file a processor in docs/benchmarks, which other machines leave alone.

A unit is one bench module of a part, or one group of the house. It is kept as soon as it is measured, so a run that was
stopped goes on with `--resume`. Each row says when it was measured, and what the same machine's last row was.
"""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

from tests.benchmarks.timing import ROOT

Record = dict[str, Any]
Row = dict[str, Any]
KEPT = ROOT / "docs" / "benchmarks"
PARTS = ("peers", "growth", "memory", "house")
SLOWER = 1.3  # times its last record, from which on a row is named


def file_of(machine: dict[str, Any], folder: Path = KEPT) -> Path:
    """The record of this kind of processor."""
    name = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-")
    return folder / f"{name}-{machine['cores']}-cores.json"


def records(folder: Path = KEPT) -> list[tuple[Path, Record]]:
    """All that are kept, the newest first."""
    found = [(path, json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda one: one[1]["date"], reverse=True)


def begun(path: Path, machine: dict[str, Any], quick: bool, resume: bool) -> Record:
    """The record to go on with: what is kept at this path, unless it is of another machine or of other sizes.

    Its `unfinished` says when this run began and which units it has.
    """
    record: Record = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if record and (file_of(record["machine"]).name != file_of(machine).name or record["quick"] != quick):
        record = {}
    now = datetime.datetime.now().isoformat()
    unfinished = record.pop("unfinished", None) if resume else None
    kept = {part: record[part] for part in PARTS if part in record}
    return {
        "date": now[:10], "quick": quick, "machine": machine, **kept,
        "unfinished": unfinished or {"began": now, "done": []},
    }  # fmt: skip


def key(row: Row) -> tuple:
    """What makes two rows measurements of the same."""
    return row["name"], row.get("against"), row.get("size"), row.get("unit"), row.get("group")


def time_of(row: Row) -> float | None:
    """What the row is about: its time or memory; of a growth the time of the largest size."""
    return row["times"][-1] if "times" in row else row["ours"]


def merge(record: Record, part: str, unit: str, rows: list[Row]) -> None:
    """Put a unit's new rows in the places of its old ones, each with what it replaces as its `last`."""
    run, kept = record["unfinished"], record.setdefault(part, [])
    places = {key(row): i for i, row in enumerate(kept)}
    for row in rows:
        new = {**row, "measured": record["date"], "run": run["began"]}
        if (at := places.get(key(row))) is None:
            kept.append(new)
            continue
        old = kept[at]
        if old.get("run") == new["run"]:
            new["last"] = old.get("last")
        else:
            new["last"] = {"time": time_of(old), "peer": old.get("peer"), "measured": old.get("measured")}
        kept[at] = new
    run["done"].append(f"{part}/{unit}")


def finish(record: Record, whole: list[str]) -> None:
    """End a run in which nothing failed: rows of these parts that it did not measure are measured no more."""
    run = record.pop("unfinished")["began"]
    for part in whole:
        record[part] = [row for row in record[part] if row["run"] == run]


def slower(record: Record, run: str) -> list[str]:
    """A sentence for each row of this run that got slower than its last record by more than `SLOWER` times."""
    lines = []
    for part in PARTS:
        for row in record.get(part, []):
            last, now = row.get("last"), time_of(row)
            if row.get("run") != run or not last or not last["time"] or not now or now <= SLOWER * last["time"]:
                continue
            beside = f"; {row['against']}: {row['peer'] / last['peer']:.2f} times" if last["peer"] else ""
            times = f"{now / last['time']:.2f} times that of {last['measured']}"
            lines.append(f"{row['name']}: {now:.3g} {row['unit']}, {times}{beside}")
    return lines


def save(record: Record, path: Path) -> None:
    """Write it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    new.replace(path)
