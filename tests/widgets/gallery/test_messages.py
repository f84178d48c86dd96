"""What the gallery lets through: messages of the right form, the right protocol, known names."""

import socket

import pytest
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

from widgets.gallery.messages import LARGEST, PROTOCOL, speaks, well_formed
from widgets.gallery.room import known_host

RIGHT = serialize_msg_to_ws_v1([b"{}"] * 4 + [b"a buffer"], "shell")


def numbers(*values: int) -> bytes:
    return b"".join(v.to_bytes(8, "little") for v in values)


def test_what_jupyter_writes_is_well_formed():
    assert well_formed(RIGHT) and deserialize_msg_from_ws_v1(RIGHT)[0] == "shell"
    for buffers in (0, 90):
        assert well_formed(serialize_msg_to_ws_v1([b"{}"] * 4 + [b""] * buffers, "control"))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xff\xff\xff\xff",  # counts to 2^40
        b"\xff" * 8,
        RIGHT[:-20],  # its last offset is outside
        RIGHT + b"\0" * LARGEST,
        RIGHT.decode("latin-1"),
        numbers(0),
        numbers(6) + b"\0" * 40,  # offsets cut off
        numbers(6, 56, 60, 58, 60, 60, 60) + b"\0" * 20,  # not ascending
        numbers(6, 8, 60, 60, 60, 60, 60) + b"\0" * 20,  # the channel inside the offsets
        numbers(6, 56, 56, 56, 56, 56, 2**60) + b"\0" * 20,
        serialize_msg_to_ws_v1([b"{}"] * 3, "shell"),  # no content
        serialize_msg_to_ws_v1([b"{}"] * 200, "shell"),
    ],
    ids=range(13),
)
def test_nothing_else_is(message):
    assert not well_formed(message)


@pytest.mark.parametrize(
    ("offered", "right"),
    [
        (PROTOCOL, True),
        (f"v0, {PROTOCOL}", True),
        ("", False),
        (f"{PROTOCOL}.x", False),
        (f"x{PROTOCOL}", False),
    ],
)
def test_the_protocol_is_compared_exactly(offered, right):
    assert speaks(offered) == right


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8866", True),
        ("192.168.0.7", True),
        ("[::1]:8866", True),
        ("localhost:8866", True),
        ("Lessons.Example.org", True),
        ("lessons.example.org.:443", True),
        (socket.gethostname(), True),
        ("evil.example", False),
        ("evil.lessons.example.org", False),
        ("127.0.0.1.evil.example:8866", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_a_server_answers_under_its_own_names_only(host, known):
    assert known_host(host, ["lessons.example.org"]) == known
