"""Forms from the metadata of a spec's fields: label, help, unit, rule, choices. Knows no platform and no widget."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

NONE = "none"  # the choice that leaves an optional part out
YES, NO = "yes", "no"
Flat = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a form. Every answer is text: `yes`/`no`, a choice, a number as typed, a list with commas.

    kind: text, int, bool, choice, list; `group` and `variant` say whether, or in which form, a part exists.
    `when`: shown only while the answer at that path is that value. `key`: the member that names a variant.
    """

    path: str
    label: str
    help: str
    kind: str
    default: str = ""
    choices: tuple[str, ...] = ()
    is_required: bool = False
    unit: str = ""
    rule: str = ""
    is_advanced: bool = False
    when: tuple[tuple[str, str], ...] = ()
    key: str = ""

    @property
    def name(self) -> str:
        """The last word of the path; variants share a path, so the condition tells them apart."""
        return "--".join([self.path, *(value for _path, value in self.when)]).replace(".", "-")


def build(model: type[BaseModel], paths: Iterable[str]) -> list[FormField]:
    """The inputs for dotted paths; a path that names a part of the spec brings all inputs of that part."""
    made: dict[str, FormField] = {}
    for path in paths:
        info = _resolve(model, path)
        for field in _expand(path, info, ()) if info is not None else ():
            made.setdefault(field.name, field)
    return list(made.values())


def _resolve(model: type[BaseModel], path: str) -> FieldInfo | None:
    """Metadata of the field a path names, None when it leads nowhere."""
    current: type[BaseModel] | None = model
    info: FieldInfo | None = None
    for part in path.split("."):
        if current is None or part not in current.model_fields:
            return None
        info = current.model_fields[part]
        models = [each for each in _members(info.annotation) if _is_model(each)]
        current = models[0] if len(models) == 1 else None
    return info


def _members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation, without None and Annotated."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(inner for each in get_args(annotation) for inner in _members(each))
    return () if annotation is type(None) else (annotation,)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_optional(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_optional(get_args(annotation)[0])
    return annotation is type(None) or (
        get_origin(annotation) in (Union, types.UnionType)
        and any(_is_optional(each) for each in get_args(annotation))
    )


def _expand(path: str, info: FieldInfo, when: tuple[tuple[str, str], ...]) -> Iterator[FormField]:
    members = _members(info.annotation)
    models = [each for each in members if _is_model(each)]
    if not models:
        yield _leaf(path, info, members, when)
    elif len(models) == 1:
        if _is_optional(info.annotation):
            yield _field(path, info, "group", when, default=NO, choices=(YES, NO))
            when = (*when, (path, YES))
        yield from _inside(path, models[0], when, skip="")
    else:
        yield from _variants(path, info, models, when)


def _variants(
    path: str, info: FieldInfo, models: Sequence[type[BaseModel]], when: tuple[tuple[str, str], ...]
) -> Iterator[FormField]:
    key, named = _tags(models)
    choices = ((NONE,) if _is_optional(info.annotation) else ()) + tuple(named)
    yield _field(path, info, "variant", when, default=choices[0], choices=choices, key=key)
    for tag, model in named.items():
        yield from _inside(path, model, (*when, (path, tag)), skip=key)


def _tags(models: Sequence[type[BaseModel]]) -> tuple[str, dict[str, type[BaseModel]]]:
    """The member that tells the variants apart, and the model of each of its values."""
    for name, info in models[0].model_fields.items():
        if get_origin(info.annotation) is Literal and all(name in model.model_fields for model in models):
            return name, {str(get_args(model.model_fields[name].annotation)[0]): model for model in models}
    return "", {model.__name__: model for model in models}


def _inside(
    path: str, model: type[BaseModel], when: tuple[tuple[str, str], ...], *, skip: str
) -> Iterator[FormField]:
    for name, info in model.model_fields.items():
        if name != skip:
            yield from _expand(f"{path}.{name}", info, when)


def _extra(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _field(
    path: str, info: FieldInfo, kind: str, when: tuple[tuple[str, str], ...], **more: Any
) -> FormField:
    extra = _extra(info)
    return FormField(
        path=path,
        label=info.title or path.rsplit(".", 1)[-1].replace("_", " "),
        help=info.description or "",
        kind=kind,
        is_required=info.is_required(),
        unit=str(extra.get("unit", "")),
        rule=str(extra.get("rule", "")),
        is_advanced=bool(extra.get("advanced")),
        when=when,
        **more,
    )


def _leaf(
    path: str, info: FieldInfo, members: tuple[Any, ...], when: tuple[tuple[str, str], ...]
) -> FormField:
    first = members[0] if members else str
    choices = tuple(str(each) for each in _extra(info).get("choices", ()))
    if isinstance(first, type) and issubclass(first, Enum):
        choices = tuple(str(each.value) for each in first)
    elif get_origin(first) is Literal:
        choices = tuple(str(each) for each in get_args(first))
    default = info.get_default(call_default_factory=True, validated_data={})
    text = "" if default is PydanticUndefined else to_text(default)
    if choices:
        optional = ("",) if _is_optional(info.annotation) else ()
        return _field(path, info, "choice", when, default=text, choices=optional + choices)
    if first is bool:
        return _field(path, info, "bool", when, default=text or NO, choices=(YES, NO))
    kind = "int" if first is int else "list" if get_origin(first) in (tuple, list, frozenset) else "text"
    return _field(path, info, kind, when, default=text)


def to_text(value: Any) -> str:
    """A value of the spec as it stands in an input."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(to_text(each) for each in value)
    return str(value)


def is_shown(field: FormField, flat: Flat) -> bool:
    """Does this input exist under the present answers?"""
    return all(flat.get(path) == value for path, value in field.when)


def get_at(data: Any, path: str) -> Any:
    """The value at a dotted path, None where a part is absent."""
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def flatten(data: Mapping[str, Any], fields: Iterable[FormField]) -> dict[str, str]:
    """The answers that a spec's data holds, defaults where it holds none (and for inputs that are hidden)."""
    flat: dict[str, str] = {}
    for field in fields:
        if not is_shown(field, flat):
            flat.setdefault(field.path, field.default)
            continue
        value = get_at(data, field.path)
        if field.kind == "variant":
            flat[field.path] = (
                str(value.get(field.key, NONE)) if isinstance(value, Mapping) else field.default
            )
        elif field.kind == "group":
            flat[field.path] = YES if value is not None else NO
        else:
            flat[field.path] = field.default if value is None else to_text(value)
    return flat


def compose(base: Mapping[str, Any], flat: Flat, fields: Sequence[FormField]) -> dict[str, Any]:
    """Spec data from answers, on top of what the base holds beyond the forms; empty answers are left out."""
    data = deepcopy(dict(base))
    for field in fields:
        if field.kind in ("variant", "group") and is_shown(field, flat):
            _put_part(data, field, flat.get(field.path, field.default))
    for field in fields:
        if field.kind not in ("variant", "group") and is_shown(field, flat):
            _put(data, field.path, _value(field, flat.get(field.path, field.default)))
    return data


def _put_part(data: dict[str, Any], field: FormField, answer: str) -> None:
    if answer in (NONE, NO):
        _put(data, field.path, None)
        return
    old = get_at(data, field.path)
    kept = dict(old) if isinstance(old, Mapping) else {}
    if field.kind == "variant":
        kept = {field.key: answer} if kept.get(field.key) != answer else kept
    _put(data, field.path, kept)


def _value(field: FormField, answer: str) -> Any:
    text = answer.strip()
    if text == "" or (text == field.default and not field.is_required):
        return None
    if field.kind == "bool":
        return text == YES
    if field.kind == "list":
        return [part for part in text.replace(",", " ").split() if part]
    if field.kind == "int":
        return int(text) if text.isascii() and text.lstrip("-").isdigit() else text
    return text


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set, or with None remove, the value at a dotted path."""
    *parents, last = path.split(".")
    for part in parents:
        inner = data.get(part)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = data[part] = {}
        data = inner
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value


def explain(field: FormField) -> str:
    """The help of one input: what it is, its unit, its choices, the rule behind it."""
    parts = [f"{field.label}: {field.help}" if field.help else field.label]
    if field.unit:
        parts.append(f"unit: {field.unit}")
    if field.default:
        parts.append(f"default: {field.default}")
    if field.kind == "list":
        parts.append("several: commas between")
    if field.choices:
        parts.append("left/right changes it")
    if field.rule:
        parts.append(f"rule {field.rule}")
    return " · ".join(parts)
