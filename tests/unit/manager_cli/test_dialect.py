"""Command texts per release, and what may never stand in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadReply, SecretError, SpecError
from core.lab.manager.dialects import dialect_of as lab_dialect_of
from core.platforms.oracle_vm.manager_cli import allow_list
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import (
    NFS_PLUGIN,
    SCSI_PLUGIN,
    Dialect,
    NoSuchWordError,
    dialect_of,
)
from core.platforms.oracle_vm.spec import AgentAccess, LunFileSystem, Policy, PolicyMode, PoolSettings
from core.secrets import Secrets

SERVER = "03:aa:02:fc:04:14:05:e3:f5:06:de:07:00:08:00:09"
OTHER = "03:aa:02:fc:04:14:05:e3:f5:06:de:07:00:08:00:0a"
POOL, FS, LUN = "0004fb0000020000b5995e9c15a0a4a5", "0004fb0000050000aa", "0004fb0000180000bb"
RELEASES = ("3.2", "3.3", "3.4")
SETTINGS = PoolSettings(name="pool1", virtual_ip="203.0.113.200", timeout_s=90, description="a (b), c")


def every_command(dialect: Dialect) -> list[Command]:
    lun = LunFileSystem(transport="iscsi", wwid="3600", access_host="203.0.113.9", chap_user="chap")
    found: list[Command | None] = [
        dialect.list_of("Server"),
        dialect.show("Server", SERVER),
        dialect.events(),
        dialect.discover("ovs1.example.com", AgentAccess()),
        dialect.own(SERVER),
        dialect.release_server(SERVER),
        dialect.delete_server(SERVER),
        dialect.set_roles(SERVER, ["vm", "utility"]),
        dialect.refresh("FileServer", FS),
        dialect.refresh("FileSystem", FS),
        dialect.refresh("PhysicalDisk", LUN),
        dialect.refresh(dialect.array_type, "Unmanaged FibreChannel Storage Array"),
        dialect.refresh_storage_layer(SERVER),
        dialect.create_file_server("nfs 203.0.113.9", "203.0.113.9", NFS_PLUGIN, [SERVER, OTHER]),
        dialect.add_file_server_admin(FS, SERVER),
        dialect.add_refresh_server(FS, SERVER),
        dialect.remove_file_server_admin(FS, SERVER),
        dialect.remove_refresh_server(FS, SERVER),
        dialect.delete_file_server(FS),
        dialect.create_array("array1", lun, SCSI_PLUGIN),
        dialect.add_array_admin("0004fb0000090000aa", SERVER),
        dialect.remove_array_admin("0004fb0000090000aa", SERVER),
        dialect.add_initiator("iqn.1988-12.com.oracle:3bd917bbbc1", "0004fb0000190000aa"),
        dialect.remove_initiator("iqn.1988-12.com.oracle:3bd917bbbc1", "0004fb0000190000aa"),
        dialect.validate_array("0004fb0000090000aa"),
        dialect.delete_array("0004fb0000090000aa"),
        dialect.create_pool(SETTINGS, file_system=FS, disk=None),
        dialect.create_pool(SETTINGS, file_system=None, disk=LUN),
        dialect.create_pool(SETTINGS.model_copy(update={"clustered": False}), file_system=None, disk=None),
        dialect.add_server(SERVER, POOL),
        dialect.remove_server(SERVER, POOL),
        dialect.delete_pool(POOL),
    ]
    if dialect.release != "3.2":
        policy = Policy(mode=PolicyMode.DRS, cpu_threshold_pct=80, period_min=5)
        with_policy = SETTINGS.model_copy(update={"policy": policy})
        found += [
            dialect.create_pool(with_policy, file_system=FS, disk=None),
            dialect.edit_policy(POOL, policy),
            dialect.add_policy_server(POOL, SERVER),
        ]
    return [command for command in found if command is not None]


@pytest.mark.parametrize("release", RELEASES)
def test_the_release_s_own_grammar_takes_every_command(release: str) -> None:
    secrets = Secrets({"agent": "s3cr,et=", "chap": "chap pass"})
    for command in every_command(dialect_of(release)):
        call = lab_dialect_of(release).parse(command.line(secrets))
        if "password" in call.params:
            assert call.params["password"] == "s3cr,et="
        assert "s3cr" not in str(command)
        assert "chap pass" not in str(command)


def test_discover_words() -> None:
    new, old = dialect_of("3.4.6.2105"), dialect_of("3.2")
    assert str(new.discover("203.0.113.11", AgentAccess())) == (
        'discoverServer ipAddress=203.0.113.11 password="<agent password>" takeOwnership=Yes'
    )
    assert str(old.discover("203.0.113.11", AgentAccess(port=9999))) == (
        'discoverServer ipAddress=203.0.113.11 port=9999 username="oracle"'
        ' password="<agent password>" takeOwnership=yes'
    )
    with pytest.raises(NoSuchWordError, match="9999"):
        new.discover("203.0.113.11", AgentAccess(port=9999))


def test_create_pool_words_per_release() -> None:
    policy = Policy(mode=PolicyMode.DPM, cpu_threshold_pct=80)
    pool = PoolSettings(name="p", virtual_ip="203.0.113.200", timeout_s=60, policy=policy)
    texts = {
        release: str(dialect_of(release).create_pool(pool, file_system=FS, disk=None)) for release in RELEASES
    }
    assert texts["3.2"].startswith(
        "create ServerPool virtualIP=203.0.113.200 clusterEnable=yes filesystem=0004fb"
    )
    assert "clusterTimeout" not in texts["3.2"]
    assert "policy" not in texts["3.2"] + texts["3.3"]
    assert "clusterTimeout=60" in texts["3.3"]
    assert "policyMode=DPM policyCpuEnable=Yes policyCpuThreshold=80" in texts["3.4"]
    edit = dialect_of("3.3").edit_policy(POOL, policy)
    assert edit is not None
    assert edit.unconfirmed
    assert len(dialect_of("3.2").refuses(pool)) == 2
    assert "filesystem" not in str(dialect_of("3.4").create_pool(pool, file_system=FS, disk=None))


def test_a_pool_without_virtual_ip() -> None:
    pool = PoolSettings(name="p", clustered=False)
    assert "virtualIP" not in str(dialect_of("3.4").create_pool(pool, file_system=None, disk=None))
    with pytest.raises(NoSuchWordError, match="virtual IP"):
        dialect_of("3.2").create_pool(pool, file_system=None, disk=None)


def test_unknown_releases() -> None:
    with pytest.raises(NoSuchWordError, match=r"3\.1"):
        dialect_of("3.1.1.305")


@pytest.mark.parametrize(
    "bad", ["what?", "a;b", "a'b", 'a"b', "a\\b", "a`b", "a\tb", "a\rb", "a\nb", "a\x03b", "añb", "x" * 513]
)
def test_unsafe_passwords_are_refused_without_echo(bad: str) -> None:
    command = dialect_of("3.4").own(SERVER)
    with pytest.raises(SecretError) as caught:
        command.line(Secrets({"agent": bad}))
    assert bad not in str(caught.value)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64))
def test_a_password_is_sent_whole_or_not_at_all(password: str) -> None:
    command = dialect_of("3.4").own(SERVER)
    try:
        line = command.line(Secrets({"agent": password}))
    except SecretError:
        assert set(password) & set("?;\"'\\`")
        return
    assert lab_dialect_of("3.4").parse(line).params["password"] == password


@given(st.text(max_size=40))
def test_no_name_or_text_smuggles_a_live_character(text: str) -> None:
    for pool in ({"name": text}, {"name": "p", "description": text}, {"name": "p", "virtual_ip": text}):
        try:
            settings = PoolSettings.model_validate({"clustered": False, **pool})
            line = dialect_of("3.4").create_pool(settings, file_system=None, disk=None).line(Secrets())
        except SpecError:
            continue
        assert not set(line) & set("?;'\\`\r\n\t\x1b")
        call = lab_dialect_of("3.4").parse(line)
        assert (
            call.params.get({"name": "name", "virtual_ip": "virtualIP"}.get([*pool][-1], "description"), "")
            == text
        )


@pytest.mark.parametrize("bad", ["", "a?b", "a;b", 'a"b', "a'b", "a\rb", "x" * 300, "\u2028"])
def test_a_hostile_id_never_reaches_a_line(bad: str) -> None:
    with pytest.raises(BadReply):
        dialect_of("3.4").show("Server", bad)


def test_an_id_that_is_not_known_yet_cannot_be_sent() -> None:
    command = dialect_of("3.4").delete_server(allow_list.later("ovs1"))
    assert str(command) == "delete Server id=<id of ovs1>"
    with pytest.raises(ValueError, match="open id"):
        command.line(Secrets())


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(SecretError, match="agent password"):
        dialect_of("3.4").own(SERVER).line(Secrets())
