"""Results by key, kept also by server and counted, so that drawing hundreds of live rows looks at what changed only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from typing_extensions import override

from core.models.results import CheckResult, Severity, Verdict
from tui.theme import rank

Key = tuple[str, str]
_OPEN = (Verdict.UNKNOWN, Verdict.BLOCKED)


class Book(dict[Key, CheckResult]):
    """A dict of results; `dirty` names the servers whose results changed since somebody emptied it."""

    def __init__(self, results: Iterable[CheckResult] = ()) -> None:
        super().__init__()
        self.by_server: dict[str, dict[Key, CheckResult]] = {}
        self.counts: Counter[tuple[Verdict, Severity]] = Counter()
        self.dirty: set[str] = set()
        for result in results:
            self[result.key] = result

    @override
    def __setitem__(self, key: Key, result: CheckResult) -> None:
        old = self.get(key)
        if old is not None:
            self.counts[old.verdict, old.severity] -= 1
            for name in {old.target, *old.servers} - {result.target, *result.servers}:
                self.by_server.get(name, {}).pop(key, None)
                self.dirty.add(name)
        super().__setitem__(key, result)
        self.counts[result.verdict, result.severity] += 1
        for name in {result.target, *result.servers}:
            self.by_server.setdefault(name, {})[key] = result
            self.dirty.add(name)

    def of(self, server: str) -> list[CheckResult]:
        """Results that concern one server."""
        return list(self.by_server.get(server, {}).values())

    def count(self, verdict: str) -> int:
        """How many results have this verdict."""
        return sum(number for (each, _severity), number in self.counts.items() if each.value == verdict)

    @property
    def open_blockers(self) -> int:
        """How many blockers are not known."""
        return sum(self.counts[verdict, Severity.BLOCKER] for verdict in _OPEN)

    def rank_of(self, server: str) -> int:
        """How bad the worst result of a server is; 0 is worst, 99 when there is none."""
        return min((rank(each.verdict.value) for each in self.by_server.get(server, {}).values()), default=99)
