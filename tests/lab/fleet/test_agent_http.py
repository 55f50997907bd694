"""The agent's HTTP, login, TLS and restart gap."""

from __future__ import annotations

import asyncio
import ssl
import warnings
import xmlrpc.client

import pytest

from core.lab.agent import rpc
from core.lab.fleet import Lab
from core.lab.keys import fingerprint
from core.lab.world import World
from tests.lab.fleet.helpers import OWNERSHIP, Agent, basic, raw, trusting, until

ECHO = xmlrpc.client.dumps(("hello",), "echo").encode()


def post(lab: Lab, path: str = "/RPC2", *, version: str = "1.0", more: str = "", body: bytes = ECHO) -> bytes:
    head = f"POST {path} HTTP/{version}\r\nHost: x\r\n{basic(lab)}{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", "/RPC2", "/api/3", "/api/3/"])
async def test_every_known_path_answers(path: str) -> None:
    async with Lab.from_scenario(servers=1) as lab:
        answer = await raw(lab, post(lab, path))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body.startswith(b"<?xml version='1.0'?>\n<methodResponse>")
    assert xmlrpc.client.loads(body)[0] == ("hello",)


@pytest.mark.asyncio
@pytest.mark.parametrize("secret", [None, "wrong"])
async def test_bad_login_is_403_with_the_exact_reason_and_no_challenge(secret: str | None) -> None:
    async with Lab.from_scenario(servers=1) as lab:
        header = basic(lab, secret) if secret else ""
        data = f"POST /RPC2 HTTP/1.0\r\n{header}Content-Length: {len(ECHO)}\r\n\r\n".encode() + ECHO
        answer = (await raw(lab, data)).decode()
    status = answer.splitlines()[0]
    assert status.startswith("HTTP/1.0 403 Unauthorized access attempt from ('127.0.0.1', ")
    assert status.endswith(")!")
    assert "www-authenticate" not in answer.lower()
    assert "<title>Error response</title>" in answer
    assert "Error code explanation: 403 = Request forbidden -- authorization will not help." in answer


@pytest.mark.asyncio
async def test_keep_alive_serves_several_requests_and_chunks() -> None:
    chunked = f"POST /api/3 HTTP/1.1\r\nHost: x\r\n{{}}Transfer-Encoding: chunked\r\n\r\n{len(ECHO):x}\r\n"
    async with Lab.from_scenario(servers=1) as lab:
        first = post(lab, version="1.1")
        second = chunked.format(basic(lab)).encode() + ECHO + b"\r\n0\r\n\r\n"
        third = post(lab, version="1.1", more="Connection: close\r\n")
        answer = await raw(lab, first + second + third)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"<string>hello</string>") == 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.0\r\n\r\n", "501 Unsupported method ('GET')"),
        ("HEAD / HTTP/1.0\r\n\r\n", "501 Unsupported method ('HEAD')"),
        ("nonsense\r\n\r\n", "400 Bad request syntax ('nonsense')"),
        ("POST / HTTP/1.0\r\nContent-Length: x\r\n\r\n", "411 Length Required"),
        ("POST / HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n", "413 Request Entity Too Large"),
    ],
)
async def test_other_requests_are_refused_as_pythons_server_does(request_text: str, status: str) -> None:
    async with Lab.from_scenario(servers=1) as lab:
        answer = (await raw(lab, request_text.encode())).decode()
    assert answer.splitlines()[0] == f"HTTP/1.0 {status}"


@pytest.mark.asyncio
async def test_unknown_path_is_404_and_garbage_a_fault() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        assert b"404 Not Found" in await raw(lab, post(lab, "/other"))
        answer = await raw(lab, post(lab, body=b"<a><!DOCTYPE"))
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])
    assert caught.value.faultCode == 1


@pytest.mark.asyncio
async def test_each_server_shows_its_own_certificate() -> None:
    async with Lab.from_scenario(servers=2) as lab:
        seen = set()
        for agent in lab.agents.values():
            _, writer = await asyncio.open_connection("127.0.0.1", agent.port, ssl=trusting())
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            await writer.wait_closed()
            assert fingerprint(der) == agent.fingerprint
            seen.add(agent.fingerprint)
        assert len(seen) == 2
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", lab.agents["ovs01"].port, ssl=ssl.create_default_context()
            )


@pytest.mark.asyncio
async def test_taking_ownership_restarts_the_agent_and_ends_the_password() -> None:
    async with Lab.from_scenario(servers=1, speed=10) as lab:
        agent = Agent(lab)
        assert await agent("take_ownership", OWNERSHIP) is None
        with pytest.raises(ConnectionRefusedError):
            await agent("echo", "x")
        await until(lambda: lab.agents["ovs01"].is_listening)
        with pytest.raises(xmlrpc.client.ProtocolError) as caught:
            await agent("echo", "x")
        assert caught.value.errcode == 403
        lab.world.switches.password_after_ownership = True
        assert await agent("echo", "x") == "x"


@pytest.mark.asyncio
async def test_release_3_2_takes_ownership_without_restart_and_keeps_the_password() -> None:
    async with Lab.from_scenario("healthy-3.2", servers=1) as lab:
        agent = Agent(lab)
        assert await agent("take_ownership", OWNERSHIP["manager_uuid"], "") is None
        assert await agent("echo", "x") == "x"


@pytest.mark.asyncio
async def test_plain_http_switch() -> None:
    lab = Lab.from_scenario(servers=1)
    lab.world.switches.plain_http = True
    async with lab:
        assert await Agent(lab)("echo", "x") == "x"


@pytest.mark.asyncio
async def test_old_tls_is_refused_by_default_and_works_when_allowed() -> None:
    async with Lab.from_scenario("old-crypto", servers=1) as lab:
        port = lab.agents["ovs01"].port
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
        old = trusting()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = ssl.TLSVersion.TLSv1
        old.set_ciphers("ALL:@SECLEVEL=0")
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=old)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1"
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 1024


def test_numbers_and_nil_are_marshalled_as_the_agent_does() -> None:
    assert b"<value><i8>7</i8></value>" in rpc.reply(rpc.Long(7))
    assert b"<value><int>7</int></value>" in rpc.reply(7)
    assert b"<value><i8>4294967296</i8></value>" in rpc.reply(2**32)
    assert b"<value><nil/></value>" in rpc.reply(None)
    assert b"<boolean>1</boolean>" in rpc.reply(True)


@pytest.mark.asyncio
async def test_a_down_agent_refuses_and_comes_back_on_its_port() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        port = lab.agents["ovs01"].port
        lab.world.servers["ovs01"].faults.add("agent-down")
        await until(lambda: not lab.agents["ovs01"].is_listening)
        with pytest.raises(ConnectionRefusedError):
            await Agent(lab)("echo", "x")
        lab.world.servers["ovs01"].faults.clear()
        await until(lambda: lab.agents["ovs01"].is_listening)
        assert lab.agents["ovs01"].port == port
        assert await Agent(lab)("echo", "x") == "x"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("agent-drops", (OSError, xmlrpc.client.ProtocolError)),
        ("agent-half-reply", (Exception,)),
        ("agent-garbage", (Exception,)),
        ("agent-status", (xmlrpc.client.ProtocolError,)),
        ("agent-fault", (xmlrpc.client.Fault,)),
        ("agent-truncated-document", (SyntaxError,)),
    ],
)
async def test_transport_faults_strike_one_server_only(name: str, error: tuple[type[Exception], ...]) -> None:
    async with Lab.from_scenario(servers=2) as lab:
        lab.world.faults[name] = {"server": "ovs01"}
        with pytest.raises(error):
            await Agent(lab).document("discover_server")
        assert (await Agent(lab, "ovs02").document("discover_server")).tag == "Discover_Server_Result"


@pytest.mark.asyncio
async def test_hanging_agent_lets_the_lab_close() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        lab.world.faults["agent-hangs"] = {}
        reader, writer = await asyncio.open_connection("127.0.0.1", lab.agents["ovs01"].port, ssl=trusting())
        writer.write(post(lab))
        await writer.drain()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read()
        writer.transport.abort()


def test_a_world_without_servers_has_no_agents() -> None:
    assert World().servers == {}


@pytest.mark.asyncio
async def test_the_entity_bomb_is_inside_the_document() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        lab.world.faults["agent-bomb"] = {}
        text = await Agent(lab)("discover_server")
    assert text.startswith('<?xml version="1.0" ?><!DOCTYPE')
    assert text.count("<!ENTITY") == 10
