"""A company network on loopback: a server with certificates of its own authority, and a proxy before it."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
from pathlib import Path
from typing import Self

import trustme

from tests.sockets import accept_all, exactly

HOSTS = (
    "slack.com",
    "hooks.slack.com",
    "files.slack.com",
    "wss-primary.slack.com",
    "evovoice.io",
    "localhost",
)
WSS_URL = "wss://wss-primary.slack.com/link"
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
ANSWER = json.dumps({"ok": True, "team_id": "T1", "url": WSS_URL}).encode()


def make_certificates(folder: Path) -> None:
    """`ca.pem`, and `server.pem` for all hosts, signed by it and with its key."""
    authority = trustme.CA(organization_name="Company")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


class CompanyNetwork:
    """The proxy notes the hosts that it is asked for; `consent` is what it answers."""

    def __init__(self, certificates: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates / "server.pem")
        self._server = socket.create_server(("127.0.0.1", 0))
        self._proxy = socket.create_server(("127.0.0.1", 0))
        self.asked: list[str] = []
        self.consent = "200 Connection established"
        for listener, serve in ((self._server, self._serve), (self._proxy, self._connect)):
            accept_all(listener, serve)

    @property
    def proxy_url(self) -> str:
        """With a password, which must never be shown."""
        return f"http://evo:secret@127.0.0.1:{self._proxy.getsockname()[1]}"

    @property
    def server_url(self) -> str:
        """The server without a proxy."""
        return f"https://localhost:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._proxy.close()

    def _connect(self, client: socket.socket) -> None:
        with client:
            client.settimeout(5)
            self.asked.append(_head(client).split()[1].decode())
            client.sendall(f"HTTP/1.1 {self.consent}\r\n\r\n".encode())
            if self.consent.startswith("200"):
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        with client, self._tls.wrap_socket(client, server_side=True) as secure:
            head = _head(secure)
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            if key := fields.get(b"Sec-WebSocket-Key"):
                accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
                secure.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                )
                hello = b'{"type": "hello"}'
                secure.sendall(struct.pack("!BB", 0x81, len(hello)) + hello)
                while secure.recv(4096):
                    pass
                return
            exactly(secure, int(fields.get(b"Content-Length", b"0")))
            secure.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
            )


def _head(sock: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += exactly(sock, 1)
    return data
