"""Nobody writes lines of their own into the server's log."""

import io
import logging

import pytest

from widgets.gallery.logs import LONGEST, keep_to_one_line


@pytest.fixture
def written():
    """`written(log)`: what a logger of the server has written after log(logger)."""

    def make(log):
        logger, stream = logging.Logger("Gallery"), io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
        logger.addHandler(handler)
        keep_to_one_line(logger)
        log(logger)
        return stream.getvalue()

    before = list(logging.lastResort.filters)
    yield make
    logging.lastResort.filters[:] = before


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x1b[2K\x1b[1G", "\x0b"])
def test_a_message_is_one_line(written, end):
    said = f"x{end}[Gallery] CRITICAL | forged"
    for log in (lambda logger: logger.warning("type %s", said), lambda logger: logger.info(f"type {said}")):
        lines = written(log).removesuffix("\n").splitlines()
        assert len(lines) == 1 and lines[0].startswith("[Gallery] type x\\") and "\x1b" not in lines[0]


@pytest.mark.parametrize("letter", ["x", "\u2028"])
def test_a_long_message_is_cut(written, letter):
    line = written(lambda logger: logger.warning("type %s, which is not allowed", letter * 8_000_000))
    assert len(line) == len("[Gallery] \n") + LONGEST and "8000027 characters" in line


def test_a_traceback_cannot_look_like_a_record(written):
    def log(logger):
        try:
            raise ValueError("bad\n[Gallery] CRITICAL | forged\x1b[2K")
        except ValueError:
            logger.exception("it failed")

    lines = written(log).splitlines()
    assert [line for line in lines if line.startswith("[Gallery]")] == ["[Gallery] it failed"]
    assert any("ValueError: bad" in line for line in lines) and not any("\x1b" in line for line in lines)


def test_what_is_harmless_stays_as_it_is(written):
    assert written(lambda logger: logger.info("Voilà: %d of %s", 3, "été")) == "[Gallery] Voilà: 3 of été\n"
