"""Studies on this machine: a folder each, <cache>/studies/NAME, with its pictures and database."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from core.base.atomic import replacing
from core.base.errors import BadFile, BadSpec, MissingData, SparsightError
from core.study.answers import Answers
from core.study.spec import StudySpec
from core.study.tables import ITEMS, META, StudyDatabase, check, connect, copy, reading, sqlite_url, unwritable, writing
from core.study.written import from_mapping

FOLDER, ABOUT, DATABASE, PICTURES, LOCK = "studies", "study.json", "study.db", "pictures", "lock"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A prepared study. Use `open_study` or `core.study.prepare` to get one.

    home: its folder. url: of its database.
    """

    name: str
    home: Path
    url: str

    @cached_property
    def engine(self) -> Engine:
        return connect(self.url)

    @cached_property
    def spec(self) -> StudySpec:
        return from_mapping(self._parsed("spec"))

    @cached_property
    def answers(self) -> Answers:
        return Answers(self.engine, self.spec)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes that participants read, by index."""
        found = self._parsed("classes")
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self._damaged("classes")
        return tuple(found)

    @cached_property
    def choices(self) -> tuple[tuple[int, str], ...]:
        """Return the classes that an object can be named as: index and name."""
        with reading(self.engine) as connection:
            labels = connection.scalars(select(ITEMS.c.label).distinct().order_by(ITEMS.c.label)).all()
        return tuple((int(label), self.classes[label]) for label in labels)

    @property
    def pictures(self) -> Path:
        return self.home / PICTURES

    @property
    def lock(self) -> Path:
        """Return the file that the server locks: one server a study."""
        return self.home / LOCK

    def fact(self, name: str, default: str = "") -> str:
        """Return a fact that is kept with the answers."""
        with reading(self.engine) as connection:
            return connection.scalar(select(META.c.value).where(META.c.name == name)) or default

    def _parsed(self, name: str) -> Any:
        """Return what a fact stands for. Raises BadFile."""
        try:
            return json.loads(self.fact(name))
        except (ValueError, RecursionError) as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> BadFile:
        return BadFile(
            f"The database of the study '{self.name}' is damaged: its {name} cannot be read.",
            "Answers that are stored are kept.",
            "Restore the study from a backup.",
        )

    def keep(self, **facts: str) -> None:
        """Keep facts with the answers, replacing older ones."""
        with writing(self.engine) as connection:
            connection.execute(delete(META).where(META.c.name.in_(facts)))
            connection.execute(insert(META), [{"name": name, "value": value} for name, value in facts.items()])

    def backup(self, path: Path) -> int:
        """Copy the database of one moment into a new SQLite file; return the number of answers.

        Raises BadFile if the file exists, StudyDatabase.
        """
        if path.exists():
            raise BadFile(f"{path} exists.", "A backup never overwrites a file.", "Name another file.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path.parent, error) from error
        target = connect(sqlite_url(path.absolute()))
        try:
            return copy(self.engine, target)
        finally:
            target.dispose()


def home_of(folder: Path, name: str) -> Path:
    """Return the folder of a study. Raises BadSpec for a name that is none."""
    if not NAME.fullmatch(name):
        raise BadSpec(
            f"A study cannot be called '{name[:60]}'.",
            "A name has up to 40 lower-case letters, digits and hyphens, and begins with a letter or digit.",
            "Choose another name.",
        )
    return folder / FOLDER / name


def open_study(folder: Path, name: str) -> Study:
    """Open a study. Args: folder: the cache folder.

    Raises MissingData, BadFile for a database of another version, StudyDatabase.
    """
    home = home_of(folder, name)
    try:
        about = json.loads((home / ABOUT).read_text(encoding="utf-8"))
        url = str(about["database"]) if about["database"] else sqlite_url((home / DATABASE).absolute())
    except FileNotFoundError as error:
        known = ", ".join(names(folder)) or "none"
        raise MissingData(
            f"There is no study '{name}'.", f"On this machine: {known}.", f"Create it: python -m core study new {name}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{home / ABOUT} is damaged ({error}).", "", "Restore the study from a backup.") from error
    study = Study(name=name, home=home, url=url)
    check(study.engine)
    return study


def restore(folder: Path, name: str, backup: Path, url: str = "") -> Study:
    """Make a study of a backup; its pictures must be prepared again where they are not there.

    Raises BadFile, StudyDatabase.
    """
    if not os.path.isfile(backup):
        raise MissingData(f"There is no file {backup}.", "A backup is a file.", "Check its name.")
    home = home_of(folder, name)
    if (home / ABOUT).exists():
        raise BadFile(f"The study '{name}' exists.", "A backup never overwrites a study.", "Choose another name.")
    source = connect(sqlite_url(backup.absolute()))
    try:
        try:
            check(source)
        except StudyDatabase as error:
            wrong = f"{backup} is not a backup of a study."
            raise BadFile(wrong, "`python -m core study backup` writes one.", "Choose another file.") from error
        study = write_about(home, name, url)
        copy(source, study.engine)
    finally:
        source.dispose()
    return study


def write_about(home: Path, name: str, url: str) -> Study:
    """Write the file that makes a folder a study. url: of its database; "" for a file in it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with replacing(home / ABOUT) as part:
            part.write_text(json.dumps({"database": url}), encoding="utf-8")
            part.chmod(0o600)  # the address may hold a password
    except OSError as error:
        raise unwritable(home, error) from error
    return Study(name=name, home=home, url=url or sqlite_url((home / DATABASE).absolute()))


def names(folder: Path) -> list[str]:
    """Return the names of the studies on this machine."""
    return sorted(path.parent.name for path in (folder / FOLDER).glob(f"*/{ABOUT}"))


def delete_study(folder: Path, name: str) -> None:
    """Delete a study with its pictures, and its answers if they lie in a file of it.

    Raises MissingData, CacheNotWritable.
    """
    home = home_of(folder, name)
    if not home.is_dir():
        raise MissingData(f"There is no study '{name}'.", "", "Check its name.")
    try:
        shutil.rmtree(home)
    except OSError as error:
        raise unwritable(home, error) from error


def facts_of(study: Study) -> Mapping[str, Any]:
    """Return the facts of the preparation: images that qualified, weights, versions; no facts if
    they are missing or damaged.
    """
    with suppress(ValueError, RecursionError, SparsightError):
        found = json.loads(study.fact("preparation", "{}"))
        return found if isinstance(found, dict) else {}
    return {}
