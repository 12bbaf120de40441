"""Lessons: three stories for a class, a step at a time."""

from pages.parts.common import frame
from pages.parts.lessons.page import main

with frame.page("Lessons"):
    main()
