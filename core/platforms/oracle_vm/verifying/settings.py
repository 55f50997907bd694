"""The settings of a finished pool that the plan set, read back from Manager (manager-cli 3.5). Reads only.

How Manager prints them was never seen: what it does not show, or shows in words nobody knows, is None and never a no.
"""

from __future__ import annotations

from core.models.events import Verified
from core.models.plan import Plan
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.parse import Reply
from core.platforms.oracle_vm.spec import KEYMAPS, Policy, PolicyMode, PoolSpec, Release, StartPolicy
from core.platforms.oracle_vm.steps.common import SeenPool
from core.platforms.oracle_vm.verifying import titles
from core.text import inert, listed

NOT_SHOWN = "Manager does not show it"
SOURCE = "V01 Manager show ServerPool"


def setting_items(spec: PoolSpec, plan: Plan, pool: SeenPool) -> list[Verified]:
    """One item a setting that the plan set."""
    wanted, shown = spec.pool, pool.shown
    items = [
        _word_item("pool.keymap", "keymap", wanted.keymap, shown.get(*objects.KEYMAP), KEYMAPS),
        _word_item(
            "pool.start_policy",
            "start policy",
            wanted.start_policy.value,
            shown.get(*objects.START_POLICY),
            tuple(StartPolicy),
        ),
        _secure_item(shown.flag(*objects.SECURE_MIGRATION), wanted=wanted.secure_migration),
    ]
    if wanted.description:
        items.append(_description_item(wanted.description, shown.get("Description")))
    if wanted.policy.mode is not PolicyMode.OFF:
        items.append(_policy_item(wanted.policy, shown, plan.release, len(spec.servers)))
    return items


def _item(id_: str, title: str, holds: bool | None, detail: str, *, is_essential: bool = False) -> Verified:
    return Verified(id=id_, title=title, holds=holds, detail=detail, source=SOURCE, is_essential=is_essential)


def _word_item(id_: str, name: str, wanted: str, value: str | None, known: tuple[str, ...]) -> Verified:
    """A setting out of a list of words; a word that is none of them is not understood, hence unknown."""
    title = f"the {name} is {wanted}"
    word = _plain(value or "")
    if not word:
        return _item(id_, title, None, NOT_SHOWN)
    if word not in {_plain(one) for one in known}:
        return _item(id_, title, None, f"Manager shows {inert(value or '', 80)}, which is not a known {name}")
    return _item(id_, title, word == _plain(wanted), inert(value or "", 80))


def _plain(word: str) -> str:
    return word.strip().casefold().replace(" ", "_")


def _secure_item(value: bool | None, *, wanted: bool) -> Verified:
    """Whether live migration is encrypted as asked for. Seen to be otherwise, it is not the pool that was approved."""
    title = f"secure migration is {'on' if wanted else 'off'}"
    if value is None:
        return _item("pool.secure_migration", title, None, NOT_SHOWN)
    holds = value == wanted
    return _item("pool.secure_migration", title, holds, "on" if value else "off", is_essential=not holds)


def _description_item(wanted: str, value: str | None) -> Verified:
    title = "the description is the one asked for"
    if value is None:
        return _item("pool.description", title, None, NOT_SHOWN)
    holds = " ".join(value.split()) == " ".join(wanted.split())
    return _item("pool.description", title, holds, "as asked for" if holds else inert(value, 80) or "empty")


def _policy_item(wanted: Policy, shown: Reply, release: str, servers: int) -> Verified:
    """Mode, figures and servers of the policy. A mode seen to be another one is not the pool that was approved."""
    title = titles.POLICY
    if release == Release.R32:
        return _item("pool.policy", title, None, titles.NO_POLICY_WORDS)
    mode = _plain(shown.get(*objects.POLICY_MODE) or "")
    if mode not in {_plain(one) for one in PolicyMode}:
        return _item("pool.policy", title, None, NOT_SHOWN)
    differing = [] if mode == _plain(wanted.mode) else [f"mode {mode.upper()}, not {wanted.mode}"]
    figures = (
        ("CPU threshold", wanted.cpu_threshold_pct, shown.number(*objects.POLICY_THRESHOLD)),
        ("period", wanted.period_min, shown.number(*objects.POLICY_PERIOD)),
    )
    differing += [
        f"{name} {value:g}, not {asked}"
        for name, asked, value in figures
        if asked is not None and value is not None and value != asked
    ]
    acts_on = len(shown.references(*objects.POLICY_SERVERS))
    if acts_on != servers:
        differing.append(f"it acts on {acts_on} of {servers} servers")
    detail = listed(differing) or f"{wanted.mode} on {servers} servers"
    return _item("pool.policy", title, not differing, detail, is_essential=bool(differing))
