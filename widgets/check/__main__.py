"""`python -m widgets.check KEY`: the list for one paper. Exit code 1 where there is something to mend."""

from __future__ import annotations

import sys

from labcore.cli_words import say
from widgets.check.report import report

_STYLES = {"fine": "green", "note": "dim", "mend": "bright_red"}


def main(key: str) -> int:
    """Print each line as it is known; 1 where there is something to mend."""
    mend = 0
    for line in report(key):
        mend += line.kind == "mend"
        say("  ", (f"{line.kind:4}", _STYLES[line.kind]), f"  {line.where}: {line.says}")
        sys.stdout.flush()
    say(f"{key}: {mend or 'nothing'} to mend")
    return int(mend > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
