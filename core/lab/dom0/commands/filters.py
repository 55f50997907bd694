"""Text filters: cat, grep, head, tail, sort, uniq, wc, cut, tr, sed, tee, strings, od and checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from core.lab.dom0.command import Command, command, split_options
from core.lab.dom0.commands.regex import posix
from core.lab.dom0.vfs import VfsError


async def inputs(c: Command, paths: list[str]) -> tuple[list[tuple[str, bytes]], int]:
    """Content of the files, or of standard input; files that are not there are complained about."""
    if not paths:
        return [("-", await c.io.stdin.read())], 0
    found: list[tuple[str, bytes]] = []
    status = 0
    for path in paths:
        try:
            found.append((path, await c.io.stdin.read() if path == "-" else c.vfs.read(c.path(path))))
        except VfsError as error:
            status = c.fail(f"{path}: {error.reason}", 2 if c.name.endswith("grep") else 1)
    return found, status


def lines_of(data: bytes) -> list[str]:
    """Lines without their ends."""
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return lines[:-1] if lines and not lines[-1] else lines


@command("cat", "more", "less", "tac")
async def cat(c: Command) -> int:
    options, paths = c.options()
    found, status = await inputs(c, paths)
    number = 0
    for _, data in found:
        if "n" not in options and c.name != "tac":
            c.io.out(data)
            continue
        lines = lines_of(data)
        for line in reversed(lines) if c.name == "tac" else lines:
            number += 1
            c.print(f"{number:>6}\t{line}" if "n" in options else line)
    return status


@command("grep", "egrep", "fgrep", "zgrep")
async def grep(c: Command) -> int:
    options, rest = c.options("eABCmf")
    if "e" in options:
        patterns = [c.args[index + 1] for index, word in enumerate(c.args[:-1]) if word == "-e"] or [
            options["e"]
        ]
    elif rest:
        patterns, rest = rest[0].split("\n"), rest[1:]
    else:
        return c.say("Usage: grep [OPTION]... PATTERN [FILE]...", 2)
    if "r" in options or "R" in options:
        rest = [name for path in rest or ["."] for name in _below(c, path)]
    pattern = "|".join(f"(?:{_pattern(c, options, item)})" for item in patterns)
    try:
        wanted = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    except re.error:
        return c.say("grep: Invalid regular expression", 2)
    found, status = await inputs(c, rest)
    shows_name = ("H" in options or len(found) > 1 or "r" in options or "R" in options) and "h" not in options
    hits = 0
    for name, data in found:
        hits += _grep_one(c, options, wanted, name, data, shows_name=shows_name)
    if hits:
        return 0
    return 2 if status and "q" not in options else 1


@command("head")
async def head(c: Command) -> int:
    count, in_bytes, paths = _count(c)
    found, status = await inputs(c, paths)
    for index, (name, data) in enumerate(found):
        if len(found) > 1:
            c.print(*([""] if index else []), f"==> {name} <==")
        if in_bytes:
            c.io.out(data[:count])
        else:
            pieces = data.split(b"\n", count) if count > 0 else []
            c.io.out(b"".join(piece + b"\n" for piece in pieces[:count])[: len(data)])
    return status


@command("tail")
async def tail(c: Command) -> int:
    count, in_bytes, paths = _count(c)
    from_start = any(re.fullmatch(r"-?n?\+\d+", word) for word in c.args)
    found, status = await inputs(c, [path for path in paths if not path.startswith("+")])
    for _, data in found:
        if in_bytes:
            c.io.out(data[-count:])
            continue
        lines = lines_of(data)
        c.print(*(lines[max(count - 1, 0) :] if from_start else lines[-count:] if count else []))
    return status


@command("sort")
async def sort(c: Command) -> int:
    options, paths = c.options("kto")
    found, status = await inputs(c, paths)
    lines = [line for _, data in found for line in lines_of(data)]

    def key(line: str) -> tuple[float, str]:
        text = line
        if "k" in options:
            fields = line.split(options["t"]) if options.get("t") else line.split()
            index = int(re.match(r"\d+", options["k"])[0]) - 1  # type: ignore[index]
            text = fields[index] if index < len(fields) else ""
        numeric = "n" in options or "V" in options or "n" in options.get("k", "")
        number = re.match(r"\s*-?\d+(\.\d+)?", text)
        return (float(number[0]) if number else 0.0, text) if numeric else (0.0, text)

    lines.sort(key=key, reverse="r" in options)
    c.print(*(dict.fromkeys(lines) if "u" in options else lines))
    return status


@command("uniq")
async def uniq(c: Command) -> int:
    options, paths = c.options()
    found, status = await inputs(c, paths[:1])
    groups: list[tuple[str, int]] = []
    for line in lines_of(found[0][1]) if found else []:
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    for line, count in groups:
        if ("d" in options and count == 1) or ("u" in options and count > 1):
            continue
        c.print(f"{count:>7} {line}" if "c" in options else line)
    return status


@command("wc")
async def wc(c: Command) -> int:
    options, paths = c.options()
    found, status = await inputs(c, paths)
    total = [0, 0, 0]
    chosen = [at for at, letter in enumerate("lwc") if letter in options] or [0, 1, 2]
    for name, data in found:
        counts = [data.count(b"\n"), len(data.split()), len(data)]
        total = [a + b for a, b in zip(total, counts, strict=True)]
        _show_counts(c, [counts[at] for at in chosen], "" if name == "-" else name)
    if len(found) > 1:
        _show_counts(c, [total[at] for at in chosen], "total")
    return status


@command("cut")
async def cut(c: Command) -> int:
    options, paths = c.options("dfcb")
    found, status = await inputs(c, paths)
    wanted = _ranges(options.get("f") or options.get("c") or options.get("b") or "1-")
    by_field = "f" in options
    separator = options.get("d") or "\t"
    for line in (line for _, data in found for line in lines_of(data)):
        if by_field and separator not in line:
            if "s" not in options:
                c.print(line)
            continue
        items = line.split(separator) if by_field else list(line)
        kept = [
            item for number, item in enumerate(items, start=1) if any(a <= number <= b for a, b in wanted)
        ]
        c.print((separator if by_field else "").join(kept))
    return status


@command("tr")
async def tr(c: Command) -> int:
    options, sets = c.options()
    text = (await c.io.stdin.read()).decode("utf-8", "surrogateescape")
    first = _set(sets[0])
    if "c" in options or "C" in options:
        first = "".join(dict.fromkeys(char for char in text if char not in first))
    if "d" in options:
        c.write("".join(char for char in text if char not in first))
        return 0
    second = _set(sets[1]) if len(sets) > 1 else first
    table = {char: second[min(at, len(second) - 1)] for at, char in enumerate(first)} if second else {}
    out = "".join(table.get(char, char) for char in text)
    if "s" in options:
        squeezed = re.escape(second)
        out = re.sub(f"([{squeezed}])\\1+", r"\1", out) if squeezed else out
    c.write(out)
    return 0


@command("tee")
async def tee(c: Command) -> int:
    _, paths = c.options()
    data = await c.io.stdin.read()
    for path in paths:
        c.vfs.write(c.path(path), data)
    c.io.out(data)
    return 0


@command("xargs")
async def xargs(c: Command) -> int:
    args = c.args
    size = 0
    while args and args[0].startswith("-"):
        if args[0] in ("-n", "-I", "-P", "-L"):
            size = int(args[1]) if args[0] == "-n" else size
            args = args[1:]
        elif args[0].startswith("-n"):
            size = int(args[0][2:])
        args = args[1:]
    words = (await c.io.stdin.read()).decode("utf-8", "surrogateescape").split()
    status = 0
    for start in range(0, max(len(words), 1), size or max(len(words), 1)):
        status = max(
            status, await c.shell.call((args or ["echo"]) + words[start : start + (size or len(words))], c.io)
        )
    return 123 if status else 0


@command("strings")
async def strings(c: Command) -> int:
    _, paths = c.options("n")
    found, status = await inputs(c, paths)
    for _, data in found:
        c.print(*(item.decode() for item in re.findall(rb"[\x20-\x7e]{4,}", data)))
    return status


@command("od", "hexdump", "xxd")
async def od(c: Command) -> int:
    options, paths = c.options("AtNnjsve")
    found, _ = await inputs(c, paths)
    data = b"".join(item for _, item in found)
    limit = options.get("N") or options.get("n")
    data = data[: int(limit)] if limit and limit.isdigit() else data
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        c.print(f"{offset:07x} " + " ".join(f"{byte:02x}" for byte in row))
    return 0


@command("md5sum", "sha1sum", "sha256sum", "cksum")
async def checksum(c: Command) -> int:
    _, paths = c.options()
    found, status = await inputs(c, paths)
    for name, data in found:
        made = hashlib.new(
            {"md5sum": "md5", "sha1sum": "sha1"}.get(c.name, "sha256"), data, usedforsecurity=False
        )
        c.print(f"{made.hexdigest()}  {name}")
    return status


@command("diff", "cmp")
def diff(c: Command) -> int:
    _, paths = c.options()
    return int(c.vfs.read(c.path(paths[0])) != c.vfs.read(c.path(paths[1])))


@command("column", "fold", "expand", "nl", "paste", "rev")
async def passing(c: Command) -> int:
    """Layout filters: the text passes as it is."""
    _, paths = c.options("tscwd")
    found, status = await inputs(c, [path for path in paths if path != "-"])
    for _, data in found:
        c.io.out(data)
    return status


def _pattern(c: Command, options: dict[str, str], text: str) -> str:
    if "F" in options or c.name == "fgrep":
        made = re.escape(text)
    else:
        made = posix(text, extended="E" in options or "P" in options or c.name == "egrep")
    if "w" in options:
        made = rf"(?<!\w)(?:{made})(?!\w)"
    return rf"^(?:{made})$" if "x" in options else made


def _grep_one(
    c: Command, options: dict[str, str], wanted: re.Pattern[str], name: str, data: bytes, *, shows_name: bool
) -> int:
    limit = int(options["m"]) if options.get("m") else None
    after = int(options.get("A") or options.get("C") or 0)
    before = int(options.get("B") or options.get("C") or 0)
    prefix = f"{'(standard input)' if name == '-' else name}:" if shows_name else ""
    lines = lines_of(data)
    hits = [at for at, line in enumerate(lines) if (wanted.search(line) is not None) != ("v" in options)][
        :limit
    ]
    if "q" in options:
        return len(hits)
    if "l" in options:
        c.print(*([name] if hits else []))
    elif "L" in options:
        c.print(*([] if hits else [name]))
    elif "c" in options:
        c.print(f"{prefix}{len(hits)}")
    elif "o" in options:
        c.print(*(prefix + match[0] for at in hits for match in wanted.finditer(lines[at]) if match[0]))
    else:
        shown = sorted(
            {n for at in hits for n in range(max(0, at - before), min(len(lines), at + after + 1))}
        )
        for at in shown:
            mark = ":" if at in hits else "-"
            number = f"{at + 1}{mark}" if "n" in options else ""
            c.print(f"{prefix}{number}{lines[at]}")
    return len(hits)


def _below(c: Command, path: str) -> Iterator[str]:
    base = c.path(path)
    for name, entry in c.vfs.tree().items():
        if entry.kind == "file" and (name == base or name.startswith(base.rstrip("/") + "/")):
            yield name


def _count(c: Command) -> tuple[int, bool, list[str]]:
    args = [re.sub(r"^-(\d+)$", r"-n\1", word) for word in c.args]
    options, paths = split_options(args, "nc")
    text = (options.get("n") or options.get("c") or options.get("lines") or "10").lstrip("+-")
    return int(re.match(r"\d+", text)[0]), "c" in options, paths  # type: ignore[index]


def _show_counts(c: Command, counts: list[int], name: str) -> None:
    text = str(counts[0]) if len(counts) == 1 else " ".join(f"{count:>7}" for count in counts)
    c.print(f"{text} {name}".rstrip())


def _ranges(text: str) -> list[tuple[int, int]]:
    found = []
    for item in text.split(","):
        first, dash, last = item.partition("-")
        low = int(first or 1)
        found.append((low, int(last) if last else (10**9 if dash else low)))
    return found


def _set(text: str) -> str:
    from core.lab.dom0.commands.builtin import unescape

    classes = {
        "[:space:]": " \t\n\r\v\f",
        "[:blank:]": " \t",
        "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
        "[:digit:]": "0123456789",
        "[:cntrl:]": "".join(map(chr, range(32))),
    }
    for name, chars in classes.items():
        text = text.replace(name, chars)
    text = unescape(text)
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text)
