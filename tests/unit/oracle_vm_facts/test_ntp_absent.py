"""Whether an NTP daemon runs, where `ntpq` cannot be asked: ntpsec's is silent, and its process tells."""

from __future__ import annotations

import pytest

from core.facts.batch import Section
from core.platforms.oracle_vm.probes.dom0_network import read_ntp_peers

REFUSED = Section("ntpq", "ntpq -pn", 1, "ntpq: read: Connection refused\n")
SILENT = Section("ntpq", "ntpq -pn", 1, "***Request timed out\n")
NONE = Section("ntpd", "pidof ntpd", 1, "")
ONE = Section("ntpd", "pidof ntpd", 0, "120\n")
NO_TOOL = Section("ntpd", "pidof ntpd", 127, "sh: pidof: not found\n")


@pytest.mark.parametrize(("ntpq", "process"), [(REFUSED, NO_TOOL), (REFUSED, ONE), (SILENT, NONE)])
def test_no_daemon(ntpq: Section, process: Section) -> None:
    assert read_ntp_peers({"ntpq": ntpq, "ntpd": process}) == {"ntp_peers": (), "ntp_is_running": False}


@pytest.mark.parametrize("process", [ONE, NO_TOOL, None])
def test_silence_alone_is_unknown(process: Section | None) -> None:
    """A daemon may refuse to answer mode 6: then nobody knows."""
    sections = {"ntpq": SILENT} | ({} if process is None else {"ntpd": process})
    with pytest.raises(ValueError, match="timed out"):
        read_ntp_peers(sections)
