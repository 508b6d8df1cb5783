"""yard queue, schedule, type: how jobs run, and when."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.options import Host, Pool, Schedule, Source, Title, definition
from yard.printing import Column
from yard.resource import Resource, given
from yard.session import Session, local_now
from yard.times import moment, told
from yard.verb import verb

NEVER: Final = frozenset({"no", "disable", "false", "off"})

QUEUES: Final = Resource(
    "queue",
    "queues",
    (
        Column("QUEUE", lambda row: row["name"]),
        Column("ON", lambda row: row["enabled"]),
        Column("SCHEDULE", lambda row: row["schedule"] or "always", 1),
        Column("RUNS ON", lambda row: row["host"] or row["pool"], 2),
        Column("AT MOST", lambda row: row["max_running"], 3),
        Column("AUTOSTART", lambda row: row["autostart_count"], 4),
        Column("TITLE", lambda row: row["title"], 5),
    ),
    names.queues,
)
SCHEDULES: Final = Resource(
    "schedule",
    "schedules",
    (
        Column("SCHEDULE", lambda row: row["name"]),
        Column("WHEN", lambda row: _when(row)),
        Column("ZONE", lambda row: row["zone"], 1),
        Column("TITLE", lambda row: row["title"], 2),
    ),
    names.schedules,
)
TYPES: Final = Resource(
    "job type",
    "job-types",
    (
        Column("TYPE", lambda row: row["name"]),
        Column("PARAMETERS", lambda row: [one["name"] for one in row["params"]]),
        Column("HOST", lambda row: row["host"], 1),
        Column("TITLE", lambda row: row["title"], 2),
    ),
    names.types,
)

QueueName = Annotated[str, typer.Argument(metavar="QUEUE", autocompletion=names.queues)]
ScheduleName = Annotated[str, typer.Argument(metavar="SCHEDULE", autocompletion=names.schedules)]
TypeName = Annotated[str, typer.Argument(metavar="TYPE", autocompletion=names.types)]
Autostart = Annotated[
    str | None, typer.Option("--autostart", metavar="N", help='Enables itself once N jobs wait; "no": never.')
]
MaxRunning = Annotated[str | None, typer.Option("--max-running", metavar="N", help='At most so many; "*": no limit.')]
Weight = Annotated[int | None, typer.Option("--weight", help="Its share of the seats.")]
KeepDays = Annotated[
    str | None,
    typer.Option(
        "--keep-days", metavar="N", help='Finished jobs go after so many; "no": never; "*": as the site says.'
    ),
]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", "-e/-D", help="Whether its jobs start.")]
Zone = Annotated[str | None, typer.Option("--zone", "-z", help="Such as Europe/Berlin.")]
Weekday = Annotated[list[str] | None, typer.Option("--weekday", "-w", help="Such as Monday; may be repeated.")]
Period = Annotated[
    list[str] | None,
    typer.Option("--period", "-p", metavar='"BEGIN END"', help='Such as "22:00 06:00"; may be repeated.'),
]


def register(queue: typer.Typer, schedule: typer.Typer, kind: typer.Typer) -> None:
    QUEUES.register(queue, example="nightly", is_forced=True)
    verb(queue, "add", example="yard queue add nightly --schedule nights --max-running 2")(add_queue)
    verb(queue, "update", example="yard queue update nightly --host build1\nyard queue update nightly --schedule '*'")(
        update_queue
    )
    verb(queue, "enable", example="yard queue enable nightly")(enable)
    verb(queue, "disable", example="yard queue disable nightly")(disable)
    verb(queue, "autostart", example="yard queue autostart nightly 10\nyard queue autostart nightly no")(autostart)
    SCHEDULES.register(schedule, example="nights", is_forced=True)
    example = "-p '22:00 06:00' -w Monday -w Tuesday --zone Europe/Berlin"
    verb(schedule, "add", example=f"yard schedule add nights {example}")(add_schedule)
    verb(schedule, "update", example="yard schedule update nights -p '21:00 06:00'")(update_schedule)
    verb(schedule, "openings", example="yard schedule openings nights --count 3 --at 'next monday'")(openings)
    TYPES.register(kind, example="render", is_forced=True)
    verb(
        kind,
        "add",
        example="yard type add greet --template 'echo Hello, $who' -p who\nyard type add render --from r.yaml",
    )(add_type)
    verb(kind, "update", example="yard type update greet --template 'echo Hi, $who'")(update_type)


def add_queue(
    session: Session,
    name: QueueName,
    title: Title = None,
    schedule: Schedule = None,
    host: Host = None,
    pool: Pool = None,
    enabled: Enabled = None,
    auto: Autostart = None,
    limit: MaxRunning = None,
    weight: Weight = None,
    keep: KeepDays = None,
    source: Source = None,
) -> None:
    """Make a queue. It is enabled and always open unless something else is said."""
    told = _queue(
        title=title, schedule=schedule, host=host, pool=pool, enabled=enabled, auto=auto, limit=limit, weight=weight,
        keep=keep,
    )  # fmt: skip
    QUEUES.add(session, name, {**definition(source), **told})


def update_queue(
    session: Session,
    name: QueueName,
    title: Title = None,
    schedule: Schedule = None,
    host: Host = None,
    pool: Pool = None,
    enabled: Enabled = None,
    auto: Autostart = None,
    limit: MaxRunning = None,
    weight: Weight = None,
    keep: KeepDays = None,
    source: Source = None,
) -> None:
    """Change a queue. "*" takes a schedule, host, pool or limit away."""
    told = _queue(
        title=title, schedule=schedule, host=host, pool=pool, enabled=enabled, auto=auto, limit=limit, weight=weight,
        keep=keep,
    )  # fmt: skip
    body = {**definition(source), **told}
    for one, other in (("host", "pool"), ("pool", "host")):
        # A queue has a host or a pool; naming one takes the other's place.
        if body.get(one) not in (None, "*") and other not in body:
            body[other] = "*"
    QUEUES.update(session, name, body)


def _queue(*, auto: str | None, limit: str | None, keep: str | None, **told: Any) -> dict[str, Any]:
    counts = {"max_running": _count(limit, "--max-running"), "autostart_count": _count(auto, "--autostart")}
    days = 0 if keep is not None and keep.lower() in NEVER else _count(keep, "--keep-days")
    body = {**counts, "keep_days": days, **told}
    return {key: value for key, value in body.items() if value is not None}


def _count(text: str | None, option: str) -> int | str | None:
    """The number, "*" for none at all; None if nothing is said. Raises Usage."""
    if text is None or text == "*":
        return text
    if text.lower() in NEVER:
        return "*"
    try:
        return int(text)
    except ValueError:
        raise Usage(f"{text[:40]!r} is not possible for {option}.", hint='Possible: a number, "no".') from None


def enable(session: Session, name: QueueName) -> None:
    """Let a queue's jobs start."""
    QUEUES.update(session, name, {"enabled": True})


def disable(session: Session, name: QueueName) -> None:
    """Let no more of a queue's jobs start. Those that run go on."""
    QUEUES.update(session, name, {"enabled": False})


def autostart(
    session: Session, name: QueueName, count: Annotated[str, typer.Argument(metavar="N|no", help="How many jobs.")]
) -> None:
    """Have a disabled queue enable itself once so many jobs wait."""
    QUEUES.update(session, name, {"autostart_count": _count(count, "autostart")})


def add_schedule(
    session: Session,
    name: ScheduleName,
    period: Period = None,
    weekday: Weekday = None,
    zone: Zone = None,
    title: Title = None,
    source: Source = None,
) -> None:
    """Say when jobs may start: each period on each weekday. Without any: always."""
    SCHEDULES.add(session, name, {**definition(source), **_schedule(period, weekday, zone, title)})


def update_schedule(
    session: Session,
    name: ScheduleName,
    period: Period = None,
    weekday: Weekday = None,
    zone: Zone = None,
    title: Title = None,
    source: Source = None,
) -> None:
    """Change when jobs may start. Periods and weekdays that are given take the place of all before."""
    SCHEDULES.update(session, name, {**definition(source), **_schedule(period, weekday, zone, title)})


def _schedule(
    period: list[str] | None, weekday: list[str] | None, zone: str | None, title: str | None
) -> dict[str, Any]:
    periods = []
    for text in period or ():
        ends = text.replace("-", " ").split()
        if len(ends) != 2:
            raise Usage(f"{text[:40]!r} is not a period.", hint='Write begin and end: "22:00 06:00".')
        periods.append({"begin": ends[0], "end": ends[1]})
    days = [day.capitalize() for text in weekday or () for day in text.split(",")]
    return given({"periods": periods or None, "weekdays": days or None, "zone": zone, "title": title})


def openings(
    session: Session,
    name: ScheduleName,
    count: Annotated[int, typer.Option("--count", min=1, max=500, help="How many.")] = 10,
    begin: Annotated[
        str | None, typer.Option("--at", "--start", metavar="TIME", help="From then; now without.")
    ] = None,
) -> None:
    """Show the next intervals in which jobs may start."""
    since = {} if begin is None else {"from": moment(begin, at=local_now()).isoformat()}
    rows = session.site.get(f"{SCHEDULES.at(name)}/openings", count=count, **since)["results"]
    columns = (
        Column("BEGIN", lambda row: told(row["begin"], at=local_now())),
        Column("END", lambda row: told(row["end"], at=local_now())),
    )
    session.out.answer({"results": rows}, lambda: session.out.table(columns, rows, empty="It never opens."))


def _when(row: Any) -> str:
    """The windows of a schedule in few words."""
    windows = row.get("windows") or [{"weekdays": row.get("weekdays"), **one} for one in row.get("periods") or ()]
    days = {str(day)[:3] for window in windows for day in window.get("weekdays") or ()}
    hours = [f"{window['begin'][:5]}-{window['end'][:5]}" for window in windows if "begin" in window]
    listed = [*dict.fromkeys(hours), *(day for day in row.get("weekdays") or () if not hours)]
    return " ".join([*listed, *([f"({len(days)} days)"] if hours and days and len(days) < 7 else [])]) or "always"


Template = Annotated[str | None, typer.Option("--template", help="The command; $name is a parameter.")]
Declared = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME[:TYPE][=DEFAULT]", help="Such as frame:Int=1; may be repeated."),
]
TimeLimit = Annotated[int | None, typer.Option("--time-limit", help="Seconds.")]


def add_type(
    session: Session,
    name: TypeName,
    template: Template = None,
    param: Declared = None,
    title: Title = None,
    host: Host = None,
    limit: MaxRunning = None,
    seconds: TimeLimit = None,
    source: Source = None,
) -> None:
    """Make a job type. A parameter without a default must be given."""
    body = {**definition(source), **_type(template, param, title, host, limit, seconds)}
    TYPES.add(session, name, body)


def update_type(
    session: Session,
    name: TypeName,
    template: Template = None,
    param: Declared = None,
    title: Title = None,
    host: Host = None,
    limit: MaxRunning = None,
    seconds: TimeLimit = None,
    source: Source = None,
) -> None:
    """Change a job type. Parameters that are given take the place of all before."""
    body = {**definition(source), **_type(template, param, title, host, limit, seconds)}
    TYPES.update(session, name, body)


def _type(
    template: str | None,
    param: list[str] | None,
    title: str | None,
    host: str | None,
    limit: str | None,
    seconds: int | None,
) -> dict[str, Any]:
    params = [_declared(text) for text in param or ()]
    told = {
        "template": template, "params": params or None, "title": title, "host": host,
        "max_running": _count(limit, "--max-running"), "time_limit": seconds,
    }  # fmt: skip
    return {key: value for key, value in told.items() if value is not None}


def _declared(text: str) -> dict[str, Any]:
    before, has_default, default = text.partition("=")
    name, _, kind = before.partition(":")
    declared: dict[str, Any] = {"name": name, "type": kind or "String"}
    return {**declared, **({"default": default} if has_default else {"required": True})}
