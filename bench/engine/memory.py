"""The most memory a runner's process ever held, for small and large pools, on a lab over real sockets."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from core.lab.fleet import Lab
from core.runner import client
from core.secrets import Secrets
from core.service import Service

SIZES = (
    (4, "healthy-nfs"),
    (16, "healthy-nfs"),
    (32, "healthy-nfs"),
    (64, "unclustered"),
)  # 32: the most of a cluster
SPEED = 1000.0
_PROGRAM = """
import resource, sys
from core.runner.__main__ import main
status = main()
with open({told!r}, "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
sys.exit(status)
"""


async def peak_mib(servers: int, scenario: str, folder: Path) -> float:
    """One whole run; the peak in MiB."""
    async with Lab.from_scenario(scenario, servers=servers, speed=SPEED) as lab:
        service, secrets = Service(folder / "state"), Secrets(lab.passwords)
        lab.write_ready(folder / "ready.json")
        spec = service.load(folder / "ready.json.spec.yaml")
        checked = await service.check(spec, secrets)
        document = client.RunDocument.of(
            spec, service.plan(spec, checked), limits={"manager_poll_s": 0.05, "manager_settle_s": 20.0}
        )
        told = folder / "peak"
        command = (sys.executable, "-P", "-c", _PROGRAM.format(told=str(told)))
        run = await client.start_run(folder / "state", document, secrets, command=command)
        async for _ in client.follow(folder / "state", run):
            pass
        while client.is_live(folder / "state", run) or not told.exists():  # noqa: ASYNC110 - its last breath
            await asyncio.sleep(0.05)
        assert client.show_run(folder / "state", run).outcome == "created"
        return int(told.read_text()) / 1024


def main() -> None:
    """Print a row for each size."""
    for servers, scenario in SIZES:
        folder = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            print(
                f"runner, {servers:3} servers: peak {asyncio.run(peak_mib(servers, scenario, folder)):.0f} MiB"
            )
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
