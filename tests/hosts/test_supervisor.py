from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from hosts.supervisor.client import Supervisor
from hosts.supervisor.records import EndKind, LaunchKind, RunRequest, RunState, Script
from hosts.transports.base import HostUnsuitable
from tests.hosts.site import Site, run_of, wait_until

EVERY_BYTE = bytes(range(1, 256))


def test_hello_tells_what_the_host_is(site: Site) -> None:
    assert site.hello.directory == str(site.directory)
    assert site.hello.home == str(Path.home())
    assert site.hello.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert abs(site.hello.uptime_seconds - time.clock_gettime(time.CLOCK_BOOTTIME)) < 30
    assert abs(site.hello.clock_seconds - time.time()) < 30
    assert site.hello.free_bytes is not None
    assert site.hello.shell in {"dash", "busybox", "bash"}
    assert site.hello.has_resident == site.has_resident


def test_who_greets_again_keeps_the_connection_to_the_resident(site: Site) -> None:
    orders = site.supervisor.orders

    again = site.supervisor.hello()

    assert again.has_resident == site.has_resident
    assert site.supervisor.orders is orders
    assert again.heard_at > site.hello.heard_at


def test_a_directory_that_cannot_be_made_makes_the_host_unsuitable(site: Site) -> None:
    supervisor = Supervisor(site.shell, directory=f"{site.directory}/id/beneath-a-file")

    with pytest.raises(HostUnsuitable, match="beneath-a-file cannot be written"):
        supervisor.hello()


def test_the_home_may_be_where_the_directory_is(site: Site) -> None:
    site.shell.ask(b"HOME=%s/home; mkdir $HOME" % str(site.directory).encode(), timeout_seconds=5)

    hello = Supervisor(site.shell, directory="~/.batchyard/it's mine").hello()

    assert hello.directory == f"{site.directory}/home/.batchyard/it's mine"


def test_a_host_without_setsid_is_unsuitable(site: Site) -> None:
    site.shell.ask(b"command() { return 1; }", timeout_seconds=5)

    with pytest.raises(HostUnsuitable, match="no setsid"):
        Supervisor(site.shell, directory=str(site.directory)).hello()


def test_more_runs_than_one_request_bears_all_end(site: Site) -> None:
    requests = [run_of(f"many-{number}", "true") for number in range(260)]

    answers = site.launch(*requests)

    assert answers == [LaunchKind.STARTED] * 260
    assert all(site.ended(request.name).exit_code == 0 for request in requests)


def test_a_batch_of_fifty_runs_to_its_end(site: Site) -> None:
    requests = [run_of(f"run-{number}", f"exit {number}") for number in range(50)]

    answers = site.launch(*requests)

    assert answers == [LaunchKind.STARTED] * 50
    assert [site.ended(f"run-{number}").exit_code for number in range(50)] == list(range(50))


def test_a_run_starts_once_however_often_it_is_launched(site: Site) -> None:
    request = run_of("once", f"echo started >>{site.directory}/times; sleep 0.2")

    first = site.launch(request, request)
    second = site.launch(request)
    site.ended("once")
    third = site.launch(request)

    assert (first, second, third) == (
        [LaunchKind.STARTED] * 2,
        [LaunchKind.DUPLICATE],
        [LaunchKind.DUPLICATE],
    )
    assert (site.directory / "times").read_text() == "started\n"


def test_two_controllers_that_launch_the_same_runs_start_each_once(site: Site) -> None:
    requests = [run_of(f"both-{number}", f"echo x >>{site.directory}/times-{number}") for number in range(20)]
    first = site.supervisor
    site.open()

    answers = [first.launch(requests), site.supervisor.launch(requests)]

    for number in range(20):
        assert {answer[f"both-{number}"].kind for answer in answers} == {LaunchKind.STARTED, LaunchKind.DUPLICATE}
        site.ended(f"both-{number}")
        assert (site.directory / f"times-{number}").read_text() == "x\n"


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        pytest.param("exit 0", EndKind.EXITED, 0, id="0"),
        pytest.param("exit 1", EndKind.EXITED, 1, id="1"),
        pytest.param("exit 37", EndKind.EXITED, 37, id="37"),
        pytest.param("exit 126", EndKind.EXITED, 126, id="126"),
        pytest.param("exit 127", EndKind.EXITED, 127, id="127"),
        pytest.param("exit 137", EndKind.EXITED, 137, id="137 by exit"),
        pytest.param("exit 255", EndKind.EXITED, 255, id="255"),
        pytest.param("kill -KILL $$", EndKind.SIGNALLED, 9, id="SIGKILL"),
        pytest.param("kill -SEGV $$", EndKind.SIGNALLED, 11, id="SIGSEGV"),
        pytest.param("kill -TERM $$", EndKind.SIGNALLED, 15, id="SIGTERM"),
        pytest.param("kill -HUP $$", EndKind.SIGNALLED, 1, id="SIGHUP"),
    ],
)
def test_the_end_says_how(site: Site, text: str, kind: EndKind, code: int) -> None:
    end = site.run(run_of("end", text))

    assert (end.kind, end.code) == (kind, code)
    assert site.look("end").end == end


def test_an_interrupted_command_is_one_that_exited_where_a_shell_has_to_tell(site: Site) -> None:
    end = site.run(run_of("end", "kill -INT $$"))

    assert (end.kind, end.code) == ((EndKind.SIGNALLED, 2) if site.has_resident else (EndKind.EXITED, 130))


def test_values_arrive_byte_by_byte(site: Site) -> None:
    environment = {"EVERY": EVERY_BYTE, "EMPTY": "", "TEXT": "é $(id) `id` \"'\\\n", "IFS": ":", "PATH_LIKE": "/a b/*"}
    text = 'printf "%s|" "$EVERY" "$EMPTY" "$TEXT" "$PATH_LIKE"'

    site.run(run_of("values", text, environment=environment))

    expected = (EVERY_BYTE, b"", "é $(id) `id` \"'\\\n".encode(), b"/a b/*")
    assert site.stdout("values") == b"".join(value + b"|" for value in expected)


def test_a_script_arrives_byte_by_byte(site: Site) -> None:
    text = "cat <<'END'\n$x `y` \\ ' \" é \x81 \x88\nEND\nprintf last"

    site.run(run_of("script", text))

    assert site.stdout("script") == "$x `y` \\ ' \" é \x81 \x88\nlast".encode()


def test_a_command_sees_no_signal_ignored_and_nothing_of_ours(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET", "ours")
    site.open()

    site.run(run_of("clean", "cat /proc/self/status; env; umask; pwd; cat"))

    output = site.stdout("clean").decode()
    ignored = int(re.search(r"SigIgn:\s*([0-9a-f]+)", output)[1], 16)  # type: ignore[index]
    usual = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD}
    assert not [number for number in usual if ignored & (1 << (number - 1))]
    assert "DJANGO_SECRET" not in output
    assert "BATCHYARD_RUN=clean" in output
    assert output.endswith(f"0022\n{Path.home()}\n")


def test_output_is_kept_apart_and_binary(site: Site) -> None:
    data = "\\000\\377\\033[31m\\r\\n\\200"

    end = site.run(run_of("output", f"printf '{data}'; printf 'bad {data}' >&2"))

    assert site.stdout("output") == b"\0\xff\x1b[31m\r\n\x80"
    assert site.stderr("output") == b"bad \0\xff\x1b[31m\r\n\x80"
    assert (end.has_stdout, end.has_stderr, end.has_record) == (True, True, True)


def test_a_command_begins_where_it_is_told(site: Site, tmp_path: Path) -> None:
    directory = tmp_path / "it's a place"
    directory.mkdir()

    site.run(run_of("where", "pwd", directory=str(directory)))

    assert site.stdout("where").decode() == f"{directory}\n"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(run_of("no", "exit", directory="/not/there"), '"/not/there"', id="directory"),
        pytest.param(RunRequest("no", script=Script("#!/not/there -x\n")), '"/not/there"', id="interpreter"),
        pytest.param(
            RunRequest("no", script=Script("#!/usr/bin/env not-there\n")), '"not-there"', id="interpreter by env"
        ),
        pytest.param(RunRequest("no", script=Script("", interpreter="rexx")), '"rexx"', id="interpreter by name"),
    ],
)
def test_what_cannot_be_started_says_why(site: Site, request_: RunRequest, reason: str) -> None:
    end = site.run(request_)

    assert (end.kind, end.exit_code) == (EndKind.REFUSED, None)
    assert site.stderr("no").startswith(b"The command could not be started: ")
    assert reason in site.stderr("no").decode()


@pytest.mark.meets("BD-31")
def test_a_script_runs_under_the_interpreter_it_names(site: Site) -> None:
    text = "#!/usr/bin/env python3\nimport sys\nprint(sys.implementation.name)\nsys.exit(3)\n"

    end = site.run(RunRequest("python", script=Script(text)))

    assert end.exit_code == 3
    assert site.stdout("python") == b"cpython\n"


@pytest.mark.meets("BD-39")
def test_a_run_outlives_its_connection(site: Site) -> None:
    gate = site.directory / "gate"
    site.launch(run_of("long", f"echo one; until [ -e {gate} ]; do sleep 0.05; done; echo two; exit 9"))
    site.started("long")

    site.close()
    gate.touch()
    site.open()

    assert site.ended("long").exit_code == 9
    assert site.stdout("long") == b"one\ntwo\n"


@pytest.mark.needs_root
def test_a_full_disk_does_not_lose_the_exit_code(small_disk_site: Site) -> None:
    site = small_disk_site
    filler = site.directory / "filler"

    site.launch(run_of("full", f"dd if=/dev/zero of={filler} bs=4k 2>/dev/null; echo >>{filler}; exit 7"))
    wait_until(lambda: site.look("full").state is RunState.ENDED, what="the end on a full disk")
    end = site.look("full").end
    refused = site.launch(*(run_of(f"more-{number}", "exit 0") for number in range(64)))
    filler.unlink()

    assert end is not None
    assert (end.kind, end.code) == (EndKind.EXITED, 7)
    assert LaunchKind.FAILED in refused
    retried = f"more-{refused.index(LaunchKind.FAILED)}"
    assert site.launch(run_of(retried, "exit 8")) == [LaunchKind.STARTED]
    wait_until(lambda: site.look(retried).state is RunState.ENDED, what="the end of the run that was tried again")


def test_the_journal_tells_an_end_within_a_tenth_of_a_second(site: Site) -> None:
    delays = []
    for number in range(5):
        name = f"prompt-{number}"
        site.launch(run_of(name, "sleep 0.1"))
        end = site.ended(name)
        delays.append(time.clock_gettime(time.CLOCK_BOOTTIME) - end.uptime_seconds)

    # The best of several: other tests may have the machine's two cores.
    assert min(delays) < 0.1
