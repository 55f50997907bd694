"""Folders and files: ls, stat, mkdir, touch, rm, find, readlink and their kin."""

from __future__ import annotations

import fnmatch
import posixpath

from core.lab import view
from core.lab.dom0.command import Command, command
from core.lab.dom0.vfs import Entry, VfsError

_MODES = {
    "file": "rw-r--r--",
    "dir": "rwxr-xr-x",
    "link": "rwxrwxrwx",
    "block": "rw-rw----",
    "char": "rw-rw-rw-",
}
_LETTERS = {"file": "-", "dir": "d", "link": "l", "block": "b", "char": "c"}
STAMP = "Nov 15 09:02"


@command("ls", "ll", "dir", "vdir")
def ls(c: Command) -> int:
    options, rest = c.options("Iw")
    long = "l" in options or "n" in options or "o" in options or c.name == "ll"
    status = 0
    files: list[tuple[str, Entry]] = []
    folders: list[str] = []
    for word in rest or ["."]:
        path = c.path(word)
        try:
            entry = c.vfs.entry(path, follow=not long)
            if entry.kind == "link" and word.endswith("/"):
                entry = c.vfs.entry(path)
        except VfsError as error:
            status = c.say(f"ls: cannot access {word}: {error.reason}", 2)
            continue
        if entry.kind == "dir" and "d" not in options:
            folders.append(word)
        else:
            files.append((word, entry))
    for name, entry in files:
        c.print(long_line(name, entry, numeric="n" in options) if long else name)
    for at, word in enumerate(folders):
        if len(folders) + len(files) > 1 or "R" in options:
            c.print(*([""] if at or files else []), f"{word}:")
        _list_folder(c, word, options, long=long)
    return status


def _list_folder(c: Command, word: str, options: dict[str, str], *, long: bool) -> None:
    names = c.vfs.names(c.path(word))
    shown = {
        name: entry
        for name, entry in names.items()
        if not name.startswith(".") or "a" in options or "A" in options
    }
    if "a" in options:
        shown = {".": Entry("dir"), "..": Entry("dir"), **shown}
    if long:
        c.print(f"total {4 * len(shown)}")
    ordered = sorted(shown, key=lambda name: name.lstrip(".").lower() if name not in (".", "..") else name)
    for name in reversed(ordered) if "r" in options else ordered:
        mark = {"dir": "/", "link": "@"}.get(shown[name].kind, "") if "F" in options else ""
        c.print((long_line(name, shown[name], numeric="n" in options) if long else name) + mark)
    if "R" in options:
        for name in ordered:
            if shown[name].kind == "dir" and name not in (".", ".."):
                c.print("", f"{word.rstrip('/')}/{name}:")
                _list_folder(c, f"{word.rstrip('/')}/{name}", options, long=long)


def size_of(entry: Entry) -> int:
    """Bytes of a file as stat tells them."""
    if entry.size is not None:
        return entry.size
    if entry.kind == "dir":
        return 4096
    return len(entry.target) if entry.kind == "link" else len(entry.content()) if entry.kind == "file" else 0


def long_line(name: str, entry: Entry, *, numeric: bool = False) -> str:
    """A line of `ls -l`, or of `ls -ln`."""
    mode = _LETTERS[entry.kind] + (entry.mode or _MODES[entry.kind])
    owner = "root" if entry.uid == 0 else "nfsnobody"
    group = "disk" if entry.kind == "block" else owner
    if numeric:
        owner, group = ("0", "0") if entry.uid == 0 else ("65534", "65534")
    size = (
        f"{entry.device[0]}, {entry.device[1]:>3}" if entry.kind in ("block", "char") else str(size_of(entry))
    )
    arrow = f" -> {entry.target}" if entry.kind == "link" else ""
    return f"{mode}. {2 if entry.kind == 'dir' else 1} {owner} {group} {size:>8} {STAMP} {name}{arrow}"


@command("stat")
def stat(c: Command) -> int:
    options, rest = c.options("c")
    pattern = options.get("c") or options.get("format") or options.get("printf")
    status = 0
    for word in rest:
        try:
            entry = c.vfs.entry(c.path(word), follow="L" in options)
        except VfsError as error:
            status = c.say(f"stat: cannot stat `{word}': {error.reason}")
            continue
        kinds = {
            "file": "regular file",
            "dir": "directory",
            "link": "symbolic link",
            "block": "block special file",
            "char": "character special file",
        }
        values = {
            "%n": word,
            "%s": str(size_of(entry)),
            "%u": str(entry.uid),
            "%g": str(entry.uid),
            "%U": "root",
            "%G": "root",
            "%a": "755" if entry.kind == "dir" else "644",
            "%F": kinds[entry.kind],
            "%Y": "1447578120",
            "%i": "131073",
        }
        if pattern:
            text = pattern
            for mark, value in values.items():
                text = text.replace(mark, value)
            c.print(text)
        elif "f" in options:
            c.print(
                f'  File: "{word}"',
                "    Type: nfs" if c.vfs.mount_of(c.path(word)) else "    Type: ext2/ext3",
            )
        else:
            c.print(
                f"  File: `{word}'",
                f"  Size: {values['%s']}\t\tBlocks: 8          IO Block: 4096   {values['%F']}",
                f"Access: (0{values['%a']}/-rw-r--r--)  Uid: ({entry.uid:>5}/    root)",
            )
    return status


@command("mkdir")
def mkdir(c: Command) -> int:
    options, rest = c.options("m")
    status = 0
    for word in rest:
        path = c.path(word)
        if "p" in options:
            parts = path.split("/")
            for at in range(2, len(parts) + 1):
                if not c.vfs.exists("/".join(parts[:at])):
                    c.vfs.make_dir("/".join(parts[:at]))
            continue
        try:
            c.vfs.make_dir(path)
        except VfsError as error:
            status = c.say(f"mkdir: cannot create directory `{word}': {error.reason}")
    return status


@command("mktemp")
def mktemp(c: Command) -> int:
    options, rest = c.options("pt")
    template = rest[0] if rest else "/tmp/tmp.XXXXXXXXXX"
    letters = "".join(
        c.world.random.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(template.count("X"))
    )
    name = template.rstrip("X") + letters
    path = c.path(
        name if name.startswith("/") else f"/tmp/{name}" if "t" in options or "p" in options else name
    )
    if "d" in options:
        c.vfs.make_dir(path)
    else:
        c.vfs.write(path, b"")
    c.print(path)
    return 0


@command("rmdir")
def rmdir(c: Command) -> int:
    _, rest = c.options()
    status = 0
    for word in rest:
        try:
            if c.vfs.entry(c.path(word)).kind != "dir":
                raise VfsError(word, "Not a directory")
            c.vfs.remove(c.path(word))
        except VfsError as error:
            status = c.say(f"rmdir: failed to remove `{word}': {error.reason}")
    return status


@command("rm", "unlink")
def rm(c: Command) -> int:
    options, rest = c.options()
    status = 0
    for word in rest:
        path = c.path(word)
        try:
            if "r" in options or "R" in options:
                for inside in sorted(name for name in c.vfs.tree() if name.startswith(f"{path}/"))[::-1]:
                    c.vfs.remove(inside)
            elif c.vfs.entry(path, follow=False).kind == "dir":
                raise VfsError(word, "Is a directory")
            c.vfs.remove(path)
        except VfsError as error:
            if "f" not in options or error.reason != "No such file or directory":
                status = c.say(f"rm: cannot remove `{word}': {error.reason}")
    return status


@command("touch")
def touch(c: Command) -> int:
    _, rest = c.options("dtr")
    status = 0
    for word in rest:
        path = c.path(word)
        try:
            if c.vfs.is_ready_only(path):
                raise VfsError(word, "Read-only file system")
            if not c.vfs.exists(path):
                c.vfs.write(path, b"")
        except VfsError as error:
            status = c.say(f"touch: cannot touch `{word}': {error.reason}")
    return status


@command("cp", "mv", "ln")
def copy(c: Command) -> int:
    _, rest = c.options("t")
    if len(rest) != 2 or c.name == "ln":
        return c.fail("missing destination file operand")
    target = c.path(rest[1])
    if c.vfs.exists(target) and c.vfs.entry(target).kind == "dir":
        target = f"{target}/{posixpath.basename(rest[0])}"
    c.vfs.write(target, c.vfs.read(c.path(rest[0])))
    if c.name == "mv":
        c.vfs.remove(c.path(rest[0]))
    return 0


@command("chmod", "chown", "chgrp")
def chmod(c: Command) -> int:
    for word in c.options()[1][1:]:
        c.vfs.entry(c.path(word))
    return 0


@command("readlink", "realpath")
def readlink(c: Command) -> int:
    options, rest = c.options()
    for word in rest:
        path = c.path(word)
        entry = c.vfs.tree().get(path)
        if entry is not None and entry.kind == "link":
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
            c.print(joined if "f" in options or c.name == "realpath" else entry.target)
        elif "f" in options or c.name == "realpath":
            c.print(path)
        else:
            return 1
    return 0


@command("basename", "dirname")
def base(c: Command) -> int:
    if c.name == "dirname":
        c.print(posixpath.dirname(c.args[0]) or ".")
    else:
        name = posixpath.basename(c.args[0].rstrip("/"))
        c.print(name.removesuffix(c.args[1]) if len(c.args) > 1 else name)
    return 0


@command("find")
def find(c: Command) -> int:
    starts = []
    for word in c.args:
        if word.startswith(("-", "(", "!")):
            break
        starts.append(word)
    values = dict(zip(c.args[len(starts) :: 1], [*c.args[len(starts) + 1 :], ""], strict=False))
    depth = int(values.get("-maxdepth") or 99)
    kinds = {"f": "file", "d": "dir", "l": "link", "b": "block"}
    tree = c.vfs.tree()
    status = 0
    for start in starts or ["."]:
        base_path = c.path(start)
        if base_path not in tree:
            status = c.say(f"find: `{start}': No such file or directory")
            continue
        for path in sorted(tree):
            inside = path == base_path or path.startswith(base_path.rstrip("/") + "/")
            level = path.count("/") - base_path.rstrip("/").count("/") if path != base_path else 0
            if not inside or level > depth or level < int(values.get("-mindepth") or 0):
                continue
            name = posixpath.basename(path)
            if "-name" in values and not fnmatch.fnmatchcase(name, values["-name"]):
                continue
            if "-type" in values and tree[path].kind != kinds.get(values["-type"]):
                continue
            c.print(start.rstrip("/") + path[len(base_path.rstrip("/")) :] if path != base_path else start)
    return status


@command("du")
def du(c: Command) -> int:
    _, rest = c.options("d")
    for word in rest or ["."]:
        path = c.path(word)
        c.vfs.entry(path)
        found = view.export_by(c.world, (c.vfs.mount_of(path) or {}).get("device", ""))
        c.print(f"{4 + 4 * len(found[1].files) if found else 8}\t{word}")
    return 0


@command("file")
def file(c: Command) -> int:
    from core.lab.dom0 import disks

    _, rest = c.options()
    for word in rest:
        item = disks.find(c.world, c.server, word)
        if item is not None and "s" in "".join(c.args[:1]):
            kind = disks.signature(item)
            c.print(f"{word}: {kind + ' filesystem data' if kind else 'data'}")
        else:
            c.print(f"{word}: {c.vfs.entry(c.path(word)).kind}")
    return 0
