# mypy: ignore-errors
"""parallel-ssh running the same script; started with the throw-away environment's Python."""

import json
import sys
from pathlib import Path

from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig

hosts = json.loads(Path(sys.argv[1]).read_text())
script = Path(sys.argv[2]).read_text()
config = [HostConfig(port=port, user="root", private_key=hosts["key"]) for port in hosts["ports"]]
client = ParallelSSHClient(["127.0.0.1"] * len(config), host_config=config, pool_size=hosts["at_once"])
ended = 0
for output in client.run_command(script, read_timeout=120):
    ended += sum("token:end:" in line for line in output.stdout) > 0
sys.exit(0 if ended == len(config) else 1)
