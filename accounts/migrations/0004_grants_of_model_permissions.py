"""What people could do by Django's permissions they can do by grants; afterwards only grants count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db import migrations

# The permissions to see a kind of thing, and to change it, by its model.
GRANTED: Final = {
    ("jobs", "job"): ("ViewJobs", "ManageJobs"),
    ("jobs", "queue"): ("ViewQueues", "ManageQueues"),
    ("jobs", "schedule"): ("ViewSchedules", "ManageSchedules"),
    ("jobs", "window"): ("ViewSchedules", "ManageSchedules"),
    ("jobs", "datedexception"): ("ViewSchedules", "ManageSchedules"),
    ("jobs", "jobtype"): ("ViewJobTypes", "ManageJobTypes"),
    ("jobs", "parameter"): ("ViewJobTypes", "ManageJobTypes"),
    ("hosts", "host"): ("ViewHosts", "ManageHosts"),
    ("hosts", "pool"): ("ViewPools", "ManagePools"),
    ("hosts", "poolmember"): ("ViewPools", "ManagePools"),
}


def granted(app: str, model: str, codename: str) -> str | None:
    """The grant that takes the place of a permission of Django; None if only a superuser has what it gave."""
    if (app, model) not in GRANTED:
        return None
    view, manage = GRANTED[app, model]
    verb = codename.partition("_")[0]
    if (model, verb) == ("job", "add"):
        return "CreateJobs"
    return view if verb == "view" else manage


def grants(rows: Any, holder: str) -> Iterator[dict[str, Any]]:
    columns = (f"{holder}_id", "permission__content_type__app_label", "permission__content_type__model",
               "permission__codename")  # fmt: skip
    for pk, app, model, codename in rows.values_list(*columns):
        if permission := granted(app, model, codename):
            yield {f"{holder}_id": pk, "permission": permission}


def convert(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    users = apps.get_model("accounts", "User").user_permissions.through.objects.using(using)
    groups = apps.get_model("auth", "Group").permissions.through.objects.using(using)
    grant = apps.get_model("accounts", "Grant")
    for one in (*grants(users, "user"), *grants(groups, "group")):
        grant.objects.using(using).get_or_create(**one)
    users.all().delete()
    groups.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_grants"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [migrations.RunPython(convert, migrations.RunPython.noop)]
