"""Faults of the lab's Manager: the names of `World.faults` it honours.

Parameters that every one takes are those of `operations.fault`: `server`, `after`, `count`, `after_s`, `for_s`; those
about a command also `verb` (e.g. "create"), `type` (e.g. "ServerPool") and `number` (the n-th command of the
session, from 1).
"""

from __future__ import annotations

FAULT_HOOKS: dict[str, str] = {
    "agent-down": "no agent call reaches the server (operations.is_agent_up); commands that need it fail",
    "agent-fault": "every call to the server's agent is refused with `text`, when `call` is given only that one",
    "create-fails": "create_server_pool is refused with `reason`, at the time that switch create_fails_at says",
    "join-fails": "join_server_pool on `server` is refused with `reason`",
    "own-ignored": "taking ownership of `server` ends in Success and changes nothing",
    "discover-fails": "discovery of `server` is refused with `reason`",
    "job-fails": "the job of the command fails with `reason` after its work began",
    "lock-conflict": "objects named or with id `object` (all without it) stay locked for `seconds` (default 30)",
    "disconnect-before": "the connection ends when the command has arrived, before anything is done",
    "disconnect-after": "the connection ends after the command was carried out, before its reply",
    "disconnect-midway": "the connection ends while the command is at work; its job goes on",
    "half-reply": "half of the reply arrives, then the connection ends",
    "slow-command": "the command takes `seconds` (default 60) longer",
    "hang-command": "the command never answers",
    "no-prompt": "the reply arrives, the prompt after it does not",
    "prompt-in-name": "objects exist whose names and descriptions hold `text` (default the prompt itself)",
    "hostile-names": "descriptions and some names carry terminal escapes, markup and bidirectional marks",
    "flood": "the reply carries `bytes` (default 8 MiB) of lines that nobody asked for",
    "manager-starting": "logins are refused and show Manager says Starting",
    "login-slow": "logins take `seconds` (default 20) longer",
    "settle-late": "objects found by a refresh appear `seconds` (default 20) after the command's reply",
    "idle-timeout": "sessions end after `seconds` of idleness instead of the release's 900 or 1800",
}
# Variants that no source decides, beside the fields of Switches: keys of `Switches.extra`.
EXTRA_SWITCHES: dict[str, str] = {
    "header_order": "names in the order of the header lines: command, status, time, jobid, error",
    "multiline_errors": "agent failures run over three lines as in the one recorded text (default), or stand in one",
    "job_failed_prefix": "failed jobs say `Job failed on Core: ` first (default, 3.3 and later)",
    "xml_one_list": "an Xml list is one element with repeated Id and Name children",
    "empty_attributes": "show prints attributes without a value (Server Pool) instead of leaving them out",
    "authorized_keys": "OpenSSH public key lines that may log in after a password login",
    "iscsi_portals": "access hosts that answer iSCSI; all do without it",
    "chap": "(user, password) that iSCSI arrays want; none without it",
    "manager_clock_offset_s": "seconds Manager's clock is ahead",
    "manager_time_zone": "IANA zone of Manager's times, UTC without it",
}
PROMPT_TEXT = "OVM> "
HOSTILE_TEXT = "\x1b]0;owned\x07\x1b[2J\x1b[31m[bold]<script>&\u202e\x9b1m"
