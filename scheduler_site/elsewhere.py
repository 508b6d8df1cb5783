"""Settings for people whose accounts are kept elsewhere: by an OpenID Connect provider, or in an LDAP directory.

Nothing of either is loaded unless its address is set.
"""

from __future__ import annotations

import ipaddress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from scheduler_site.env import Environment

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
TIMEOUT_SECONDS: Final = 5


def oidc_settings(env: Environment) -> dict[str, Any]:
    """Our settings, and those of mozilla-django-oidc. Without an issuer nothing else is set."""
    issuer = env.text("BATCHYARD_OIDC_ISSUER").rstrip("/")
    client, secret = env.text("BATCHYARD_OIDC_CLIENT_ID"), env.secret("BATCHYARD_OIDC_CLIENT_SECRET")
    algorithm = env.choice("BATCHYARD_OIDC_ALGORITHM", possible=ALGORITHMS, default="RS256")
    may_create = env.flag("BATCHYARD_OIDC_CREATE", default=False)
    told: dict[str, Any] = {
        "BATCHYARD_OIDC_ISSUER": issuer,
        "BATCHYARD_OIDC_NAME": env.text("BATCHYARD_OIDC_NAME", default="OpenID Connect"),
        "BATCHYARD_OIDC_CLAIM": env.text("BATCHYARD_OIDC_CLAIM", default="preferred_username"),
    }
    if not issuer:
        return told
    _require("mozilla_django_oidc", setting="BATCHYARD_OIDC_ISSUER", extra="requirements-oidc.txt")
    _check_private("BATCHYARD_OIDC_ISSUER", issuer, safe="https")
    if not client or secret is None:
        raise ImproperlyConfigured(
            "BATCHYARD_OIDC_ISSUER needs BATCHYARD_OIDC_CLIENT_ID and BATCHYARD_OIDC_CLIENT_SECRET (or its _FILE)."
        )
    return told | {
        "OIDC_RP_CLIENT_ID": client,
        "OIDC_RP_CLIENT_SECRET": secret,
        "OIDC_RP_SIGN_ALGO": algorithm,
        "OIDC_RP_SCOPES": "openid email profile",
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": TIMEOUT_SECONDS,
        "OIDC_CREATE_USER": may_create,
        # The issuer tells them itself, when somebody signs in.
        **dict.fromkeys((f"OIDC_OP_{what}_ENDPOINT" for what in ("AUTHORIZATION", "TOKEN", "USER", "JWKS")), ""),
    }


def ldap_settings(env: Environment) -> dict[str, Any]:
    """Our settings, and those of django-auth-ldap. Without an address nothing else is set."""
    url = env.text("BATCHYARD_LDAP_URL")
    may_create = env.flag("BATCHYARD_LDAP_CREATE", default=False)
    found = {
        "template": env.text("BATCHYARD_LDAP_USER_DN"),
        "base": env.text("BATCHYARD_LDAP_BASE"),
        "filter": env.text("BATCHYARD_LDAP_FILTER", default="(uid=%(user)s)"),
    }
    bind = {
        "AUTH_LDAP_BIND_DN": env.text("BATCHYARD_LDAP_BIND_DN"),
        "AUTH_LDAP_BIND_PASSWORD": env.secret("BATCHYARD_LDAP_BIND_PASSWORD") or "",
    }
    has_start_tls = env.flag("BATCHYARD_LDAP_START_TLS", default=url.startswith("ldap:") and not _is_local(url))
    authorities = env.text("BATCHYARD_LDAP_CA")
    if not url:
        return {"BATCHYARD_LDAP_URL": ""}
    _require("django_auth_ldap", setting="BATCHYARD_LDAP_URL", extra="requirements-ldap.txt")
    if not has_start_tls:
        _check_private("BATCHYARD_LDAP_URL", url, safe="ldaps")
    return {
        "BATCHYARD_LDAP_URL": url,
        "AUTH_LDAP_SERVER_URI": url,
        "AUTH_LDAP_START_TLS": has_start_tls,
        "AUTH_LDAP_NO_NEW_USERS": not may_create,
        "AUTH_LDAP_ALWAYS_UPDATE_USER": False,
        "AUTH_LDAP_CONNECTION_OPTIONS": _ldap_options(authorities),
        **bind,
        **_ldap_people(**found),
    }


def _ldap_people(*, template: str, base: str, filter: str) -> dict[str, Any]:
    if bool(template) == bool(base):
        raise ImproperlyConfigured(
            "BATCHYARD_LDAP_URL needs either BATCHYARD_LDAP_USER_DN (such as uid=%(user)s,ou=people,dc=example,dc=org) "
            "or BATCHYARD_LDAP_BASE, beneath which people are searched for."
        )
    for name, text in (("BATCHYARD_LDAP_USER_DN", template), ("BATCHYARD_LDAP_FILTER", filter if base else "")):
        if text and "%(user)s" not in text:
            raise ImproperlyConfigured(f"{name} is {text!r}. It has to say where the name goes: %(user)s.")
    if template:
        return {"AUTH_LDAP_USER_DN_TEMPLATE": template}
    ldap, config = import_module("ldap"), import_module("django_auth_ldap.config")
    return {"AUTH_LDAP_USER_SEARCH": config.LDAPSearch(base, ldap.SCOPE_SUBTREE, filter)}


def _ldap_options(authorities: str) -> dict[int, Any]:
    ldap = import_module("ldap")
    options = {
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: TIMEOUT_SECONDS,
        ldap.OPT_TIMEOUT: TIMEOUT_SECONDS,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if authorities:
        options[ldap.OPT_X_TLS_CACERTFILE] = authorities
    # Last: makes what was said about TLS count.
    return options | {ldap.OPT_X_TLS_NEWCTX: 0}


def _require(module: str, *, setting: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ImproperlyConfigured(f"{setting} needs more packages: pip install -r {extra}.")


def _check_private(name: str, url: str, *, safe: str) -> None:
    """Passwords and proofs of identity do not cross a network in clear."""
    scheme = urlsplit(url).scheme
    possible = {safe, "ldapi"} if safe == "ldaps" else {safe}
    if scheme not in possible and not (scheme == safe.removesuffix("s") and _is_local(url)):
        raise ImproperlyConfigured(f"{name} is {url!r}. Possible: {safe}://..., as others could read along.")


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
