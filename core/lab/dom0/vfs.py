"""Files of one lab server: rendered ones, scenario's own, what a session wrote, and NFS mounts with their exports."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field

from core.lab import view
from core.lab.world import LabExport, LabServer, World

ENOENT = "No such file or directory"
EISDIR = "Is a directory"
ENOTDIR = "Not a directory"
EROFS = "Read-only file system"
EACCES = "Permission denied"
WRITE_MAX_BYTES = 4 * 2**20


class VfsError(Exception):
    """A refusal of the file system: the path and the reason as the C library words it."""

    def __init__(self, path: str, reason: str, status: int = 1) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason, self.status = path, reason, status


@dataclass(slots=True)
class Entry:
    """One thing with a name: `kind` is file, dir, link, block or char; `target` of a link."""

    kind: str = "file"
    text: Callable[[], str] | None = None
    data: bytes | None = None
    target: str = ""
    size: int | None = None
    mode: str = ""
    device: tuple[int, int] = (0, 0)
    uid: int = 0

    def content(self) -> bytes:
        if self.data is not None:
            return self.data
        return self.text().encode("utf-8", "surrogateescape") if self.text is not None else b""


Render = Callable[[World, LabServer], dict[str, Entry]]
PROVIDERS: list[Render] = []


def provider(function: Render) -> Render:
    """Register a function that gives files by path."""
    PROVIDERS.append(function)
    return function


@dataclass(slots=True)
class Vfs:
    """The file tree as it stands now; what sessions write stays until the lab ends."""

    world: World
    server: LabServer
    written: dict[str, Entry] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    export_data: dict[str, bytes] = field(default_factory=dict)

    def tree(self) -> dict[str, Entry]:
        """Every path with its entry, folders included."""
        found: dict[str, Entry] = {}
        for render in PROVIDERS:
            found.update(render(self.world, self.server))
        for path, text in self.server.files.items():
            found[path] = Entry(data=text.encode("utf-8", "surrogateescape"))
        found.update(self.written)
        for path in self.removed:
            found.pop(path, None)
        for mount in self.server.mounts:
            found.setdefault(mount["path"], Entry("dir"))
            export = self._export(mount["device"])
            for name in export.files if export is not None else ():
                found[f"{mount['path']}/{name}"] = self._export_file(mount["device"], name)
        for path in list(found):
            parent = path.rpartition("/")[0]
            while parent and parent not in found:
                found[parent] = Entry("dir")
                parent = parent.rpartition("/")[0]
        found["/"] = Entry("dir")
        return found

    def entry(self, path: str, *, follow: bool = True) -> Entry:
        """The entry of a path; raises VfsError."""
        tree = self.tree()
        for _ in range(8):
            found = tree.get(path) or tree.get(path.rstrip("/") or "/")
            if found is None:
                found, path = self._through_links(tree, path)
            if found is None:
                raise VfsError(path, ENOENT)
            if found.kind != "link" or not follow:
                return found
            target = found.target
            path = target if target.startswith("/") else _joined(path.rpartition("/")[0], target)
        raise VfsError(path, "Too many levels of symbolic links")

    def exists(self, path: str) -> bool:
        try:
            self.entry(path)
        except VfsError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """Content of a file; block devices are read by dd. Raises VfsError."""
        found = self.entry(path)
        if found.kind == "dir":
            raise VfsError(path, EISDIR)
        return found.content()

    def names(self, path: str) -> dict[str, Entry]:
        """What lies in a folder, by name. Raises VfsError."""
        if self.entry(path).kind != "dir":
            raise VfsError(path, ENOTDIR)
        prefix = path.rstrip("/") + "/"
        tree = self.tree()
        return {
            key[len(prefix) :]: item
            for key, item in sorted(tree.items())
            if key.startswith(prefix) and "/" not in key[len(prefix) :] and key != "/"
        }

    def glob(self, pattern: str) -> list[str]:
        """Paths that match a pattern, one level a slash, sorted; dot files only when asked for."""
        parts = pattern.split("/")
        matches = []
        for path in self.tree():
            names = path.split("/")
            if len(names) == len(parts) and all(map(_matches, names, parts)):
                matches.append(path)
        return sorted(matches)

    def write(self, path: str, data: bytes) -> None:
        """Write a whole file. Raises VfsError."""
        if path in ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/zero"):
            return
        self._check_writable(path)
        if len(data) > WRITE_MAX_BYTES:
            raise VfsError(path, "File too large")
        mounted = self._mounted(path)
        if mounted is not None:
            mount, export, name = mounted
            if name not in export.files:
                export.files.append(name)
            self.export_data[f"{mount['device']}/{name}"] = data
        else:
            self.removed.discard(path)
            self.written[path] = Entry(data=data)

    def make_dir(self, path: str) -> None:
        """Raises VfsError when something is there."""
        if self.exists(path):
            raise VfsError(path, "File exists")
        self._check_writable(path)
        mounted = self._mounted(path)
        if mounted is not None:
            mounted[1].files.append(mounted[2])
            self.export_data[f"{mounted[0]['device']}/{mounted[2]}"] = b""
        else:
            self.removed.discard(path)
            self.written[path] = Entry("dir")

    def remove(self, path: str) -> None:
        """Take one file or empty folder away. Raises VfsError."""
        found = self.entry(path, follow=False)
        if found.kind == "dir" and self.names(path):
            raise VfsError(path, "Directory not empty")
        if any(item["path"] == path for item in self.server.mounts):
            raise VfsError(path, "Device or resource busy")
        self._check_writable(path)
        mounted = self._mounted(path)
        if mounted is not None:
            mounted[1].files.remove(mounted[2])
        else:
            self.written.pop(path, None)
            self.server.files.pop(path, None)
            self.removed.add(path)

    def is_ready_only(self, path: str) -> bool:
        mount = self.mount_of(path)
        return mount is not None and "ro" in mount["options"].split(",")

    def mount_of(self, path: str) -> dict[str, str] | None:
        """The server's own mount a path lies in, None for the system's."""
        inside = [item for item in self.server.mounts if f"{path}/".startswith(f"{item['path']}/")]
        return max(inside, key=lambda item: len(item["path"]), default=None)

    def _check_writable(self, path: str) -> None:
        parent = path.rpartition("/")[0] or "/"
        if self.entry(parent).kind != "dir":
            raise VfsError(path, ENOTDIR)
        if path.startswith(("/proc/", "/sys/")):
            raise VfsError(path, EACCES)
        if self.is_ready_only(path):
            raise VfsError(path, EROFS)
        mounted = self._mounted(path)
        if mounted is not None and not mounted[1].is_writable:
            raise VfsError(path, EROFS)
        if mounted is not None and mounted[1].squashes_root:
            raise VfsError(path, EACCES)

    def _mounted(self, path: str) -> tuple[dict[str, str], LabExport, str] | None:
        mount = self.mount_of(path)
        export = self._export(mount["device"]) if mount is not None else None
        name = path[len(mount["path"]) + 1 :] if mount is not None else ""
        return (mount, export, name) if mount is not None and export is not None and name else None

    def _export(self, device: str) -> LabExport | None:
        found = view.export_by(self.world, device)
        return found[1] if found is not None else None

    def _export_file(self, device: str, name: str) -> Entry:
        data = self.export_data.get(f"{device}/{name}")
        if data is not None:
            return Entry(data=data)
        if name.endswith(".img"):
            return Entry(size=10 * 2**30)
        return (
            Entry("dir")
            if name in ("dlm", "VirtualDisks", "VirtualMachines", "ISOs", "Templates")
            else Entry()
        )

    def _through_links(self, tree: dict[str, Entry], path: str) -> tuple[Entry | None, str]:
        """A path below a linked folder."""
        parts = path.split("/")
        for index in range(2, len(parts)):
            head = "/".join(parts[:index])
            found = tree.get(head)
            if found is not None and found.kind == "link":
                target = (
                    found.target
                    if found.target.startswith("/")
                    else _joined(head.rpartition("/")[0], found.target)
                )
                whole = "/".join([target, *parts[index:]])
                return tree.get(whole), whole
        return None, path


def _joined(folder: str, relative: str) -> str:
    parts = [part for part in folder.split("/") if part]
    for part in relative.split("/"):
        parts = parts[:-1] if part == ".." else parts if part == "." else [*parts, part]
    return "/" + "/".join(parts)


def _matches(name: str, pattern: str) -> bool:
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, pattern)
