"""The report in its four forms, and the two commands."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typing_extensions import override

from core.cli.main import main
from core.cpu import whatif
from core.cpu.fleet import Fleet, read
from core.cpu.parse import CpuFormatError
from core.cpu.pool import Memory
from core.cpu.verdict import Guest
from core.models.cpu import CpuProfile
from core.models.facts import Fact, ServerFacts
from core.models.fleet import FleetFacts
from core.reports import compat_build, compat_document
from core.reports.compat_html import compat_html
from core.reports.compat_svg import compat_svg
from core.reports.compat_text import compat_text

from .samples import HASWELL, SKYLAKE, cpuinfo, server

NO_AES = HASWELL.replace(" aes ", " ")
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\x1b[2J"


def small() -> Fleet:
    """Three servers of one group, one of another, one unreadable, one with a name that bites."""
    fleet = Fleet()
    for name, profile in (
        ("ovs01", server(HASWELL)),
        ("ovs02", server(HASWELL)),
        ("ovs03", server(NO_AES)),
        ("ovs04", server(SKYLAKE, model=85, stepping=7, microcode="0x5002f01")),
        (HOSTILE, server(HASWELL, name=HOSTILE)),
    ):
        fleet.memory[fleet.add(name, profile, "test")] = Memory(262_144, 131_072)
    fleet.add("silent", None, reason="no answer within 20 s")
    return fleet


def test_json_has_the_documented_shape() -> None:
    data = compat_document.document(compat_build.report(small()))
    json.dumps(data)
    assert data["schema"] == "poolwright.compat/1"
    assert {"servers", "groups", "cells", "sets", "partition", "baseline", "drag"} <= set(data)
    for item in data["servers"]:
        assert {"name", "class", "vendor", "family", "model", "stepping", "generation", "flags"} <= set(item)
    silent = next(item for item in data["servers"] if item["name"] == "silent")
    assert (silent["vendor"], silent["flags"], silent["generation"]) == (None, [], "unknown")
    classes = {item["class"] for item in data["servers"]}
    assert {(cell["from"], cell["to"], cell["guest"]) for cell in data["cells"]} == {
        (a, b, guest) for a in classes for b in classes for guest in ("pv", "pvhvm", "hvm")
    }
    assert {cell["verdict"] for cell in data["cells"]} == {"allowed", "refused", "fails", "unknown"}
    lost = next(cell for cell in data["cells"] if cell["missing"] == ["aes"])
    why = data["reasons"][lost["reason"]]
    assert (why["origins"], why["manager"], lost["rows"][0]) == ({"aes": "bios"}, "allows", "C08")
    assert "lost: aes" in why["text"]
    assert {cell["reason"] for cell in data["cells"]} == set(range(len(data["reasons"])))
    assert data["flags"]["aes"].startswith("AES instructions")


def test_expanded_cells_are_between_servers_and_limited() -> None:
    fleet = small()
    data = compat_document.document(compat_build.report(fleet, [Guest.PV]), expand=True)
    names = list(fleet.profiles)
    assert [(cell["from"], cell["to"]) for cell in data["cells"]] == [
        (a, b) for a in names for b in names if a != b
    ]
    many = Fleet(profiles={f"s{number}": server(HASWELL) for number in range(65)})
    with pytest.raises(compat_build.CompatInputError, match="goes up to 64"):
        compat_document.document(compat_build.report(many), expand=True)


def test_text_fits_80_columns_and_says_why() -> None:
    text = compat_text(compat_build.report(small()))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    for words in (
        "aes = AES instructions",
        "likely bios",
        "x refused",
        "fewest pools that work: 4",
        "no answer within 20 s",
    ):
        assert words in re.sub(r"\s+", " ", text), words


def test_text_of_many_classes_still_fits() -> None:
    many = Fleet(
        profiles={f"server-with-a-long-name-{n}.example.com": server(HASWELL, model=n) for n in range(90)}
    )
    text = compat_text(compat_build.report(many, [Guest.PV]))
    assert max(len(line) for line in text.splitlines()) <= 80


class _Page(HTMLParser):
    """Every element with its attributes, and the texts of style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_is_self_contained_escaped_and_locked_down() -> None:
    text = compat_html(compat_build.report(small()))
    page = _Page()
    page.feed(text)
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == names.count("style") == 1
    assert not set(names) & {"img", "link", "iframe", "object", "form", "a", "base"}
    for tag, attributes in page.tags:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "src", "href")], tag
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    cells = [attributes for tag, attributes in page.tags if attributes.get("role") == "gridcell"]
    assert len(cells) == 3 * 5 * 5  # five classes, three guest kinds
    assert all(cell["aria-label"] for cell in cells)
    assert [cell["tabindex"] for cell in cells].count("0") == 3  # one tab stop a map, arrows inside


def test_svg_is_well_formed_and_escaped() -> None:
    text = compat_svg(compat_build.report(small()))
    root = ET.fromstring(text)
    titles = [node.text or "" for node in root.iter() if node.tag.endswith("title")]
    assert len(titles) == 3 * 5 * 5
    assert any("C08" in title for title in titles)
    assert not [node for node in root.iter() if node.tag.endswith("script")]


def test_a_what_if_is_part_of_every_report() -> None:
    fleet = small()
    after = whatif.apply(fleet.profiles, whatif.Change(gain={"ovs03": ["aes"]}))
    found = compat_build.report(Fleet(profiles=after))
    found.difference = whatif.compare(fleet.profiles, after)
    assert compat_document.document(found)["what_if"]["count"] > 0
    assert "ovs01 > ovs03 pv: fails -> allowed" in compat_text(found)


def _facts(profile: CpuProfile | None, name: str) -> ServerFacts:
    return ServerFacts(
        name=name,
        address="203.0.113.1",
        cpu=Fact(value=profile, missing=None) if profile else Fact(missing="login refused"),
        memory_mib=Fact(value=1024, missing=None),
        free_memory_mib=Fact(value=512, missing=None),
        release=Fact(value="3.4.6-2105", missing=None),
    )


def test_collected_facts_are_read_whatever_their_platform_adds() -> None:
    facts = FleetFacts(servers={"a": _facts(server(HASWELL), "a"), "b": _facts(None, "b")})
    data = json.loads(facts.model_dump_json())
    data["manager_only"] = {"x": 1}
    data["servers"]["a"]["cpu"]["value"]["a_future_field"] = 1
    fleet = read(json.dumps(data), "unnamed")
    profile = fleet.profiles["a"]
    assert profile is not None
    assert (profile.flags, profile.platform_release) == (server(HASWELL).flags, "3.4.6-2105")
    assert (fleet.profiles["b"], fleet.reasons["b"]) == (None, "login refused")
    assert fleet.memory["a"] == Memory(1024, 512)


def test_groups_are_read_from_a_controllers_lists_and_from_its_servers() -> None:
    """3.3 and later list the groups; 3.2 only names one on each server."""
    facts = FleetFacts(servers={"a": _facts(server(HASWELL), "a"), "b": _facts(server(HASWELL), "b")})
    data = json.loads(facts.model_dump_json())
    data["servers"]["a"]["server_uuid"] = {"value": "00:0a", "missing": None}
    data["servers"]["b"]["address"] = "203.0.113.2"
    rows = [
        {"id": "00:0a", "name": "x", "cpu_group": "Default_Intel_F6_M62"},
        {"id": "9", "address": "203.0.113.2"},
    ]
    custom = {"id": "c1", "name": "custom", "servers": ["00:0a", "9", "nobody"]}
    data["manager"] = {
        "servers": {"value": rows, "missing": None},
        "cpu_groups": {"value": [custom], "missing": None},
    }
    found = read(json.dumps(data), "unnamed")
    assert found.reading.members == {"Default_Intel_F6_M62": ["a"], "c1": ["a", "b"]}
    mismatches = compat_document.document(compat_build.report(found))["group_mismatches"]
    assert mismatches == [
        {"server": "a", "predicted": "Default_Intel_F6_M63", "actual": "Default_Intel_F6_M62"}
    ]


def test_one_server_and_one_profile_are_read_as_well() -> None:
    assert list(read(_facts(server(HASWELL), "a").model_dump_json(), "x").profiles) == ["a"]
    assert list(read(server(HASWELL).model_dump_json(), "x").profiles) == ["x"]
    with pytest.raises(CpuFormatError, match="flags is not as expected"):
        read('{"flag_source": "cpuinfo", "flags": 5}', "x")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    found = {}
    for name, flags in (("ovs01", HASWELL), ("ovs02", NO_AES)):
        path = tmp_path / f"{name}.txt"
        path.write_text(cpuinfo(flags), encoding="utf-8")
        found[name] = str(path)
    facts = tmp_path / "facts.json"
    servers = {
        name: _facts(server(flags), name) for name, flags in (("v3", HASWELL), ("v3b.example.com", NO_AES))
    }
    servers["v4"] = _facts(server(HASWELL, model=79), "v4")
    facts.write_text(FleetFacts(servers=servers).model_dump_json(), encoding="utf-8")
    return {**found, "facts": str(facts)}


def test_compat_answers_offline(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compat", "--cpuinfo", files["ovs01"], files["ovs02"], "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in data["servers"]] == ["ovs01", "ovs02"]
    (group,) = data["groups"]
    assert (group["id"], group["name"]) == ("Default_Intel_F6_M63", "Default_Intel_Family:6_Model:63")
    assert sorted(group["servers"]) == ["ovs01", "ovs02"]


def test_a_description_that_cannot_be_read_is_a_server_that_is_not_known(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    garbage = tmp_path / "silent.txt"
    garbage.write_text("Connection refused\n", encoding="utf-8")
    assert main(["compat", "--cpuinfo", files["ovs01"], str(garbage), "--json", "--expand"]) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert {cell["verdict"] for cell in data["cells"]} == {"unknown"}
    assert "silent.txt" in captured.err
    assert main(["compat", "--cpuinfo", str(garbage)]) == 2


@pytest.mark.parametrize(
    ("form", "start"), [("--html", "<!DOCTYPE html>"), ("--svg", "<svg "), ("--guest=kvm", "Processors")]
)
def test_compat_has_every_form(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], form: str, start: str
) -> None:
    assert main(["compat", "--facts", files["facts"], "--cpuinfo", files["ovs01"], form]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_compat_what_if(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "compat",
        "--cpuinfo",
        files["ovs01"],
        files["ovs02"],
        "--json",
        "--guest",
        "pv",
        "--what-if-gain",
        "ovs02=aes",
    ]
    assert main(arguments) == 0
    turns = json.loads(capsys.readouterr().out)["what_if"]["turns"]
    assert turns == [{"from": "ovs01", "to": "ovs02", "guest": "pv", "before": "fails", "after": "allowed"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["compat"],
        ["compat", "--cpuinfo", "/nonexistent"],
        ["compat", "--cpuinfo", "{ovs01}", "--what-if-remove", "nobody"],
        ["compat", "--cpuinfo", "{ovs01}", "--what-if-gain", "ovs01"],
        ["compat", "--cpuinfo", "{ovs01}", "--what-if-add", "{ovs01}"],
        ["migrate-check", "p", "--from", "a", "--to", "b", "--facts", "{facts}"],
        ["migrate-check", "p", "--from", "v3", "--to", "v4", "--facts", "{facts}", "--groups", "{ovs01}"],
    ],
)
def test_bad_input_is_exit_2_and_says_what_to_do(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main([argument.format(**files) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "cannot" in captured.err


@pytest.mark.parametrize(
    ("source", "target", "code", "refused", "row"),
    [("v3b", "v3", 0, False, "C07"), ("v3", "v3b", 1, False, "C08"), ("v3", "v4", 1, True, "C04")],
)
def test_migrate_check_answers(
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    source: str,
    target: str,
    code: int,
    refused: bool,
    row: str,
) -> None:
    arguments = ["migrate-check", "pool1", "--from", source, "--to", target, "--facts", files["facts"]]
    assert main([*arguments, "--json"]) == code
    data = json.loads(capsys.readouterr().out)
    assert (data["refused"], data["rows"][0]["id"]) == (refused, row)
    assert main(arguments) == code
    assert row in capsys.readouterr().out


def test_migrate_check_takes_managers_groups(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    groups = tmp_path / "groups.json"
    groups.write_text(json.dumps([{"id": "custom", "servers": ["v3", "v4"]}]), encoding="utf-8")
    arguments = [
        "migrate-check",
        "p",
        "--from",
        "v3",
        "--to",
        "v4",
        "--facts",
        files["facts"],
        "--groups",
        str(groups),
    ]
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["refused"], data["rows"][0]["id"], data["shared_groups"]) == (False, "C24", ["custom"])
