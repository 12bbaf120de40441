"""Lessons: six lessons for a class, step by step."""

from pages.parts.common import frame
from pages.parts.lessons.page import main

with frame.page("Lessons"):
    main()
