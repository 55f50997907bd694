"""Clients of other people against the lab's Manager: OpenSSH's ssh, sshpass, expect in the manner of
Oracle's kit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.lab.manager.live import Live, live
from tests.lab.manager.support import AGENT_PASSWORD, LUN_ID, MANAGER_PASSWORD, VIP, make_world

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")
PROMPT = "OVM> "


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Live]:
    with live(make_world(), tmp_path) as found:
        yield found


def execute(found: Live, command: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    if shutil.which("sshpass") is None:
        pytest.skip("sshpass is not installed")
    line = ["sshpass", "-e", *found.ssh(*options), command]
    environment = {**os.environ, "SSHPASS": MANAGER_PASSWORD}
    return subprocess.run(line, env=environment, capture_output=True, timeout=30, check=False)


class Kit:
    """An expect session as Oracle's HCL kit drives it: send `cmd\\r`, read to the prompt, lines end in LF
    CR.
    """

    def __init__(self, found: Live, *options: str) -> None:
        line = found.ssh(*(options or ("-tt",)))
        self.child = pexpect.spawn(line[0], line[1:], timeout=20, encoding="utf-8")
        self.child.expect("password: ")
        self.child.sendline(MANAGER_PASSWORD)
        self.child.expect_exact(PROMPT)

    def send(self, command: str, status: str = "Success") -> str:
        self.child.send(f"{command}\r")
        self.child.expect(f"Status: ({status}|Failure)\n\r")
        reply = str(self.child.before) + str(self.child.after)
        self.child.expect(PROMPT)
        reply += str(self.child.before)
        assert f"Status: {status}\n\r" in reply, reply
        return reply

    def close(self) -> None:
        self.child.send("exit\r")
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == 0


def test_exec_prints_prompt_command_and_block_with_lf_cr(manager: Live) -> None:
    done = execute(manager, "list FileServerPlugin")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().split("\n\r")
    assert lines[0] == "OVM> list FileServerPlugin"
    assert lines[1:3] == ["Command: list FileServerPlugin", "Status: Success"]
    assert re.fullmatch(r"Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} UTC", lines[3])
    assert lines[4] == "Data: "
    assert lines[5].startswith("  id:oracle.ocfs2.OCFS2.OCFS2Plugin (0.1.0-42.1)  name:")
    assert lines[-1] == PROMPT


def test_exec_of_several_commands_repeats_each(manager: Live) -> None:
    done = execute(manager, "showversion;list Server; show Server name='a;b'")
    text = done.stdout.decode().replace("\r", "")
    assert text.startswith("OVM> showversion\n3.4.6.2105\nOVM> list Server\nCommand: list Server\n")
    assert "OVM> show Server name='a;b'\nCommand: show Server name='a;b'\nStatus: Failure\n" in text


def test_exec_exit_status_switch(tmp_path: Path) -> None:
    world = make_world()
    world.switches.exec_exit_status = False
    with live(world, tmp_path) as found:
        done = execute(found, "showversion")
        assert "3.4.6.2105" in done.stdout.decode()
        assert done.returncode == 255  # OpenSSH's word for a channel that ended without a status


def test_a_wrong_password_is_refused(manager: Live) -> None:
    if shutil.which("sshpass") is None:
        pytest.skip("sshpass is not installed")
    line = ["sshpass", "-pwrong", *manager.ssh(), "showversion"]
    done = subprocess.run(line, capture_output=True, timeout=30, check=False)
    assert done.returncode != 0
    assert b"Permission denied" in done.stderr
    assert b"OVM" not in done.stdout


def test_help_is_the_recorded_form(manager: Live) -> None:
    text = execute(manager, "getStatList ?").stdout.decode().replace("\r", "")
    recorded = (
        Path(__file__).parents[2] / "fixtures/manager-cli-transcripts/getstatlist-question-mark-3.4.txt"
    )
    expected = recorded.read_text().splitlines()[1:7]
    assert text.splitlines()[:6] == expected
    assert "HelpText: " in text


def test_kit_session_builds_an_unclustered_pool(manager: Live) -> None:
    kit = Kit(manager)
    kit.send("set OutputMode=Verbose")
    for number in (1, 2):
        kit.send(f"discoverServer ipAddress=203.0.113.{number} password={AGENT_PASSWORD} takeOwnership=yes")
    listed = re.findall(r"  id:(\S+)  name:(\S+)\n\r", kit.send("list server"))
    assert [name for _, name in listed] == ["ovs1", "ovs2"]
    created = kit.send(f"create serverpool virtualip={VIP} clusterenable=no name='kit pool'")
    assert re.search(r"  id:0004fb0000020000\w{16}  name:kit pool\n\r", created)
    for key, _ in listed:
        kit.send(f"add server id={key} to serverpool name='kit pool'")
    shown = kit.send("show serverpool name='kit pool'")
    assert re.search(r"Master Server = (\S+)  \[ovs1\]\n\r", shown)
    assert kit.send("delete serverpool name='kit pool'", status="Failure").count("Error Msg: ") == 1
    kit.close()
    assert manager.world.servers["ovs1"].has_vip


@pytest.mark.skipif(shutil.which("expect") is None, reason="expect is not installed")
@pytest.mark.parametrize("none", [False, True])
def test_an_expect_script_builds_a_clustered_pool(tmp_path: Path, none: bool) -> None:
    world = make_world()
    world.switches.empty_list_none = none
    script = Path(__file__).parent / "kit.exp"
    with live(world, tmp_path) as found:
        arguments = [found.known_hosts, found.server.port, MANAGER_PASSWORD, AGENT_PASSWORD, VIP]
        line = ["expect", "-f", str(script), *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout.splitlines()[-1:] == ["DONE"], done.stdout + done.stderr
    assert any("cluster" in text and "online" in text for text in world.audit)
    assert world.luns[LUN_ID].cluster == ""


def test_terminal_echoes_and_question_mark_keeps_the_text(manager: Live) -> None:
    kit = Kit(manager)
    kit.child.send("lisx\x7ft Tag\r")
    kit.child.expect_exact("Command: list Tag\n\r")
    kit.child.expect_exact(PROMPT)
    kit.child.send("create FileServer plugin=?")
    kit.child.expect_exact("Oracle OCFS2 File system,Oracle Generic Network File System\n\r")
    kit.child.expect_exact("OVM> create FileServer plugin=")
    kit.child.send("x\x15list Job\r")
    kit.child.expect_exact("Command: list Job\n\r")
    kit.child.expect_exact(PROMPT)
    kit.close()


def test_the_password_is_echoed_in_clear(manager: Live) -> None:
    kit = Kit(manager)
    reply = kit.send("discoverServer ipAddress=203.0.113.1 password=agent-pass takeOwnership=No")
    assert reply.count("agent-pass") == 2  # echo and Command:
    kit.close()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_without_terminal_commands_come_by_pipe(manager: Live, end: str) -> None:
    if shutil.which("sshpass") is None:
        pytest.skip("sshpass is not installed")
    line = ["sshpass", "-e", *manager.ssh("-T")]
    typed = end.join(["showversion", "create ServerPool \\", " clusterEnable=No name=x", "list ServerPool"])
    environment = {**os.environ, "SSHPASS": MANAGER_PASSWORD}
    done = subprocess.run(
        line, input=typed.encode(), env=environment, capture_output=True, timeout=30, check=False
    )
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "3.4.6.2105\n\rOVM> " in text
    assert "Command: create ServerPool   clusterEnable=No name=x\n\r" in text
    assert text.rstrip().endswith("OVM>") or text.endswith("OVM> ")
    assert re.search(r"  id:\S+  name:x\n\r", text)
    assert "OVM> showversion" not in text  # no echo


def test_line_ends_can_be_set(manager: Live) -> None:
    lines = execute(manager, "set EndlineChars=LF;showversion").stdout.decode()
    assert lines.endswith("OVM> showversion\n3.4.6.2105\nOVM> ")


def test_xml_answers_set_already_in_xml(manager: Live) -> None:
    text = execute(manager, "set OutputMode=Xml;list Server").stdout.decode().replace("\r", "")
    assert text.count("<?xml ") == 2
    assert "Status: " not in text


def test_a_banner_comes_before_the_first_prompt(tmp_path: Path) -> None:
    world = make_world()
    world.switches.banner = "Authorised use only. OVM> is a prompt"
    with live(world, tmp_path) as found:
        kit = Kit(found)
        kit.send("list Server")
        kit.close()


def test_several_sessions_and_a_job_that_is_watched(tmp_path: Path) -> None:
    world = make_world()
    with live(world, tmp_path) as found:
        first, second = Kit(found), Kit(found)
        world.speed = 4.0  # from now on a discovery takes three seconds
        first.child.send(
            f"discoverServer ipAddress=203.0.113.1 password={AGENT_PASSWORD} takeOwnership=yes\r"
        )
        jobs: list[str] = []
        while not jobs:
            jobs = re.findall(r"id:(\d+)  name:Discover Server: 203.0.113.1", second.send("list job"))
        shown = second.send(f"show job id={jobs[0]}")
        assert "  Summary Done = No\n\r" in shown
        second.send(f"abort Job id={jobs[0]}")
        first.child.expect_exact("Status: Failure\n\r")
        first.child.expect("was aborted by user admin")
        first.child.expect_exact(PROMPT)
        assert "  Summary State = Failure\n\r" in second.send(f"show Job name={jobs[0]}")
        first.close()
        second.close()


def test_an_idle_client_is_told_so(tmp_path: Path) -> None:
    world = make_world()
    world.faults["idle-timeout"] = {"seconds": 0.5}
    with live(world, tmp_path) as found:
        kit = Kit(found, "-tt", "-oLogLevel=INFO")
        kit.child.expect("Received disconnect from .*Idle timeout")
        kit.child.expect(pexpect.EOF)
        kit.child.close()


def test_keyboard_interactive_when_switched_on(tmp_path: Path) -> None:
    world = make_world()
    world.switches.keyboard_interactive, world.switches.password_auth = True, False
    with live(world, tmp_path) as found:
        line = found.ssh("-tt", "-oPreferredAuthentications=keyboard-interactive")
        child = pexpect.spawn(line[0], line[1:], timeout=20, encoding="utf-8")
        child.expect("Password: ")
        child.sendline(MANAGER_PASSWORD)
        child.expect_exact(PROMPT)
        child.send("\x04")
        child.expect(pexpect.EOF)
        child.close()


def test_a_registered_key_works_after_a_password_login_only(tmp_path: Path) -> None:
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=20)
    stranger = tmp_path / "other"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True, timeout=20
    )
    world = make_world()
    world.switches.extra["authorized_keys"] = [key.with_suffix(".pub").read_text()]

    def by_key(found: Live, path: Path) -> int:
        options = ("-oBatchMode=yes", f"-i{path}", "-oIdentitiesOnly=yes", "-oPubkeyAuthentication=yes")
        line = [*found.ssh(*options), "showversion"]
        return subprocess.run(line, capture_output=True, timeout=30, check=False).returncode

    with live(world, tmp_path) as found:
        assert by_key(found, key) == 255
        assert execute(found, "showversion").returncode == 0
        assert by_key(found, key) == 0
        assert by_key(found, stranger) == 255


def test_old_ssh_serves_only_old_algorithms(tmp_path: Path) -> None:
    world = make_world()
    world.switches.old_ssh = True
    with live(world, tmp_path) as found:
        refused = subprocess.run(
            [*found.ssh("-oBatchMode=yes", "-oLogLevel=INFO"), "x"],
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert refused.returncode == 255
        assert b"no matching" in refused.stderr or b"Unable to negotiate" in refused.stderr
        offered = re.search(rb"Their offer: (\S+)", refused.stderr)
        assert offered is not None
        assert offered.group(1).split(b",")[0] in (b"diffie-hellman-group1-sha1", b"ssh-dss")
        options = (
            "-oKexAlgorithms=diffie-hellman-group1-sha1",
            "-oHostKeyAlgorithms=ssh-dss",
            "-oCiphers=aes128-cbc",
            "-oMACs=hmac-sha1",
        )
        done = execute(found, "showversion", "-oLogLevel=INFO", *options)
        if b"Bad key types" in done.stderr or b"Unsupported" in done.stderr:
            pytest.skip("this OpenSSH no longer knows ssh-dss")
        assert "3.4.6.2105" in done.stdout.decode(), done.stderr
