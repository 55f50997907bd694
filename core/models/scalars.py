"""Scalars as people write them in a file, with the JSON Schema that says the same. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_YES_NO = "^(?:[01]|[yYnN]|[tTfF]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])"
_END = r"(?![\s\S])"
_DAY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"


def _number(value: Any) -> Any:
    """Quoted digits are text and yes is no number, whatever could be made of them."""
    if isinstance(value, str | bool):
        raise ValueError("must be a whole number, without quotes")
    return value


def _day(value: Any) -> Any:
    """A day as YYYY-MM-DD: neither a count of seconds nor a day with a time."""
    if isinstance(value, date) and type(value) is date:
        return value
    if isinstance(value, str) and len(value) == len("2026-03-01"):
        return value
    raise ValueError("must be a day as YYYY-MM-DD")


Whole = Annotated[int, BeforeValidator(_number)]
WholeOrNone = Annotated[int | None, BeforeValidator(_number)]
YesNo = Annotated[  # what pydantic takes for a bool; YAML 1.2 reads a bare yes as text
    bool,
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, {"type": "string", "pattern": _YES_NO + _END}]}
    ),
]
Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY + _END})
]
