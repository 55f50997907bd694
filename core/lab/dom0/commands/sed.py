"""A small sed: s, p, d, q, addresses and ranges; enough for what scripts do to command output."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.lab.dom0.command import Command, command
from core.lab.dom0.commands.filters import inputs, lines_of
from core.lab.dom0.commands.regex import posix


@dataclass(slots=True)
class Rule:
    """One sed command with its addresses; `active` says that a range is open."""

    first: str
    last: str
    negated: bool
    verb: str
    pattern: re.Pattern[str] | None = None
    replacement: str = ""
    flags: str = ""
    active: bool = False


@command("sed")
async def sed(c: Command) -> int:
    scripts: list[str] = []
    rest: list[str] = []
    args = list(c.args)
    quiet = extended = False
    while args:
        word = args.pop(0)
        if word in ("-e", "--expression") and args:
            scripts.append(args.pop(0))
        elif word in (
            "-n",
            "-r",
            "-E",
            "-nr",
            "-rn",
            "-ne",
            "-nE",
            "-i",
            "-s",
            "--quiet",
            "--regexp-extended",
        ):
            quiet = quiet or "n" in word.lstrip("-")[:2] or word == "--quiet"
            extended = extended or "r" in word or "E" in word
            if word == "-ne" and args:
                scripts.append(args.pop(0))
        else:
            rest.append(word)
    if not scripts and rest:
        scripts.append(rest.pop(0))
    try:
        rules = [rule for script in scripts for rule in _rules(script, extended=extended)]
    except (re.error, ValueError, IndexError):
        return c.say(f"sed: -e expression #1, char {len(scripts[0]) if scripts else 0}: unknown command")
    found, status = await inputs(c, rest)
    lines = [line for _, data in found for line in lines_of(data)]
    for number, line in enumerate(lines, start=1):
        if not _edit(c, rules, line, number, len(lines), quiet=quiet):
            break
    return status


def _edit(c: Command, rules: list[Rule], line: str, number: int, total: int, *, quiet: bool) -> bool:
    """Apply the rules to one line and print what remains; False when sed shall stop."""
    for rule in rules:
        if _applies(rule, line, number, total) == rule.negated:
            continue
        if rule.verb == "d":
            return True
        if rule.verb == "p":
            c.print(line)
        elif rule.verb == "q":
            if not quiet:
                c.print(line)
            return False
        elif rule.verb == "s" and rule.pattern is not None:
            line, count = rule.pattern.subn(rule.replacement, line, count=0 if "g" in rule.flags else 1)
            if count and "p" in rule.flags:
                c.print(line)
    if not quiet:
        c.print(line)
    return True


def _applies(rule: Rule, line: str, number: int, total: int) -> bool:
    if not rule.first:
        return True
    if not rule.last:
        return _at(rule.first, line, number, total)
    if rule.active:
        if _at(rule.last, line, number, total):
            rule.active = False
        return True
    if _at(rule.first, line, number, total):
        rule.active = not (rule.last.isdigit() and int(rule.last) <= number)
        return True
    return False


def _at(address: str, line: str, number: int, total: int) -> bool:
    if address == "$":
        return number == total
    return number == int(address) if address.isdigit() else re.search(address[1:], line) is not None


def _rules(script: str, *, extended: bool) -> list[Rule]:
    rules: list[Rule] = []
    rest = script
    while rest := rest.lstrip(" ;\n{}"):
        first, rest = _address(rest, extended=extended)
        last = ""
        if rest.startswith(","):
            last, rest = _address(rest[1:], extended=extended)
        rest = rest.lstrip(" {")
        negated = rest.startswith("!")
        rest = rest.lstrip("!").lstrip(" {")
        verb, rest = rest[0], rest[1:]
        if verb == "s":
            parts, rest = _parts(rest)
            match = re.match(r"[gpiI0-9]*", rest)
            flags = match[0] if match else ""
            rest = rest[len(flags) :]
            ignore = re.IGNORECASE if "i" in flags.lower() else 0
            pattern = re.compile(posix(parts[0], extended=extended), ignore)
            replacement = re.sub(r"(?<!\\)&", r"\\g<0>", parts[1]).replace("\\&", "&").replace("\\/", "/")
            rules.append(Rule(first, last, negated, verb, pattern, replacement, flags))
        elif verb in "pdq":
            rules.append(Rule(first, last, negated, verb))
        else:
            raise ValueError(verb)
    return rules


def _address(text: str, *, extended: bool) -> tuple[str, str]:
    match = re.match(r"\d+|\$", text)
    if match:
        return match[0], text[match.end() :]
    if text.startswith("/"):
        end = re.match(r"/((?:\\.|[^/\\])*)/", text)
        if end is None:
            raise ValueError(text)
        return "/" + posix(end[1].replace("\\/", "/"), extended=extended), text[end.end() :]
    return "", text


def _parts(text: str) -> tuple[list[str], str]:
    """The two parts of an s command, split at its own separator."""
    mark = text[0]
    parts: list[str] = []
    buffer, at = "", 1
    while len(parts) < 2:
        char = text[at]
        if char == "\\" and text[at + 1] == mark:
            buffer += mark
            at += 2
            continue
        if char == "\\":
            buffer += text[at : at + 2]
            at += 2
            continue
        if char == mark:
            parts.append(buffer)
            buffer = ""
        else:
            buffer += char
        at += 1
    return parts, text[at:]
