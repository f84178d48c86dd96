"""What the gallery's server does with its answers."""

from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders

from widgets.gallery.pages import Compressed


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
