"""Folders and zip files of photographs."""

from __future__ import annotations

from tests.zoo.case import Case

CASES: tuple[Case, ...] = ()
