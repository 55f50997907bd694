"""The spec file: everything wrong at once, each with its place; what is right survives the way out and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import SpecError, SpecProblem
from core.models.spec import BaseSpec
from core.platforms.oracle_vm.spec import KEYMAPS, PoolSpec
from core.spec_file import build, dump, parse, problems, schema
from core.yaml_file import field_name, read_file, read_text
from tests.examples import examples

GOOD = """\
manager: {host: ovmm.example.com}
pool:
  name: prod-pool
  virtual_ip: 192.0.2.100
  keymap: No
  file_system: {kind: nfs, server: nas, export: /pool}
servers:
  - ovs[01-03].example.com
  - address: ovs9
    connect: {agent: "127.0.0.1:3"}
release: 3.4
"""


def model_of(name: str) -> type[BaseSpec]:
    if name != "oracle_vm":
        raise SpecError([SpecProblem("platform", "no such platform")])
    return PoolSpec


def no_rules(spec: BaseSpec) -> list[SpecProblem]:
    return []


def load(text: str) -> PoolSpec:
    spec = build(read_text(text, "pool.yaml"), model_of, no_rules)
    assert isinstance(spec, PoolSpec)
    return spec


def wrong(text: str) -> dict[str, SpecProblem]:
    with pytest.raises(SpecError) as caught:
        load(text)
    return {problem.field: problem for problem in caught.value.problems}


def test_a_good_file_becomes_a_spec() -> None:
    spec = load(GOOD)
    assert spec.server_names == ("ovs01.example.com", "ovs02.example.com", "ovs03.example.com", "ovs9")
    assert spec.pool.keymap == "No"
    assert spec.release == "3.4"
    assert spec.servers[3].connect == {"agent": "127.0.0.1:3"}


def test_every_problem_is_told_at_once_with_its_place() -> None:
    found = wrong(
        "manager: {host: m, prt: 3}\n"
        "pool:\n"
        "  name: p\n"
        "  timeout_s: soon\n"
        "  file_system: {kind: nfs, server: n, exprt: /x}\n"
        "servers:\n"
        "  - ovs[03-01]\n"
        "  - {address: ovs9, connct: {}}\n"
    )
    assert str(found["manager.prt"]).startswith(
        "pool.yaml:1:20: manager.prt: there is no key 'prt'; did you mean 'port'?"
    )
    assert (found["pool.timeout_s"].line, found["pool.timeout_s"].column) == (4, 3)
    assert "whole number" in found["pool.timeout_s"].message
    assert "did you mean 'export'" in found["pool.file_system.exprt"].fix
    assert found["pool.file_system.export"].message == "is required"
    assert "backwards" in found["servers[0]"].message
    assert (found["servers[0].connct"].line, found["servers[0].connct"].fix) == (8, "did you mean 'connect'?")


@pytest.mark.parametrize(
    ("text", "field", "fix"),
    [
        ("  keymap: No", "pool.release", "'release' belongs at the top level of the file"),
        ("release: 3.4", "virtual_ip", "'virtual_ip' belongs below 'pool'"),
        ("release: 3.4", "export", "'export' belongs below 'pool.file_system'"),
        ("  keymap: No", "pool.Keymap", "did you mean 'keymap'?"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(text: str, field: str, fix: str) -> None:
    key = ("  " if "." in field else "") + field.rpartition(".")[2]
    assert wrong(GOOD.replace(text, f"{text}\n{key}: x"))[field].fix == fix


SHADOW = "root:*:20228:0:99999:7::\njo:$6$salty$hash.of/it:20228:0:99999:7::\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (SHADOW.replace(":\n", ": \n"), 1),
        (SHADOW.replace("\n", " \n"), 1),
        (GOOD + SHADOW.replace(":\n", ": \n"), 2),
        (GOOD + SHADOW.replace(":\n", ": \n") * 2, 1),
        (f"a: *{SHADOW[30:44]}\n", 1),
        (GOOD + "".join(f"{'x' * 41}{at}: \n" for at in range(90)), 21),
    ],
)
def test_another_file_does_not_spill_its_content(text: str, count: int) -> None:
    with pytest.raises(SpecError) as caught:
        load(text)
    assert len(caught.value.problems) == count
    for part in ("20228", "99999", "salty", "hash", "x" * 41):
        assert part not in str(caught.value)


def test_what_has_none_of_our_keys_is_one_problem() -> None:
    (problem,) = wrong("image: nginx\nports: [80]\nvolumes: []\n").values()
    assert "this is no pool description" in problem.message


def test_rules_are_judged_even_where_the_shape_is_wrong() -> None:
    def rule(spec: BaseSpec) -> list[SpecProblem]:
        assert isinstance(spec, PoolSpec)
        bad = spec.pool.keymap not in KEYMAPS
        return [SpecProblem("pool.keymap", f"{spec.pool.keymap} is no keymap", rule="R097")] if bad else []

    text = GOOD.replace("keymap: No", "keymap: klingon").replace("release: 3.4", "realease: 3.4")
    with pytest.raises(SpecError) as caught:
        build(read_text(text, "pool.yaml"), model_of, rule)
    assert [problem.field for problem in caught.value.problems] == ["pool.keymap", "realease"]
    assert caught.value.problems[0].line == 5
    assert str(caught.value.problems[0]).endswith("[R097]")


@pytest.mark.parametrize("key", ["password", "agent_password", "token", "secret"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(key: str) -> None:
    found = wrong(GOOD.replace("  name: prod-pool", f"  name: prod-pool\n  {key}: hunter2"))
    assert "secrets are never in the file" in found[f"pool.{key}"].message
    assert "hunter2" not in str(found[f"pool.{key}"])


MULTIPLYING = "b0: &b0 [1]\n" + "".join(
    f"b{level}: &b{level} [{', '.join([f'*b{level - 1}'] * 10)}]\n" for level in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a\n", "is not a mapping"),
        ("a: [1\n", "cannot be read as YAML"),
        ("a: 1\na: 2\n", "cannot be read as YAML"),
        ("a: !!python/object:os.system x\n", "carries a tag"),
        ("", "is empty"),
        ("x: \x00\n", "cannot be read as YAML"),
        (MULTIPLYING, "too much"),
        ("#" * 1_100_000, "larger than"),
    ],
)  # fmt: skip
def test_what_is_no_spec_gets_a_clear_error(text: str, why: str) -> None:
    with pytest.raises(SpecError, match=why):
        load(text)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no such file"):
        read_file(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="UTF-8"):
        read_file(binary)


def test_an_unknown_platform_is_told_at_its_line() -> None:
    found = wrong(GOOD + "platform: vsphere\n")
    assert found["platform"].line == 12


NAMES = st.from_regex(r"\A[a-z]([a-z0-9-]{0,20}[a-z0-9])?\Z")


@examples(200)
@example(name="a", servers=["a"], timeout=0, comment="\x85", clustered=False)
@example(name="a", servers=["a"], timeout=0, comment="x\u2028\ufeff\n \x7f", clustered=False)
@given(
    name=NAMES,
    servers=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    timeout=st.integers(0, 400),
    comment=st.text(max_size=30),
    clustered=st.booleans(),
)
def test_what_is_written_reads_back_equal(
    name: str, servers: list[str], timeout: int, comment: str, clustered: bool
) -> None:
    spec = PoolSpec.model_validate(
        {
            "manager": {"host": "m"},
            "pool": {
                "name": name, "timeout_s": timeout, "clustered": clustered,
                "file_system": {"kind": "lun", "wwid": "36000"},
            },
            "servers": [{"address": each, "comment": comment} for each in servers],
        }
    )  # fmt: skip
    assert build(read_text(dump(spec), "again.yaml"), model_of, no_rules) == spec


@examples(150)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(SpecError):  # no such text has the three required keys
        load(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@examples(150)
@given(
    st.dictionaries(
        st.sampled_from(["manager", "pool", "servers", "ssh", "waivers", "platform", "jump"]), JSON
    )
)
def test_no_data_breaks_the_judgement(data: dict[str, object]) -> None:
    if not problems(data, model_of, no_rules):
        assert parse(data, model_of, no_rules).servers


def test_the_schema_lets_a_server_be_a_name() -> None:
    made = schema(PoolSpec)
    assert made["$defs"]["ServerTarget"]["anyOf"][0]["type"] == "string"
    assert made["additionalProperties"] is False


def test_fields_are_written_as_people_write_them() -> None:
    assert field_name(("servers", 2, "connect")) == "servers[2].connect"
    assert field_name(()) == "the file"


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("203.0.113.999", "is no IP address"),
        ("ovs 7", "neither an IP address nor a host name"),
        ("-oProxyCommand=x", "neither an IP address nor a host name"),
        ("a;b", "neither an IP address nor a host name"),
        ("", "must not be empty"),
        ("a" * 300, "neither an IP address nor a host name"),
    ],
)
def test_what_is_no_address_is_bad_input(server: str, why: str) -> None:
    text = GOOD.replace("- ovs[01-03].example.com", f'- {{address: "{server}"}}')
    found = wrong(text)["servers[0].address"]
    assert why in found.message
    assert (found.line, found.column > 1) == (8, True)


@pytest.mark.parametrize(
    "server", ["203.0.113.9", "ovs_1", "ovs1.example.com.", "2001:db8::1", "1ovs", "10ge"]
)
def test_addresses_and_names_of_every_kind(server: str) -> None:
    text = GOOD.replace("- ovs[01-03].example.com", f'- {{address: "{server}"}}')
    assert load(text).server_names[0] == server


@pytest.mark.parametrize("tunnel", ["foo", "a:b", "a:0", "a:99999", ":22", "a b:22", "[::1:22"])
def test_a_tunnel_is_host_and_port(tunnel: str) -> None:
    found = wrong(GOOD.replace("127.0.0.1:3", tunnel))
    assert list(found) == ["servers[3].connect.agent"]


def test_an_export_is_an_absolute_path() -> None:
    found = wrong(GOOD.replace("/pool}", "pool}"))
    assert "no absolute path" in found["pool.file_system.export"].message


def test_a_part_that_lacks_something_does_not_hide_the_other_rules() -> None:
    def judge(spec: BaseSpec) -> list[SpecProblem]:
        return [
            SpecProblem("pool.name", "is bad"),
            SpecProblem("pool.file_system", "is needed"),
            SpecProblem("servers", "are too many"),
        ]

    text = GOOD.replace(", export: /pool", "").replace("ovs[01-03]", "ovs[3-1]")
    with pytest.raises(SpecError) as caught:
        build(read_text(text, "pool.yaml"), model_of, judge)
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"pool.file_system.export", "pool.name", "servers", "servers[0]"}
