"""Sentences become HTML; names stay what they are."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from core.report.render import in_script
from core.report.words import html_of, literal

TAGS = re.compile(r"<[^>]*>")


def test_the_little_markdown_that_sentences_use() -> None:
    assert html_of("At **50 %** the `x` is *odd*.") == (
        "<p>At <strong>50 %</strong> the <code>x</code> is <em>odd</em>.</p>\n"
    )
    assert html_of("a\n\n- b\n- c").count("<li>") == 2


def test_nothing_else_is_markup() -> None:
    for text in ("<b>x</b>", "![x](http://example.org/a.png)", "[x](http://example.org)", "# x", "> x", "http://x.org"):
        assert html_of(text) == f"<p>{html.escape(text)}</p>\n"


@given(st.text(max_size=60))
def test_a_name_is_shown_as_it_is(name: str) -> None:
    wanted = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    found = html.unescape(TAGS.sub("", html_of(f"The network says **{literal(name)}**, and nothing else.")))
    assert found.strip() == f"The network says {wanted}, and nothing else." if wanted else True


@given(st.text(max_size=60))
def test_a_name_alone_makes_no_element(name: str) -> None:
    assert set(TAGS.findall(html_of(literal(name)))) <= {"<p>", "</p>"}


def test_a_long_name_is_cut() -> None:
    assert len(literal("x" * 500)) == 120


@given(st.text(max_size=60))
def test_nothing_in_a_script_closes_it(text: str) -> None:
    inside = in_script(f'"{text}</script><!--"')
    assert "<" not in inside
    assert ">" not in inside
