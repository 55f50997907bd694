"""Whether an NFS export can be written and leaves root alone, by writing there. Only where the operator allows it.

One command that makes an empty folder, mounts, makes one new file of a random name, looks whose it is, and undoes all
of it again. It ignores hang-ups (core.facts.batch), so that a connection cut in between ends in the same clean state.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from core.facts.batch import Section
from core.facts.commands import is_host, sweep_share
from core.text import inert

TRIAL_S = 60  # a soft mount and its retries end before that


class NfsTrial(NamedTuple):
    """What the trial told. None: it did not come that far. `trouble` is the server's own words where something failed.

    `is_clean` False: something of ours was left behind, in `folder`.
    """

    is_writable: bool | None
    keeps_root: bool | None
    is_clean: bool
    trouble: str = ""
    folder: str = ""


def nfs_trial(
    server: str, export: str, folder: str, name: str, *, is_solaris: bool = False
) -> dict[str, str]:
    """The trial's command; `folder` must not exist yet, `name` is the file to make. ValueError for unusable words."""
    if not is_host(server) or not export.startswith("/") or not re.fullmatch(r"\.[A-Za-z0-9_-]{8,64}", name):
        raise ValueError("not an NFS export or file name")
    if not re.fullmatch(r"/tmp/\.[A-Za-z0-9_-]{8,64}", folder):  # noqa: S108 - made with mkdir, which fails where it exists
        raise ValueError("not a folder of ours")
    source, file = shlex.quote(f"{server}:{export}"), f"{folder}/{name}"
    options = "rw,nosuid,nodev,noexec,soft,timeo=50,retrans=2,retry=0,nolock"
    mount = f"mount -t nfs -o {options} {source} {folder}"
    if is_solaris:
        mount = f"mount -F nfs -o rw,nosuid,soft,retry=0 {source} {folder}"
    write = (
        f"(set -C; : > {file}) && echo trial:made && ls -ln {file} | sed 's/^/trial:file /'; "
        f"if [ -e {file} ]; then rm -f {file} || echo trial:left; fi"
    )
    end = f"umount {folder} || umount -f {folder} || echo trial:left"
    inside = f"{mount} && {{ echo trial:mounted; {sweep_share(folder)}; {write}; {end}; }}"
    return {"trial": f"mkdir -m 700 {folder} && {{ {inside}; rmdir {folder} || echo trial:left; }}"}


def read_trial(section: Section, folder: str = "") -> NfsTrial:
    """What the trial's output tells; never raises.

    A root who is told `Permission denied` on a share mounted rw is a squashed one, and so is one whose file belongs
    to somebody else. A read-only export tells nothing of root.
    """
    text = section.text
    lines = text.splitlines()
    is_clean = section.status is not None and "trial:left" not in lines
    trouble = next(
        (inert(line, 200) for line in reversed(lines) if line and not line.startswith("trial:")), ""
    )
    if "trial:mounted" not in lines:
        is_refused = re.search(r"read-only file system|write[- ]protected", text, re.IGNORECASE)
        return NfsTrial(False if is_refused else None, None, is_clean, trouble or section.why_not, folder)
    if "trial:made" in lines:
        owner = re.search(r"^trial:file \S+\s+\d+\s+(\d+)\s", text, re.MULTILINE)
        keeps_root = None if owner is None else int(owner[1]) == 0
        return NfsTrial(True, keeps_root, is_clean, trouble, folder)
    if re.search(r"read-only file system", text, re.IGNORECASE):
        return NfsTrial(False, None, is_clean, trouble, folder)
    if re.search(r"permission denied|operation not permitted", text, re.IGNORECASE):
        return NfsTrial(False, False, is_clean, trouble, folder)
    return NfsTrial(None, None, is_clean, trouble, folder)
