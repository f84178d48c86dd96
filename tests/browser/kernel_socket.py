"""A page's line to its kernel, without a page: the websocket that Jupyter's front ends open, in their own protocol."""

from __future__ import annotations

import json
import uuid
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

PROTOCOL = "v1.kernel.websocket.jupyter.org"


async def connect(address: str, origin: str, protocol: str = PROTOCOL) -> WebSocketClientConnection:
    """Open the channels of a kernel, `ws://.../api/kernels/ID/channels`, as a page of `origin` would."""
    request = HTTPRequest(f"{address}?session_id={uuid.uuid4()}", headers={"Origin": origin})
    wanted = [protocol] if protocol else None
    return await websocket_connect(request, subprotocols=wanted, max_message_size=2**28)


async def send(socket: WebSocketClientConnection, kind: str, content: dict[str, Any], channel: str = "shell") -> None:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": "u", "version": "5.3"}
    parts = [json.dumps(part).encode() for part in (header, {}, {"version": "1.0.0"}, content)]
    await socket.write_message(serialize_msg_to_ws_v1(parts, channel), binary=True)


async def read(socket: WebSocketClientConnection) -> dict[str, Any]:
    """The next message, its buffers left out: {"msg_type": ..., "content": ...}. Raises ConnectionError at the end."""
    raw = await socket.read_message()
    if raw is None:
        raise ConnectionError("the server closed the connection")
    _, parts = deserialize_msg_from_ws_v1(raw)
    return {"msg_type": json.loads(bytes(parts[0]))["msg_type"], "content": json.loads(bytes(parts[3]))}
