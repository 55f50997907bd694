"""Commands that mend a finding, rendered for one server and ready to copy; nothing here runs them.

Every word that comes from a server passes the allow-list of its kind and shell quoting. A word that does not pass
withholds the whole command: the operator is told so, and reads the general remedy instead.

A command that removes, deletes or wipes says what (Harm), and is withheld until everything proves that nobody uses it:
no warning above a command stands in for that proof.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from core.models.results import FixCommand

_FIRST = "A-Za-z0-9"
_KINDS: dict[str, re.Pattern[str]] = {
    # No character of these lists means anything to a shell, and none begins with a dash.
    "host": re.compile(rf"[{_FIRST}](?:[A-Za-z0-9._-]{{0,251}}[A-Za-z0-9])?"),
    "address": re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}", re.ASCII),
    "interface": re.compile(rf"[{_FIRST}][A-Za-z0-9_.:-]{{0,31}}"),
    "device": re.compile(
        r"/dev/(?:[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,119}/){0,4}[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,119}"
    ),
    "path": re.compile(r"(?:/[A-Za-z0-9_.:@+,=%-]{1,255}){1,30}"),
    "wwid": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{3,127}"),
    "uuid": re.compile(r"[0-9A-Fa-f][0-9A-Fa-f:-]{7,63}"),
    "mac": re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"),
    "number": re.compile(r"\d{1,12}", re.ASCII),
    "name": re.compile(
        rf"[{_FIRST}][A-Za-z0-9_.-]{{0,199}}"
    ),  # an object of the controller, a cluster, a service
}
_PLACE = re.compile(r"\{([a-z_]+)\}")
MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Word:
    """One word for a command and the kind it must be of."""

    kind: str
    text: str

    @property
    def is_safe(self) -> bool:
        """Whether the text is what its kind allows."""
        return _KINDS[self.kind].fullmatch(self.text) is not None and ".." not in self.text.split("/")


def host(text: str | None) -> Word:
    """A host name or a dotted address."""
    return Word("host", text or "")


def address(text: str | None) -> Word:
    """A dotted IPv4 address."""
    return Word("address", text or "")


def interface(text: str | None) -> Word:
    """A network device."""
    return Word("interface", text or "")


def device(text: str | None) -> Word:
    """A block device below /dev."""
    return Word("device", text or "")


def path(text: str | None) -> Word:
    """An absolute path without blanks."""
    return Word("path", text or "")


def wwid(text: str | None) -> Word:
    """The identity of a LUN."""
    return Word("wwid", text or "")


def uuid(text: str | None) -> Word:
    """A UUID, dashed, with colons or bare."""
    return Word("uuid", text or "")


def mac(text: str | None) -> Word:
    """A hardware address."""
    return Word("mac", text or "")


def number(value: int | str | None) -> Word:
    """A whole number without sign."""
    return Word("number", "" if value is None else str(value))


def name(text: str | None) -> Word:
    """The name of an object, a cluster or a service; one with blanks or quotes is not offered in a command."""
    return Word("name", text or "")


DESTROYS = re.compile(  # what ends something that may be somebody's
    r"(?<![\w/.-])(?:rm|rmdir|dd|mkfs(?:\.\w+)?|wipefs (?:-a|--all)|mv|umount|shred|truncate|fdisk|parted"
    r"|delete|remove|destroy|releaseOwnership|dmsetup remove|(?:lv|vg|pv)remove|ip (?:addr|link) del"
    r"|o2cb (?:offline|unload|stop))(?![\w-])|takeOwnership=(?:no|false)|find .* -delete",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that must hold before something is destroyed; `holds` None: nobody could look.

    `unless` says what must be settled first where it does not hold.
    """

    holds: bool | None
    unless: str


@dataclass(frozen=True, slots=True)
class Harm:
    """What a command removes, deletes or wipes, and everything that must be proven before it is offered."""

    what: str
    proofs: tuple[Proof, ...]

    @property
    def unsettled(self) -> str:
        """What must be settled first, in words; '' when all is proven."""
        open_ones = [proof.unless for proof in self.proofs if proof.holds is not True]
        return "; ".join(open_ones) if self.proofs else "nothing is known about it"


def withheld(where: str, harm: Harm) -> FixCommand:
    """No command, and what must be settled first."""
    why = f"no command is offered that ends {harm.what}; settle first: {harm.unsettled}"
    return FixCommand(where=where, withheld=why)


def command(
    where: str, template: str, /, *, warning: str = "", harm: Harm | None = None, **words: Word
) -> FixCommand:
    """`template` with each `{word}` filled in, for the shell of `where` (or Manager's prompt, for MANAGER).

    One that destroys something (DESTROYS) declares it by `harm`, and is withheld while anything of it is unproven.
    Raises KeyError for a place that no word was given for, ValueError for a harm that is not declared: those are
    mistakes in the check, not in the server.
    """
    if harm is None and DESTROYS.search(template):
        raise ValueError(f"what does `{template}` destroy? declare it")
    if harm is not None and harm.unsettled:
        return withheld(where, harm)
    places = set(_PLACE.findall(template))
    if missing := places - words.keys():
        raise KeyError(f"no word for {', '.join(sorted(missing))}")
    unsafe = [key for key in sorted(places) if not words[key].is_safe]
    if unsafe:
        named = ", ".join(f"{words[key].kind} ({key})" if words[key].kind != key else key for key in unsafe)
        what = (
            "was not told"
            if all(not words[key].text for key in unsafe)
            else "has characters that do not belong in one"
        )
        return FixCommand(where=where, withheld=f"no command is offered: the {named} of this server {what}")
    text = _PLACE.sub(lambda match: shlex.quote(words[match[1]].text), template)
    return FixCommand(where=where, text=text, warning=warning, destroys=harm.what if harm is not None else "")
