"""Opens the store: creates it, refuses what is no store or of a newer version, and keeps writers apart.

A writer takes SQLite's lock before it reads what its decision rests on, and others wait for it. The rollback journal is
left at its default, because a write-ahead log does not work on network file systems.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.store.schema import APPLICATION_ID, KEEP, TABLES, VERSION

WAIT_S = 60.0
"""Seconds that one writer waits for another."""


@contextmanager
def read_store(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read. Raises ``UserError`` where there is no store, or one of a newer version."""
    if not path.is_file():
        raise UserError("Cannot read the store: no such file", str(path), "check the path, or begin one with --enter")
    with _explain(path), closing(_connect(path, "ro")) as connection:
        if _find_version(connection, path) is None:
            raise UserError("Cannot read the store: it is empty", str(path), "begin one with --enter")
        yield connection


def check_store(path: Path) -> None:
    """Raise ``UserError`` where ``path`` is there and is no store that this version reads."""
    if path.exists() and path.stat().st_size:
        with read_store(path):
            pass


@contextmanager
def write_store(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in a transaction that no other writer is in; what was written counts when the block ends normally.

    Creates the store where there is none. Raises ``UserError`` as ``read_store`` does, and where it cannot be written.
    """
    with _explain(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connect(path, "rwc")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if _find_version(connection, path) is None:
                    _create(connection)
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # No transactions of the module's own: these begin and end where this file says.
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=WAIT_S, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _find_version(connection: sqlite3.Connection, path: Path) -> int | None:
    """Version of the store; ``None`` of an empty file."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not (application or version or tables):
        return None
    if application != APPLICATION_ID:
        raise UserError("Cannot read the store: a database of another program", str(path), "name another file")
    if version > VERSION:
        raise UserError(
            f"Cannot read the store: version {version}, and this program reads up to {VERSION}",
            str(path),
            "update bankable, or name another store",
        )
    return version


def _create(connection: sqlite3.Connection) -> None:
    for statement in _split(TABLES + KEEP):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _split(script: str) -> Iterator[str]:
    """Statements of a script one by one: ``executescript`` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    """SQLite's errors as one line."""
    try:
        yield
    except sqlite3.Error as problem:
        raise UserError(f"Cannot use the store: {problem}", str(path), "check the file and its folder") from problem
    except OSError as problem:
        reason = problem.strerror or "an error of the file system"
        raise UserError(f"Cannot use the store: {reason}", str(path), "check the path") from problem
