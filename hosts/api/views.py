"""Hosts and pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.models import User
from hosts import definitions
from hosts.credentials import PASSPHRASE_LIMIT, PRIVATE_KEY_LIMIT, KeyPair
from hosts.host_keys import scan
from hosts.models import Host, Pool, PoolMember, TransportKind
from jobs.config.removal import remove_host
from jobs.models import Job
from jobs.problems import Problem, Problems, Refused, did_you_mean
from scheduler_site.api.fields import Flag, Number, Strict, Text, Word, read
from scheduler_site.api.paging import is_forced
from scheduler_site.api.views import NamedViews, caller

SCAN_SECONDS: Final = 5.0
FORCED: Final = OpenApiParameter(
    "forced", bool, description="Remove the jobs with it that asked for it or ran there, unless one runs."
)


class HostForm(Strict):
    """A machine that runs jobs, and how to reach it."""

    name = Text(max_length=100)
    enabled = Flag(required=False)
    transport = Word(TransportKind.values, required=False)
    address = Text(required=False, max_length=20_000, help_text="Host name or IP address, without user or port.")
    port = Number(required=False, min_value=1, max_value=65535)
    user = Text(required=False, max_length=64)
    key = Text(required=False, max_length=100, help_text="Name of a private key file in the site's key directory.")
    private_key = Text(
        required=False, allow_null=True, max_length=PRIVATE_KEY_LIMIT, write_only=True,
        help_text="A private key instead of a file's name. It is never shown again. Null removes it.",
    )  # fmt: skip
    passphrase = Text(
        required=False, max_length=PASSPHRASE_LIMIT, write_only=True, help_text="What unlocks that private key."
    )
    host_keys = serializers.ListField(
        child=Text(max_length=20_000),
        required=False,
        max_length=100,
        help_text="Accepted public keys: type and base64.",
    )
    seats = Number(required=False, min_value=1, max_value=10_000)
    directory = Text(required=False, max_length=500)
    input_directory = Text(required=False, max_length=500)
    output_directory = Text(required=False, max_length=500)
    startup_commands = Text(required=False, max_length=1024 * 1024)
    variables = serializers.DictField(child=Text(max_length=128 * 1024), required=False)


class HostAnswer(serializers.ModelSerializer[Host]):
    """A machine that runs jobs, and what is known about it."""

    host_keys = serializers.SerializerMethodField()
    has_private_key = serializers.SerializerMethodField(help_text="Whether a private key was given to it.")
    variables = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Host
        fields = (
            "name", "enabled", "transport", "address", "port", "user", "key", "has_private_key", "host_keys", "seats",
            "directory", "input_directory", "output_directory", "startup_commands", "variables", "state", "state_since",
            "state_reason",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_host_keys(self, host: Host) -> list[str]:
        return [line for line in host.host_keys.splitlines() if line.strip()]

    def get_has_private_key(self, host: Host) -> bool:
        return hasattr(host, "credential")


class OfferedKeyAnswer(serializers.Serializer[Any]):
    """A public key that a host offers now. `line` can be put into its `host_keys`."""

    type = serializers.CharField()
    fingerprint = serializers.CharField()
    line = serializers.CharField()


class OfferedKeysAnswer(serializers.Serializer[Any]):
    """What a host offers now."""

    keys = OfferedKeyAnswer(many=True)


class NothingForm(Strict):
    """An action that needs to be told nothing."""


@extend_schema_view(
    create=extend_schema(request=HostForm, responses={201: HostAnswer}),
    partial_update=extend_schema(request=HostForm(partial=True)),
    destroy=extend_schema(parameters=[FORCED]),
)
class HostViews(NamedViews):
    """Machines that run jobs."""

    queryset = Host.objects.select_related("credential")
    serializer_class = HostAnswer

    def define(self, data: Any, row: Host | None) -> Host:
        given = read(HostForm, data, is_part=row is not None)
        if "host_keys" in given:
            given["host_keys"] = "\n".join(given["host_keys"])
        is_key_removed = "private_key" in given and not given["private_key"]
        pair = _pair(given)
        host = row or Host()
        for name, value in given.items():
            setattr(host, name, value)
        with taken("host", host.name):
            return definitions.save_host(host, given=pair, is_key_removed=is_key_removed)

    def remove(self, row: Host, request: Request) -> None:
        if forced := is_forced(request.query_params):
            policy.require_everywhere(caller(request), "delete", Job)
        remove_host(row, is_forced=forced)

    @extend_schema(request=NothingForm, responses=OfferedKeysAnswer)
    @action(detail=True, methods=["post"])
    def scan_keys(self, request: Request, name: str) -> Response:
        """Ask the host for its public keys, for a person to compare. Nothing is changed."""
        host = policy.named_for(caller(request), Host.objects.all(), name, verb="change")
        read(NothingForm, request.data)
        if host.transport != TransportKind.SSH:
            raise Refused(f'Host "{host.name}" is not reached by SSH; it has no keys.', code="not_ssh")
        try:
            keys = scan(host.address, port=host.port, timeout_seconds=SCAN_SECONDS)
        except OSError as problem:
            raise Refused(f'Host "{host.name}" does not answer: {problem}.', code="host_unreachable") from problem
        return Response({"keys": [{"type": k.kind, "fingerprint": k.fingerprint, "line": k.text} for k in keys]})


def _pair(given: dict[str, Any]) -> KeyPair | None:
    """Takes the private key out of what was given. Raises Problems for a passphrase without one."""
    private_key, passphrase = given.pop("private_key", None), given.pop("passphrase", "")
    if passphrase and not private_key:
        message = "A passphrase comes together with the private key that it unlocks."
        hint = "For a key file it stands beside that, in a file of the same name and .passphrase."
        raise Problems([Problem("passphrase_alone", message, "passphrase", hint)])
    return KeyPair(private_key, passphrase) if private_key else None


class PoolForm(Strict):
    """An ordered set of hosts: a job runs on the first that has a free seat."""

    name = Text(max_length=100)
    title = Text(required=False, max_length=200)
    hosts = serializers.ListField(child=Text(max_length=100), required=False, max_length=1000)


class PoolAnswer(serializers.ModelSerializer[Pool]):
    """An ordered set of hosts."""

    hosts = serializers.SerializerMethodField(help_text="Names, in the order in which they are tried.")

    class Meta:
        model = Pool
        fields = ("name", "title", "hosts")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_hosts(self, pool: Pool) -> list[str]:
        return [member.host.name for member in pool.members.all()]


@extend_schema_view(
    create=extend_schema(request=PoolForm, responses={201: PoolAnswer}),
    partial_update=extend_schema(request=PoolForm(partial=True)),
)
class PoolViews(NamedViews):
    """Ordered sets of hosts."""

    queryset = Pool.objects.prefetch_related(
        Prefetch("members", PoolMember.objects.select_related("host").order_by("position", "id"))
    )
    serializer_class = PoolAnswer

    def define(self, data: Any, row: Pool | None) -> Pool:
        given = read(PoolForm, data, is_part=row is not None)
        names = given.pop("hosts", None)
        hosts = None if names is None else _hosts(caller(self.request), names)
        pool = row or Pool()
        for name, value in given.items():
            setattr(pool, name, value)
        with taken("pool", pool.name):
            return definitions.save_pool(pool, hosts)

    def remove(self, row: Pool, request: Request) -> None:
        remove(row, hint="Give them another place first.")


def _hosts(user: User, names: list[str]) -> list[Host]:
    """The hosts of these names, in order. Raises Problems for those that do not exist for `user`."""
    known: Mapping[str, Host] = {host.name: host for host in policy.visible(user, Host.objects.all())}
    problems = [
        Problem("unknown_host", f'There is no host "{name}".', f"hosts[{place}]", did_you_mean(name, known))
        for place, name in enumerate(names)
        if name not in known
    ]
    if problems:
        raise Problems(problems)
    return [known[name] for name in names]


def remove(row: Host | Pool, *, hint: str) -> None:
    """Remove `row`. Raises Refused saying what needs it."""
    try:
        definitions.remove(row)
    except definitions.HostInUse as needed:
        raise Refused(str(needed), code="in_use", hint=hint) from needed


@contextmanager
def taken(noun: str, name: str) -> Iterator[None]:
    """A transaction in which a broken uniqueness is told as a name that is taken."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        message = f'There is a {noun} "{name}" already.'
        raise Problems([Problem("taken", message, "name", "Choose another name.")]) from error


VIEWS: Final[dict[str, type[NamedViews]]] = {"hosts": HostViews, "pools": PoolViews}
