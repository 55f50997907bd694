"""All kinds of steps of this platform by the word that plans and journals use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.engine.step import Step
from core.platforms.oracle_vm.steps.create_pool import CreatePool
from core.platforms.oracle_vm.steps.join_server import JoinServer
from core.platforms.oracle_vm.steps.own_server import OwnServer
from core.platforms.oracle_vm.steps.prepare_lun import PrepareLun
from core.platforms.oracle_vm.steps.prepare_nfs import PrepareNfs
from core.platforms.oracle_vm.steps.set_policy import SetPolicy
from core.platforms.oracle_vm.steps.sweep import SweepMember, SweepPool, SweepServer

STEP_KINDS: Mapping[str, type[Step[Any]]] = {
    kind.kind: kind
    for kind in (
        OwnServer,
        PrepareNfs,
        PrepareLun,
        CreatePool,
        JoinServer,
        SetPolicy,
        SweepMember,
        SweepPool,
        SweepServer,
    )
}
