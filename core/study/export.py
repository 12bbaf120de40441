"""Everything of a study in one zip: answers, participants, design, measures, codebook, versions.

The same study gives the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import platform
import secrets
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from core.base.atomic import replacing
from core.base.errors import CacheNotWritable
from core.base.version import VERSION
from core.disk.frames import read_frame
from core.study.codebook import codebook
from core.study.exclusions import by_hand
from core.study.folder import Study, facts_of
from core.study.prepare import MEASURED
from core.study.tables import SCHEMA
from core.study.written import to_yaml

Tables = dict[str, pandas.DataFrame]
PACKAGES = ("numpy", "pandas", "scipy", "statsmodels", "krippendorff", "torch")
PERSONAL = ("recruited", "ids", "code", "screen")  # columns that a pseudonymised export does not have
FREE_TEXT = ("recruited", "ids", "excluded", "screen")  # what people wrote, or could have
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula
TIMES = ("shown", "answered", "begun", "seen", "finished")
EPOCH = (1980, 1, 1, 0, 0, 0)
README = """\
{title}

answers.csv       one row an answer
practice.csv      one row a practice answer
participants.csv  one row a participant
design.csv        one row a trial: who was to see what
measures.csv      one row an image and variant: automatic measures
classes.csv       names of the classes
codebook.csv      what each column of each file means
study.yaml        the study; `python -m core study new NAME --file study.yaml` prepares it again
versions.json     versions of programs and networks
{note}"""
HIDDEN = """
Pseudonymised: participants have random names, which are the same in every export of this study; ids of recruitment \
services, completion codes and screens are left out; times count from the beginning of each participant; slots and \
trials are numbered in a random order.
"""


def export_zip(study: Study, path: Path, pseudonymise: bool = False) -> Path:
    """Write everything of a study into a zip file, replacing it; return its path.

    Args:
        pseudonymise: see `tables`.
    Raises:
        StudyDatabase, CacheNotWritable.
    """
    content = {f"{name}.csv": _csv(frame) for name, frame in tables(study, pseudonymise).items()}
    content |= {
        "study.yaml": to_yaml(study.spec),
        "versions.json": json.dumps(versions(study), indent=1, sort_keys=True) + "\n",
        "README.txt": README.format(title=study.spec.title, note=HIDDEN if pseudonymise else ""),
    }
    try:
        with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in content.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise CacheNotWritable(
            f"{path} cannot be written ({error.strerror or error}).",
            "Its folder must be writable and have free space.",
            "Choose another folder, or free some space.",
        ) from error
    return path


def tables(study: Study, pseudonymise: bool = False) -> Tables:
    """Return the tables of a study by name: answers, practice, participants, design, measures (if
    they are there), classes, codebook.

    Args:
        pseudonymise: give participants random names that are the same in every export; leave out
            ids, codes and screens, and why the researcher excluded somebody; count times from each
            participant's beginning; number slots and trials anew, because they are given in the
            order of joining.
    """
    found = {
        "answers": study.answers.frame(),
        "practice": study.answers.practice(),
        "participants": study.answers.participants(),
        "design": study.answers.design(),
    }
    if pseudonymise:
        found = _pseudonymised(found, _key(study))
    if (study.home / MEASURED).is_file():
        found["measures"] = read_frame(study.home / MEASURED)[0]
    names = [(label, name) for label, name in enumerate(study.classes)]
    found["classes"] = pandas.DataFrame(names, columns=["label", "name"])
    return found | {"codebook": codebook(found, pseudonymise)}


def versions(study: Study) -> dict[str, Any]:
    """Return the versions of everything that a result depends on."""
    return {
        "study": study.name,
        "sparsight": VERSION,
        "schema": SCHEMA,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "texts": study.spec.texts.stamp,
        "preparation": dict(facts_of(study)),
    }


def _key(study: Study) -> bytes:
    """Return the secret behind the pseudonyms of a study, made once."""
    if not study.fact("pseudonyms"):
        study.keep(pseudonyms=secrets.token_hex(32))
    return study.fact("pseudonyms").encode()


def _pseudonymised(found: Tables, key: bytes) -> Tables:
    answers, practice, people, design = (found[name].copy() for name in found)
    begun = people.set_index("participant")["begun"].astype(float)
    hand = by_hand(answers)
    for frame in (answers, practice, people):
        start = frame["participant"].map(begun)
        for name in (name for name in TIMES if name in frame):
            frame[name] = (frame[name].astype(float) - start).round(3)
    for frame in (answers, people):
        given = frame["participant"].map(lambda who: who in hand) & frame["excluded"].notna()
        frame["excluded"] = frame["excluded"].astype(object).mask(given, "by hand")
    known = set(answers["participant"])  # of others it cannot be told who excluded them
    unsure = people["excluded"].notna() & ~people["participant"].isin(known)
    people["excluded"] = people["excluded"].mask(unsure, "by hand")
    slot_of = _shuffled(design["slot"], key, "slot")
    design["slot"] = design["slot"].map(slot_of)
    design = design.sort_values(["slot", "position"], ignore_index=True)
    trial_of = dict(zip(design["trial"], range(len(design)), strict=True))
    design["trial"] = np.arange(len(design))
    name_of = {who: pseudonym(key, who) for who in people["participant"]}
    for frame in (answers, practice, people):
        frame["participant"] = frame["participant"].map(name_of)
    for frame in (answers, people):
        frame["slot"] = frame["slot"].map(slot_of)
    answers["trial"] = answers["trial"].map(trial_of)
    return {
        "answers": answers.sort_values(["participant", "position"], ignore_index=True),
        "practice": practice.sort_values(["participant", "answered"], ignore_index=True),
        "participants": people.drop(columns=list(PERSONAL)).sort_values("participant", ignore_index=True),
        "design": design,
    }


def pseudonym(key: bytes, participant: int) -> str:
    """Return the name of a participant that only the holder of the key can tell from the number."""
    return f"P-{_digest(key, 'participant', participant)[:12]}"


def _shuffled(values: pandas.Series, key: bytes, what: str) -> dict[int, int]:
    order = sorted(set(values), key=lambda value: _digest(key, what, value))
    return {value: place for place, value in enumerate(order)}


def _digest(key: bytes, what: str, value: int) -> str:
    return hmac.new(key, f"{what} {value}".encode(), hashlib.sha256).hexdigest()


def _csv(frame: pandas.DataFrame) -> str:
    """Return a table as text; an apostrophe precedes what a spreadsheet would run as a formula."""
    safe = frame.copy()
    for name in (name for name in FREE_TEXT if name in safe):
        risky = safe[name].map(lambda value: isinstance(value, str) and value.startswith(FORMULA)).astype(bool)
        safe[name] = safe[name].astype(object).mask(risky, "'" + safe[name].astype(str))
    return safe.to_csv(index=False, lineterminator="\n")
