"""What a page may send to its kernel: messages whose form is right before anything reads them.

A message of Jupyter's protocol v1.kernel.websocket.jupyter.org is binary: a count, so many offsets (all little-endian
numbers of 8 bytes), and then the parts that begin at the offsets: the channel, the header, its parent's header,
metadata, content and buffers; the last offset is the message's end. jupyter_server counts as far as the first 8 bytes
say, whatever is there: one message could hold up everybody.
"""

from __future__ import annotations

PROTOCOL = "v1.kernel.websocket.jupyter.org"
LARGEST = 2**20  # bytes; what moves in a lesson is far smaller
_LEAST, _MOST = 6, 100  # offsets: five parts and the end, and buffers


def well_formed(message: str | bytes) -> bool:
    """Whether a message can be taken apart: binary, small, its offsets in order and inside it."""
    if not isinstance(message, bytes) or not 8 <= len(message) <= LARGEST:
        return False
    count = int.from_bytes(message[:8], "little")
    begin = 8 * (count + 1)
    if not _LEAST <= count <= _MOST or begin > len(message):
        return False
    offsets = [int.from_bytes(message[at : at + 8], "little") for at in range(8, begin, 8)]
    return begin <= offsets[0] and offsets == sorted(offsets) and offsets[-1] <= len(message)


def counted(message: bytes) -> bool:
    """Whether the offsets that a kernel's message says it has are in it, so that they can be read to their end."""
    return 8 * (int.from_bytes(message[:8], "little") + 1) <= len(message)


def speaks(offered: str) -> bool:
    """Whether the protocol is among those that a page offers, as in the header Sec-WebSocket-Protocol."""
    return PROTOCOL in (name.strip() for name in offered.split(","))
