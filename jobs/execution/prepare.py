"""What a run is given: its script, its environment, its files' places on the host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hosts.models import Host, TransportKind
from hosts.supervisor.records import SECRETS, RunRequest, Turn
from jobs.commands import Command, Syntax, compile_command
from jobs.dispatch.ahead import PATIENCE
from jobs.execution.runs import Run
from jobs.execution.store import STREAMS
from jobs.models import Script, Site
from jobs.parameters import ParameterType
from scheduler_site.records import change


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file to bring or to fetch: our path, the path on the host (the same if that is this machine)."""

    ours: str
    theirs: str

    @property
    def is_here(self) -> bool:
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run ready to be handed over; `inputs` first have to be on the host, `folders` to exist there."""

    run: Run
    request: RunRequest
    inputs: tuple[FilePlan, ...] = ()
    folders: tuple[str, ...] = ()


class Workbench:
    """Prepares the runs of one host: a template is compiled once, not per run."""

    def __init__(self, host: Host, *, runs_directory: str) -> None:
        site = Site.get()
        self._host = host
        self._runs = PurePosixPath(runs_directory)
        self._variables = {**site.variables, **host.variables}
        self._commands: dict[tuple[str, str, frozenset[str]], Command] = {}

    def prepare(self, run: Run) -> Prepared:
        """Raises CommandProblem if the type's template can no longer be used, SecretsUnusable."""
        inputs, outputs = self.inputs(run), self.outputs(run)
        values = {**self._variables, **run.params}
        for name, plan in {**inputs, **outputs}.items():
            values[name] = plan.theirs
        secrets = run.hidden.values if run.hidden is not None else {}
        # A process's environment can be read by others of its account for as long as it lives: it has the paths only.
        values |= {name: str(self._secrets(run) / name) for name in secrets}
        environment = {f"BY_{name}": str(value) for name, value in values.items()}
        environment |= {str(name): str(value) for name, value in run.kind.environment.items()}
        environment |= {
            "BATCHYARD_JOB": str(run.job),
            "BATCHYARD_ATTEMPT": str(run.number),
            "BATCHYARD_QUEUE": run.queue,
        }
        request = RunRequest(
            name=run.marker,
            script=self._command(run),
            environment=environment,
            directory=run.kind.directory or None,
            time_limit_seconds=run.kind.time_limit_seconds,
            grace_seconds=run.kind.grace_seconds,
            secrets=secrets,
            turn=Turn(run.after, patience_seconds=PATIENCE.total_seconds()) if run.after is not None else None,
        )
        there = [plan for plan in (*inputs.values(), *outputs.values()) if not plan.is_here]
        folders = tuple(str(PurePosixPath(plan.theirs).parent) for plan in there)
        return Prepared(run, request, tuple(inputs.values()), folders)

    def inputs(self, run: Run) -> dict[str, FilePlan]:
        """Files to bring before the start, by parameter. None on this machine: they are here already."""
        return self._files(run, ParameterType.INPUT_FILE, self._host.input_directory, "in")

    def outputs(self, run: Run) -> dict[str, FilePlan]:
        """Files to fetch after the end, by parameter. On this machine they have to be there already."""
        return self._files(run, ParameterType.OUTPUT_FILE, self._host.output_directory, "out")

    def leftovers(self, run: Run) -> list[str]:
        """Files and directories of the run that do not go with its run directory, or are not to wait for that."""
        host = self._host
        hidden = self._hidden(run) if run.hidden is not None else []
        if host.transport == TransportKind.LOCAL:
            return hidden
        given = (
            (host.input_directory, ParameterType.INPUT_FILE),
            (host.output_directory, ParameterType.OUTPUT_FILE),
        )
        return hidden + [
            str(PurePosixPath(directory) / run.marker) for directory, kind in given if directory and run.files(kind)
        ]

    def _hidden(self, run: Run) -> list[str]:
        """What tells secrets on the host: themselves, if something has ended the supervisor, and what was written."""
        return [str(self._runs / run.marker / name) for name in (SECRETS, *STREAMS)]

    def _secrets(self, run: Run) -> PurePosixPath:
        return self._runs / run.marker / SECRETS

    def _files(self, run: Run, kind: ParameterType, directory: str, fallback: str) -> dict[str, FilePlan]:
        if self._host.transport == TransportKind.LOCAL:
            # Inputs are here already; outputs are written where they belong, and looked for there.
            return {name: FilePlan(ours, ours) for name, ours in run.files(kind) if kind == ParameterType.OUTPUT_FILE}
        # By attempt and parameter, so that files of one name do not overwrite each other.
        base = PurePosixPath(directory) / run.marker if directory else self._runs / run.marker / fallback
        return {name: FilePlan(ours, str(base / name / PurePosixPath(ours).name)) for name, ours in run.files(kind)}

    def _command(self, run: Run) -> Command:
        names = frozenset(parameter.name for parameter in run.parameters) | frozenset(self._variables)
        key = (run.kind.template, run.kind.syntax, names)
        if key not in self._commands:
            self._commands[key] = compile_command(run.kind.template, names=names, syntax=Syntax(run.kind.syntax))
        return self._commands[key]


def record_scripts(prepared: Sequence[Prepared], *, known: set[str]) -> None:
    """Write down what each attempt runs, before it is handed over. `known` are scripts that have a row already.

    An attempt with a script may have been started; one without has certainly not.
    """
    by_script: dict[str, list[int]] = defaultdict(list)
    new: dict[str, Script] = {}
    for item in prepared:
        script = item.request.script
        by_script[script.digest].append(item.run.attempt)
        if script.digest not in known:
            row = Script(digest=script.digest, text=script.text, interpreter=script.interpreter or "")
            new[script.digest] = row
    Script.objects.bulk_create(new.values(), ignore_conflicts=True)
    for digest, attempts in by_script.items():
        places = ", ".join(["%s"] * len(attempts))
        sql = f"UPDATE jobs_attempt SET script_id = %s WHERE finished_at IS NULL AND id IN ({places})"  # noqa: S608
        change(sql, [digest, *attempts])
