"""The whole command: its nouns and verbs, and what becomes of errors."""

from __future__ import annotations

import inspect
import os
import sys
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer
import typer.main

from yard import __version__, completion
from yard.clean import one_line
from yard.failures import BROKEN_PIPE, INTERRUPTED, USAGE, Failure, Usage
from yard.manual import Group
from yard.printing import Printer, prepare_streams
from yard.verb import SHARED, described, group, shared_parameters
from yard.verbs import (
    audit,
    definitions,
    figures,
    files,
    jobs,
    login,
    machines,
    output,
    people,
    shell,
    stats,
    submit,
    subscriptions,
    watch,
)

# A bare word nearer to a verb than this is one that was mistyped, and not a name.
NEAR: Final = 0.8


class Grouped(Group):
    """A group that takes `yard job 17` for `yard job view 17`, and shows what there is where no verb is said."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # a shell asks what may stand here; nothing is to be guessed
            return super().parse_args(ctx, args)
        first = args[0] if args else ""
        default = next((verb for verb in ("list", "show") if verb in self.commands), None)
        if default and (not args or (first.startswith("-") and first != "--help")):
            args = [default, *args]
        elif "view" in self.commands and (first.isdigit() or self._is_name(args)):
            args = ["view", *args]
        return super().parse_args(ctx, args)

    def _is_name(self, args: list[str]) -> bool:
        """Whether it is one bare word that is no verb: then it is the name of a thing."""
        bare = [word for word in args if not word.startswith("-")]
        if len(bare) != 1 or bare != args[:1] or bare[0] in self.commands:
            return False
        return not get_close_matches(bare[0], self.commands, cutoff=NEAR)


def root(**given: Any) -> None:
    """Batchyard from the command line: submit jobs, follow them, fetch what they made."""
    ctx: typer.Context = given.pop("ctx")
    if given.pop("version"):
        sys.stdout.write(f"yard {__version__}\n")
        raise typer.Exit
    ctx.obj = {name: given[name] for name in SHARED}
    if ctx.invoked_subcommand is None:
        sys.stdout.write(ctx.get_help() + "\n")
        raise typer.Exit(USAGE)


NOUNS: Final = {
    "job": "One job: see it, change it, end it.",
    "queue": "Queues: ordered lists of jobs.",
    "schedule": "Schedules: when jobs may start.",
    "type": "Job types: commands with parameters.",
    "host": "Hosts: machines that run jobs.",
    "pool": "Pools: ordered sets of hosts.",
    "user": "Accounts.",
    "group": "Groups of users.",
    "grant": "Who may do what.",
    "token": "Your tokens.",
    "audit": "Who changed what.",
    "subscription": "What you want to be told of.",
    "files": "What jobs read and write at the site.",
    "config": "What yard goes by.",
}


def build() -> typer.Typer:
    """The command with all of its verbs."""
    completion.register()
    app = typer.Typer(
        name="yard", cls=Group, rich_markup_mode=None, add_completion=False, invoke_without_command=True,
        pretty_exceptions_enable=False,
    )  # fmt: skip
    app.callback(epilog="Exit status: 0 done, 1 refused, 2 wrong usage, 3 no site answers, 4 not allowed.")(_root())
    nouns = {name: group(name, text) for name, text in NOUNS.items()}
    submit.register(app)
    jobs.register(app, nouns["job"])
    stats.register(app)
    figures.register(app)
    output.register(app, nouns["job"])
    watch.register(app)
    definitions.register(nouns["queue"], nouns["schedule"], nouns["type"])
    machines.register(nouns["host"], nouns["pool"])
    people.register(nouns["user"], nouns["group"], nouns["grant"], nouns["token"])
    audit.register(nouns["audit"])
    subscriptions.register(nouns["subscription"])
    files.register(nouns["files"])
    login.register(app, nouns["config"])
    shell.register(app, main, known_words)
    for name, noun in nouns.items():
        app.add_typer(noun, name=name, cls=Grouped)
    return app


def _root() -> Any:
    """`root` with the options that may stand in front of a command."""
    only = inspect.Parameter.KEYWORD_ONLY
    version = Annotated[bool, typer.Option("--version", help="Say the version.")]
    parameters = [
        inspect.Parameter("ctx", only, annotation=typer.Context),
        inspect.Parameter("version", only, annotation=version, default=False),
        *shared_parameters(),
    ]
    return described(root, parameters)


def known_words(before: list[str]) -> list[str]:
    """The commands that may follow these words, or else the options."""
    found: Any = COMMAND
    for word in before:
        commands = getattr(found, "commands", {})
        if word not in commands:
            break
        found = commands[word]
    commands = list(getattr(found, "commands", {}))
    return commands or [option for one in found.params for option in one.opts if option.startswith("--")]


def main(args: list[str]) -> int:
    """Carry out a command. Its exit status; what went wrong is told in one line on standard error."""
    prepare_streams()
    is_json = "--json" in args[: args.index("--") if "--" in args else None]
    try:
        status = COMMAND.main(args, prog_name="yard", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        return _tell(failure, is_json=is_json)
    except typer.TyperException as error:
        return _tell(_usage(error), is_json=is_json)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _without_reader()
    except SystemExit as ended:
        # So says the library of a pipe that nobody reads.
        return _without_reader() if ended.code == 1 else int(ended.code or 0)
    return _without_reader() if status == BROKEN_PIPE else int(status or 0)


def _tell(failure: Failure, *, is_json: bool) -> int:
    if is_json:
        told = {"code": failure.code, "message": failure.message, "hint": failure.hint or None}
        Printer(is_json=True).document({"error": told})
    sys.stderr.write(f"yard: {one_line(failure)}\n")
    return failure.status


def _usage(error: typer.TyperException) -> Failure:
    """What the library says of a command line, in our words."""
    near = list(getattr(error, "possibilities", None) or ())
    hint = f"Did you mean {near[0]}?" if near else ""
    place = getattr(getattr(error, "ctx", None), "command_path", "yard")
    message = (error.message if near else error.format_message()).rstrip(".")
    return Usage(f"{message}." if not message.endswith("?") else message, hint=hint or f"See: {place} --help")


def _without_reader() -> int:
    """Nobody reads any more; what is still to be written goes nowhere, quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return BROKEN_PIPE


COMMAND: Final = typer.main.get_command(build())
