"""Words are for people: no module of ours decides by what a message says (types, codes and data are there for that).

Read from the source: a comparison or a search whose subject is named as messages are (`detail`, `reason`, `message`,
`str(error)`, ...). What other systems print has to be read by its words: those places stand below, each with why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"detail", "reason", "message", "missing", "why", "why_not", "fix", "title", "headline", "refusal"}
# Also, outside of the rooms that parse replies:
MAYBE = {"text", "said", "told", "label", "note", "summary", "narrated"}
ERRORS = {"error", "err", "exc", "exception", "failed", "failure", "gap"}  # what str() makes a message of
SEARCHES = {
    "startswith",
    "endswith",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
    "partition",
    "rpartition",
    "removeprefix",
}
PATTERNS = {"search", "match", "fullmatch", "findall", "finditer", "split"}
SHAPES = {"lower", "casefold", "upper", "strip", "lstrip", "rstrip", "splitlines", "split", "replace"}

# The lab plays the other side: what it says is a server's, and it reads what poolwright sends.
NOT_OURS = "core/lab/"
# Rooms that take apart what servers, files and operators wrote: there `text` is theirs, not ours.
PARSERS = (
    "core/cpu/",
    "core/facts/",
    "core/files.py",
    "core/masking.py",
    "core/models/addresses.py",
    "core/platforms/oracle_vm/agent_rpc/",
    "core/platforms/oracle_vm/decode.py",
    "core/platforms/oracle_vm/manager_cli/",
    "core/platforms/oracle_vm/probes/",
    "core/secrets.py",
    "core/settings_file.py",
    "core/spec_file.py",
    "core/text.py",
    "core/transports/",
)
# module:function -> why the words are read there
REVIEWED: dict[str, str] = {
    "core/checks/fixes.py:is_safe": "a word of a server against the allow-list of its kind",
    "core/checks/input/vip.py:_why_not": "an address of the operator",
    "core/checks/server/addresses.py:hostname_valid": "labels of a host name",
    "core/platforms/oracle_vm/checks/drift.py:numbers_of": "a release as the server tells it",
    "core/platforms/oracle_vm/checks/drift.py:release_generation": "a release as the server tells it",
    "core/platforms/oracle_vm/checks/fitting.py:_is_network": "an event in Manager's words; it has no code for this",
    "core/platforms/oracle_vm/checks/sharing.py:lun_online": "an event in Manager's words; it has no code for this",
    "core/platforms/oracle_vm/endpoints.py:split_host_port": "an address of the operator",
    "core/platforms/oracle_vm/verifying/servers.py:_addresses": "output of a server's `ip` or `ipadm`",
    "core/platforms/oracle_vm/verifying/servers.py:_threshold": "a server's /etc/sysconfig/o2cb",
    "core/ranges.py:expand": "server names of the operator",
    "core/transports/certificates.py:_explained": "OpenSSL's own reason code",
    "tui/fields.py:_value": "what the operator typed",
    "tui/screens/servers.py:_on_paste": "what the operator pasted",
}


def hits(source: str, where: str) -> Iterator[tuple[str, str]]:
    """(`module:function`, the source line) of every comparison with a message and every search in one."""
    is_parser = where.startswith(PARSERS)
    names = OURS if is_parser else OURS | MAYBE
    lines, tree = source.splitlines(), ast.parse(source)
    sentences = _sentences(tree)
    for function, node in _nodes(tree, "module"):
        if _reads(node, names) or (not is_parser and _asks_for_a_sentence(node, sentences)):
            yield f"{where}:{function}", lines[getattr(node, "lineno", 1) - 1].strip()


def _nodes(tree: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        yield function, node
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _nodes(node, str(getattr(node, "name", "")) if is_function else function)


def _sentences(tree: ast.Module) -> set[str]:
    """Names of the module's constants that are sentences: a text with a blank in it."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _is_sentence(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _asks_for_a_sentence(node: ast.AST, sentences: set[str]) -> bool:
    """A comparison with a sentence, or a search for one, whatever the other side is called."""
    if isinstance(node, ast.Compare):
        return any(_is_sentence(one, sentences) for one in (node.left, *node.comparators))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEARCHES:
        return any(_is_sentence(one, sentences) for one in node.args)
    return False


def _is_sentence(node: ast.expr, sentences: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and " " in node.value.strip()
    if isinstance(node, ast.Name):
        return node.id in sentences
    return isinstance(node, ast.Tuple | ast.Set | ast.List) and any(
        _is_sentence(one, sentences) for one in node.elts
    )


def _reads(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(
            _compares(operator, left, right, names)
            for operator, left, right in zip(node.ops, sides, sides[1:], strict=False)
        )
    if isinstance(node, ast.Match):
        return _is_message(node.subject, names)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in SEARCHES and _is_message(node.func.value, names):
            return True
        return node.func.attr in PATTERNS and any(_is_message(one, names) for one in node.args)
    return False


def _compares(operator: ast.cmpop, left: ast.expr, right: ast.expr, names: set[str]) -> bool:
    if isinstance(operator, ast.In | ast.NotIn):
        return _is_message(right, names) or (_is_message(left, names) and _is_fixed(right))
    if isinstance(operator, ast.Eq | ast.NotEq):
        return (_is_message(left, names) and _is_fixed(right)) or (
            _is_message(right, names) and _is_fixed(left)
        )
    return False


def _is_message(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in names
    if isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return node.slice.value in OURS
        return _is_message(node.value, names)
    if isinstance(node, ast.BoolOp):
        return any(_is_message(one, names) for one in node.values)
    if isinstance(node, ast.JoinedStr):
        parts = [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
        return any(_is_message(one, names) for one in parts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "inert"):
        return any(_is_message(one, names) or _is_error(one) for one in node.args)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHAPES:
        return _is_message(node.func.value, names)
    return False


def _is_error(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ERRORS


def _is_fixed(node: ast.expr) -> bool:
    """A text that stands in the source: a literal, a constant, or a collection of such."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value != ""
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.Attribute):
        return node.attr.isupper()
    if isinstance(node, ast.Tuple | ast.Set | ast.List):
        return any(_is_fixed(one) for one in node.elts)
    return isinstance(node, ast.JoinedStr)


def _found() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for room in ("core", "tui"):
        for path in sorted((ROOT / room).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            if where.startswith(NOT_OURS):
                continue
            for place, line in hits(path.read_text(encoding="utf-8"), where):
                found.setdefault(place, []).append(line)
    return found


def test_no_module_decides_by_the_words_of_a_message() -> None:
    found = _found()
    unknown = {place: lines for place, lines in found.items() if place not in REVIEWED}
    assert not unknown, "decide by a type, a code or data, or say in REVIEWED whose words these are"
    assert set(REVIEWED) <= set(found), "these need no exception any more"


@pytest.mark.parametrize(
    "line",
    [
        "NO_SSH in reason",
        '"take it over" in error.message',
        '"take it over" in str(error)',
        "any(word in reason for word in WORDS)",
        'fact.missing == "not asked"',
        'result.detail.startswith("not known")',
        "result.detail in SENTENCES",
        "re.search(name, gap.reason)",
        "CONTROLLER in label.lower()",
        'line["message"] != f"{run} has ended"',
        '"refused" in f"{plane.reason} {plane.state}"',
        'name in (gap.reason or "")',
        'answer == "still accepted by"',
        'whatever.startswith("not asked")',
        "answer in {SENTENCE, OTHER}",
    ],
)
def test_what_reads_a_message_is_found(line: str) -> None:
    assert list(hits(f'SENTENCE = "it is so"\ndef f():\n    return {line}\n', "core/checks/x.py"))


@pytest.mark.parametrize(
    "line", ['error.code == "PW601"', "reason == other.reason", 'reason != ""', "gap.kind is GapKind.REFUSED"]
)
def test_what_reads_types_codes_and_data_is_left_alone(line: str) -> None:
    assert not list(hits(f"def f():\n    return {line}\n", "core/checks/x.py"))
