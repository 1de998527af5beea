"""Reads what a panel or a page shows."""

from __future__ import annotations

from html.parser import HTMLParser


def parse(html: str) -> tuple[set[str], str]:
    tags: set[str] = set()
    texts: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)
            assert not [name for name, _ in attrs if name.startswith("on")]

        def handle_data(self, data):
            texts.append(data)

    Reader().feed(html)
    return tags, " ".join(texts)
