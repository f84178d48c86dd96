"""What the gallery's server does with its answers."""

from types import SimpleNamespace

import pytest
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1
from tornado.httputil import HTTPHeaders
from voila.tornado import kernel_websocket_handler

from widgets.gallery.pages import Compressed, Line


@pytest.mark.parametrize(
    "address, accepts, packed",
    [
        ("192.168.1.7", "gzip, br", True),
        ("2001:db8::7", "gzip", True),
        ("fe80::7%eth0", "gzip", True),
        ("192.168.1.7", "br", False),
        ("127.0.0.1", "gzip", False),
        ("::1", "gzip", False),
    ],
)
def test_what_leaves_this_machine_is_compressed(address, accepts, packed):
    request = SimpleNamespace(headers={"Accept-Encoding": accepts}, remote_ip=address)
    headers, body = HTTPHeaders({"Content-Type": "text/javascript"}), 2000 * b"word "
    _, headers, sent = Compressed(request).transform_first_chunk(200, headers, body, True)
    assert (headers.get("Content-Encoding") == "gzip") == packed == (len(sent) < 1000)


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_counted_in_a_message_of_the_older_protocol(monkeypatch, closed):
    """jupyter_server writes it for a line that has closed; Voila would take its first 8 bytes for a count."""
    old = serialize_binary_message({"header": {}, "parent_header": {}, "metadata": {}, "content": {}, "buffers": [b"x"]})
    today = serialize_msg_to_ws_v1([b"{}"] * 4 + [b"x"] * 300, "iopub")
    read, sent = [], []
    monkeypatch.setattr(kernel_websocket_handler, "read_header_from_binary_message", lambda m: read.append(m) or {})
    monkeypatch.setattr(kernel_websocket_handler.WebsocketHandler, "write_message", lambda _, m, b=False: sent.append(m))
    line = Line.__new__(Line)
    line.ws_connection = None if closed else SimpleNamespace()
    for message in (old, b"", today):
        line.write_message(message, binary=True)
    assert read == sent == ([] if closed else [today])
