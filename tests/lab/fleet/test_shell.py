"""The shell of a dom0: grammar, expansions, pipes and filters, as bash does them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.lab.build import build_world
from core.lab.dom0 import commands, devices, files
from core.lab.dom0.command import Input, Io
from core.lab.dom0.lexer import ShellSyntaxError
from core.lab.dom0.shell import Shell
from core.lab.dom0.syntax import parse
from core.lab.dom0.vfs import Vfs
from core.lab.scenario import load_scenario
from tests.examples import examples

__all__ = ["commands", "devices", "files"]


def shell(scenario: str = "healthy-nfs", servers: int = 3) -> Shell:
    """A login shell of the first server of a scenario."""
    world = build_world(load_scenario(scenario)[1], servers=servers, seed=1)
    world.speed = 1000.0
    server = world.servers["ovs01"]
    return Shell(world, server, Vfs(world, server))


async def said(text: str, on: Shell | None = None, stdin: bytes = b"") -> tuple[int, str]:
    """Exit status and both streams of a script."""
    out = bytearray()
    status = await (on or shell()).run_text(text, Io(Input(stdin), out.extend, out.extend))
    return status, out.decode("utf-8", "surrogateescape")


SAME_AS_BASH = [
    "echo a b   'c  d' \"e  f\"",
    "echo -n x; echo y",
    "echo -e 'a\\tb'",
    "false || echo no; true && echo yes; ! false && echo inverted",
    "x=5; echo $x ${x} \"$x\" '$x' ${y:-default} ${x:+set} ${#x} $((x * 2 + 1))",
    "for i in 1 2 3; do echo item $i; done",
    "for i in {1..3} a{b,c}d; do printf '%s ' $i; done; echo",
    "if [ 1 -lt 2 ]; then echo less; else echo more; fi",
    'if test -z ""; then echo empty; elif true; then echo no; fi',
    "case abc in x*) echo x;; a*|b*) echo ab;; *) echo other;; esac",
    "i=0; while [ $i -lt 3 ]; do echo $i; i=$((i + 1)); done",
    "printf '%s=%d\\n' a 1 b 2",
    "echo $(echo inner $(echo deep)) `echo ticks`",
    "(cd /; pwd); echo $?",
    'f() { echo "in f: $1 $#"; return 3; }; f one two; echo $?',
    "cat <<EOF\nhere $((1 + 1))\nEOF\n",
    "cat <<'EOF'\nliteral $x\nEOF\n",
    "printf 'b\\na\\nb\\n' | sort | uniq -c | awk '{print $2\":\"$1}'",
    "printf 'one two\\nthree four\\n' | awk '{print $2}'",
    "printf 'a:1\\nb:2\\n' | awk -F: '$2 > 1 {print $1}'",
    "printf '1\\n2\\n3\\n' | awk '{s += $1} END {print s, NR}'",
    "printf 'x=1\\ny=2\\n' | sed -n 's/^y=\\(.*\\)/\\1/p'",
    "printf 'a\\nb\\nc\\n' | sed -e '1d' -e 's/b/B/'",
    "printf 'a\\nb\\nc\\n' | sed -n '2,3p'",
    "printf 'alpha\\nbeta\\n' | grep -v alpha; printf 'a1\\n' | grep -E '^[a-z][0-9]+$'",
    "printf 'x\\n' | grep -c x; printf 'x\\n' | grep y; echo $?",
    "printf 'a,b,c\\n' | cut -d, -f2-; printf 'abc\\n' | cut -c2",
    "printf '1\\n2\\n3\\n4\\n' | head -2; printf '1\\n2\\n3\\n' | tail -n 1",
    "printf 'hello\\n' | tr a-z A-Z; printf 'a b\\n' | tr -d ' '",
    "printf 'a b c\\n' | wc -w",
    "printf 'a\\nb\\n' | while read line; do echo \"<$line>\"; done",
    "x=/a/b/c.txt; echo ${x##*/} ${x%.txt} ${x#/}",
    "echo one 2>/dev/null >&1; echo two >/dev/null 2>&1; echo three 2>&1; echo end",
    "set -- a b c; echo end",
    "printf 'b 2\\na 10\\n' | sort -k2 -n; printf '10\\n9\\n' | sort; printf '10\\n9\\n' | sort -rn",
    "echo 'a  b' | xargs echo got",
    "{ echo grouped; echo twice; } | wc -l",
    "true; echo $?; false; echo $?",
    "echo \"a\\\"b\" a\\ b 'it'\"'\"'s'",
    "[ -n x ] && [ x = x ] && [ 3 -ge 2 ] && echo all",
    "[[ abc == a* ]] && echo glob; [[ a1 =~ [0-9] ]] && echo regex",
    "echo a; exit 0; echo never",
    "seq 3 | tac",
    "basename /a/b.c .c; dirname /a/b",
    'echo ${u-unset} "${u:-a b}"',
]


@pytest.mark.asyncio
@pytest.mark.parametrize("script", SAME_AS_BASH)
async def test_scripts_give_what_bash_gives(script: str) -> None:
    real = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=10,
        cwd="/",
        check=False,
    )
    status, text = await said(script)
    wanted = [line.strip() for line in real.stdout.splitlines()]
    assert [line.strip() for line in text.splitlines()] == wanted
    assert status == real.returncode


@pytest.mark.asyncio
async def test_unknown_commands_are_127_in_bashs_words() -> None:
    assert await said("nosuch --x") == (127, "bash: nosuch: command not found\n")
    assert await said("/usr/bin/nosuch") == (127, "bash: /usr/bin/nosuch: No such file or directory\n")
    assert await said("psrinfo") == (127, "bash: psrinfo: command not found\n")
    assert (await said("multipath -ll", shell("sparc-nfs")))[0] == 127


@pytest.mark.asyncio
async def test_syntax_errors_end_with_2_or_name_the_end() -> None:
    status, text = await said("echo a; )")
    assert status == 2
    assert "syntax error near unexpected token `)'" in text
    assert "unexpected end of file" in (await said("if true; then echo"))[1]


@pytest.mark.asyncio
async def test_files_written_by_a_session_stay_and_go() -> None:
    one = shell()
    script = (
        "mkdir -p /tmp/a/b && echo text > /tmp/a/b/c && echo more >> /tmp/a/b/c; cat /tmp/a/b/c; ls /tmp/a/b"
    )
    assert await said(script, one) == (0, "text\nmore\nc\n")
    assert (await said("rmdir /tmp/a", one))[0] == 1
    assert await said("rm -rf /tmp/a; test -e /tmp/a || echo gone", one) == (0, "gone\n")
    assert (await said("echo x > /proc/version", one))[0] == 1
    assert (await said("cat < /etc/nosuch", one))[1] == "bash: /etc/nosuch: No such file or directory\n"


@pytest.mark.asyncio
async def test_a_mounted_export_shows_its_files_and_obeys_its_options() -> None:
    one = shell()
    export = next(iter(one.world.nas.values())).exports[0]
    export.files.append("ovspoolfs.img")
    mount = "mkdir /tmp/m && mount -t nfs -o ro,soft nas01.lab.example:/export/poolfs /tmp/m"
    assert await said(f"{mount} && ls -1A /tmp/m && touch /tmp/m/x", one) == (
        1,
        "ovspoolfs.img\ntouch: cannot touch `/tmp/m/x': Read-only file system\n",
    )
    assert (await said("umount /tmp/m && rmdir /tmp/m", one))[0] == 0
    write = (
        "mkdir /tmp/w && mount nas01:/export/poolfs /tmp/w && touch /tmp/w/probe && stat -c %u /tmp/w/probe"
    )
    assert (await said(f"{write} && rm /tmp/w/probe && umount /tmp/w", one))[1] == "0\n"
    assert export.files == ["ovspoolfs.img"]
    export.seen_by = frozenset({"ovs02"})
    assert (
        "access denied by server while mounting" in (await said("mount nas01:/export/poolfs /tmp/w", one))[1]
    )


@pytest.mark.asyncio
async def test_globs_find_the_servers_files() -> None:
    status, text = await said("ls /etc/sysconfig/network-scripts/ifcfg-bond*; echo /nosuch/*")
    assert status == 0
    assert text.splitlines() == [
        "/etc/sysconfig/network-scripts/ifcfg-bond0",
        "/etc/sysconfig/network-scripts/ifcfg-bond1",
        "/nosuch/*",
    ]


@pytest.mark.asyncio
async def test_timeout_ends_what_hangs() -> None:
    assert (await said("timeout 2 sleep 3600; echo $?"))[1] == "124\n"


@given(st.text(alphabet="ab$`'\"(){}[]|&;<>\\ \n*?=#!~", max_size=40))
@examples(300)
@example(text="$'\\;'")
@example(text="$'\\'")
def test_any_text_is_a_script_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(ShellSyntaxError):
        assert parse(text) is not None
