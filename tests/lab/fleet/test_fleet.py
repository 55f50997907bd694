"""Labs as a whole: every scenario starts, ready files are private, several live side by side, nothing stays open."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import sys
from pathlib import Path

import asyncssh
import pytest

from core.errors import LabError
from core.lab import build
from core.lab.fleet import Lab
from core.lab.scenario import SCENARIOS, load_scenario, scenario_names
from core.platforms.oracle_vm.spec import PoolSpec
from tests.lab.fleet.helpers import Agent, run

REPOSITORY = Path(__file__).parents[3]
EXPECTED = {
    "healthy-nfs", "healthy-lun", "healthy-3.2", "healthy-3.3", "healthy-3.4-no-vip", "unclustered", "sparc-nfs",
    "already-owned", "mixed-cpu", "wrong-password", "owned-elsewhere", "vip-taken", "sparc-lun", "mixed-vendor",
    "mixed-arch", "own-ignored", "join-fails", "create-fails", "join-fails-dirty", "create-fails-dirty", "old-crypto",
    "hostname-loopback", "hostile",
}  # fmt: skip


def test_the_scenarios_are_there_each_with_a_comment() -> None:
    assert set(scenario_names()) >= EXPECTED
    for name in scenario_names():
        assert (SCENARIOS / f"{name}.toml").read_text().startswith("# "), name
        assert load_scenario(name)[1].title


@pytest.mark.asyncio
@pytest.mark.parametrize("name", scenario_names())
async def test_every_scenario_starts_with_a_valid_spec(name: str) -> None:
    wanted = max(3, load_scenario(name)[1].min_servers)
    async with Lab.from_scenario(name, servers=wanted) as lab:
        spec = PoolSpec.model_validate(lab.spec_data())
        assert len(spec.servers) == wanted
        assert all(target.address.startswith("203.0.113.") for target in spec.servers)
        assert spec.manager.connect == f"127.0.0.1:{lab.manager.port}"
        assert {plane for target in spec.servers for plane in target.fingerprints} == {"agent", "ssh"}


def test_bad_scenarios_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no scenario 'nosuch'"):
        load_scenario("nosuch")
    path = tmp_path / "x.toml"
    for text in ("title = 3", 'title = "x"\nexpect = "created"\nunknown = 1', "not toml ["):
        path.write_text(text)
        with pytest.raises(LabError):
            load_scenario(path)
    path.write_text('title = "x"\nexpect = "created"\n[switches]\nnosuch = true\n')
    with pytest.raises(LabError, match="unknown nosuch"):
        load_scenario(path)
    with pytest.raises(LabError, match="servers"):
        build.build_world(load_scenario("join-fails")[1], servers=2, seed=1)


@pytest.mark.asyncio
async def test_the_ready_file_is_private_and_complete(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    async with Lab.from_scenario(servers=2) as lab:
        lab.write_ready(ready)
        data = json.loads(ready.read_text())
        for path in (ready, data["spec"], data["ssh"]["key_file"]):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116
        assert data["manager"]["password"] == lab.world.manager_password
        assert data["agent"]["password"] == lab.world.servers["ovs01"].password
        assert data["pid"] == os.getpid()
        assert [server["name"] for server in data["servers"]] == ["ovs01", "ovs02"]
        text = lab.spec_yaml()
        assert not any(secret in text for secret in lab.passwords.values())
        key = asyncssh.read_private_key(data["ssh"]["key_file"])
        async with asyncssh.connect(
            "127.0.0.1",
            data["servers"][1]["ssh"]["port"],
            username="root",
            client_keys=[key],
            known_hosts=None,
            config=None,
        ) as connection:
            assert (await connection.run("hostname -s")).stdout == "ovs02\n"


@pytest.mark.asyncio
async def test_two_labs_side_by_side_share_nothing() -> None:
    async with Lab.from_scenario(servers=1) as one, Lab.from_scenario(servers=1) as two:
        assert one.passwords.keys() == two.passwords.keys()
        assert not set(one.passwords.values()) & set(two.passwords.values())
        await Agent(one)("disable_ntp")
        assert (await Agent(one)("get_ntp"))[2] is False
        assert (await Agent(two)("get_ntp"))[2] is True
        assert one.agents["ovs01"].fingerprint != two.agents["ovs01"].fingerprint


@pytest.mark.asyncio
async def test_ports_are_closed_after_exit() -> None:
    async with Lab.from_scenario(servers=2) as lab:
        ports = [item.port for item in lab.agents.values()] + [item.port for item in lab.dom0s.values()]
        ports.append(lab.manager.port)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.asyncio
async def test_sixty_four_servers_start() -> None:
    async with Lab.from_scenario(servers=64) as lab:
        assert len({server.address for server in lab.world.servers.values()}) == 64


@pytest.mark.asyncio
async def test_dom0_takes_password_and_refuses_wrong_ones() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        done = await run(lab, "echo out; echo err >&2; exit 7")
        assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", 7)
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1", lab.dom0s["ovs01"].port, username="root", password="x", known_hosts=None, config=None,
                client_keys=None, agent_path=None,
            )  # fmt: skip


@pytest.mark.asyncio
async def test_many_channels_of_one_connection_and_stdin() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        port = lab.dom0s["ovs01"].port
        async with asyncssh.connect(
            "127.0.0.1",
            port,
            username="root",
            password=lab.passwords["ssh"],
            known_hosts=None,
            config=None,
            agent_path=None,
        ) as connection:
            done = await asyncio.gather(*(connection.run(f"echo {n}") for n in range(8)))
            assert [item.stdout for item in done] == [f"{n}\n" for n in range(8)]
            assert (await connection.run("cat | wc -l", input="a\nb\n")).stdout == "2\n"
            assert (await connection.run("bash -s", input="uname -s\n")).stdout == "Linux\n"
            async with connection.create_process(term_type="xterm") as process:
                process.stdin.write("uname -s\nexit\n")
                text = await process.stdout.read()
            assert "[root@ovs01 ~]# " in text
            assert "Linux" in text


@pytest.mark.asyncio
async def test_a_hanging_command_ends_with_its_channel() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        lab.world.faults["ssh-command-hangs"] = {"on": ["multipath"]}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await run(lab, "multipath -ll")
        assert (await run(lab, "uname -s")).stdout == "Linux\n"


async def works(lab: Lab, name: str) -> bool:
    """Does a command on this dom0 end with its status and whole output?"""
    try:
        done = await run(lab, "uname -s", name)
    except (OSError, asyncssh.Error):
        return False
    return done.exit_status == 0 and done.stdout == "Linux\n"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["ssh-down", "ssh-drops", "ssh-half-reply", "ssh-no-exec"])
async def test_dom0_faults(name: str) -> None:
    lab = Lab.from_scenario(servers=2)
    lab.world.faults[name] = {"server": "ovs01"}
    async with lab:
        assert not await works(lab, "ovs01")
        assert await works(lab, "ovs02")


@pytest.mark.asyncio
async def test_another_host_key_than_promised() -> None:
    lab = Lab.from_scenario(servers=1)
    lab.world.faults["ssh-new-host-key"] = {}
    async with lab:
        key = await asyncssh.get_server_host_key("127.0.0.1", lab.dom0s["ovs01"].port)
        assert key is not None
        assert key.get_fingerprint() != lab.dom0s["ovs01"].fingerprint


@pytest.mark.asyncio
async def test_old_ssh_is_refused_by_default_and_works_when_allowed() -> None:
    async with Lab.from_scenario("old-crypto", servers=1) as lab:
        port, secret = lab.dom0s["ovs01"].port, lab.passwords["ssh"]
        with pytest.raises(asyncssh.Error):
            await asyncssh.connect(
                "127.0.0.1", port, username="root", password=secret, known_hosts=None, config=None
            )
        async with asyncssh.connect(
            "127.0.0.1", port, username="root", password=secret, known_hosts=None, config=None, agent_path=None,
            kex_algs="+diffie-hellman-group1-sha1", encryption_algs="+aes128-cbc", server_host_key_algs=["ssh-dss"],
        ) as connection:  # fmt: skip
            assert (await connection.run("uname -s")).stdout == "Linux\n"


@pytest.mark.asyncio
@pytest.mark.skipif(
    not shutil.which("ssh") or not shutil.which("sshpass"), reason="no OpenSSH client or sshpass"
)
async def test_openssh_runs_commands_and_a_shell(tmp_path: Path) -> None:
    async with Lab.from_scenario(servers=1) as lab:
        options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path}/known", "LogLevel=ERROR"]
        base = ["sshpass", "-e", "ssh", "-F", "none", "-p", str(lab.dom0s["ovs01"].port)]
        base += [f"-o{option}" for option in options] + ["root@127.0.0.1"]
        environment = {**os.environ, "SSHPASS": lab.passwords["ssh"]}
        for extra, given, wanted, code in (
            (["cat /etc/ovs-release | head -1; exit 3"], b"", b"Oracle VM server release 3.4.6", 3),
            ([], b"hostname -s\nexit 4\n", b"ovs01", 4),
        ):
            process = await asyncio.create_subprocess_exec(
                *base, *extra, env=environment, stdin=-1, stdout=-1, stderr=-1
            )
            out, _ = await asyncio.wait_for(process.communicate(given), 240)
            assert wanted in out
            assert process.returncode == code


@pytest.mark.asyncio
async def test_the_lab_runs_alone_until_it_is_told_to_stop(tmp_path: Path) -> None:
    for way in ("signal", "stdin"):
        ready = tmp_path / f"{way}.json"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "core.lab", "--servers", "2", "--ready-file", str(ready), "--with-parent",
            cwd=REPOSITORY, stdin=-1, stdout=-1, stderr=-1,
        )  # fmt: skip
        assert process.stderr is not None
        assert process.stdin is not None
        line = await asyncio.wait_for(process.stderr.readline(), 240)
        assert line.startswith(b"lab healthy-nfs: 2 servers")
        data = json.loads(ready.read_text())
        assert data["pid"] == process.pid
        if way == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        await asyncio.wait_for(process.communicate(), 240)
        assert process.returncode == 0
        assert os.listdir(tmp_path) == []  # noqa: PTH208
