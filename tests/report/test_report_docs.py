"""The docs say what the code says. Run as a script, this file brings the reference up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from toolkit.project import Project, reference
from toolkit.project.schema import fields
from toolkit.report.recipes import RECIPES
from toolkit.report.verdict import RULES

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/project-file.md"
REPORT = ROOT / "docs/report.md"
HEAD = "| rule | looks at | speaks when | verdict |\n| --- | --- | --- | --- |\n"
MARK = "<!-- All below is the output of toolkit.project.reference(). -->\n\n"
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]
)


def test_reference_is_the_model_s_own():
    text = REFERENCE.read_text(encoding="utf-8")
    assert text.count(MARK) == 1
    assert text.partition(MARK)[2] == reference(), f"run: python tests/report/{Path(__file__).name}"


def test_reference_names_every_key_in_plain_words():
    text = reference()
    for key, field in fields(Project):
        assert f"| `{key}` |" in text
        assert field.description or key in ("data", "columns"), key
    assert not re.search(r"0x[0-9a-f]{6}|typing|Pydantic|Literal", text)


def rules_table() -> str:
    """Return the rules of the verdict as rows of a Markdown table."""
    return "".join(
        f"| `{rule.name}` | {rule.input} | {rule.condition} | {rule.verdict} |\n" for rule in RULES
    )


def test_the_verdict_s_rules_in_the_docs_are_those_in_the_code():
    text = REPORT.read_text(encoding="utf-8")
    assert text.count(HEAD) == 1
    rows = text.partition(HEAD)[2].partition("\n\n")[0] + "\n"
    assert rows == rules_table(), f"run: python tests/report/{Path(__file__).name}"
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_adr_index_is_complete():
    folder = ROOT / "docs/adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in folder.glob("0*.md"):
        title = page.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert f"({page.name}) | {title} |" in index
        for word in ("**Question.**", "**Decision.**", "**Consequences.**", "**Not chosen.**"):
            assert word in page.read_text(encoding="utf-8"), (page.name, word)


def test_recipes_are_sentences():
    assert all(text.endswith(".") and text[0] in "`ABCDEFGHIJKLMNOPQRSTUVWXYZ"
               for text in RECIPES.values())  # fmt: skip


if __name__ == "__main__":
    before = REFERENCE.read_text(encoding="utf-8").partition(MARK)[0]
    REFERENCE.write_text(before + MARK + reference(), encoding="utf-8")
    text, head, rest = REPORT.read_text(encoding="utf-8").partition(HEAD)
    after = rest[re.match(r"(\|.*\n)*", rest).end() :]
    REPORT.write_text(text + head + rules_table() + after, encoding="utf-8")
