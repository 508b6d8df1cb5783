"""Where notifications may not lead, whatever their addresses resolve or redirect to."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from jobs.notices.addresses import place_of, without_secrets
from jobs.notices.guard import may_reach
from jobs.notices.sending import Answer, Letter, means_a_service, send
from tests.architecture.sources import ROOT
from tests.servers.sinks import HttpSink


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_reached(address: str) -> None:
    assert not may_reach(ipaddress.ip_address(address), [])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_what_is_public_is_reached(address: str) -> None:
    assert may_reach(ipaddress.ip_address(address), [])


def test_networks_that_the_site_allows_are_reached() -> None:
    allowed = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]

    assert may_reach(ipaddress.ip_address("10.1.2.3"), allowed)
    assert may_reach(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert may_reach(ipaddress.ip_address("fd00::1"), allowed)
    assert not may_reach(ipaddress.ip_address("192.168.1.1"), allowed)


def sent(*urls: str) -> list[Answer]:
    letters = [Letter(number, url, "title", "body") for number, url in enumerate(urls)]
    return sorted(send(letters), key=lambda answer: answer.id)


def test_a_letter_to_this_machine_is_refused_by_address_by_name_and_by_mail(web: HttpSink) -> None:
    urls = [web.url, web.url.replace("127.0.0.1", "localhost"), "json://[::1]:1/", "json://169.254.169.254/latest/",
            "mailto://127.0.0.1:25?from=a@example.org&to=b@example.org&mode=insecure",
            "rsyslog://127.0.0.1:514", "json://2130706433:80/"]  # fmt: skip

    answers = sent(*urls)

    assert [(answer.id, answer.is_final) for answer in answers] == [(number, True) for number in range(len(urls))]
    assert all("Refused: " in answer.problem for answer in answers), answers
    assert web.posted == []


def test_a_redirect_leads_nowhere_else(web: HttpSink, settings: LazySettings) -> None:
    settings.BATCHYARD_NOTIFY_NETWORKS = [ipaddress.ip_network("127.0.0.1")]
    web.status, web.location = 307, "http://169.254.169.254/latest/meta-data/"

    [plain, insisting] = sent(web.url, f"{web.url}?redirect=yes")

    assert plain.problem
    assert insisting.problem
    assert "169.254.169.254 is not a public address" in insisting.problem
    assert insisting.is_final


def test_no_file_of_the_machine_is_sent(web: HttpSink, settings: LazySettings, tmp_path: Path) -> None:
    settings.BATCHYARD_NOTIFY_NETWORKS = [ipaddress.ip_network("127.0.0.1")]
    secret = tmp_path / "secret.json"
    secret.write_text('{"text": "hunter2"}')

    [answer] = sent(f"workflows://127.0.0.1:{web.port}/a1b2c3/d4e5f6/?template={secret}&verify=no")

    assert answer.problem
    assert "hunter2" not in str(web.posted)


@pytest.mark.parametrize("what", ["open('/etc/hostname')", "open('/tmp/by-guard', 'w')", "subprocess.run(['true'])",
                                  "socket.socket(socket.AF_UNIX).connect('/run/docker.sock')",
                                  "socket.create_connection(('127.0.0.1', 22))", "os.system('true')"])  # fmt: skip
def test_a_guarded_process_does_none_of_it(what: str) -> None:
    program = (
        "import os, socket, subprocess, sys; from jobs.notices.guard import Guard; "
        f"Guard([], readable=[sys.prefix, sys.base_prefix]).install(); {what}"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "Forbidden" in done.stderr


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://host", "syslog://", "dbus://", "windows://", "slack://"])
def test_an_address_that_leads_nowhere_is_told(url: str) -> None:
    assert not means_a_service(url)


def test_services_are_known() -> None:
    [*answers] = [means_a_service(url) for url in (
        "mailto://user:pass@example.org", "jsons://example.org/hook",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    )]  # fmt: skip

    assert answers == [True, True, True]


def test_what_is_shown_of_an_address_opens_nothing() -> None:
    assert place_of("mailto://me:hunter2@mail.example.org:587?to=a@example.org") == "mailto://mail.example.org:587"
    assert place_of("jsons://me:hunter2@example.org/hook/abcdef") == "jsons://example.org"
    assert place_of("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdn/") == "slack://***"
    assert place_of("json://[::1") == "json://***"


def test_complaints_do_not_repeat_an_address() -> None:
    said = without_secrets("cannot post to /hook/abcd%20ef as hunter2 (abcd ef)", "json://me:hunter2@h/hook/abcd%20ef")

    assert said == "cannot post to /***/*** as *** (***)"
