"""Turns the text of a setting that is an address into a value: web addresses, where to listen, the database.

As in `values`, a `ValueError` completes a sentence that begins with the variable's name, and never
repeats the text: an address may hold a password.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit


def url(value: str) -> str:
    """The address of a service, without the slash at its end. Plain http only for a loopback address."""
    value = value.strip().rstrip("/")
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError("has a space or another character that no address has.")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it validates it
    except ValueError:  # its message repeats the address
        raise ValueError("has a host or port that cannot be read.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an address like https://evovoice.io.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("must begin with https://; plain http is allowed only for this machine.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without a login, a ? or a #.")
    return value


def api_url(value: str) -> str:
    """The same, with the slash that the Slack SDK expects."""
    return url(value) + "/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host(value: str) -> str:
    """Where to listen: a name or an address of this machine, or * for all of them."""
    value = value.strip()
    is_name = re.fullmatch(r"\*|[A-Za-z0-9._-]+", value)
    if not is_name and not _is_ip_address(value.removeprefix("[").removesuffix("]")):
        raise ValueError("must be a name or an address without a port, such as 127.0.0.1 or 0.0.0.0.")
    return value


def _is_ip_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def port(value: str) -> int:
    """A TCP port; 0 means any free one."""
    if not re.fullmatch(r"\d{1,5}", value.strip(), re.ASCII) or int(value) > 65535:
        raise ValueError("is not a port: use a number from 1 to 65535, or 0 for any free port.")
    return int(value)


# Stricter than SQLAlchemy, which takes the part behind the first @ of a password for the host and prints it.
_POSTGRESQL = re.compile(
    r"postgresql(\+psycopg)?://"
    r"((?P<login>[^/?#@\s]*)@)?"
    r"(\[[0-9a-fA-F:.%]+\]|[^\[\]/?#@:\s]*)(:(?P<port>\d*))?"
    r"(/[^?#@\s]*)?(\?[^#@\s]*)?",
    re.ASCII,
)


def database_url(value: str) -> str:
    """A SQLite file or a PostgreSQL database, as SQLAlchemy takes it."""
    value = value.strip()
    if value.startswith(("postgresql://", "postgresql+psycopg://")):
        _check_postgresql(value)
        return "postgresql+psycopg" + value[value.index("://") :]
    if not value.startswith("sqlite:///"):
        raise ValueError("must be sqlite:///file.db or postgresql://user:password@host/name.")
    if re.search(r"[?#]", value):
        raise ValueError("must name a SQLite file without a ? or a #.")
    if value in {"sqlite:///", "sqlite:///:memory:"} or value.endswith("/"):
        raise ValueError("must name a SQLite file, such as sqlite:///file.db.")
    return value


def _check_postgresql(value: str) -> None:
    parts = _POSTGRESQL.fullmatch(value)
    escapes = "write @ as %40, / as %2F, # as %23, ? as %3F, % as %25 and a space as %20"
    if parts is None and "@" in value:
        raise ValueError(
            "cannot be read. If the password or the user has a special character, it must be encoded: "
            f"{escapes}."
        )
    if parts is None or int(parts["port"] or 0) > 65535:
        raise ValueError(
            "has a host or port that cannot be read; write postgresql://user:password@host/name."
        )
    if re.search(r"%(?![0-9a-fA-F]{2})", parts["login"] or ""):
        raise ValueError(f"has a % in its user or password that encodes nothing: {escapes}.")
