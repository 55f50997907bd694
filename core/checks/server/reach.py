"""R116 and old cryptography: how far each plane of each server can be reached."""

from __future__ import annotations

from core.checks.reading import Ctx
from core.checks.registry import shared
from core.errors import ConnectTrouble
from core.models.facts import FactMissing, PlaneFact, PlaneState, ServerFacts
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_TODO = {
    PlaneState.UNTRUSTED: "confirm its identity (fingerprint) first",
    PlaneState.REFUSED: "correct the login",
    PlaneState.OLD_CRYPTO: "name the plane in `allow_old_crypto`, or update the server",
    PlaneState.BROKEN: "look at the service on that server; its answers cannot be read",
}


_BY_TROUBLE = {
    ConnectTrouble.NO_NAME: "correct the name, or its DNS record",
    ConnectTrouble.NOBODY_LISTENS: "the host answers, and nothing listens on that port: start the service, or "
    "correct the port",
    ConnectTrouble.NO_ANSWER: "a firewall drops the connection, the host is off, or the address is wrong",
    ConnectTrouble.NO_ROUTE: "a firewall rejects the connection, or there is no way to that address",
    ConnectTrouble.HUNG_UP: "the port is open and the service hangs up: look at its log",
    ConnectTrouble.SILENT: "the port is open and the service says nothing: look at its log and its load",
    ConnectTrouble.NO_TLS: "the port is open and does not speak TLS: switch TLS on there, or correct the port",
    ConnectTrouble.HANDSHAKE: "the service answers and no session comes about: look at its log and its keys",
    ConnectTrouble.OWN_LIMIT: "raise this machine's limit (ulimit -n 4096) and look again",
    ConnectTrouble.OTHER: "look whether the service runs and the address is right",
}


def todo(plane: PlaneFact) -> str:
    """What to do about a plane that is not OK: for the cause that was seen, and for no other."""
    if plane.state is PlaneState.UNREACHABLE:
        return _BY_TROUBLE[plane.trouble or ConnectTrouble.OTHER]
    return _TODO[plane.state]


def judge_plane(plane: PlaneFact, connection: str, where: str) -> Finding:
    """Finding of one plane (agent, ssh, manager): hit unless it is OK; `where` reads like 'SSH of s1'."""
    if plane.state is PlaneState.OK:
        return ok(f"{where} answers")
    gap = plane.gap(connection)
    if plane.state is PlaneState.NOT_ASKED:
        raise FactMissing(where, gap.text, (gap,))
    reason = f": {plane.reason}" if plane.reason else ""
    return bad(
        f"{where} is {plane.state.value.replace('_', ' ')}{reason}",
        fix=f"{where}: {todo(plane)}",
        gaps=(gap,),
    )


@shared.check(
    "server.ssh.reachable",
    rules=("R116",),
    scope=Scope.SERVER,
    severity=Severity.WARNING,
    title="The server's own SSH can be used",
    why="without it fewer facts are known: names, storage and the virtual IP cannot be looked at from the server",
    fix="correct the SSH login of the servers",
    source="server-pools R116",
    planes=("ssh",),
    per_server=True,
    touches=("ssh", "servers", "jump"),
)
def ssh_reachable(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a login was given and does not work; not applicable without one."""
    if ctx.spec.ssh is None:
        return not_applicable("no SSH login to the servers was given")
    return judge_plane(facts.plane("ssh"), "ssh", f"SSH of {facts.name}")


@shared.check(
    "server.crypto.old",
    scope=Scope.SERVER,
    severity=Severity.WARNING,
    title="No obsolete cryptography is in use",
    why="what such a connection carries, the password included, can be read or changed by somebody in between",
    fix="update the server, then take the plane out of `allow_old_crypto`",
    source="style 5; server-pools R038",
    planes=("agent", "ssh"),
    per_server=True,
    touches=("allow_old_crypto",),
)
def crypto_old(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a plane talks with obsolete algorithms; names them."""
    warned = [f"{name}: {text}" for name, plane in facts.planes.items() for text in plane.warnings]
    if warned:
        fix = f"update {facts.name}, then take the plane out of `allow_old_crypto`"
        return bad(f"{facts.name}: {'; '.join(warned)}", fix=fix)
    if not any(plane.state is PlaneState.OK for plane in facts.planes.values()):
        gaps = [plane.gap(name) for name, plane in facts.planes.items()]
        raise FactMissing("cryptography in use", "no plane of the server answered", gaps)
    return ok("modern algorithms on every plane that answered")
