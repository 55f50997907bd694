"""`poolwright migrate-check POOL --from A --to B`: would a live move be refused, in poolwright's own words."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ExitCode

if TYPE_CHECKING:
    from core.cpu.fleet import Fleet
    from core.cpu.migrate import GroupReading, MigrateAnswer

MAX_GROUPS = 4 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Pool, the two servers, and where facts and groups come from."""
    parser.add_argument("pool", metavar="POOL", help="name of the pool, its spec file, or a run")
    parser.add_argument("--from", dest="source", required=True, metavar="SERVER", help="where the guest runs")
    parser.add_argument("--to", dest="target", required=True, metavar="SERVER", help="where it shall go")
    parser.add_argument("--guest", choices=["pv", "pvhvm", "hvm", "kvm"], default="pvhvm", help="guest kind")
    parser.add_argument(
        "--facts",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="facts or descriptions of the servers",
    )
    parser.add_argument(
        "--groups", type=Path, metavar="FILE", help='groups as Manager has them: {"group": ["server", ...]}'
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="secrets, when POOL is a spec file"
    )
    parser.add_argument("--known-hosts", type=Path, metavar="FILE", help="OpenSSH known_hosts file")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where runs and pins are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    """Answer; exit 1 when the move would be refused, would crash the guest, or is not known."""
    from core.cli.output import emit_json, emit_text
    from core.cpu import migrate
    from core.cpu.verdict import Guest
    from core.reports.compat_text import migrate_text

    fleet = _fleet(args)
    reading = _reading(args.groups) if args.groups is not None else fleet.reading
    source, target = _server(fleet, args.source), _server(fleet, args.target)
    answer = migrate.check(fleet.profiles, source, target, Guest(args.guest), reading)
    if args.json:
        emit_json(_document(args.pool, answer))
    else:
        emit_text(migrate_text(answer))
    return ExitCode.DONE if answer.refused is False and answer.verdict.works else ExitCode.REFUSED


def _fleet(args: argparse.Namespace) -> Fleet:
    """Servers of the facts files, of the spec file that POOL names, or of the run that POOL names."""
    from core.cli.commands import compat

    if not args.facts and not Path(args.pool).is_file():
        return _of_run(args)
    spec = None if args.facts else Path(args.pool)
    args.spec, args.cpuinfo = spec, []
    return compat.gather(args)


def _of_run(args: argparse.Namespace) -> Fleet:
    """Look at the servers of the newest run of this pool (or of this run), with the spec it was made from."""
    from core.cli.commands import compat
    from core.reports.compat_build import CompatInputError
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    for view in service.runs():
        if args.pool in (view.pool, view.run):
            return compat.look(args, service, service.spec_of(view.run))
    raise CompatInputError(
        f"cannot find a run of pool {args.pool}", fix="give --facts FILE, or the pool's spec file as POOL"
    )


def _server(fleet: Fleet, name: str) -> str:
    """The server as the facts name it; its own host name or a short name will do when only one fits."""
    from core.reports.compat_build import CompatInputError

    if name in fleet.profiles:
        return name
    near = [
        server
        for server in fleet.profiles
        if name in (server.split(".")[0], fleet.hosts.get(server), fleet.hosts.get(server, "").split(".")[0])
    ]
    if len(near) == 1:
        return near[0]
    known = ", ".join(list(fleet.profiles)[:8])
    raise CompatInputError(f"cannot find server {name} in the facts", fix=f"they name: {known}")


def _reading(path: Path) -> GroupReading:
    """Groups of a JSON file: group -> servers, or a list of {id or name, servers}."""
    from core import files
    from core.cpu.migrate import GroupReading
    from core.reports.compat_build import CompatInputError

    try:
        data: Any = files.read_json(path, MAX_GROUPS)
    except files.FileError as error:
        raise CompatInputError(f"cannot read the groups in {path}: {error.why}", fix=error.fix) from None
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        data = {str(row.get("id") or row.get("name")): row.get("servers") for row in data}
    if not isinstance(data, dict) or not all(isinstance(servers, list) for servers in data.values()):
        raise CompatInputError(f"cannot read the groups in {path}", fix='write {"group": ["server", ...]}')
    return GroupReading({group: [str(server) for server in servers] for group, servers in data.items()})


def _document(pool: str, answer: MigrateAnswer) -> dict[str, Any]:
    from core.cpu.compat import row_text

    return {
        "schema": "poolwright.migrate-check/1",
        "pool": pool,
        "from": answer.source,
        "to": answer.target,
        "guest": answer.guest.value,
        "refused": answer.refused,
        "verdict": answer.verdict.value,
        "rows": [{"id": row, "says": row_text(row)[0], "remedy": row_text(row)[1]} for row in answer.rows],
        "text": answer.text,
        "missing": list(answer.missing),
        "shared_groups": list(answer.shared_groups),
        "mismatches": [
            {"server": off.server, "predicted": off.predicted, "actual": off.actual}
            for off in answer.mismatches
        ],
    }
