"""Records `feed.json.gz` from one look at 16 lab servers: `python -m bench.tui.record`."""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.tui.feed import FILE
from core.lab.fleet import Lab
from core.models.facts import ServerFacts
from core.models.results import CheckResult
from core.secrets import Secrets
from core.service import Service

SERVERS = 16
KEPT = {"id", "rules", "scope", "verdict", "severity", "title", "detail", "fix"}


async def record() -> dict[str, Any]:
    """Times in seconds since the look began."""
    told: dict[str, dict[str, Any]] = {}
    async with Lab.from_scenario("healthy-nfs", servers=SERVERS, speed=1000) as lab:
        with tempfile.TemporaryDirectory() as folder:
            service = Service(Path(folder))
            spec = service.parse(lab.spec_data())
            begin = time.monotonic()

            async def on_server(facts: ServerFacts) -> None:
                planes = {name: plane.model_dump(mode="json") for name, plane in facts.planes.items()}
                at_s = round(time.monotonic() - begin, 3)
                _ = told.setdefault(facts.name, {"at_s": at_s, "planes": planes, "results": []})

            async def on_result(result: CheckResult) -> None:
                if result.target in told:
                    at_s = round(time.monotonic() - begin, 3)
                    told[result.target]["results"].append(
                        (at_s, result.model_dump(mode="json", include=KEPT))
                    )

            secrets = Secrets(lab.passwords)
            service.trust(await service.identities(spec, secrets))
            _ = await service.check(spec, secrets, on_server=on_server, on_result=on_result)
    return {"servers": list(told.values())}


def main() -> None:
    """Write the file; the same bytes for the same record."""
    text = json.dumps(asyncio.run(record()), separators=(",", ":"))
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
