"""DATABASE_URL and the database's errors, in words without a password."""

from __future__ import annotations

import re

import sqlalchemy as sa

_CREDENTIALS = re.compile(r"://[^\s/]*@")


class UnusableUrl(ValueError):
    """DATABASE_URL cannot be used; the text says why, without a password."""


def database_address(url: str) -> str:
    """A PostgreSQL address for PostgreSQL's own programs, without passwords."""
    address = sa.make_url(url)
    secret = [name for name in address.query if "password" in name]
    address = address.difference_update_query(secret)._replace(drivername="postgresql", password=None)
    return address.render_as_string(hide_password=False)


def database_problem(error: Exception) -> str:
    """A database error in one line of up to 150 characters, without passwords, addresses and hints."""
    known = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    if isinstance(known, OSError) and known.filename:
        return f"{known.filename}: {(known.strerror or type(known).__name__).lower()}"
    lines = str(known).strip().splitlines()
    return _CREDENTIALS.sub("://…@", lines[0])[:150] if lines else type(known).__name__


def readable_url(url: str) -> sa.URL:
    """The address. Raises `UnusableUrl`."""
    try:
        found = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise UnusableUrl("cannot be read; write postgresql://user:password@host/name.") from None
    if "@" in (found.host or ""):  # the password's second half would be taken, and shown, as the host
        raise UnusableUrl("has an @ in its user or password; write it as %40.")
    return found
