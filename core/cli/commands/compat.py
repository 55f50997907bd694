"""`poolwright compat SPEC | --facts FILE... | --cpuinfo FILE...`: who can live-migrate to whom, and why not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ExitCode

if TYPE_CHECKING:
    from core.cpu.fleet import Fleet
    from core.cpu.verdict import Guest
    from core.models.spec import BaseSpec
    from core.reports.compat_build import CompatReport
    from core.service import Service

MAX_FILE = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sources, guest kinds, what-ifs and formats."""
    source = parser.add_argument_group("where the processors come from")
    source.add_argument(
        "spec", nargs="?", type=Path, metavar="SPEC", help="pool description: look at its servers now"
    )
    source.add_argument(
        "--facts", nargs="+", type=Path, default=[], metavar="FILE", help="collected facts (JSON)"
    )
    source.add_argument(
        "--cpuinfo",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="descriptions of servers, one a file; - is stdin",
    )
    source.add_argument("--password-file", type=Path, metavar="FILE", help="secrets for SPEC (see `check`)")
    source.add_argument("--known-hosts", type=Path, metavar="FILE", help="OpenSSH known_hosts file for SPEC")
    source.add_argument("--state-dir", type=Path, metavar="DIR", help="where runs and pins are kept")
    parser.add_argument(
        "--guest",
        action="append",
        choices=["pv", "pvhvm", "hvm", "kvm"],
        default=[],
        help="guest kind (repeatable)",
    )
    changes = parser.add_argument_group("what if")
    changes.add_argument(
        "--what-if-add", nargs="+", type=Path, default=[], metavar="FILE", help="add these servers"
    )
    changes.add_argument("--what-if-remove", nargs="+", default=[], metavar="SERVER", help="leave these out")
    changes.add_argument(
        "--what-if-microcode",
        action="append",
        default=[],
        metavar="SERVER=0xREV",
        help="give it this microcode",
    )
    changes.add_argument(
        "--what-if-lose", action="append", default=[], metavar="SERVER=FLAG,...", help="take flags away"
    )
    changes.add_argument(
        "--what-if-gain", action="append", default=[], metavar="SERVER=FLAG,...", help="add flags"
    )
    form = parser.add_argument_group("output").add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--html", action="store_true", help="print one self-contained page")
    form.add_argument("--svg", action="store_true", help="print one picture")
    parser.add_argument("--expand", action="store_true", help="with --json: cells between servers (up to 64)")


def run(args: argparse.Namespace) -> ExitCode:
    """Judge the processors and print the report."""
    from core.cli.output import emit_line, emit_text

    fleet = gather(args)
    guests = guest_kinds(args.guest)
    found = _with_what_if(args, fleet, guests)
    if args.json:
        from core.reports.compat_document import document

        emit_line(document(found, expand=args.expand))  # cells are many: no indents
    elif args.html:
        from core.reports.compat_html import compat_html

        emit_text(compat_html(found))
    elif args.svg:
        from core.reports.compat_svg import compat_svg

        emit_text(compat_svg(found))
    else:
        from core.reports.compat_text import compat_text

        emit_text(compat_text(found))
    return ExitCode.DONE


def guest_kinds(words: list[str]) -> tuple[Guest, ...]:
    """The guest kinds asked for; without a word the three of Xen."""
    from core.cpu.verdict import XEN_GUESTS, Guest

    return tuple(dict.fromkeys(Guest(word) for word in words)) or XEN_GUESTS


def gather(args: argparse.Namespace) -> Fleet:
    """All servers of the given sources; CompatInputError when there is none."""
    from core.cpu.fleet import Fleet
    from core.reports.compat_build import CompatInputError

    fleet = Fleet()
    for path in args.facts:
        merge(fleet, read_file(path))
    _add_descriptions(fleet, args.cpuinfo)
    if args.spec is not None:
        from core.service import Service

        service = Service(args.state_dir, known_hosts=args.known_hosts)
        merge(fleet, look(args, service, service.load(args.spec)))
    if not fleet.profiles:
        raise CompatInputError(
            "cannot compare processors: none given", fix="give SPEC, --facts FILE or --cpuinfo FILE"
        )
    return fleet


def _add_descriptions(fleet: Fleet, paths: list[Path]) -> None:
    """One server a file; what cannot be understood is a server that is not known, unless none of them can be."""
    from core.cli.diagnostics import say
    from core.cpu.parse import CpuFormatError

    unread: list[tuple[Path, CpuFormatError]] = []
    for path in paths:
        try:
            merge(fleet, read_file(path))
        except CpuFormatError as error:
            if not path.is_file():
                raise
            unread.append((path, error))
            fleet.add(path.stem, None, str(path), "its description cannot be read")
    if unread and not any(fleet.profiles.values()):
        raise unread[0][1]
    for _, reason in unread:
        say(f"{reason.message}; it counts as not known")


def merge(fleet: Fleet, other: Fleet) -> list[str]:
    """Add all servers of another fleet; returns the names they got."""
    names = []
    for name, profile in other.profiles.items():
        used = fleet.add(name, profile, other.sources.get(name, ""), other.reasons.get(name, ""))
        if name in other.memory:
            fleet.memory[used] = other.memory[name]
        if name in other.hosts:
            fleet.hosts[used] = other.hosts[name]
        names.append(used)
    for group, servers in other.groups.items():
        fleet.groups.setdefault(group, []).extend(servers)
    return names


def read_file(path: Path) -> Fleet:
    """Servers of one file, `-` for standard input; a server without a name gets the file's."""
    from core import files
    from core.cli.inputs import standard_input
    from core.cpu import fleet
    from core.cpu.parse import CpuFormatError

    try:
        raw = standard_input(MAX_FILE) if str(path) == "-" else files.read_bytes(path, MAX_FILE)
    except files.FileError as error:
        raise CpuFormatError(error.message, fix=error.fix) from None
    try:
        return fleet.read(
            raw.decode("utf-8", "replace"), "stdin" if str(path) == "-" else path.stem, str(path)
        )
    except CpuFormatError as error:
        raise CpuFormatError(f"{path}: {error.message}", fix=error.fix) from None


def look(args: argparse.Namespace, service: Service, spec: BaseSpec) -> Fleet:
    """Observe the servers of a spec, with what trust and secrets that needs."""
    import asyncio

    from core.cli.diagnostics import say
    from core.cli.inputs import gather_secrets, require_trust
    from core.cpu import fleet

    secrets = gather_secrets(service, spec, args.password_file)

    async def observe() -> Fleet:
        await require_trust(service, spec, secrets)
        say(f"looking at {len(spec.server_names)} server(s) ...")
        checked = await service.check(spec, secrets)
        return fleet.of_facts(checked.fleet)

    return asyncio.run(observe())


def _assignments(words: list[str]) -> dict[str, str]:
    from core.reports.compat_build import CompatInputError

    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise CompatInputError(f"cannot read '{word}': write SERVER=VALUE")
        found[name] = value
    return found


def _revisions(words: list[str]) -> dict[str, str]:
    from core.cpu.formats.common import microcode_of
    from core.reports.compat_build import CompatInputError

    found = {}
    for name, value in _assignments(words).items():
        revision = microcode_of(value)
        if revision is None:
            raise CompatInputError(f"cannot read '{value}' as a microcode revision", fix="write it like 0x43")
        found[name] = revision
    return found


def _with_what_if(args: argparse.Namespace, fleet: Fleet, guests: tuple[Guest, ...]) -> CompatReport:
    """The report of the fleet as it would be, with the cells that turn, when a change is asked for."""
    from core.cpu import whatif
    from core.cpu.fleet import Fleet as NewFleet
    from core.reports.compat_build import CompatInputError, report

    added = NewFleet()
    for path in args.what_if_add:
        merge(added, read_file(path))
    change = whatif.Change(
        {name: profile for name, profile in added.profiles.items() if profile is not None},
        args.what_if_remove,
        _revisions(args.what_if_microcode),
        {name: value.split(",") for name, value in _assignments(args.what_if_lose).items()},
        {name: value.split(",") for name, value in _assignments(args.what_if_gain).items()},
    )
    if not (change.add or change.remove or change.microcode or change.lose or change.gain):
        return report(fleet, guests)
    clash = sorted(set(change.add) & set(fleet.profiles))
    if clash:
        raise CompatInputError(
            f"cannot add {clash[0]}: a server of that name is there already", fix="rename its file"
        )
    try:
        profiles = whatif.apply(fleet.profiles, change)
    except KeyError as error:
        raise CompatInputError(f"cannot change {error.args[0]}: no such server, or not readable") from None
    sources = {**fleet.sources, **added.sources}
    after = NewFleet(profiles, fleet.memory, sources, fleet.reasons, fleet.groups)
    found = report(after, guests)
    found.difference = whatif.compare(fleet.profiles, profiles, guests)
    return found
