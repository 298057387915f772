"""What opening a database comes to, and what `--check` says about it beforehand: the two always agree."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from evoslack.ledger import postgres
from evoslack.ledger.database_words import UnusableUrl, database_problem
from evoslack.ledger.preview import Preview, preview
from evoslack.ledger.store import Store
from evoslack.ledger.tables import MadeByNewer
from tests.bouncer import Bouncer
from tests.postgres import Postgres

NOBODY = 65534
POSTGRES_CONNECTIONS = 100 - 3  # its usual number; it keeps three for its administrators


def start_problem(url: str) -> str | None:
    """Why a bot would not start; None if it would."""
    store = Store(url)
    try:
        store.open()
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, MadeByNewer) as error:
        return database_problem(error)
    finally:
        store.close()
    return None


def as_nobody(task: Callable[[], object]) -> None:
    """Run it as a user who may write nothing here: in a thread that has another file-system user."""
    results: list[object] = []

    def run() -> None:
        if os.geteuid() == 0:
            ctypes.CDLL(None).setfsuid(NOBODY)
        results.append(task())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert results


@contextmanager
def login(server: Postgres, *rights: str) -> Iterator[str]:
    """A login that owns nothing and has these rights; its address."""
    with psycopg.connect(server.uri, autocommit=True) as admin:
        admin.execute("CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA public TO guest")
        for right in rights:
            admin.execute(f"GRANT {right} TO guest")
        try:
            yield server.url.replace("postgres:@", "guest@").replace("postgres@", "guest@")
        finally:
            admin.execute("DROP OWNED BY guest; DROP ROLE guest")


def newer(url: str) -> str:
    """The tables of this database are of a version that nobody here knows."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    return url


# --- newer and older tables


def test_tables_by_a_newer_evoslack_are_said_in_words(database_url: str) -> None:
    newer(database_url)

    problem = start_problem(database_url)

    assert problem is not None
    assert problem.startswith("its tables were made by a newer EvoSlack; run that one")
    assert preview(database_url) == Preview(False, f"{problem}.")


def test_a_start_that_failed_can_be_tried_again(database_url: str) -> None:
    """Nothing is kept: not the lock of the file, not the one of the migration."""
    newer(database_url)
    store = Store(database_url)
    with pytest.raises(MadeByNewer):
        store.open()
    with pytest.raises(MadeByNewer):
        store.open()
    store.close()


def test_an_empty_database_is_only_previewed(new_database_url: str) -> None:
    assert preview(new_database_url).is_ok
    assert "will be created on first start" in preview(new_database_url).words

    assert start_problem(new_database_url) is None, "and nothing was left behind that is in the way"
    assert preview(new_database_url).words.endswith("tables up to date")


def test_nothing_is_created_by_a_preview(new_sqlite_url: str, new_postgres_url: str, tmp_path: Path) -> None:
    preview(new_sqlite_url)
    preview(new_postgres_url)

    assert list(tmp_path.iterdir()) == []
    with psycopg.connect(new_postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


def test_an_older_version_is_named(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()

    assert "tables 0001; start updates them to" in preview(database_url).words


# --- SQLite


@pytest.mark.parametrize("what", ["ledger.db", "ledger.db.lock", "ledger.db-wal", "."])
def test_files_of_another_user_are_named(sqlite_url: str, tmp_path: Path, what: str) -> None:
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o011 != 0o011:
            folder.chmod(0o755)  # pytest's folders are private
    for name in ("ledger.db", "ledger.db.lock", "ledger.db-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666)
    tmp_path.chmod(0o777)
    (tmp_path / what).chmod(0o555 if what == "." else 0o444)
    found: list[Preview] = []

    as_nobody(lambda: found.append(preview(sqlite_url)) or True)

    assert not found[0].is_ok
    assert f"{tmp_path / what} is not writable by this user" in found[0].words


def test_a_folder_in_the_way_is_named(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.db.lock").mkdir()

    assert start_problem(sqlite_url) is not None
    assert preview(sqlite_url) == Preview(False, f"{tmp_path / 'ledger.db.lock'} is not a file.")


def test_a_file_that_is_no_database_is_said_by_both(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("Dear diary, " * 100, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/ledger.db"

    problem = start_problem(url)

    assert problem == "file is not a database"
    assert problem in preview(url).words


# --- PostgreSQL


def test_a_login_that_may_not_create_tables_is_found_beforehand(
    postgres_server: Postgres, new_postgres_url: str
) -> None:
    with login(postgres_server) as url:
        problem = start_problem(url)
        assert problem is not None
        assert "permission denied for schema public" in problem
        assert preview(url) == Preview(False, f"{problem}; check DATABASE_URL.")


def test_a_login_that_may_not_use_the_tables_is_found_beforehand(
    postgres_server: Postgres, postgres_url: str
) -> None:
    with login(postgres_server, "SELECT ON ALL TABLES IN SCHEMA public") as url:
        found = preview(url)
    assert not found.is_ok
    assert "the login lacks INSERT, UPDATE, DELETE on calls" in found.words


def test_tables_of_somebody_else_cannot_be_updated(postgres_server: Postgres, postgres_url: str) -> None:
    with login(postgres_server, "ALL ON ALL TABLES IN SCHEMA public") as url:
        assert preview(url).is_ok
        with psycopg.connect(postgres_server.uri, autocommit=True) as admin:
            admin.execute("UPDATE alembic_version SET version_num = '0001'")
        assert "the login lacks ownership of calls" in preview(url).words


def test_four_bots_fit_into_the_usual_number_of_connections(postgres_url: str) -> None:
    store = Store(postgres_url)
    pool = store.engine.pool
    assert isinstance(pool, sa.QueuePool)

    assert 4 * (pool.size() + pool._max_overflow) <= POSTGRES_CONNECTIONS


@pytest.mark.parametrize("ignores_options", [False, True])
def test_behind_pgbouncer_every_transaction_keeps_its_limits(
    postgres_server: Postgres, new_postgres_url: str, ignores_options: bool
) -> None:
    seen = set()
    with Bouncer(postgres_server.socket, ignores_options=ignores_options) as bouncer:
        assert preview(bouncer.url).is_ok
        store = Store(bouncer.url)
        store.open()
        names = ", ".join(f"current_setting('{name}')" for name in postgres.LIMITS)
        for _ in range(12):  # the driver prepares what it is asked more than five times
            with store.engine.begin() as connection:
                row = connection.execute(
                    sa.text(f"SELECT pg_backend_pid(), {names} FROM calls RIGHT JOIN (SELECT :x) x ON true"),
                    {"x": "1"},
                )
                pid, *limits = row.one()
                seen.add(pid)
                assert limits == list(postgres.LIMITS.values())
        other = Store(bouncer.url)
        other.open()  # no lock of the first start was left on a connection
        for each in (store, other):
            each.close()
    assert len(seen) == 3, "or this would prove nothing"


def test_the_address_may_say_more_than_we_do(postgres_url: str) -> None:
    join = "&" if "?" in postgres_url else "?"
    more = "sslmode=disable&connect_timeout=7&options=-c%20search_path%3Dpublic%20-c%20statement_timeout%3D9s"
    store = Store(f"{postgres_url}{join}{more}")
    with store.engine.connect() as connection:
        found = [
            connection.execute(sa.text(f"SHOW {name}")).scalar_one()
            for name in ("search_path", "statement_timeout", "synchronous_commit")
        ]
    store.close()

    assert found == ["public", "9s", "on"]


def test_a_server_without_tls_is_not_waited_for(postgres_server: Postgres, postgres_url: str) -> None:
    with Bouncer(postgres_server.socket) as server, pytest.raises(sa.exc.OperationalError) as caught:
        Store(f"{server.url}?sslmode=require").open()

    assert "does not support SSL" in database_problem(caught.value)
    assert not postgres.is_passing(caught.value)


# --- what passes, and what is never shown


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        ('connection to server at "db", port 5432 failed: Connection refused', True),
        ("[Errno -2] Name or service not known", True),
        ("connection timeout expired", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ('FATAL:  password authentication failed for user "evo"', False),
        ('FATAL:  database "evo" does not exist', False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', False),
        ('root certificate file "/x" does not exist', False),
    ],
)
def test_only_what_may_pass_is_waited_for(words: str, passes: bool) -> None:
    error = sa.exc.OperationalError("SELECT 1", {}, psycopg.OperationalError(words))

    assert postgres.is_passing(error) is passes


def test_a_no_of_the_database_is_not_waited_for() -> None:
    assert not postgres.is_passing(
        sa.exc.ProgrammingError("", {}, psycopg.errors.InsufficientPrivilege("no"))
    )
    assert not postgres.is_passing(sqlite3.OperationalError("unable to open database file"))


@pytest.mark.parametrize("url", ["postgresql://evo:se@cret@db/x", "postgresql://evo:se@cret@x@db:5432/x"])
def test_a_password_with_an_at_sign_is_never_shown(url: str) -> None:
    with pytest.raises(UnusableUrl) as caught:
        Store(url)

    assert "write it as %40" in str(caught.value)
    assert "cret" not in str(caught.value) + preview(url).words
    assert not preview(url).is_ok


def test_a_password_in_an_error_is_not_shown() -> None:
    assert database_problem(ValueError("bad: postgresql://evo:secret@db/x")) == "bad: postgresql://…@db/x"
