"""Pure parts of a shell's expansions: arithmetic, braces, pattern quoting, trimming."""

from __future__ import annotations

import fnmatch
import re


def evaluate(text: str) -> int:
    """An arithmetic expression of integers: + - * / % and parentheses, comparisons give 0 or 1."""
    tokens = re.findall(r"\d+|[()+\-*/%]|[<>=!]=|[<>]", text)
    position = 0

    def atom() -> int:
        nonlocal position
        token = tokens[position] if position < len(tokens) else "0"
        position += 1
        if token == "(":
            value = comparison()
            position += 1
            return value
        if token == "-":
            return -atom()
        return int(token) if token.isdigit() else 0

    def product() -> int:
        nonlocal position
        value = atom()
        while position < len(tokens) and tokens[position] in "*/%":
            operator = tokens[position]
            position += 1
            other = atom()
            value = value * other if operator == "*" else 0 if not other else (
                int(value / other) if operator == "/" else value % other
            )  # fmt: skip
        return value

    def total() -> int:
        nonlocal position
        value = product()
        while position < len(tokens) and tokens[position] in "+-":
            operator = tokens[position]
            position += 1
            value = value + product() if operator == "+" else value - product()
        return value

    def comparison() -> int:
        nonlocal position
        value = total()
        while position < len(tokens) and tokens[position] in ("<", ">", "<=", ">=", "==", "!="):
            operator = tokens[position]
            position += 1
            other = total()
            value = int(
                {
                    "<": value < other,
                    ">": value > other,
                    "<=": value <= other,
                    ">=": value >= other,
                    "==": value == other,
                    "!=": value != other,
                }[operator]
            )
        return value

    return comparison()


def escape(text: str) -> str:
    """Quoted text in a pattern: nothing in it is special, braces included."""
    return re.sub(r"([*?\[{])", r"[\1]", text)


def braces(item: tuple[str, str]) -> list[tuple[str, str]]:
    """{a,b} and {1..3} of an unquoted word."""
    text, pattern = item
    match = re.search(r"\{([^{}]*,[^{}]*|\d+\.\.\d+)\}", pattern)
    if match is None or text != pattern:
        return [item]
    if ".." in match[1] and "," not in match[1]:
        first, last = (int(number) for number in match[1].split(".."))
        step = 1 if last >= first else -1
        choices = [str(number) for number in range(first, last + step, step)][:1000]
    else:
        choices = match[1].split(",")
    made = [pattern[: match.start()] + choice + pattern[match.end() :] for choice in choices]
    return [found for text in made for found in braces((text, text))]


def trimmed(value: str, op: str, pattern: str) -> str:
    if op == "/":
        wanted, _, new = pattern.partition("/")
        if wanted.startswith("/"):
            return value.replace(wanted[1:], new)
        return value.replace(wanted, new, 1)
    ends = range(len(value) + 1)
    if op in ("#", "##"):
        order = ends if op == "#" else reversed(ends)
        return next((value[end:] for end in order if fnmatch.fnmatchcase(value[:end], pattern)), value)
    order = reversed(ends) if op == "%" else ends
    return next((value[:start] for start in order if fnmatch.fnmatchcase(value[start:], pattern)), value)
