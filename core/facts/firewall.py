"""What an iptables filter table does to a new TCP connection. Pure; says so where it cannot tell."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.facts.linux import lines_of

_MAX_DEPTH = 8
_STOPS = frozenset({"DROP", "REJECT"})
_PLAIN_MATCHES = frozenset({"tcp", "udp", "state", "conntrack", "multiport", "comment", "icmp"})
_HARMLESS = frozenset({"--comment", "--reject-with", "--log-prefix", "--log-level", "--icmp-type"})
_LONG = {
    "--protocol": "-p",
    "--source": "-s",
    "--in-interface": "-i",
    "--destination-port": "--dport",
    "--dports": "--dport",
    "--ctstate": "--state",
    "--jump": "-j",
    "--match": "-m",
}
_PASSES_ON = frozenset({"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TCPMSS", "TRACE", "AUDIT"})


class UndecidedError(Exception):
    """A rule decides, and what it matches is not understood."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def parse_iptables(text: str) -> tuple[str, ...]:
    """Rules of the filter table in `iptables -S` form, from `iptables -S` or `iptables-save`."""
    rules: list[str] = []
    in_filter = True
    for line in lines_of(text):
        if line.startswith("*"):
            in_filter = line == "*filter"
        elif not in_filter:
            continue
        elif line.startswith(":"):
            words = line[1:].split()
            if len(words) >= 2:
                rules.append(f"-N {words[0]}" if words[1] == "-" else f"-P {words[0]} {words[1]}")
        elif line.startswith(("-P ", "-N ", "-A ")):
            rules.append(line)
    return tuple(rules)


def stopping_rule(rules: Sequence[str], port: int, source: str) -> str | None:
    """The rule that stops a new TCP connection from `source` (an address or name) to `port`, None when it gets in.

    Raises UndecidedError when the deciding rule holds a match that is not understood.
    """
    chains: dict[str, list[str]] = {}
    policy = "ACCEPT"
    for rule in rules:
        words = rule.split()
        if rule.startswith("-P INPUT ") and len(words) == 3:
            policy = words[2]
        elif rule.startswith("-A ") and len(words) > 2:
            chains.setdefault(words[1], []).append(rule)
    verdict, by = _walk("INPUT", chains, port, source, 0)
    if verdict == "":
        verdict, by = policy, f"-P INPUT {policy}"
    return by if verdict in _STOPS else None


def _walk(chain: str, chains: Mapping[str, list[str]], port: int, source: str, depth: int) -> tuple[str, str]:
    """(ACCEPT, DROP, REJECT or '' for no decision, the rule) of one chain."""
    if depth > _MAX_DEPTH:
        raise UndecidedError(f"-A {chain}")
    for text in chains.get(chain, []):
        rule = _Rule.of(text)
        matches = rule.matches(port, source)
        if matches is False or rule.target in _PASSES_ON or not rule.target:
            continue
        if matches is None:
            if rule.target == "ACCEPT" or rule.target in _STOPS or rule.target in chains:
                raise UndecidedError(text)
            continue
        if rule.target == "RETURN":
            return "", ""
        if rule.target == "ACCEPT" or rule.target in _STOPS:
            return rule.target, text
        verdict, by = _walk(rule.target, chains, port, source, depth + 1)
        if verdict:
            return verdict, by
    return "", ""


@dataclass(slots=True)
class _Rule:
    """One `-A` rule taken apart; `strange` are matches that are not understood."""

    target: str = ""
    protocol: str = "all"
    source: str = ""
    interface: str = ""
    ports: tuple[tuple[int, int], ...] | None = None
    states: frozenset[str] = frozenset()
    negated: set[str] = field(default_factory=set)
    strange: bool = False

    @classmethod
    def of(cls, text: str) -> _Rule:
        rule = cls()
        try:
            words = shlex.split(text)[2:]
        except ValueError:
            return cls(strange=True, target="DROP")
        negate = False
        index = 0
        while index < len(words):
            word = words[index]
            value = words[index + 1] if index + 1 < len(words) else ""
            if word == "!":
                negate, index = True, index + 1
                continue
            index += rule._take(word, value, negate)
            negate = False
        return rule

    def _take(self, word: str, value: str, negate: bool) -> int:
        """Use up one option; returns how many words it took."""
        word = _LONG.get(word, word)
        if negate:
            self.negated.add(word)
        if word == "-p":
            self.protocol = value.lower()
        elif word == "-s":
            self.source = value
        elif word == "-i":
            self.interface = value
        elif word == "--dport":
            self.ports = _ports(value)
        elif word == "--state":
            self.states = frozenset(value.upper().split(","))
        elif word == "-j":
            self.target = value
        elif word == "-m":
            self.strange |= value not in _PLAIN_MATCHES
        elif word not in _HARMLESS:
            self.strange = True
            return 1 if value.startswith("-") or value == "!" else 2
        return 2

    def matches(self, port: int, source: str) -> bool | None:
        """Whether a new TCP connection meets it; None when it cannot be told."""
        answers = [
            self._protocol_fits(),
            self._port_fits(port),
            self._source_fits(source),
            self._state_fits(),
        ]
        if self.interface:
            answers.append(False if self.interface == "lo" and "-i" not in self.negated else None)
        if any(answer is False for answer in answers):
            return False
        if self.strange or any(answer is None for answer in answers):
            return None
        return True

    def _protocol_fits(self) -> bool:
        fits = self.protocol in ("all", "tcp", "6", "0")
        return fits is not ("-p" in self.negated)

    def _port_fits(self, port: int) -> bool:
        if self.ports is None:
            return True
        fits = any(low <= port <= high for low, high in self.ports)
        return fits is not ("--dport" in self.negated)

    def _source_fits(self, source: str) -> bool | None:
        if not self.source:
            return True
        try:
            fits = ipaddress.ip_address(source) in ipaddress.ip_network(self.source, strict=False)
        except ValueError:
            return None
        return fits is not ("-s" in self.negated)

    def _state_fits(self) -> bool:
        return not self.states or (("NEW" in self.states) is not ("--state" in self.negated))


def _ports(text: str) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        if low.isdigit() and (not high or high.isdigit()):
            found.append((int(low), int(high or low)))
    return tuple(found)
