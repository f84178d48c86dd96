"""`labcore claims A B --compare`: the claims of a paper beside those of its copy, and which of them survive."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labcore.cli_words import STYLES, say

if TYPE_CHECKING:
    from labcore.claims import Entry, Seeds

_HOLDS = ("holds", "surprise")


def measured(key: str, seeds: Seeds, slow: bool) -> dict[str, Entry | str]:
    """The claims of a paper by name: their entries, and for one whose check raises an error, that in one line.

    Raises as `claims_of` does.
    """
    from labcore.claims import claims_of, measure

    found: dict[str, Entry | str] = {}
    todo = [c.name for c in claims_of(key) if slow or not c.slow]
    while todo:
        try:
            for entry in measure([key], seeds, slow, {(key, name) for name in found}):
                found[entry.name] = entry
                todo.remove(entry.name)
        except Exception as error:  # the other claims are still worth their measuring
            found[todo[0]] = f"{type(error).__name__}: {error}{_line(error)}"
            todo.pop(0)
    return found


def _line(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f" ({last.filename}, line {last.lineno})"


def say_compared(first: str, second: str, found: Mapping[str, Mapping[str, Entry | str]]) -> None:
    """Both papers side by side, then what has become of the claims of the first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("claim", first, second):
        table.add_column(title, ratio=1)
    for name in dict.fromkeys([*found[first], *found[second]]):
        entries = [found[key].get(name) for key in (first, second)]
        said = next((e.statement for e in entries if e is not None and not isinstance(e, str)), "")
        table.add_row(Text.assemble((name, "bold"), "\n", said), *map(_cell, entries), end_section=True)
    Console(highlight=False).print(table)
    say(_survival(first, second, found))


def _cell(entry: Entry | str | None) -> Text:
    if entry is None:
        return Text("not there", "dim")
    if isinstance(entry, str):
        return Text.assemble(("raised", STYLES["raised"]), f"\n{entry}")
    sides = {"<=": "at most", ">=": "at least"}
    lines = [f"\n{c.number}; asked: {sides[c.side]} {c.limit:.4g}" for c in entry.checks]
    return Text.assemble((entry.verdict, STYLES[entry.verdict]), *lines)


def _verdict(entry: Entry | str | None) -> str:
    return "not there" if entry is None else "raised" if isinstance(entry, str) else entry.verdict


def _survival(first: str, second: str, found: Mapping[str, Mapping[str, Entry | str]]) -> str:
    from labcore.claims import claims_of

    before = {name: _verdict(entry) for name, entry in found[first].items()}
    after = {name: _verdict(found[second].get(name)) for name in before}
    held = [name for name, verdict in before.items() if verdict in _HOLDS]
    lines = [f"{sum(after[n] in _HOLDS for n in held)} of {len(held)} claims that hold in {first} survive in {second}."]
    lines += [f"  {name}: {before[name]} -> {after[name]}" for name in before if before[name] != after[name]]
    if more := [name for name in found[second] if name not in before]:
        lines.append(f"Only in {second}: {', '.join(more)}.")
    if left := [key for key in (first, second) if any(c.slow and c.name not in found[key] for c in claims_of(key))]:
        lines.append(f"Slow claims of {' and '.join(left)} were left out; --slow measures them.")
    return "\n".join(lines)
