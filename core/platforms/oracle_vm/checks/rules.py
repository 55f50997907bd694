"""The rule book of Oracle VM's server pools, R001 to R130: what each rule asks for, and which ones only advise."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from core.checks.registry import RuleText
from core.platforms.oracle_vm.checks.advice import ADVICE

_FILE = Path(__file__).with_name("rules.toml")


@cache
def rule_book() -> Mapping[str, RuleText]:
    """Every rule by id."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        id_: RuleText(
            id=id_,
            topic=row["topic"],
            asks=row["asks"],
            remedy=row["remedy"],
            applies=row["applies"],
            severity=row["severity"],
            advice=ADVICE.get(id_, ""),
        )
        for id_, row in rows.items()
    }
