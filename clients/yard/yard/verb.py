"""Makes a function a command: with the options that all commands share, an example, and one way to fail."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer

from yard.failures import BROKEN_PIPE, INTERRUPTED, Unreachable
from yard.manual import Command
from yard.printing import Printer
from yard.session import Session

SHARED: Final[Mapping[str, Any]] = {
    "as_json": Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")],
    "url": Annotated[str | None, typer.Option("--url", "-M", "--manager-url", help="The site.", metavar="URL")],
    "username": Annotated[str | None, typer.Option("--username", "-U", help="Who asks.", metavar="NAME")],
    "config": Annotated[str | None, typer.Option("--config", "-c", help="A client.yaml.", metavar="FILE")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-Q", help="No notes and no progress.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Tell each request on standard error.")],
}
FLAGS: Final = frozenset({"as_json", "quiet", "debug"})

Function = Callable[..., int | None]


def group(name: str, text: str) -> typer.Typer:
    """A noun whose verbs are commands of their own."""
    return typer.Typer(name=name, help=text, rich_markup_mode=None, add_completion=False)


def verb(app: typer.Typer, name: str, *, example: str, **settings: Any) -> Callable[[Function], Function]:
    """Register a function of a Session as the command `name`. What it returns is the exit status.

    Its docstring is the help; `example` has one command a line.
    """
    lines = "\n".join(f"  {line}" for line in example.splitlines())

    def register(function: Function) -> Function:
        app.command(name, cls=Command, epilog=f"\nExample:\n{lines}", **settings)(_with_shared(function))
        return function

    return register


def _with_shared(function: Function) -> Function:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

    @functools.wraps(function)
    def run(**given: Any) -> int | None:
        ctx: typer.Context = given.pop("ctx")
        shared = {name: given.pop(name) for name in SHARED}
        return _run(function, session_of(merged(ctx.obj or {}, shared)), given)

    only = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", only, annotation=typer.Context),
        *(parameter.replace(kind=only) for parameter in own),
        *shared_parameters(),
    ]
    return described(run, parameters)


def described(function: Function, parameters: list[inspect.Parameter]) -> Function:
    """`function`, taken to have these parameters by whoever looks at it."""
    function.__dict__["__signature__"] = inspect.Signature(parameters)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


def shared_parameters() -> list[inspect.Parameter]:
    """The options that every command has, also in front of it."""
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=False if name in FLAGS else None
        )
        for name, kind in SHARED.items()
    ]


def merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What stands behind a command wins over what stands in front of it."""
    return {name: after[name] or before.get(name) for name in SHARED}


def session_of(shared: Mapping[str, Any]) -> Session:
    options = {name: shared[name] for name in ("url", "username", "config")}
    return Session(options, Printer(is_json=bool(shared["as_json"]), is_quiet=bool(shared["quiet"])), shared["debug"])


def _run(function: Function, session: Session, given: Mapping[str, Any]) -> int | None:
    try:
        return function(session, **given)
    except KeyError as missing:
        message = f"The answer of {session.settings.url} has no {missing}; the site may be older or newer than yard."
        raise Unreachable(message, code="other_version") from missing
    except BrokenPipeError:
        raise typer.Exit(BROKEN_PIPE) from None
    except KeyboardInterrupt:
        session.out.note("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        session.close()
