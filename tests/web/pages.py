"""Every page of the site, and a browser that is signed in: for what must hold on each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.scenarios.site import SiteUnderTest, until

PASSWORD: Final = "correct horse battery staple"
SET_PASSWORD: Final = (
    "from accounts.models import User; u = User.objects.get(username='admin'); "
    f"u.set_password('{PASSWORD}'); u.save(update_fields=['password'])"
)
TEMPLATE: Final = "cp $model $report; printf '\\033[31mred\\033[0m %s\\n' done"


@dataclass(frozen=True)
class Addresses:
    """Addresses of pages by what they are."""

    signed_in: dict[str, str]
    signed_out: dict[str, str]


def furnish(site: SiteUnderTest) -> Addresses:
    """Give the site something of each kind, and name every page that shows it."""
    site.manage("shell", "-c", SET_PASSWORD)
    (site.directory / "var" / "files").mkdir(exist_ok=True)
    (site.directory / "var" / "files" / "in.txt").write_text("one\n")
    params = [
        {"name": "model", "type": "InputFile", "title": "Model", "required": True},
        {"name": "report", "type": "OutputFile", "title": "Report"},
        {"name": "quality", "type": "Choice", "choices": ["low", "high"]},
        {"name": "is_draft", "type": "Boolean"},
    ]
    site.post("job-types", {"name": "copy", "title": "Copy a file", "template": TEMPLATE, "params": params})
    site.post("queues", {"name": "shut", "title": "Disabled", "enabled": False})
    site.post("queues", {"name": "few", "max_running": 2})
    told = {"queue": "default", "type": "copy", "params": {"model": "in.txt", "report": "out.txt"}}
    done = int(site.post("jobs", told)["id"])
    failed, running = site.submit("echo no >&2; exit 3"), site.submit("echo started; sleep 600", queue="few")
    waiting = site.submit("true", queue="shut")
    site.finished([done, failed], seconds=60)
    until(lambda: site.job(running)["state"] == "running", seconds=30, what="the job runs")
    jobs = {"done": done, "failed": failed, "running": running, "waiting": waiting}
    return Addresses(
        {
            "queues": "/queues/", "queue": "/queues/few/", "queue shut": "/queues/shut/", "jobs": "/jobs/",
            "no jobs": "/jobs/?state=skipped", "wrong filter": "/jobs/?owner=nobody",
            **{f"job {name}": f"/jobs/{pk}/" for name, pk in jobs.items()},
            "move": f"/jobs/{waiting}/move/",
            "confirm": f"/jobs/{running}/ask/kill/", "types": "/submit/", "form": "/submit/copy/",
            "statistics": "/stats/",
            "tokens": "/accounts/tokens/", "sessions": "/accounts/sessions/", "password": "/accounts/password/",
            "notifications": "/subscriptions/", "monitoring": "/monitoring/?last=1h", "components": "/components/",
            "missing": "/nothing-here", "forbidden": "/jobs/999999/",
        },
        {"sign in": "/accounts/login/", "missing, signed out": "/nothing-here"},
    )  # fmt: skip
