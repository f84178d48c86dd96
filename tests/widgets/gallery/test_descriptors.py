"""How many file descriptors the server says that it has, and how many visitors they are enough for."""

import os
import sys

import pytest
import zmq

from widgets.gallery import descriptors
from widgets.gallery.descriptors import EACH, OWN, allow_sockets, enough_for, most_visitors, raise_limit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")


@pytest.fixture
def limits():
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_visitors_are_as_many_as_the_formula_says(limits):
    limits(OWN + 7 * EACH)
    assert most_visitors() == 7
    limits(OWN + 8 * EACH - 1)
    assert most_visitors() == 7


def test_descriptors_in_use_are_counted(limits):
    limits(OWN + 10 * EACH)
    held = []
    try:
        assert enough_for(5)
        while enough_for(5):
            held.append(os.open(os.devnull, os.O_RDONLY))
            assert len(held) < OWN + 10 * EACH
        left = descriptors.limit() - max(held)
        assert left > 5 * EACH, "who comes is refused while those who are here still find some"
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert enough_for(5)


def test_the_limit_is_raised_and_sockets_follow_it(limits):
    import resource

    limits(256)
    raise_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard or soft == 10_240
    context = zmq.Context()
    allow_sockets(context)
    try:
        for _ in range(1100):
            context.socket(zmq.PAIR)
    finally:
        context.destroy()
