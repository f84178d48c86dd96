"""Which lessons are kept ready, and within how much memory, without a server."""

import os
from pathlib import Path

import pytest

from widgets.gallery.nursery import name_of
from widgets.gallery.shelf import GUESS, Ready, Shelf, memory


@pytest.fixture
def lessons(tmp_path) -> list[Path]:
    found = [tmp_path / f"{name}.ipynb" for name in "abcd"]
    for lesson in found:
        lesson.write_text("{}")
    return found


def made(lesson: Path, megabytes: float = 100) -> Ready:
    executed = lesson.with_suffix(".executed")
    executed.write_text("{}")
    return Ready(lesson, name_of(lesson), executed, megabytes)


def kept(lessons: list[Path]) -> str:
    """The letters of those whose processes may live."""
    return "".join(lesson.stem for lesson in lessons if lesson.with_suffix(".executed").exists())


def test_those_that_were_asked_for_last_are_kept_within_the_memory(lessons):
    a, b, c, d = lessons
    shelf = Shelf(350)
    for lesson in (a, b, c):
        assert shelf.use(lesson) is None and shelf.next() == lesson
        shelf.put(made(lesson))
    assert kept(lessons) == "abc" and shelf.use(a).notebook == a
    assert shelf.use(d) is None and shelf.next() == d
    assert kept(lessons) == "ac", "room is made before the next one is executed"
    shelf.put(made(d, 250))
    assert kept(lessons) == "ad" and shelf.use(c) is None and shelf.use(a) is not None


def test_what_most_visitors_wait_for_is_made_first_and_once(lessons):
    a, b, c, _ = lessons
    shelf = Shelf(10_000)
    shelf.want([c])
    for lesson in (a, b, b):
        shelf.use(lesson)
    assert shelf.next() == b
    assert shelf.use(b) is None, "it is not there before it is made"
    shelf.put(made(b))
    assert [shelf.next(), shelf.next(), shelf.next()] == [a, c, None]


def test_nothing_that_somebody_asked_for_goes_for_what_nobody_did(lessons):
    a, b, c, d = lessons
    shelf = Shelf(1.5 * GUESS)
    shelf.use(a)
    shelf.want([b, c])
    assert shelf.next() == a
    shelf.put(made(a, GUESS))
    assert shelf.next() is None and kept(lessons) == "a"
    assert shelf.use(d) is None and shelf.next() == d and kept(lessons) == ""


def test_where_memory_is_short_none_is_kept(lessons):
    shelf = Shelf(GUESS - 1)
    assert shelf.use(lessons[0]) is None and shelf.next() is None
    shelf = Shelf(GUESS + 1)
    shelf.use(lessons[0])
    shelf.put(made(shelf.next(), GUESS + 2))
    assert kept(lessons) == "" and shelf.use(lessons[0]) is None and shelf.next() is None, "too large for this shelf"


def test_a_version_that_cannot_be_copied_is_not_tried_again(lessons):
    shelf = Shelf(1000)
    shelf.use(lessons[0])
    shelf.give_up(shelf.next(), name_of(lessons[0]))
    assert shelf.use(lessons[0]) is None and shelf.next() is None
    lessons[0].write_text("another version")
    assert shelf.use(lessons[0]) is None and shelf.next() == lessons[0]


def test_a_lesson_that_has_changed_is_let_go(lessons):
    a, b, *_ = lessons
    shelf = Shelf(1000)
    for lesson in (a, b):
        shelf.put(made(lesson))
    a.write_text("another version")
    assert shelf.use(b) is not None and kept(lessons) == "b"
    b.unlink()
    assert shelf.use(b) is None and kept(lessons) == ""


def test_after_the_processes_what_was_asked_for_last_comes_first(lessons):
    a, b, c, _ = lessons
    shelf = Shelf(1000)
    for lesson in (a, b, c):
        shelf.put(made(lesson))
    shelf.use(a)
    shelf.lose()
    assert shelf.use(b) is None, "somebody waits"
    assert [shelf.next() for _ in range(4)] == [b, a, c, None]


@pytest.mark.parametrize(
    ("line", "limit", "place"),
    [
        ("0::/a/b", "memory.max", "a/b"),
        ("0::/a/b", "memory.max", "a"),
        ("4:cpu,memory:/a", "memory.limit_in_bytes", "memory/a"),
        ("4:memory:/elsewhere/in/the/host", "memory.limit_in_bytes", "memory"),
    ],
)
def test_the_memory_is_what_a_service_or_a_container_may_take(tmp_path, line, limit, place):
    groups, mounted = tmp_path / "cgroup", tmp_path / "fs"
    groups.write_text(f"9:name=systemd:/\n{line}\n")
    (mounted / place).mkdir(parents=True)
    assert memory(groups, mounted) == pytest.approx(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20)
    (mounted / place / limit).write_text(f"{64 * 2**20}\n")
    assert memory(groups, mounted) == 64
    (mounted / place / limit).write_text("max\n")
    assert memory(groups, mounted) > 64 and memory(tmp_path / "no such file", mounted) > 64
