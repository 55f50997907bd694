"""Documents for engineers name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", ["DESIGN.md", "CONTRIBUTING.md", "README.md", "CHANGELOG.md"])
def test_what_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:core|tui|tests|docs|scripts|bench|\.ci)/[A-Za-z0-9_./-]+)`", text))
    named |= set(re.findall(r"\]\((?!https?:)([^)#]+)\)", text))
    assert named, document
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]
