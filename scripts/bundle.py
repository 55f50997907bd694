"""Builds dist/poolwright-VERSION-bundle.tar.gz: a wheelhouse and an installer for a jump host without internet.

The bundle holds wheels for the Python and machine type it is made on; make it on the like of the jump host.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def pip(*words: str) -> None:
    """Run this interpreter's pip."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *words], check=True)


def build(into: Path) -> Path:
    """The bundle's folder filled, then packed; returns the archive."""
    wheels = into / "wheels"
    pip(
        "download",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
        str(ROOT / "requirements/runtime.lock"),
        "-d",
        str(wheels),
    )
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT))
    version = next(wheels.glob("poolwright-*.whl")).name.split("-")[1]
    shutil.copy(ROOT / "requirements/runtime.lock", into)
    shutil.copy(ROOT / "LICENSE", into)
    shutil.copy(ROOT / "scripts/install.sh", into)
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(into)}"
        for file in sorted(into.rglob("*"))
        if file.is_file()
    ]
    (into / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    archive = dist / f"poolwright-{version}-bundle.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(into, arcname=f"poolwright-{version}")
    return archive


def main() -> int:
    """Build it and say where it is."""
    with tempfile.TemporaryDirectory() as name:
        archive = build(Path(name))
    print(
        f"{archive.relative_to(ROOT)} ({archive.stat().st_size / 2**20:.1f} MB): unpack it, then sh install.sh"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
