"""The command `labcore claims`: the papers' claims, measured or as they are known."""

from __future__ import annotations

import json
import subprocess
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labcore import cli_compare
from labcore.cli_words import STYLES, one_line, ready, say
from labcore.guests import BrokenPaper

if TYPE_CHECKING:
    from labcore.claims import Entry

STANDINGS = {
    "measured": "",
    "kept": "measured before on this machine, with this code",
    "recorded": "measured in the last nightly run",
    "earlier": "measured in a nightly run, with earlier code",
}
_INDENT = " " * 16


def _verdict(verdict: str, text: str) -> None:
    say((f"{verdict:16}", STYLES[verdict]), text)


class _FirstSeed(click.ParamType):
    """A whole number, or "commit": a number that nobody chose, the same for everyone who has this commit."""

    name = "seed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "commit":
            asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
            try:
                value = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout[:8], 16) % 10**6
            except (OSError, ValueError, subprocess.CalledProcessError):
                self.fail("there is no git commit to take the first seed from; give a number", param, ctx)
        return click.IntRange(0, 2**30).convert(value, param, ctx)


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY ...]")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.option("--slow", is_flag=True, help="Also measure those that take long.")
@click.option(
    "--seeds-from",
    type=_FirstSeed(),
    multiple=True,
    default=(0,),
    show_default=True,
    help='First seed: a whole number, or "commit" for one that follows from the commit. Several are measured in turn.',
)
@click.option("--missing", is_flag=True, help="Leave out what the record has of exactly this code and these seeds.")
@click.option("--recorded", is_flag=True, help="Measure nothing; print what is known.")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Also put the verdicts into this file.")
@click.option("--compare", is_flag=True, help="Show two papers side by side: a paper and its copy that was changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def claims(
    ctx: click.Context,
    keys: tuple[str, ...],
    theme: str | None,
    slow: bool,
    seeds_from: tuple[int, ...],
    missing: bool,
    recorded: bool,
    record: Path | None,
    compare: bool,
    as_json: bool,
) -> None:
    """Measure the papers' claims now, and print the verdicts.

    Exit code 1 if one is broken: it should hold and does not, or its check raised an error.
    """
    from labcore import ledger
    from labcore.claims import Seeds, measure

    if compare and (len(set(keys)) != 2 or len(seeds_from) > 1 or recorded or missing or record or as_json):
        raise click.UsageError("--compare takes two papers, and --slow or one --seeds-from at most")
    chosen = ready(keys, theme)
    if compare:
        with one_line(LookupError):
            found = {key: cli_compare.measured(key, Seeds(seeds_from[0]), slow) for key in keys}
        cli_compare.say_compared(*keys, found)
        bad = [e for of in found.values() for e in of.values() if isinstance(e, str) or e.verdict == "broken"]
        ctx.exit(int(bool(bad)))
    rows: list[dict[str, Any]] = []
    for first in seeds_from[:1] if recorded else seeds_from:
        skip = ledger.known(first, record) if missing else ()
        for key in chosen:
            entries = []
            try:
                for entry in ledger.recorded(key) if recorded else measure([key], Seeds(first), slow, skip):
                    entries.append(entry)
                    rows.append(asdict(entry))
                    if not as_json:
                        _say_entry(entry)
            except Exception as error:  # one paper's bug must not hide the verdicts of the others
                if not isinstance(error, BrokenPaper):  # which says all there is to say
                    traceback.print_exc()
                raised = f"{type(error).__name__}: {error}"
                rows.append({"key": key, "verdict": "raised", "seeds_from": first, "error": raised})
                if not as_json:
                    _verdict("raised", f"{key}  {raised}; what came after it was not measured")
            if record and not recorded:
                ledger.record(entries, record)  # each paper as it is done: a night that is cut short keeps what it has
    verdicts = [row["verdict"] for row in rows]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in STYLES if v in verdicts)
        say(f"\n{len(rows)} verdicts on claims of {len(chosen)} papers: {counts or 'none measured'}")
        _say_turned(rows)
    ctx.exit(int("broken" in verdicts or "raised" in verdicts))


def _say_entry(entry: Entry) -> None:
    _verdict(entry.verdict, f"{entry.key}.{entry.name}  {entry.statement}")
    how = [entry.criterion, entry.repetitions, f"seeds from {entry.seeds_from}", f"{entry.seconds:.1f} CPU s"]
    how += [part for part in (entry.offsets, STANDINGS[entry.standing]) if part]
    say(_INDENT, f"{entry.numbers}  ({'; '.join(how)})")
    if entry.reason:
        say(_INDENT, entry.reason)


def _say_turned(rows: list[dict[str, Any]]) -> None:
    """The claims whose verdict was not the same with all seeds."""
    seen: dict[str, dict[int, str]] = {}
    for row in rows:
        if "name" in row:
            seen.setdefault(f"{row['key']}.{row['name']}", {})[row["seeds_from"]] = row["verdict"]
    for name, verdicts in seen.items():
        if len(set(verdicts.values())) > 1:
            say("turns with its seeds: ", f"{name}: " + ", ".join(f"{v} from {k}" for k, v in verdicts.items()))
