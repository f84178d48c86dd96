"""What the server writes down: a record is one line, and a short one, whatever a visitor has put into it."""

from __future__ import annotations

import logging
import textwrap

LONGEST = 2000  # characters of a line


def one_line(record: logging.LogRecord) -> bool:
    """A filter for handlers. A traceback keeps its lines, which do not begin as those of records do."""
    record.msg, record.args = _plain(record.getMessage()), ()
    if record.exc_info and not record.exc_text:
        told = logging.Formatter().formatException(record.exc_info)
        record.exc_text = textwrap.indent("\n".join(map(_plain, told.split("\n"))), "  | ")
    return True


def _plain(text: str) -> str:
    """The text without anything that ends a line or moves a terminal's cursor, and not too much of it."""
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:LONGEST])
    if max(len(text), len(plain)) <= LONGEST:
        return plain
    more = f"... ({len(text)} characters)"
    return plain[: LONGEST - len(more)] + more


def keep_to_one_line(*loggers: logging.Logger) -> None:
    """From here on, for all that these loggers write, and for loggers that have no handler at all."""
    for handler in {*(h for logger in loggers for h in logger.handlers), logging.lastResort}:
        handler.addFilter(one_line)
