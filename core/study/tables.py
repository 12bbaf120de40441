"""The database of a study: its tables, opened on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from core.base.errors import BadFile, BadSpec, CacheNotWritable, SparsightError

SCHEMA = "1"
WAIT_MS = 15_000  # how long a writer of SQLite waits for another
WRITES = "sparsight_writes"
TURN = "sparsight_turn"

METADATA = MetaData()
META = Table("meta", METADATA, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
ITEMS = Table(
    "items",
    METADATA,
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),
    Column("task", String(20), nullable=False),
    Column("image", Integer, nullable=False),
    Column("label", Integer, nullable=False),
    Column("less", Text, nullable=False),
    Column("more", Text, nullable=False),
    Column("picture", String(80), nullable=False),  # names of files; "" for none
    Column("less_picture", String(80), nullable=False),
    Column("more_picture", String(80), nullable=False),
)
TRIALS = Table(
    "trials",
    METADATA,
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("slot", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("block", Integer, nullable=False),
    Column("item", ForeignKey("items.item"), nullable=False),
    Column("left", String(4), nullable=False),
    UniqueConstraint("slot", "position"),
)
PARTICIPANTS = Table(
    "participants",
    METADATA,
    Column("participant", Integer, primary_key=True),
    Column("token", String(64), nullable=False, unique=True),  # a digest: the database opens no session
    Column("slot", Integer, nullable=False, index=True),
    Column("state", String(10), nullable=False),
    Column("recruited", String(300), unique=True),  # what tells people apart who come twice
    Column("ids", Text, nullable=False, default="{}"),  # of the recruitment service, as JSON
    Column("consent", String(80), nullable=False),  # stamp of the texts
    Column("begun", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("finished", Float),
    Column("code", String(20)),
    Column("excluded", Text),  # why, if a rule declared beforehand or the researcher says so
    Column("blocks", Integer, nullable=False, default=0),  # begun
    Column("shown_trial", Integer),
    Column("shown", Float),
    Column("screen", String(20), nullable=False, default=""),
)
SLOTS = Table(
    "slots",
    METADATA,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("participant", Integer),  # who holds it
)
ANSWERS = Table(
    "answers",
    METADATA,
    Column("participant", ForeignKey("participants.participant"), primary_key=True),
    Column("trial", ForeignKey("trials.trial"), primary_key=True),
    Column("answer", String(20), nullable=False),
    Column("shown", Float),
    Column("answered", Float, nullable=False),
    Column("reaction_ms", Float),
    Column("focus_losses", Integer),
)
PRACTICE = Table(
    "practice",
    METADATA,
    Column("participant", ForeignKey("participants.participant"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("item", ForeignKey("items.item"), primary_key=True),
    Column("answer", String(20), nullable=False),
    Column("right", Integer, nullable=False),
    Column("answered", Float, nullable=False),
)


class StudyDatabase(SparsightError):
    """The database of a study cannot be used: unreachable, of another version, or full."""


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def connect(url: str) -> Engine:
    """Open a database. Raises BadSpec for an address that is none, StudyDatabase for a missing
    driver.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        options = {TURN: Lock()} if parsed.get_backend_name() == "sqlite" else {}
        engine = create_engine(parsed, pool_pre_ping=True, pool_size=20, max_overflow=30, execution_options=options)
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadSpec(
            f"'{url}' is no address of a database.",
            "It is that of PostgreSQL, such as postgresql://user:password@host/name.",
            "Correct it, or omit it to keep the answers in a file.",
        ) from error
    except ModuleNotFoundError as error:
        raise StudyDatabase(
            f"The driver of this database is not installed ({error.name}).",
            "PostgreSQL needs psycopg.",
            "Run: .venv/bin/pip install -r requirements-postgres.txt",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # `_begin_sqlite` opens transactions
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={WAIT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once: one that reads first could not be let in later."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction; what was written is on disk when the block ends.

    The writers of a process take turns: SQLite lets one write at a time, and the others, which look
    again and again whether they may, would starve.
    Raises StudyDatabase: nothing was written.
    """
    turn = engine.get_execution_options().get(TURN, nullcontext())
    with turn, translated(), engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database. Raises StudyDatabase."""
    with translated(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the database into one that says what to do."""
    try:
        yield
    except (DBAPIError, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StudyDatabase(
            f"The database of the study does not answer ({reason}).",
            "Every answer that was confirmed is kept; nothing else was written.",
            "Check that its disk has free space and that it can be reached, then try again.",
        ) from error


def create(engine: Engine) -> None:
    """Create the tables. Raises StudyDatabase, BadFile if there are any already."""
    with translated():
        if inspect(engine).has_table(META.name):
            raise BadFile("The database already holds a study.", "One holds one study.", "Name an empty database.")
        METADATA.create_all(engine)
    with writing(engine) as connection:
        connection.execute(insert(META).values(name="schema", value=SCHEMA))


def check(engine: Engine) -> None:
    """Raise BadFile if this is no database of a study, or one of another version."""
    with translated():
        if not inspect(engine).has_table(META.name):
            raise BadFile("This database holds no study.", "", "Create the study: `python -m core study new NAME`.")
    with reading(engine) as connection:
        version = connection.scalar(select(META.c.value).where(META.c.name == "schema"))
    if version != SCHEMA:
        raise BadFile(
            f"The study's database is of version {version}.",
            f"This program reads version {SCHEMA}.",
            "Open it with the version of Sparsight that wrote it, export the answers there, or restore a backup.",
        )


def copy(source: Engine, target: Engine) -> int:
    """Copy every table into an empty database, of one moment; return the number of answers.

    Raises StudyDatabase, BadFile.
    """
    check(source)
    with translated():
        if inspect(target).has_table(META.name):
            raise BadFile("The target already holds a study.", "A backup is never overwritten.", "Name another file.")
        METADATA.create_all(target)
    answers = 0
    with reading(source) as read, writing(target) as write:
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in read.execute(select(table)).mappings()]
            answers = len(rows) if table is ANSWERS else answers
            if rows:
                write.execute(insert(table), rows)
        if target.dialect.name == "postgresql":
            write.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('participants', 'participant'), "
                "COALESCE((SELECT MAX(participant) FROM participants), 0) + 1, false)"
            )
    return answers


def unwritable(path: Path, error: OSError) -> CacheNotWritable:
    return CacheNotWritable(
        f"{path} cannot be written ({error.strerror or error}).", "A study is kept there.", "Free some space."
    )
