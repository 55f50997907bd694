"""The main job, as a front end does it, on a lab in this process and a runner in its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.lab.fleet import Lab
from core.models.events import RunEvent
from core.models.results import CheckResult
from core.models.views import RunView
from core.secrets import Secrets
from core.service import Checked, Service

SPEED = 400.0  # simulated seconds a real one


@dataclass(slots=True)
class Job:
    """What came of it: the look, what refused it, the run, and the lab before and after."""

    checked: Checked
    stopped: tuple[CheckResult, ...]
    view: RunView | None
    events: list[RunEvent]
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def outcome(self) -> str:
        """The outcome's word; `refused` when no run began."""
        if self.view is None:
            return "refused"
        return self.view.outcome.value if self.view.outcome else "unfinished"


async def whole_job(lab: Lab, folder: Path, *, accept: tuple[str, ...] = ()) -> Job:
    """Load, trust, check, judge, plan, start and follow to the end."""
    service = Service(folder / "state")
    lab.write_ready(folder / "ready.json")
    spec = service.load(folder / "ready.json.spec.yaml")
    secrets = Secrets(lab.passwords)
    before = lab.snapshot()
    service.trust(await service.identities(spec, secrets))
    checked = await service.check(spec, secrets)
    verdicts = service.judge(spec, checked, accept=accept)
    stopped = verdicts.refusals + verdicts.unaccepted
    if stopped:
        return Job(checked, stopped, None, [], before, lab.snapshot())
    run = await service.start(spec, service.plan(spec, checked), secrets, accepted=accept)
    events = [event async for event in service.follow(run)]
    return Job(checked, (), service.show(run), events, before, lab.snapshot())
