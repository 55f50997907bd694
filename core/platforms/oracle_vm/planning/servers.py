"""Steps that discover and own the servers, and what a release does not put back. Pure."""

from __future__ import annotations

from core.models.plan import PlannedStep
from core.platforms.oracle_vm.fingerprint import has_own_clock_only, ntp_commands
from core.platforms.oracle_vm.planning.draft import STAYS, Draft

NTP_SET = "it has no time source but its own clock: Manager will set NTP on it (R031); a release does not undo that."
NTP_STAYS = "it has NTP servers of its own, which Manager leaves alone"
NTP_UNREAD = (
    "nobody could read its NTP servers; if Manager sets some, a release does not put that back (R031)"
)


def own_step(draft: Draft, name: str) -> PlannedStep:
    """Own one server; one that Manager does not know is discovered first."""
    managed, roles = draft.managed(name), draft.roles(name)
    is_ours = draft.is_ours(managed)
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
            "known": {"is_ours": is_ours, "roles": list(managed.roles)} if managed else None,
        },
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
