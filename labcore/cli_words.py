"""How the commands speak: colours of verdicts, one line for what a user got wrong, and the papers that a user meant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click
from rich.console import Console
from rich.text import Text

from labcore import catalog

STYLES = {
    "holds": "green",
    "not reproduced": "yellow",
    "fragile": "bright_yellow",
    "surprise": "magenta",
    "broken": "red",
    "raised": "red",
}


def say(*parts: str | tuple[str, str], err: bool = False) -> None:
    Console(stderr=err, soft_wrap=True, highlight=False).print(Text.assemble(*parts))


@contextlib.contextmanager
def one_line(kind: type[Exception]) -> Iterator[None]:
    """What a user got wrong becomes one line and exit code 2. Bugs keep their traceback."""
    try:
        yield
    except kind as error:
        if isinstance(error, (KeyError, IndexError)):
            raise  # a LookupError too, but never about a name that the user typed
        raise click.UsageError(str(error)) from None


def ready(keys: tuple[str, ...], theme: str | None) -> list[str]:
    """Keys of the papers meant: those named, else every ready one of the house, of one theme if given."""
    with one_line(LookupError):
        for key in keys:
            if (found := catalog.paper(key)).status == "planned":
                if found.guest:
                    raise LookupError(f"{key} has no experiments.py in {found.folder}")
                raise LookupError(f"{key} is planned: it has no experiments yet")
        return list(keys) or [p.key for p in catalog.papers(theme) if p.status == "ready"]
