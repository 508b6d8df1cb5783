"""An LDAP directory of the tests' own: Debian's slapd on a free loopback port, gone at their end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.scenarios.site import free_port
from tests.servers.parts import program, wait_until

BASE: Final = "dc=example,dc=org"
ADMIN: Final = f"cn=admin,{BASE}"
ADMIN_PASSWORD: Final = "directory-secret"
PEOPLE: Final = f"ou=people,{BASE}"
CONFIGURATION: Final = f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw {ADMIN_PASSWORD}
directory {{directory}}
access to attrs=userPassword by anonymous auth by * none
access to * by anonymous none by * read
"""
ROOTS: Final = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people
"""


@dataclass(frozen=True)
class Slapd:
    """A running directory, which lets nobody read without a password."""

    port: int

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"


def person(name: str, password: str) -> str:
    """An entry, as slapadd reads it."""
    classes = "objectClass: inetOrgPerson\n"
    return f"dn: uid={name},{PEOPLE}\n{classes}uid: {name}\ncn: {name}\nsn: {name}\nuserPassword: {password}\n"


@contextmanager
def directory_of(people: dict[str, str]) -> Iterator[Slapd]:
    """A directory of these people and their passwords."""
    slapd, slapadd = program("slapd"), program("slapadd")
    place = Path(tempfile.mkdtemp(prefix="by-slapd-"))
    (place / "data").mkdir()
    (place / "slapd.conf").write_text(CONFIGURATION.format(directory=place / "data"))
    entries = "\n".join([ROOTS, *(person(name, password) for name, password in people.items())])
    subprocess.run(
        [slapadd, "-f", str(place / "slapd.conf")], input=entries, text=True, check=True, capture_output=True
    )
    found = Slapd(free_port())
    server = subprocess.Popen(
        [slapd, "-f", str(place / "slapd.conf"), "-h", found.url, "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(found.port), what="slapd answers")
        yield found
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(place)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
