"""Makes of batchd's files what has the same effect here: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction

from accounts.audit import changed
from hosts.definitions import key_problem
from hosts.models import Host
from jobs.config.batchd.files import MAIN, Found, read_directory
from jobs.config.batchd.report import Report
from jobs.config.batchd.schema import HostFile, JobTypeFile, MainFile, OnFailShape
from jobs.config.definitions import define_job_type, variable_problems
from jobs.config.text.applying import DryRun, define_host
from jobs.config.text.exporting import host_json, job_type_json
from jobs.models import JobType, Site
from jobs.problems import Problem, Problems
from jobs.queueing.bell import ring
from scheduler_site.api.errors import model_problems

Entry = dict[str, Any]
PROVIDERS: Final = "hosts are not switched on and off yet"
# What is set by the site's environment here, by batchd's key.
SETTINGS: Final[Mapping[str, str]] = {
    "daemon": "which parts run is said by `manage.py serve [web|engine|beat]`",
    "driver": "the database is DATABASE_URL",
    "connection_string": "the database is DATABASE_URL",
    "connection_pool_size": "BATCHYARD_DATABASE_POOL",
    "logging": "BATCHYARD_LOG_LEVEL; logs go to stderr",
    "log_level": "BATCHYARD_LOG_LEVEL",
    "manager_port": "BATCHYARD_BIND",
    "port": "BATCHYARD_BIND",
    "auth": "BATCHYARD_AUTH; accounts have new passwords here, so no salt is taken over",
    "web_client": "the site has pages of its own; BATCHYARD_BATCHD_ORIGINS lets pages of others ask",
    "web_client_path": "the site has pages of its own",
    "allowed_origin": "BATCHYARD_BATCHD_ORIGINS",
    "poll_timeout": "nothing waits for a poll here",
    "default_scripts_directory": "a script is kept in the run directory of its job",
    "metrics": "measured things have names and times of their own here",
    "storage": "finished jobs are not removed by this file",
    "store_done": "finished jobs are not removed by this file",
}


def import_directory(directory: Path, *, is_dry_run: bool = False, may_replace: bool = False) -> Report:
    """Take in what `directory` holds. Twice makes nothing new.

    Raises Problems, with files and lines, if any of it is impossible, or is here already and differs
    (unless `may_replace`); nothing has then been changed.
    """
    found = read_directory(directory)
    taken = _Import(found, may_replace=may_replace)
    try:
        with transaction.atomic():
            taken.run()
            if is_dry_run:
                raise DryRun
    except DryRun:
        return taken.report
    return taken.report


class _Import:
    """One import: first what others refer to."""

    def __init__(self, found: Found, *, may_replace: bool) -> None:
        self.found = found
        self.may_replace = may_replace
        self.report = Report()
        self.problems: list[Problem] = []

    def run(self) -> None:
        self._keep_settings(self.found.main)
        with self._at(MAIN):
            self._variables(self.found.main.variables)
        for name, controller in self.found.controllers.items():
            keys = ", ".join(sorted(controller.model_fields_set - {"driver"}))
            shown = f"{controller.driver}, with {keys}" if keys else controller.driver
            self.report.keep(f"controllers/{name}.yaml", "driver", shown, PROVIDERS)
        for name, host in self.found.hosts.items():
            with self._at(f"hosts/{name}.yaml"):
                self._put(Host, host_json, define_host, self._host(name, host))
        for name, kind in self.found.types.items():
            with self._at(f"jobtypes/{name}.yaml"):
                self._put(JobType, job_type_json, _define_type, self._type(name, kind))
        if self.problems:
            raise Problems(self.problems)

    @contextmanager
    def _at(self, file: str) -> Iterator[None]:
        """Collects what is wrong with what a file defines, with its lines."""
        try:
            with transaction.atomic():
                yield
        except (Problems, ValidationError) as error:
            found = error.problems if isinstance(error, Problems) else list(model_problems(error))
            document = self.found.document(file)
            self.problems += [document.told(_in_batchds_words(problem)) for problem in found]

    def _put(
        self, model: type[Any], told: Callable[[Any], Entry], define: Callable[[Entry, Any], models.Model], entry: Entry
    ) -> None:
        """Make the row that `entry` says, unless it is here just so."""
        noun, name = str(model._meta.verbose_name), entry["name"]
        row = model._default_manager.filter(name=name).first()
        if row is None:
            define(entry, None)
            self.report.made.append(f'{noun} "{name}"')
            return
        before = told(row)
        with transaction.atomic():
            after = told(model._default_manager.get(pk=define(entry, row).pk))
        differing = sorted(key for key in after if after[key] != before.get(key))
        if not differing:
            self.report.unchanged += 1
        elif self.may_replace:
            self.report.replaced.append(f'{noun} "{name}"')
        else:
            message = f'There is a {noun} "{name}" already, with another {", ".join(differing)}.'
            raise Problems([Problem("differs", message, None, "Import with --replace, or rename one of them.")])

    def _variables(self, told: Mapping[str, str]) -> None:
        site = Site.get()
        if problems := variable_problems({**site.variables, **told}, field="variables"):
            raise Problems(problems)
        differing = [name for name, value in told.items() if site.variables.get(name, value) != value]
        if differing and not self.may_replace:
            message = f"The site has other values for {', '.join(differing)}."
            raise Problems([Problem("differs", message, "variables", "Import with --replace.")])
        new = [name for name, value in told.items() if site.variables.get(name) != value]
        self.report.unchanged += len(told) - len(new)
        if new:
            site.variables = {**site.variables, **told}
            with changed(site):
                site.save(update_fields=["variables"])
                ring()
            words = self.report.replaced if differing else self.report.made
            words.append(f"the site's variables {', '.join(new)}")

    def _keep_settings(self, main: MainFile) -> None:
        told = main.model_dump(exclude_unset=True, by_alias=True)
        for key, value in told.items():
            inner = value if key in ("manager", "dispatcher") and isinstance(value, dict) else {key: value}
            for name, one in inner.items():
                if name in SETTINGS:
                    shown = "..." if name == "auth" else one
                    self.report.keep(MAIN, name, shown, SETTINGS[name])
        if (main.dispatcher and main.dispatcher.workers) or main.workers:
            self.report.keep(MAIN, "workers", self._workers(), "hosts without max_jobs have so many seats")

    def _workers(self) -> int:
        """How many jobs batchd's dispatcher runs at once."""
        main = self.found.main
        return (main.dispatcher.workers if main.dispatcher else None) or main.workers or 1

    def _host(self, name: str, told: HostFile) -> Entry:
        """The host as it is written here. What has no place is told."""
        file, startup = f"hosts/{name}.yaml", [*told.startup_commands_on_host, *told.startup_commands]
        self._check_name(told.name, name, file)
        self._keep_controlled(name, told)
        entry = {
            "name": name,
            "transport": "ssh",
            "address": told.host_name,
            "user": told.user_name,
            "port": told.port,
            "seats": told.max_jobs or self._workers(),
            "key": self._key(file, told),
            "input_directory": _directory(told.input_directory),
            "output_directory": _directory(told.output_directory),
            "startup_commands": "\n".join(["set -e", *startup]) if startup else "",
            "variables": told.variables,
        }
        # What people have said of it here since then stays.
        row = Host.objects.filter(name=name).first()
        if row is not None and not entry["key"]:
            del entry["key"]
        return entry

    def _keep_controlled(self, name: str, told: HostFile) -> None:
        file = f"hosts/{name}.yaml"
        if told.controller != "local":
            if told.controller not in self.found.controllers:
                hint = f"Write controllers/{told.controller}.yaml, or leave it out."
                message = f'There is no controller "{told.controller}".'
                raise Problems([Problem("unknown_controller", message, "controller", hint)])
            self.report.keep(file, "controller", told.controller, PROVIDERS)
        for key in ("controller_id", "startup_time", "shutdown_timeout", "startup_commands_on_dispatcher"):
            if key in told.model_fields_set:
                self.report.keep(file, key, getattr(told, key), PROVIDERS)
        if name in self.found.blocks:
            self.report.keep(file, told.controller, "...", PROVIDERS)
        if told.scripts_directory:
            self.report.keep(file, "scripts_directory", told.scripts_directory, SETTINGS["default_scripts_directory"])

    def _key(self, file: str, told: HostFile) -> str:
        """The name of its private key, if that lies in the site's key directory already."""
        if told.passphrase:
            self.report.keep(file, "passphrase", told.passphrase, "put it beside the key, as <key>.passphrase")
        if told.public_key:
            self.report.keep(file, "public_key", told.public_key, "the private key alone is needed")
        if not told.private_key:
            self.report.kept.append((f"{file}: private_key", "it names none, so batchd took ~/.ssh/id_rsa; name one"))
            return ""
        key = Path(told.private_key).name
        if key_problem(key) is None:
            return key
        place = Path(settings.BATCHYARD_KEY_DIR) / key
        self.report.kept.append((f"{file}: private_key: {told.private_key}", f"copy it to {place} and import again"))
        return ""

    def _type(self, name: str, told: JobTypeFile) -> Entry:
        """The job type as it is written here."""
        self._check_name(told.name, name, f"jobtypes/{name}.yaml")
        on_fail = told.on_fail.model_dump() if isinstance(told.on_fail, OnFailShape) else told.on_fail
        params = [
            {"name": one.name, "type": one.type, "title": one.title, "default": one.default} for one in told.params
        ]
        return {
            "name": name,
            "title": told.title or "",
            "template": "\n".join(told.template),
            "syntax": told.syntax or self.found.main.default_template_syntax or "Shell",
            "params": params,
            "on_fail": on_fail,
            "host": told.host_name,
            "max_running": told.max_jobs,
        }

    def _check_name(self, told: str, name: str, file: str) -> None:
        if told != name:
            self.report.keep(file, "name", told, "jobs refer to it by the name of its file, which it has here")


def _define_type(entry: Entry, row: JobType | None) -> JobType:
    return define_job_type(entry, kind=row)


def _directory(told: str) -> str:
    """A directory on the host: one that is relative there begins at the account's home."""
    if told in ("", ".", "./"):
        return ""
    return told if told.startswith(("/", "~/")) else f"~/{told.removeprefix('./')}"


WORDS: Final = {"address": "host_name", "user": "user_name", "seats": "max_jobs", "host": "host_name",
                "max_running": "max_jobs", "key": "private_key"}  # fmt: skip


def _in_batchds_words(problem: Problem) -> Problem:
    return Problem(problem.code, problem.message, WORDS.get(problem.field or "", problem.field), problem.hint)
