"""What the bench does with a site's own code: `python -m bench.inside ACTION JSON` prints its answer as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import django

django.setup()

from django.conf import settings  # noqa: E402  (models exist only once Django is set up)
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import get_token_model  # noqa: E402

from accounts.models import User  # noqa: E402
from bench.stock import add_finished, add_ready, take_all_seats  # noqa: E402
from hosts.models import Host, HostState  # noqa: E402
from jobs.dispatch.tick import pass_once  # noqa: E402
from jobs.models import Queue  # noqa: E402
from jobs.queueing.submit import Request, submit  # noqa: E402
from scheduler_site.celery import app  # noqa: E402

MICROSECONDS: Final = 1_000_000


def token() -> str:
    """A token of the site's first account."""
    made: tuple[object, str] = get_token_model().objects.create(user=_owner())  # type: ignore[no-untyped-call]
    return made[1]


def session() -> str:
    """The cookie of a browser in which that account has logged in."""
    browser = Client()
    browser.force_login(_owner())
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def submit_each(*, queue: str, type: str, count: int) -> dict[str, Any]:
    """Submit jobs one by one. `began` is of the machine's monotonic clock, which all processes share."""
    owner = _owner()
    app.set_default()
    began = time.monotonic()
    ids = [submit(Request(queue=queue, type=type), owner=owner, at=timezone.now()).pk for _ in range(count)]
    return {"began": began, "seconds": time.monotonic() - began, "ids": ids}


def stock(*, finished: int, ready: int) -> dict[str, float]:
    """Put so many jobs of the type `command` in the queue `default`. Seconds that it took."""
    began = time.monotonic()
    template = submit(
        Request(queue="default", type="command", params={"command": "true"}, is_held=True),
        owner=_owner(),
        at=timezone.now(),
    )
    add_finished(template, count=finished)
    add_ready(template, count=ready)
    template.delete()
    return {"seconds": time.monotonic() - began}


def disable() -> bool:
    """Let the queue `default` start nothing."""
    return bool(Queue.objects.filter(name="default").update(enabled=False))


def passes(*, count: int, seats: int) -> dict[str, list[float]]:
    """Milliseconds of dispatcher passes that are rolled back: with free seats, then with none."""
    Host.objects.filter(name="localhost").update(seats=seats, state=HostState.ON)
    free = [_pass_milliseconds(starts=seats) for _ in range(count)]
    take_all_seats(Host.objects.get(name="localhost"), at=timezone.now())
    return {"free": free, "full": [_pass_milliseconds(starts=0) for _ in range(count)]}


def _pass_milliseconds(*, starts: int) -> float:
    with transaction.atomic():
        began = time.perf_counter()
        look = pass_once(at=timezone.now())
        seconds = time.perf_counter() - began
        transaction.set_rollback(True)
    if len(look.started) != starts:
        raise RuntimeError(f"The pass started {len(look.started)} jobs, not {starts}.")
    return seconds * 1000


def _owner() -> User:
    return User.objects.order_by("pk")[0]


ACTIONS: Final[Mapping[str, Callable[..., object]]] = {
    "token": token,
    "session": session,
    "submit_each": submit_each,
    "stock": stock,
    "passes": passes,
    "disable": disable,
}


if __name__ == "__main__":
    action, told = sys.argv[1:]
    sys.stdout.write(json.dumps(ACTIONS[action](**json.loads(told))) + "\n")
