"""Commands about the session and the language itself: set, help, versions, list and show."""

from __future__ import annotations

from core.lab.manager.context import Context, Settings, command
from core.lab.manager.dialects import Dialect, Param, Syntax, dialect_of
from core.lab.manager.objects import Item, find, items
from core.lab.manager.reply import Body, Reply
from core.lab.manager.show import show, yes
from core.lab.manager.texts import reply_time
from core.lab.world import World

HELP_INDENT = " " * 17  # as in the real sample of `getStatList ?`
DEPRECATED = frozenset({"San Server"})  # sorted output keeps such at the end, unsorted (manager-cli 1.8)


@command("list")
async def list_objects(ctx: Context) -> Reply:
    found = [(item.id, item.name or item.id) for item in items(ctx.world, ctx.call.type)]
    return Reply(Body.LIST, items=found)


@command("show")
async def show_object(ctx: Context) -> Reply:
    item = _shown(ctx)
    attributes = show(ctx.engine, item)
    if ctx.settings.is_alphabetized:
        attributes = sorted(
            attributes, key=lambda pair: (pair[0] in DEPRECATED, pair[0] * (pair[0] not in DEPRECATED))
        )
    return Reply(Body.SHOW, attributes=attributes)


def _shown(ctx: Context) -> Item:
    if ctx.call.ref is None:
        return items(ctx.world, ctx.call.type)[0]
    return find(ctx.world, ctx.call.type, ctx.call.ref)


@command("set")
async def set_options(ctx: Context) -> Reply:
    settings, given = ctx.settings, ctx.call.params
    settings.output_mode = given.get("OutputMode", settings.output_mode)
    settings.command_mode = given.get("CommandMode", settings.command_mode)
    settings.endline = given.get("EndlineChars", settings.endline)
    settings.command_timeout_min = int(given.get("CommandTimeout", settings.command_timeout_min))
    if "AlphabetizeAttributes" in given:
        settings.is_alphabetized = ctx.is_yes("AlphabetizeAttributes")
    return Reply()


@command("showclisession")
async def show_cli_session(ctx: Context) -> Reply:
    return Reply(Body.SHOW, attributes=_options(ctx.settings, ctx.world))


def _options(settings: Settings, world: World) -> list[tuple[str, str]]:
    found = [
        ("CommandMode", settings.command_mode),
        ("CommandTimeout", str(settings.command_timeout_min)),
        ("EndlineChars", settings.endline),
        ("OutputMode", settings.output_mode),
    ]
    if world.release == "3.4":
        found.insert(0, ("AlphabetizeAttributes", yes(settings.is_alphabetized)))
    return found


@command("showversion")
async def show_version(ctx: Context) -> Reply:
    """Bare text with the version at the end (manager-cli 1.8); Xml too, since no sample shows otherwise."""
    return Reply(bare=[ctx.world.manager_version])


@command("getManagerTime")
async def get_manager_time(ctx: Context) -> Reply:
    return Reply(Body.LIST, extra_lines=[reply_time(ctx.engine.now())])


@command("getStatList")
async def get_statistics(ctx: Context) -> Reply:
    """The lab keeps no statistics; the list is always empty."""
    return Reply(Body.LIST)


@command("help")
async def show_help(ctx: Context) -> Reply:
    return Reply(bare=help_lines(ctx.world, ""))


@command("showobjtypes")
async def show_object_types(ctx: Context) -> Reply:
    return Reply(bare=[f"  {name}" for name in ctx.dialect.types])


@command("showcustomcmds")
async def show_custom_commands(ctx: Context) -> Reply:
    return Reply(bare=[f"  {verb}" for verb in _custom_verbs(ctx.dialect, ctx.call.type)])


@command("showallcustomcmds")
async def show_all_custom_commands(ctx: Context) -> Reply:
    lines: list[str] = []
    for type_ in ctx.dialect.types:
        verbs = _custom_verbs(ctx.dialect, type_)
        lines += [f"  {type_}:", *(f"    {verb}" for verb in verbs)] if verbs else []
    return Reply(bare=lines)


_COMMON = frozenset({"list", "show", "create", "edit", "delete", "add", "remove", "showcustomcmds"})


def _custom_verbs(dialect: Dialect, type_: str) -> list[str]:
    return sorted(
        {
            form.verb
            for form in dialect.syntaxes
            if form.verb not in _COMMON and type_.lower() in (name.lower() for name in form.types)
        }
    )


def help_lines(world: World, typed: str) -> list[str]:
    """What `?` prints behind what was typed so far (manager-cli 1.7)."""
    dialect = dialect_of(world.release)
    parts = typed.split()
    if parts and typed[-1:] not in " \t" and "=" in parts[-1]:
        return _value_help(world, dialect, parts)
    if not parts or (len(parts) == 1 and typed[-1:] not in " \t"):
        prefix = parts[0].lower() if parts else ""
        return [f"{HELP_INDENT}{verb}" for verb in dialect.verbs() if verb.lower().startswith(prefix)]
    forms = dialect.forms(parts[0])
    if not forms:
        return [f"Syntax error: unknown command: {parts[0]}"]
    form = forms[0] if not forms[0].types else (dialect.form(parts[0], parts[1]) if len(parts) > 1 else None)
    if form is None:
        return [
            f"{HELP_INDENT}{name}" for name in dict.fromkeys(name for item in forms for name in item.types)
        ]
    return _form_help(form)


def _form_help(form: Syntax) -> list[str]:
    names = ["*id | *name"] if form.has_ref else []
    names += [f"*{item.name}" if item.is_mandatory else item.name for item in form.params]
    if form.preposition:
        star = "" if form.is_clause_optional else "*"
        names.append(f"{star}{form.preposition} {' | '.join(form.clause_types)}")
    return [
        *(f"{HELP_INDENT}{name}" for name in names),
        f"{HELP_INDENT}HelpText: {form.verb} {' '.join(form.types)}",
    ]


def _value_help(world: World, dialect: Dialect, parts: list[str]) -> list[str]:
    """Allowed values as one comma-separated line."""
    key = parts[-1].partition("=")[0]
    form = dialect.form(parts[0], parts[1]) if len(parts) > 1 else None
    param: Param | None = form.param(key) if form is not None else None
    if param is None:
        return [f"Syntax error: unknown parameter: {key}"]
    if param.name == "plugin":
        type_ = "FileServerPlugin" if parts[1].lower() == "fileserver" else "StorageArrayPlugin"
        return [",".join(item.name for item in items(world, type_))]
    return [",".join(param.choices)] if param.choices else [f"{HELP_INDENT}<value>"]
