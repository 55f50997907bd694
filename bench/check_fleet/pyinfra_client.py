# mypy: ignore-errors
"""pyinfra asking one fact, the same script, of every server; started with the throw-away environment's Python."""

import json
import sys
from pathlib import Path

import gevent.monkey

gevent.monkey.patch_all()

from pyinfra.api import Config, Inventory, State  # noqa: E402
from pyinfra.api.connect import connect_all  # noqa: E402
from pyinfra.api.facts import get_facts  # noqa: E402
from pyinfra.facts.server import Command  # noqa: E402

hosts = json.loads(Path(sys.argv[1]).read_text())
script = Path(sys.argv[2]).read_text()
names = [
    (
        f"ovs{port}",
        {
            "ssh_hostname": "127.0.0.1",
            "ssh_port": port,
            "ssh_user": "root",
            "ssh_key": hosts["key"],
            "ssh_strict_host_key_checking": "off",
        },
    )
    for port in hosts["ports"]
]
state = State(Inventory((names, {})), Config(PARALLEL=hosts["at_once"]))
connect_all(state)
facts = get_facts(state, Command, (script,))
sys.exit(0 if sum("token:end:" in str(text) for text in facts.values()) == len(names) else 1)
