"""Writes the page of the documents on unusual inputs: python -m tests.zoo.page docs/inputs.md"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.zoo.table import ZOO

HEAD = """# Unusual inputs

What Sparsight does with inputs that are unusual, damaged or made for another program. Each line is tested.
"""


def page() -> str:
    """Return the page, in Markdown."""
    parts = [HEAD]
    for kind, cases in ZOO.items():
        rows = [f"| {case.what} | {case.outcome} |" for case in cases]
        parts.append("\n".join([f"## {kind}\n", "| input | what happens |", "| --- | --- |", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
