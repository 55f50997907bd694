"""Makes a spec of plain data: every problem at once, each with its place. Knows no platform's rules."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from core.errors import SpecError, SpecProblem
from core.models.spec import BaseSpec
from core.ranges import expand
from core.yaml_file import Loc, Source, is_key

MAX_PROBLEMS = 20  # of shape: more are counted, not explained
_SECRET = re.compile(r"(?i)passw|secret|token")

JudgeSpec = Callable[[BaseSpec], Sequence[SpecProblem]]


def _loc(name: str) -> Loc:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"[.\[\]]+", name) if part)


def _spread_servers(source: Source) -> list[SpecProblem]:
    """Expand ranges and bare names in `servers`, moving the noted places along."""
    listed = source.data.get("servers")
    if not isinstance(listed, list):
        return []
    problems: list[SpecProblem] = []
    spread: list[Any] = []
    places: dict[Loc, tuple[int, int]] = {}
    for index, item in enumerate(listed):
        entry = {"address": item} if isinstance(item, str) else item
        name = entry.get("address") if isinstance(entry, dict) else None
        names = [name]
        if isinstance(name, str):
            try:
                names = list(expand(name.strip()))
            except ValueError as error:
                problems.append(source.problem(("servers", index), str(error)))
                continue
        for each in names:
            for loc, place in source.places.items():
                if loc[:2] == ("servers", index):
                    places[("servers", len(spread), *loc[2:])] = place
            spread.append(
                {**entry, "address": each} if isinstance(entry, dict) and each is not None else entry
            )
    kept = {loc: place for loc, place in source.places.items() if loc[0] != "servers" or len(loc) < 2}
    source.places = {**kept, **places}
    source.data = {**source.data, "servers": spread}
    return problems


def _keys_at(model: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    """Field names of the (nested) model that a location lies in, for did-you-mean."""
    current: set[type[BaseModel]] = {model}
    for part in loc:
        if isinstance(part, int):
            continue
        found: set[type[BaseModel]] = set()
        for each in current:
            if part in each.model_fields:
                found |= set(_models_in(each.model_fields[part].annotation))
        current = found or current
    return tuple(name for each in current for name in each.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def _real_loc(detail: ErrorDetails, data: Any) -> Loc:
    """The error's location without the tags that unions put in between."""
    loc: list[str | int] = []
    here = data
    parts = detail["loc"]
    for index, part in enumerate(parts):
        inside = isinstance(here, (dict, list))
        known = (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int)
        )
        if inside and not known and index < len(parts) - 1:
            continue
        loc.append(part)
        if known:
            here = (
                here[part] if isinstance(here, dict) or (isinstance(part, int) and part < len(here)) else None
            )
    return tuple(loc)


def _right_key(model: type[BaseModel], loc: Loc, key: str) -> str:
    """What to do about a key that is not known at a location."""
    known = _keys_at(model, loc)
    near = difflib.get_close_matches(key, known, n=1)
    homes = list(dict.fromkeys(_homes(model, key)))
    if not homes or (near and near[0].lower() == key.lower()):
        return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
    if "" in homes:
        return f"'{key}' belongs at the top level of the file"
    return f"'{key}' belongs below {' or '.join(map(repr, homes[:3]))}"


def _homes(model: type[BaseModel], key: str, below: str = "", depth: int = 4) -> Iterator[str]:
    """The groups of keys that have this key: "" for the top level, `pool.file_system`, ..."""
    if key in model.model_fields:
        yield below
    if depth:
        for name, each in model.model_fields.items():
            for inner in dict.fromkeys(_models_in(each.annotation)):
                yield from _homes(inner, key, f"{below}.{name}" if below else name, depth - 1)


_WORDS = {
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be yes or no (true or false)",
    "bool_type": "must be yes or no (true or false)",
    "string_type": "must be text; put it in quotes",
    "model_type": "must be a group of keys",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
}


def _explain(source: Source, model: type[BaseModel], detail: ErrorDetails) -> SpecProblem:
    loc = _real_loc(detail, source.data)
    kind = detail["type"]
    if kind == "extra_forbidden":
        key = str(loc[-1])
        if _SECRET.search(key):
            fix = "remove it; secrets are asked for, or come from --password-file or the environment"
            return source.problem(loc, "secrets are never in the file", fix)
        what = f"there is no key '{key}'" if is_key(key) else "there is no key like this one"
        return source.problem(loc, what, _right_key(model, loc[:-1], key))
    message = _WORDS.get(kind)
    if message is None:
        message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        message = message[:1].lower() + message[1:]
    return source.problem(loc, message)


def _without(data: Any, loc: Loc) -> Any:
    """A copy of the data in which one part is left out."""
    if not loc:
        return data
    head, rest = loc[0], loc[1:]
    if isinstance(data, dict) and head in data:
        if not rest:
            return {key: value for key, value in data.items() if key != head}
        return {**data, head: _without(data[head], rest)}
    if isinstance(data, list) and isinstance(head, int) and head < len(data):
        if not rest:
            return [value for index, value in enumerate(data) if index != head]
        return [_without(value, rest) if index == head else value for index, value in enumerate(data)]
    return data


def _validate(source: Source, model: type[BaseSpec]) -> tuple[BaseSpec | None, list[SpecProblem]]:
    """The model, or what is left of it without the parts that do not fit, and every problem of shape."""
    problems: list[SpecProblem] = []
    data: Any = source.data
    for _ in range(10):  # each turn leaves out what did not fit; required parts cannot be left out
        try:
            return model.model_validate(data), problems
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
        more, details = len(details) - MAX_PROBLEMS, details[:MAX_PROBLEMS]
        if not problems:
            problems = [_explain(source, model, detail) for detail in details]
            if more > 0:
                what = f"has {more} more problems like these"
                problems.append(source.problem((), what, "mend the first ones and check again"))
        smaller = data
        for detail in reversed(details):
            loc = _real_loc(detail, data)
            if detail["type"] != "missing":
                smaller = _without(smaller, loc)
            elif (
                len(loc) > 2
            ):  # a part that lacks something is left out whole, where the model can do without
                smaller = _without(smaller, loc[:-1])
        if smaller == data:
            break
        data = smaller
    return None, problems


def _touches(name: str, wrong: set[str]) -> bool:
    """Whether a field is one of those whose shape is wrong, or holds one of them (it was left out, then)."""
    return any(each == name or each.startswith(f"{name}.") for each in wrong)


def build(source: Source, model_of: Callable[[str], type[BaseSpec]], judge: JudgeSpec) -> BaseSpec:
    """The spec of a source, judged by shape and by every rule that the spec alone tells; SpecError has all problems."""
    problems = _spread_servers(source)
    platform = source.data.get("platform", "oracle_vm")
    try:
        model = model_of(str(platform))
    except SpecError as error:
        raise SpecError(
            [source.problem(("platform",), each.message, each.fix) for each in error.problems]
        ) from error
    if source.file and not any(key in model.model_fields for key in source.data):
        what = "this is no pool description: it has none of its keys"
        raise SpecError([source.problem((), what, "see `poolwright schema`")])
    spec, shape = _validate(source, model)
    problems += shape
    wrong = {problem.field for problem in problems}
    if spec is not None:
        for found in judge(spec):
            if not _touches(found.field, wrong):
                problems.append(source.problem(_loc(found.field), found.message, found.fix, found.rule))
    if problems:
        raise SpecError(sorted(problems, key=lambda each: (each.line, each.column, each.field)))
    assert spec is not None  # noqa: S101 - no problems means the model was built
    return spec


def problems(
    data: Mapping[str, Any], model_of: Callable[[str], type[BaseSpec]], judge: JudgeSpec
) -> tuple[SpecProblem, ...]:
    """What is wrong with unfinished data, field by field; empty when it is a spec."""
    try:
        parse(data, model_of, judge)
    except SpecError as error:
        return error.problems
    return ()


def parse(data: Mapping[str, Any], model_of: Callable[[str], type[BaseSpec]], judge: JudgeSpec) -> BaseSpec:
    """The same for data that no file holds (the wizard's answers)."""
    return build(Source("", dict(data)), model_of, judge)


def dump(spec: BaseSpec) -> str:
    """The spec as YAML, without what is default; reading it again gives an equal spec."""
    data = _escaped(spec.model_dump(mode="json", exclude_defaults=True))
    servers = data.get("servers", [])
    data["servers"] = [each["address"] if set(each) == {"address"} else each for each in servers]
    out = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(data, out)
    return out.getvalue()


def _escaped(value: Any) -> Any:
    """Text with unprintable characters, in double quotes: only there YAML can escape them (U+0085 ends a line)."""
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not value.isprintable() else value


def schema(model: type[BaseSpec]) -> dict[str, Any]:
    """JSON Schema of the file: a server may also be a bare name or range."""
    made = model.model_json_schema()
    target = made["$defs"]["ServerTarget"]
    target["properties"]["address"].pop("pattern")  # a range stands for several names; each is judged
    made["$defs"]["ServerTarget"] = {
        "anyOf": [
            {"type": "string", "description": "address, name, or range such as ovs[01-16].example.com"},
            target,
        ]
    }
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return made
