"""Who mounts an OCFS2 volume, as `mounted.ocfs2 -f` of ocfs2-tools 1.8.7 (seen) and 1.4 (by its source) prints it."""

from __future__ import annotations

import pytest

from core.facts.storage import parse_ocfs2_users

V18 = """\
Device    Stack  Cluster           F  Nodes
/dev/sda  o2cb   pool1             G  vm1, vm2
/dev/sdb  o2cb   0004fb0000050000  G  vm1, 3
/dev/sdc  o2cb   pool1                Not mounted
/dev/sdd  None                        Not mounted
"""
V14 = """\
Device                FS     Nodes
/dev/sda1             ocfs2  node1, node2
/dev/sdb1             ocfs2  Not mounted
"""


LONG = """\
Device                FS     Nodes
/dev/mapper/3600a0b80000f1f6d00000d1a4c6e5e6c  ocfs2  node1, node2
/dev/mapper/3600a0b80000f1f6d00000d1a4c6e5e6d  ocfs2  Not mounted
"""


@pytest.mark.parametrize(
    ("text", "device", "nodes"),
    [
        (V18, "/dev/sda", ("vm1", "vm2")),
        (V18, "/dev/sdb", ("vm1", "3")),
        (V18, "/dev/sdc", ()),
        (V18, "/dev/sdd", ()),
        (V18, "/dev/sdz", ()),
        (V14, "/dev/sda1", ("node1", "node2")),
        (V14, "/dev/sdb1", ()),
        (LONG, "/dev/mapper/3600a0b80000f1f6d00000d1a4c6e5e6c", ("node1", "node2")),
        (LONG, "/dev/mapper/3600a0b80000f1f6d00000d1a4c6e5e6d", ()),
        ("", "/dev/sda", ()),
        ("/dev/sda o2cb pool1 G vm1\n", "/dev/sda", ()),  # no heading: nobody knows which column is which
    ],
)
def test_nodes(text: str, device: str, nodes: tuple[str, ...]) -> None:
    assert parse_ocfs2_users(text, device) == nodes
