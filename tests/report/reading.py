"""Reads a report as a browser does: its elements, its words, and whatever it would load."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "base", "source", "area", "col", "embed", "track", "wbr"}
LOADS = ("src", "href", "srcset", "data", "poster", "action", "background", "formaction", "xlink:href")


@dataclass
class Page(HTMLParser):
    """An HTML file. elements: name and attributes, in order. loads: every address that it names.
    cells: of each table, row by row. open: elements that are not closed.
    """

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if len(found) < len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        self.elements.append((tag, found))
        self.loads += [found[name] for name in LOADS if name in found]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def words(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag]


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def content_of(link: str) -> str:
    """The content of a data: address."""
    head, _, content = link.partition(",")
    assert head.endswith(";base64")
    return base64.b64decode(content).decode()


def check(html: str, most: int) -> Page:
    """Every report is well formed, accessible, small, and loads nothing."""
    page = read(html)
    assert html.startswith("<!doctype html>")
    assert page.wrong == []
    assert page.open == []
    assert all(link.startswith(("data:", "#")) for link in page.loads), [link[:80] for link in page.loads]
    assert not page.all("link")
    assert not page.all("iframe")
    assert "default-src 'none'" in next(each["content"] for each in page.all("meta") if "http-equiv" in each)
    assert len(html.encode()) < most
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert all(found.get("alt", "").strip() for found in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert "<title>" in html[: html.index("</head>")]
    assert all(found.get("scope") == "col" for found in page.all("th"))
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    return page
