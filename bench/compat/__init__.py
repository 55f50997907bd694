"""The compatibility matrix of fleets drawn from real processors, beside naive set differences between all servers.

`python -m bench compat`; every size runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

SIZES = (32, 256, 1_000, 5_000)
RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cpuinfo"
NAIVE_ROWS = 400  # rows of the naive matrix that are really computed for larger fleets; the rest is scaled


def recorded() -> list[Any]:
    """The recorded processors, each once."""
    from core.cpu.parse import parse_profile

    return [parse_profile(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*-*.*"))]


def fleet(size: int) -> dict[str, Any]:
    """`size` servers with processors drawn from the recorded ones (x86 only), each its own object."""
    from core.models.cpu import Arch

    real = [profile for profile in recorded() if profile.arch is Arch.X86_64]
    source = random.Random(size)
    return {f"server{number}": source.choice(real).model_copy() for number in range(size)}


def whole_document() -> None:
    """Measure the JSON document of all recorded processors, as `compat --json` makes it (in a child process)."""
    import resource
    import time

    from core.cpu.fleet import Fleet
    from core.reports.compat_build import report
    from core.reports.compat_document import document

    servers = {f"server{number}": profile for number, profile in enumerate(recorded())}
    started = time.perf_counter()
    made = document(report(Fleet(profiles=dict(servers))))
    size = len(json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode())
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "classes": len(made["classes"]),
                "cells": len(made["cells"]),
                "reasons": len(made["reasons"]),
                "mb": size / 1e6,
                "seconds": seconds,
                "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def one(size: int, mode: str) -> None:
    """Measure one size and print the numbers as JSON (in a child process)."""
    if mode == "document":
        whole_document()
        return
    import resource
    import time

    from core.cpu import flags, matrix
    from core.cpu.pool import PoolView

    servers = fleet(size)
    flags.table()
    started = time.perf_counter()
    if mode == "naive":
        pairs = [(profile.key, profile.flags) for profile in servers.values()]
        rows = pairs[: min(size, NAIVE_ROWS)]
        crash = sum(bool(flags_a - flags_b) and a == b for a, flags_a in rows for b, flags_b in pairs)
        seconds = (time.perf_counter() - started) * size / len(rows)
        assert crash < len(rows) * size
        print(json.dumps({"seconds": seconds}))
        return
    built = matrix.build(servers)
    after_matrix = time.perf_counter()
    view = PoolView(built)
    parts, sets = len(view.partition), len(view.sets)
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "classes": len(built.classes),
                "matrix": after_matrix - started,
                "sets": done - after_matrix,
                "seconds": done - started,
                "parts": parts,
                "sets_found": sets,
                "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def _child(size: int, mode: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.compat", str(size), mode]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Print time, memory and the ratio for each size (to reach at 1,000 servers: 0.3 s and 200 MB)."""
    if not RECORDED.is_dir():
        print("the recorded processors are not beside this checkout: nothing to measure")
        return
    print("servers  ordered pairs  classes  matrix s  sets+parts s  total s  MiB   naive s   ratio")
    for size in SIZES:
        best = min((_child(size, "classes") for _ in range(3)), key=lambda answer: float(answer["seconds"]))
        naive = min(_child(size, "naive")["seconds"] for _ in range(2))
        scaled = "*" if size > NAIVE_ROWS else " "
        print(
            f"{size:>7,}  {size * (size - 1):>13,}  {best['classes']:>7}  {best['matrix']:>8.3f}  {best['sets']:>12.3f}"
            f"  {best['seconds']:>7.3f}  {best['mib']:>3.0f}  {naive:>7.2f}{scaled}  {naive / best['seconds']:>5.1f}x"
        )
    print(f"* computed for {NAIVE_ROWS} source servers and scaled to all")
    print(
        "naive: key and set difference of every pair for one guest kind; ours: all rules for three guest kinds"
    )
    json_of_all = min((_child(0, "document") for _ in range(3)), key=lambda answer: float(answer["seconds"]))
    print(
        f"JSON of all {json_of_all['classes']} recorded kinds: {json_of_all['cells']:,} cells with"
        f" {json_of_all['reasons']:,} reasons, {json_of_all['seconds']:.2f} s, {json_of_all['mib']:.0f} MiB,"
        f" {json_of_all['mb']:.1f} MB"
    )
