"""Steps that discover and own the servers, and what a release does not put back. Pure."""

from __future__ import annotations

from core.models.plan import PlannedStep
from core.platforms.oracle_vm.fingerprint import has_own_clock_only, ntp_commands
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.session import commands_of
from core.platforms.oracle_vm.planning.draft import STAYS, Draft
from core.platforms.oracle_vm.steps.common import roles_of

NTP_SET = "it has no time source but its own clock: Manager will set NTP on it (R031); a release does not undo that."
NTP_STAYS = "it has NTP servers of its own, which Manager leaves alone"
NTP_UNREAD = (
    "nobody could read its NTP servers; if Manager sets some, a release does not put that back (R031)"
)


def own_step(draft: Draft, name: str) -> PlannedStep:
    """Own one server; one that Manager does not know is discovered first."""
    dialect, managed, roles = draft.dialect, draft.managed(name), draft.roles(name)
    server = draft.id_of(name)
    is_ours = draft.is_ours(managed)
    commands: list[Command] = []
    if managed is None:
        commands.append(dialect.discover(name, draft.spec.agent))
    elif not is_ours:
        commands.append(dialect.own(server))
    if managed is not None and is_ours and roles_of(managed.roles) not in (frozenset(), frozenset(roles)):
        commands.append(dialect.set_roles(server, roles))
    if managed is None and roles != ("vm", "utility"):
        commands.append(dialect.set_roles(server, roles))  # a fresh server has both (manager-cli 3.4)
    undo = [] if is_ours else [dialect.release_server(server)]
    undo += [dialect.delete_server(server)] if managed is None else []
    verb = "adopt" if is_ours else "own" if managed else "discover and own"
    return PlannedStep(
        id=f"own_server:{name}",
        kind="own_server",
        title=f"{verb} {name}",
        lane=name,
        args={
            "server": draft.who(name).as_args(),
            "address": name,
            "agent": draft.spec.agent.model_dump(mode="json"),
            "roles": list(roles),
        },
        commands=commands_of(commands),
        undo_commands=commands_of(undo),
        undo_needs=() if is_ours else (f"the agent of {name} answers", f"{name} is in no pool"),
        undo_note=STAYS if is_ours else _not_restored(draft, name),
    )


def _not_restored(draft: Draft, name: str) -> str:
    """What Manager sets when it takes this server, and a release does not put back (server-pools R031)."""
    facts = draft.fleet.ovm_server(name)
    own_clock = has_own_clock_only(facts)
    if own_clock is None:
        return NTP_UNREAD
    if not own_clock:
        return NTP_STAYS
    commands = ntp_commands(facts.address if facts else name, [])
    return f"{NTP_SET} Afterwards: {commands[0]}" if commands else NTP_SET
