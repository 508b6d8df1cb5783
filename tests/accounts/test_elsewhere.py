"""People whose accounts are kept elsewhere: a real LDAP directory, and a real OpenID Connect provider."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from accounts.models import User
from scheduler_site.elsewhere import ldap_settings, oidc_settings
from scheduler_site.env import Environment
from tests.accounts.parts import basic
from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest
from tests.servers.oidc import Provider, provider_of
from tests.servers.parts import missing
from tests.servers.slapd import ADMIN, ADMIN_PASSWORD, PEOPLE, Slapd, directory_of

IN_DIRECTORY: Final = {"carol": "carols-directory-password", "newton": "newtons-directory-password", "gone": "x" * 20}
AT_PROVIDER: Final = {"subject-1": "carol", "subject-2": "gone", "subject-3": "nobody-here", "subject-4": ""}
ISSUER: Final = {
    "BATCHYARD_OIDC_ISSUER": "https://id.example.org",
    "BATCHYARD_OIDC_CLIENT_ID": "batchyard",
    "BATCHYARD_OIDC_CLIENT_SECRET": "s",
}
MAKE_PEOPLE: Final = (
    "from accounts.models import User; make = User.objects.create_user; make('carol'); make('gone', is_active=False)"
)
scenario = pytest.mark.scenario


@pytest.fixture(scope="module")
def extras() -> None:
    """Both extras."""
    for module, extra in (("django_auth_ldap", "ldap"), ("mozilla_django_oidc", "oidc"), ("oidc_provider_mock", "dev")):
        if find_spec(module) is None:
            missing(f"{module} (requirements-{extra}.txt)")


@pytest.fixture(scope="module")
def directory(extras: None) -> Iterator[Slapd]:
    with directory_of(IN_DIRECTORY) as found:
        yield found


@pytest.fixture(scope="module")
def provider(extras: None) -> Iterator[Provider]:
    with provider_of(AT_PROVIDER) as found:
        yield found


@pytest.fixture(scope="module")
def site(directory: Slapd, provider: Provider) -> Iterator[SiteUnderTest]:
    """A site that asks both; `carol` has an account, `gone` a disabled one."""
    settings = {
        "BATCHYARD_LDAP_URL": directory.url,
        "BATCHYARD_LDAP_BASE": PEOPLE,
        "BATCHYARD_LDAP_BIND_DN": ADMIN,
        "BATCHYARD_LDAP_BIND_PASSWORD": ADMIN_PASSWORD,
        "BATCHYARD_LDAP_CREATE": "true",
        "BATCHYARD_OIDC_ISSUER": provider.issuer,
        "BATCHYARD_OIDC_CLIENT_ID": "batchyard",
        "BATCHYARD_OIDC_CLIENT_SECRET": "client-secret",
        "BATCHYARD_OIDC_NAME": "Example Login",
    }
    with running_site(**settings) as site:
        site.manage("shell", "-c", MAKE_PEOPLE)
        yield site


def opened(site: SiteUnderTest) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{site.port}", follow_redirects=True, timeout=30)


@pytest.fixture
def page(site: SiteUnderTest) -> Iterator[httpx.Client]:
    """A browser in which nobody is signed in."""
    with opened(site) as client:
        yield client


def sign_in(page: httpx.Client, name: str, password: str) -> httpx.Response:
    page.get("/accounts/login/")
    told = {"username": name, "password": password, "csrfmiddlewaretoken": page.cookies["csrftoken"]}
    return page.post("/accounts/login/", data=told)


def come_by_provider(page: httpx.Client, subject: str, *, next: str = "/accounts/sessions/") -> httpx.Response:
    form = page.get("/accounts/oidc/login/", params={"next": next})
    return page.post(form.url, data={"sub": subject})


def who(page: httpx.Client) -> str:
    """The name of who is signed in; "" for nobody."""
    answer = page.get("/api/v1/whoami")
    return str(answer.json()["user"]) if answer.status_code == 200 else ""


# --- LDAP ---


@scenario
@pytest.mark.parametrize("name", ["carol", "CAROL"])
def test_the_password_of_the_directory_opens_the_account_of_that_name(page: httpx.Client, name: str) -> None:
    sign_in(page, name, IN_DIRECTORY["carol"])

    assert who(page) == "carol"


@scenario
def test_it_opens_the_api_by_basic(page: httpx.Client) -> None:
    header = {"Authorization": basic("carol", IN_DIRECTORY["carol"])}

    assert page.get("/api/v1/whoami", headers=header).json()["user"] == "carol"


@scenario
def test_somebody_new_gets_an_account_without_rights_that_the_audit_tells_of(
    site: SiteUnderTest, page: httpx.Client
) -> None:
    sign_in(page, "newton", IN_DIRECTORY["newton"])

    assert page.get("/api/v1/whoami").json() == {"user": "newton", "superuser": False, "authentication": "session"}
    assert page.get("/queues/").status_code == 403
    [entry] = site.get("audit?action=add&name=newton")["results"]
    assert entry["kind"] == "accounts.user"


@scenario
@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("carol", "wrong", id="wrong password"),
        pytest.param("carol", "", id="no password, which directories take for nobody"),
        pytest.param("gone", IN_DIRECTORY["gone"], id="disabled here"),
        pytest.param("*", IN_DIRECTORY["carol"], id="any name"),
        pytest.param("carol)(uid=*", IN_DIRECTORY["carol"], id="a filter"),
        pytest.param("admin", ADMIN_PASSWORD, id="the directory's own account"),
    ],
)
def test_what_is_wrong_for_the_directory_opens_nothing(page: httpx.Client, name: str, password: str) -> None:
    answer = sign_in(page, name, password)

    assert who(page) == ""
    assert "This account is inactive" not in answer.text


# --- OpenID Connect ---


@scenario
def test_the_provider_opens_the_account_of_the_name_it_tells(page: httpx.Client) -> None:
    assert "Sign in with Example Login" in page.get("/accounts/login/").text

    answer = come_by_provider(page, "subject-1")

    assert answer.url.path == "/accounts/sessions/"
    assert who(page) == "carol"
    assert "this browser" in answer.text


@scenario
@pytest.mark.parametrize("subject", ["subject-2", "subject-3", "subject-4"], ids=["disabled", "unknown", "nameless"])
def test_whom_the_provider_names_without_an_account_is_told_so(page: httpx.Client, subject: str) -> None:
    answer = come_by_provider(page, subject)

    assert who(page) == ""
    assert "you have no account here" in answer.text


@scenario
def test_whoever_says_no_at_the_provider_is_not_let_in(page: httpx.Client) -> None:
    form = page.get("/accounts/oidc/login/")

    page.post(form.url, data={"action": "deny"})

    assert who(page) == ""


@scenario
@pytest.mark.parametrize("elsewhere", ["https://evil.example.org/", "//evil.example.org"])
def test_the_way_back_never_leads_to_another_site(page: httpx.Client, elsewhere: str) -> None:
    answer = come_by_provider(page, "subject-1", next=elsewhere)

    assert answer.url.host == "127.0.0.1"


@scenario
@pytest.mark.parametrize("address", ["/accounts/oidc/callback/", "/accounts/login/"])
def test_a_code_that_this_browser_did_not_ask_for_opens_nothing(
    site: SiteUnderTest, page: httpx.Client, address: str
) -> None:
    with opened(site) as other:
        form = other.get("/accounts/oidc/login/")
        answer = other.post(form.url, data={"sub": "subject-1"}, follow_redirects=False)
    words = httpx.URL(answer.headers["Location"]).params

    page.get(address, params=words)
    token = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', page.get("/accounts/login/").text)
    page.post("/accounts/login/", params=words, data={"username": "x", "password": "y", "csrfmiddlewaretoken": token})

    assert who(page) == ""


# --- what the provider has signed ---


@pytest.fixture
def backend(extras: None, settings: LazySettings) -> Any:
    """What checks the proofs of https://id.example.org."""
    for name, value in oidc_settings(Environment(ISSUER)).items():
        setattr(settings, name, value)
    from_provider = pytest.importorskip("accounts.provider")
    made = from_provider.ProviderBackend()
    made._issuer = ISSUER["BATCHYARD_OIDC_ISSUER"]
    return made


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"aud": "another"}, id="for another"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"iss": "https://evil.example.org"}, id="by another"),
        pytest.param({"exp": 1_000_000_000}, id="over"),
        pytest.param({"exp": None}, id="for ever"),
        pytest.param({"sub": None}, id="about nobody"),
    ],
)
def test_a_proof_counts_only_for_us_from_its_issuer_and_for_its_time(
    backend: Any, key: rsa.RSAPrivateKey, wrong: dict[str, Any]
) -> None:
    jwt = pytest.importorskip("jwt")
    now = int(time.time())
    right = {"iss": "https://id.example.org", "aud": "batchyard", "sub": "1", "iat": now, "exp": now + 60}
    told = {name: value for name, value in (right | wrong).items() if value is not None}

    assert backend._verify_jws(jwt.encode(right, key, algorithm="RS256"), key.public_key())["sub"] == "1"
    with pytest.raises(jwt.InvalidTokenError):
        backend._verify_jws(jwt.encode(told, key, algorithm="RS256"), key.public_key())
    with pytest.raises(jwt.InvalidTokenError):
        backend._verify_jws(jwt.encode(right, None, algorithm="none"), key.public_key())


def test_a_disabled_account_has_no_session_by_the_provider(backend: Any, db: None) -> None:
    user = User.objects.create_user("carol")

    assert backend.get_user(user.pk) == user
    User.objects.update(is_active=False)
    assert backend.get_user(user.pk) is None


# --- settings that cannot be meant ---


@pytest.mark.parametrize(
    ("told", "message"),
    [
        pytest.param({"BATCHYARD_OIDC_ISSUER": "http://id.example.org"}, "others could read along", id="OIDC in clear"),
        pytest.param({"BATCHYARD_OIDC_ISSUER": "https://x"}, "needs BATCHYARD_OIDC_CLIENT_ID", id="OIDC, no client"),
        pytest.param({"BATCHYARD_OIDC_ALGORITHM": "none"}, "'none' is unknown", id="OIDC, unsigned"),
        pytest.param({"BATCHYARD_OIDC_ALGORITHM": "HS256"}, "'HS256' is unknown", id="OIDC, signed by us"),
        pytest.param(
            {"BATCHYARD_LDAP_URL": "ldap://d.example.org", "BATCHYARD_LDAP_START_TLS": "no"},
            "others could read along", id="LDAP in clear",
        ),
        pytest.param({"BATCHYARD_LDAP_URL": "ldaps://d.example.org"}, "needs either", id="LDAP, nobody to look for"),
        pytest.param(
            {"BATCHYARD_LDAP_URL": "ldaps://d", "BATCHYARD_LDAP_USER_DN": "uid=x"},
            "where the name goes", id="LDAP, no place for the name",
        ),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_stop_the_start(extras: None, told: dict[str, str], message: str) -> None:
    environment = Environment(told)

    with pytest.raises(ImproperlyConfigured, match=message):
        oidc_settings(environment) | ldap_settings(environment)


def test_without_an_address_nothing_is_set() -> None:
    assert {name for name in oidc_settings(Environment({})) if not name.startswith("BATCHYARD_")} == set()
    assert ldap_settings(Environment({})) == {"BATCHYARD_LDAP_URL": ""}
