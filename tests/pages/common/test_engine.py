"""What happens once when the app starts."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from core.base import atomic
from tests.pages.conftest import open_page

WRITER = """
import sys, time
from pathlib import Path
from core.base.atomic import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def writing(path: Path) -> subprocess.Popen[str]:
    """A process in the middle of writing a file."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_files_of_dead_writers_are_removed_and_those_of_living_ones_stay(own_cache: Path) -> None:
    places = [own_cache / "deep" / "below" / "dead", own_cache / "variants" / "alive"]
    dead, alive = map(writing, places)
    try:
        dead.kill()
        dead.wait()
        foreign = own_cache / "deep" / "mine.part"
        foreign.touch()
        assert len(list(own_cache.rglob("*.part"))) == 3
        open_page("settings")  # asks for the engine
        for thread in threading.enumerate():
            if thread.name == "abandoned files":
                thread.join(60)
        left = {path.name for path in own_cache.rglob("*.part")}
        assert foreign.name in left
        (of_the_living,) = left - {foreign.name}
        assert f"{atomic._machine()}{alive.pid:08x}" in of_the_living
    finally:
        alive.kill()
        alive.wait()
