"""What an operator does with the ledger itself: `--backup` and `--restored`. They need DATABASE_URL only."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from evoslack.ledger.backup import CannotBackUp, back_up
from evoslack.ledger.database_words import database_address, database_problem
from evoslack.ledger.store import LedgerTaken, Store
from evoslack.ledger.tables import MadeByNewer
from evoslack.ledger.timeline import Timeline

DONE, FAILED = 0, 1
Say = Callable[[str], object]


def backup(database_url: str, target: Path, say: Say, complain: Say) -> int:
    """Copy a SQLite ledger, also while a bot runs; for PostgreSQL, say which command does that."""
    store = Store(database_url)
    if store.file is None:
        command = shlex.join(
            ["pg_dump", "--format=custom", f"--file={target}", database_address(database_url)]
        )
        complain(
            "The ledger is in PostgreSQL, which has a backup of its own. Run this; it asks for the password:"
        )
        complain(f"  {command}")
        return FAILED
    try:
        made = back_up(store.file, target)
    except CannotBackUp as reason:
        complain(f"No backup was made. {reason}.")
        return FAILED
    say(f"Backed up {store.file} to {made}.")
    return DONE


def restored(database_url: str, say: Say, complain: Say) -> int:
    """Tell the ledger that it was restored by other means: nothing that waits in it is dialed."""
    store = Store(database_url)
    if store.file is not None and not store.file.exists():
        complain(f"There is no ledger: {store.file} does not exist. Check DATABASE_URL.")
        return FAILED
    try:
        store.open()
        restoration = Timeline(store).restored(at=store.time() or datetime.now(UTC))
    except LedgerTaken as taken:
        complain(f"A bot is using {taken}. Stop it first.")
        return FAILED
    except MadeByNewer as newer:
        complain(f"This ledger cannot be used: {newer}.")
        return FAILED
    except Exception as error:  # noqa: BLE001 - as at a start: a sentence, whatever it is
        complain(f"The ledger cannot be used: {database_problem(error)}.")
        return FAILED
    finally:
        store.close()
    say(str(restoration) if restoration else "Another bot has noted that already.")
    return DONE
