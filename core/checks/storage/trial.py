"""What our own intrusive trial could not take away again: told, never forgotten."""

from __future__ import annotations

from core.checks.reading import Ctx, joined
from core.checks.registry import shared
from core.checks.storage.reading import STORAGE_FIELDS, gather_nfs, wants
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok


@shared.check(
    "storage.trial.clean",
    scope=Scope.STORAGE,
    severity=Severity.WARNING,
    title="A trial of ours left nothing behind",
    why="a mount or an empty file of ours may stand in the way of the pool",
    fix="unmount the folder named here and remove it",
    source="DESIGN: what a look writes",
    planes=("ssh",),
    leans_on=("storage.visible.all",),
    unknown_severity=Severity.INFO,
    touches=STORAGE_FIELDS,
)
def trial_clean(ctx: Ctx) -> Finding:
    """Hit when unmounting or removing failed after an intrusive trial; the next look sweeps what is older."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.left_by_us, "what a trial left", "nobody looked")
    left = {name: place for name, place in looks.values.items() if place}
    if left:
        fix = "; ".join(
            f"`umount {place.partition(':')[2]}; rmdir {place.partition(':')[2]}` on {name}"
            for name, place in left.items()
        )
        return bad(f"left behind: {joined(left.values())}", fix=fix, servers=list(left))
    if not looks.values:
        looks.require_all()
    return ok("nothing left behind")
