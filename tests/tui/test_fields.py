"""Forms are made from metadata alone; answers and spec data turn into each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from core.models.base import Frozen
from core.models.spec import meta
from core.platforms.oracle_vm.platform import SECTIONS
from core.platforms.oracle_vm.spec import PoolSpec
from tests.tui.fakes import SPEC
from tui.answers import Answers
from tui.fields import FormField, build, compose, flatten, is_shown

FIELDS = tuple(
    field for section in SECTIONS for field in build(PoolSpec, section.fields) if "servers" not in field.path
)


def field(path: str) -> FormField:
    return next(each for each in FIELDS if each.path == path)


def test_metadata_becomes_the_form() -> None:
    timeout = field("pool.timeout_s")
    assert (timeout.label, timeout.unit, timeout.kind, timeout.default) == (
        "Cluster timeout",
        "s",
        "int",
        "120",
    )
    assert "R044" in timeout.rule
    assert field("pool.keymap").choices[0] == "en-us"
    assert field("pool.start_policy").choices == ("CURRENT_SERVER", "BEST_SERVER", "BALANCE_SERVER")
    assert field("pool.clustered").kind == "bool"
    assert field("pool.roles").kind == "list"
    assert field("release").choices == ("", "3.2", "3.3", "3.4")
    assert field("manager.host").is_required
    assert field("manager.connect").is_advanced


def test_a_part_with_variants_has_one_choice_and_the_inputs_of_each() -> None:
    kind = field("pool.file_system")
    assert (kind.kind, kind.choices, kind.key) == ("variant", ("none", "nfs", "lun"), "kind")
    assert field("pool.file_system.export").when == (("pool.file_system", "nfs"),)
    assert not is_shown(field("pool.file_system.wwid"), {"pool.file_system": "nfs"})


def test_an_optional_part_is_asked_for_first() -> None:
    assert field("jump").kind == "group"
    assert field("jump.host").when == (("jump", "yes"),)


def test_spec_data_survives_the_form() -> None:
    assert compose(SPEC, flatten(SPEC, FIELDS), FIELDS) == {**SPEC, "ssh": {}}
    assert PoolSpec.model_validate(compose(SPEC, flatten(SPEC, FIELDS), FIELDS)) == PoolSpec.model_validate(
        SPEC
    )


def test_what_the_form_does_not_know_stays() -> None:
    data = {**SPEC, "waivers": [{"check": "x", "reason": "because", "who": "me", "until": "2030-01-01"}]}
    assert compose(data, flatten(data, FIELDS), FIELDS)["waivers"] == data["waivers"]


def test_switching_a_variant_replaces_its_data_and_back_again() -> None:
    flat = flatten(SPEC, FIELDS)
    flat["pool.file_system"] = "lun"
    flat["pool.file_system.wwid"] = "36000d31000"
    assert compose(SPEC, flat, FIELDS)["pool"]["file_system"] == {"kind": "lun", "wwid": "36000d31000"}
    flat["pool.file_system"] = "none"
    assert "file_system" not in compose(SPEC, flat, FIELDS)["pool"]
    flat["pool.file_system"] = "nfs"
    assert compose(SPEC, flat, FIELDS)["pool"]["file_system"] == SPEC["pool"]["file_system"]


@pytest.mark.parametrize(
    ("path", "answer", "value"),
    [
        ("pool.timeout_s", "90", 90),
        ("pool.timeout_s", "ninety", "ninety"),  # kept as typed: the model says what is wrong
        ("pool.clustered", "no", False),
        ("pool.roles", "vm", ["vm"]),
        ("pool.roles", "vm; utility".replace(";", ","), None),  # the default is left out
        ("pool.name", "  p1 ", "p1"),
        ("pool.name", "", None),
    ],
)
def test_answers_become_values(path: str, answer: str, value: Any) -> None:
    made = compose({}, {**flatten({}, FIELDS), path: answer}, FIELDS)
    assert made.get("pool", {}).get(path.rpartition(".")[2]) == value


@given(st.dictionaries(st.sampled_from([each.path for each in FIELDS]), st.text(max_size=12), max_size=8))
def test_any_answers_become_data_and_never_crash(flat: dict[str, str]) -> None:
    answers = Answers(SPEC)
    answers.use_fields(FIELDS)
    for path, value in flat.items():
        answers.set(path, value)
    again = Answers.from_json(answers.to_json())
    again.use_fields(FIELDS)
    assert again.data == answers.data


def test_another_platform_brings_its_own_form() -> None:
    class Disk(Frozen):
        size_gib: int = Field(default=10, title="Size", json_schema_extra=meta(unit="GiB"))

    class Other(Frozen):
        zone: str = Field(title="Zone", description="where")
        disk: Disk = Field(default=Disk(), title="Disk")

    made = build(Other, ("zone", "disk", "nowhere.at.all"))
    assert [(each.path, each.unit, each.is_required) for each in made] == [
        ("zone", "", True),
        ("disk.size_gib", "GiB", False),
    ]
