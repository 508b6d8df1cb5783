"""batchd's files, in the forms of its present and older versions, as they lie in people's directories."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from hosts.models import Host
from jobs.config.batchd.importing import import_directory
from jobs.models import JobType, Site
from jobs.problems import Problems
from jobs.queueing.declarations import parameters_of

pytestmark = pytest.mark.django_db

FILES = {
    "batchd.yaml": """
# Sets up the daemon
driver: PostgreSql
connection_string: "host=localhost user=batchd password=swordfish"
logging:
  level: info
manager:
  port: 9681
  auth:
    basic: true
    header: no
    static_salt: "swordfish"
  web_client:
    path: /usr/share/batchd/web/
    allowed_origin: http://localhost:9681/
dispatcher:
  workers: 3
  poll_timeout: 10
storage: {done_jobs: 2}
variables:
  scripts: /srv/scripts
""",
    "hosts/far.yaml": """
name: far
host_name: far.example
user_name: render
port: 2222
private_key: /home/user/.ssh/far.pem
passphrase: swordfish
input_directory: in
output_directory: /srv/out
variables: {cache: /fast, level: 7}
""",
    "hosts/cloud.yaml": """
name: cloud
host_name: ec2___.amazonaws.com
user_name: ubuntu
controller: amazon
controller_id: i-1
max_jobs: 2
startup_time: 60
shutdown_timeout: 600
startup_commands_on_dispatcher: [date]
startup_commands_on_host: ["mkdir -p /tmp/x", "docker start box"]
amazon: {image: x}
""",
    "controllers/amazon.yaml": """
driver: awsec2
enable_start_stop: yes
credentials: {access_key: swordfish, secret_key: swordfish}
region: Virginia
""",
    "jobtypes/render.yaml": """
name: render
title: Render it
template:
  - "cd $scripts"
  - "./render.sh $input $output $frame"
params:
  - {name: input, type: InputFile, title: "Input file"}
  - {name: output, type: OutputFile}
  - {name: frame, type: Integer, default: "1"}
on_fail:
  retry: {when: later, count: 2}
host_name: far
max_jobs: 4
""",
    "jobtypes/old.yaml": """
name: old
template: "echo {word}"
syntax: Python
params:
  word: String
on_fail: retry
""",
    "jobtypes/wrap.yaml": "name: wrap\ntemplate: 'true'\non_fail: {retry: {}}\n",
}


def laid(directory: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def run(directory: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_batchd", str(directory), *options, stdout=out)
    return out.getvalue()


def refusal(directory: Path) -> str:
    with pytest.raises(Problems) as caught:
        import_directory(directory)
    assert (Host.objects.count(), JobType.objects.count(), Site.get().variables) == (0, 0, {})
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.meets("BD-46")
def test_all_files_are_taken_in_as_they_are(tmp_path: Path) -> None:
    told = run(laid(tmp_path, FILES))

    far, cloud = Host.objects.get(name="far"), Host.objects.get(name="cloud")
    assert (far.address, far.user, far.port, far.seats, far.transport) == ("far.example", "render", 2222, 3, "ssh")
    assert (far.input_directory, far.output_directory) == ("~/in", "/srv/out")
    assert far.variables == {"cache": "/fast", "level": "7"}
    assert (cloud.seats, cloud.startup_commands) == (2, "set -e\nmkdir -p /tmp/x\ndocker start box")
    assert Site.get().variables == {"scripts": "/srv/scripts"}
    assert 'Made job type "render".' in told
    assert AuditEntry.objects.filter(kind="hosts.host", action="add").count() == 2


@pytest.mark.meets("BD-28", "BD-29", "BD-46")
def test_types_keep_their_parameters_syntax_retries_and_limits(tmp_path: Path) -> None:
    run(laid(tmp_path, FILES))

    render, old, wrap = (JobType.objects.get(name=name) for name in ("render", "old", "wrap"))
    assert [(one.name, one.type, one.title, one.default) for one in parameters_of(render)] == [
        ("input", "InputFile", "Input file", None),
        ("output", "OutputFile", "output", None),
        ("frame", "Int", "frame", "1"),
    ]
    assert render.template == "cd $scripts\n./render.sh $input $output $frame"
    assert (render.on_fail, render.retry_when, render.retry_count) == ("retry", "later", 2)
    assert (render.host, render.max_running) == (Host.objects.get(name="far"), 4)
    assert (old.syntax, old.on_fail, old.retry_when, old.retry_count) == ("braces", "retry", "now", 1)
    assert [one.name for one in parameters_of(old)] == ["word"]
    assert (wrap.on_fail, wrap.retry_when, wrap.retry_count) == ("retry", "now", 1)


@pytest.mark.meets("BD-46")
def test_what_has_no_place_here_is_told_with_the_reason_and_without_secrets(tmp_path: Path) -> None:
    told = run(laid(tmp_path, FILES))

    for place in (
        "batchd.yaml: connection_string", "batchd.yaml: port: 9681", "batchd.yaml: auth", "batchd.yaml: workers: 3",
        "batchd.yaml: web_client", "batchd.yaml: storage", "batchd.yaml: poll_timeout", "hosts/far.yaml: passphrase",
        "hosts/far.yaml: private_key: /home/user/.ssh/far.pem", "hosts/cloud.yaml: controller: amazon",
        "hosts/cloud.yaml: controller_id", "hosts/cloud.yaml: startup_time", "hosts/cloud.yaml: shutdown_timeout",
        "hosts/cloud.yaml: startup_commands_on_dispatcher", "hosts/cloud.yaml: amazon", "controllers/amazon.yaml",
    ):  # fmt: skip
        assert f"Left in {place}" in told, told
    assert "swordfish" not in told
    assert "swordfish" not in str(list(AuditEntry.objects.values_list("after", flat=True)))


@pytest.mark.meets("BD-46")
def test_a_second_import_makes_nothing_new(tmp_path: Path) -> None:
    run(laid(tmp_path, FILES))
    entries = AuditEntry.objects.count()

    told = run(tmp_path)

    assert "Made" not in told
    assert "6 things are here already, just so." in told
    assert AuditEntry.objects.count() == entries


def test_a_dry_run_makes_nothing(tmp_path: Path) -> None:
    told = run(laid(tmp_path, FILES), "--dry-run")

    assert 'Made host "far".' in told
    assert told.endswith("This was a dry run: nothing was changed.\n")
    assert (Host.objects.count(), JobType.objects.count(), Site.get().variables) == (0, 0, {})


def test_what_is_here_and_differs_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    run(laid(tmp_path, FILES))
    laid(tmp_path, {"jobtypes/old.yaml": FILES["jobtypes/old.yaml"].replace("echo", "printf")})

    with pytest.raises(CommandError, match='There is a job type "old" already, with another template'):
        run(tmp_path)
    assert JobType.objects.get(name="old").template == "echo {word}"
    told = run(tmp_path, "--replace")

    assert 'Replaced job type "old".' in told
    assert JobType.objects.get(name="old").template == "printf {word}"


@pytest.mark.meets("BD-30")
def test_a_value_within_single_quotes_is_refused_by_its_name(tmp_path: Path) -> None:
    text = 'name: quoted\ntemplate:\n  - "cd /"\n  - "echo \'the word is $word\'"\nparams: {word: String}\n'

    told = refusal(laid(tmp_path, {**FILES, "jobtypes/quoted.yaml": text}))

    assert told.startswith("jobtypes/quoted.yaml:3: template: Line 2:")
    assert "word" in told
    assert "BY_word" in told


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "hosts/x.yaml",
            "name: x\nhost_name: h\nuser_nam: u\n",
            'hosts/x.yaml:3: user_nam: There is no key "user_nam"',
        ),
        ("hosts/x.yaml", "name: x\nhost_name: h\n", 'hosts/x.yaml:1: user_name: "user_name" is missing'),
        ("hosts/x.yaml", "name: x\nhost_name: 'a b'\nuser_name: u\n", "hosts/x.yaml:2: host_name:"),
        ("hosts/x.yaml", "name: x\nhost_name: h\nuser_name: u\nport: ssh\n", "hosts/x.yaml:4: port:"),
        ("hosts/x.yaml", "name: x\nhost_name: h\nuser_name: u\ncontroller: gone\n", 'There is no controller "gone"'),
        ("hosts/a b.yaml", "name: x\nhost_name: h\nuser_name: u\n", "hosts/a b.yaml:1: name:"),
        ("hosts/x.yaml", "name: x\nname: y\n", 'hosts/x.yaml:2: The key "name" stands twice'),
        ("controllers/x.yaml", "driver: vmware\n", "controllers/x.yaml:1: driver:"),
        ("jobtypes/x.yaml", "name: x\ntemplat: y\n", 'Did you mean "template"?'),
        ("jobtypes/x.yaml", "name: x\ntemplate: y\nparams: {a: Strin}\n", 'Did you mean "String"?'),
        ("jobtypes/x.yaml", "name: x\ntemplate: y\nhost_name: fa\n", 'Did you mean "far"?'),
        ("jobtypes/x.yaml", "name: x\ntemplate: y\non_fail: {retry: {when: soon}}\n", "on_fail"),
        ("jobtypes/x.yaml", "name: x\ntemplate: y\nsyntax: Perl\n", "syntax"),
        ("batchd.yaml", "workrs: 3\n", 'Did you mean "workers"?'),
        ("batchd.yaml", "manager: {prt: 1}\n", 'Did you mean "port"?'),
        ("jobtype/x.yaml", "name: x\n", 'Did you mean "jobtypes"?'),
    ],
)
def test_anything_wrong_is_told_by_file_and_line_and_nothing_is_made(
    tmp_path: Path, file: str, text: str, told: str
) -> None:
    assert told in refusal(laid(tmp_path, {**FILES, file: text}))


def test_a_directory_with_nothing_of_batchd_is_told(tmp_path: Path) -> None:
    assert "holds nothing of batchd" in refusal(tmp_path)
    assert "There is no directory" in refusal(tmp_path / "gone")


def test_older_settings_and_hosts_without_anything_more_are_read(tmp_path: Path) -> None:
    files = {
        "batchd.yaml": "daemon: both\nauth: disable\nworkers: 2\nweb_client_path: /x\nallowed_origin: y\n",
        "hosts/laptop.yaml": "name: laptop\nhost_name: laptop.home\nuser_name: me\nport: 22\n",
        "jobtypes/count.yaml": 'name: count\ntemplate: "./test.sh $count"\nparams:\n  count: Integer\non_fail: retry\n',
    }

    told = run(laid(tmp_path, files))

    assert Host.objects.get().seats == 2
    assert "private_key (it names none" in told
    assert parameters_of(JobType.objects.get())[0].type == "Int"
