"""People whom an OpenID Connect provider vouches for. Loaded only where BATCHYARD_OIDC_ISSUER is set."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.audit import changed
from accounts.backends import GrantBackend
from accounts.models import User
from scheduler_site.elsewhere import TIMEOUT_SECONDS

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 600
# A clock of ours and one of the provider's may differ by so much.
LEEWAY_SECONDS: Final = 30
NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_kept: dict[str, tuple[float, Mapping[str, Any]]] = {}


class ProviderFailed(Exception):
    """The provider does not answer, or not as it should; the text says what."""


# What comes of answers that are not as they should be.
FAILURES: Final = (
    ProviderFailed, requests.RequestException, jwt.PyJWTError, SuspiciousOperation, ValueError, LookupError
)  # fmt: skip


def description(*, at: float) -> Mapping[str, Any]:
    """What the provider says about itself, kept for ten minutes. Raises ProviderFailed.

    at  seconds of a clock that never goes back
    """
    issuer = settings.BATCHYARD_OIDC_ISSUER
    if issuer in _kept and at - _kept[issuer][0] < KEPT_SECONDS:
        return _kept[issuer][1]
    try:
        answer = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
    except (requests.RequestException, ValueError) as problem:
        raise ProviderFailed(f"{issuer} does not describe itself: {problem}") from problem
    if str(told.get("issuer", "")).rstrip("/") != issuer or not all(told.get(name) for name in NEEDED):
        raise ProviderFailed(f"{issuer} describes another issuer, or lacks one of {', '.join(NEEDED)}")
    _kept[issuer] = (at, told)
    return told


def _may_sign(key: Mapping[str, Any], *, algorithm: str) -> bool:
    kinds = {"R": "RSA", "E": "EC"}
    is_of_kind = key.get("kty") == kinds[algorithm[0]] and key.get("alg", algorithm) == algorithm
    return is_of_kind and key.get("use", "sig") == "sig"


class ProviderBackend(OIDCAuthenticationBackend, GrantBackend):
    """Lets in whom the provider names, if there is an account of that name here (or one may be made)."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, nonce: str | None = None, code_verifier: str | None = None
    ) -> User | None:
        if request is None or not nonce:
            return None  # not from our own callback, where each attempt has its number
        try:
            self._issuer = self._ask_where()
            found = super().authenticate(  # type: ignore[no-untyped-call]
                request, nonce=nonce, code_verifier=code_verifier
            )
        except FAILURES as problem:
            logger.warning("a log-in by OpenID Connect failed: %s: %s", type(problem).__name__, problem)
            return None
        return found if isinstance(found, User) and self.user_can_authenticate(found) else None

    def _ask_where(self) -> str:
        """The issuer exactly as it calls itself; and the endpoints, as the library wants them."""
        told = description(at=time.monotonic())
        self.OIDC_OP_TOKEN_ENDPOINT = told["token_endpoint"]
        self.OIDC_OP_USER_ENDPOINT = told.get("userinfo_endpoint", "")
        self.OIDC_OP_JWKS_ENDPOINT = told["jwks_uri"]
        return str(told["issuer"])

    def retrieve_matching_jwk(self, token: str) -> jwt.PyJWK:
        """The key that the proof names, or the only one there is: which need not have a name."""
        named = jwt.get_unverified_header(token).get("kid")
        answer = requests.get(self.OIDC_OP_JWKS_ENDPOINT, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        keys = [key for key in answer.json()["keys"] if _may_sign(key, algorithm=self.OIDC_RP_SIGN_ALGO)]
        found = [key for key in keys if named is None or key.get("kid") == named]
        if len(found) != 1:
            raise SuspiciousOperation(f"{len(found)} keys of the provider could have signed this")
        return jwt.PyJWK(found[0], algorithm=self.OIDC_RP_SIGN_ALGO)

    def _verify_jws(self, payload: str, key: Any) -> dict[str, Any]:
        """What the provider has signed: for us, by it, and not yet over. The library asks for the signature alone."""
        return jwt.decode(
            payload,
            key,
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            audience=self.OIDC_RP_CLIENT_ID,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What was signed and, if the name is not among it, what the provider tells about the same person."""
        if settings.BATCHYARD_OIDC_CLAIM in payload or not self.OIDC_OP_USER_ENDPOINT:
            return payload
        told: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)  # type: ignore[no-untyped-call]
        if told.get("sub") != payload["sub"]:
            raise SuspiciousOperation("the provider tells about somebody else than it has signed")
        return payload | told

    def verify_claims(self, claims: Mapping[str, Any]) -> bool:
        name = claims.get(settings.BATCHYARD_OIDC_CLAIM)
        return isinstance(name, str) and bool(name)

    def filter_users_by_claims(self, claims: Mapping[str, Any]) -> QuerySet[User]:
        return User.objects.filter(username=claims[settings.BATCHYARD_OIDC_CLAIM])

    def describe_user_by_claims(self, claims: Mapping[str, Any]) -> str:
        return f"name {claims.get(settings.BATCHYARD_OIDC_CLAIM)!r}"

    def create_user(self, claims: Mapping[str, Any]) -> User | None:
        """An account without any right. None for a name that no account may have."""
        user = User(username=claims[settings.BATCHYARD_OIDC_CLAIM])
        user.set_unusable_password()
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as problem:
            logger.warning("no account is made for %s: %s", self.describe_user_by_claims(claims), problem)
            return None
        with changed(user):
            user.save()
        return user

    def get_user(self, user_id: int) -> User | None:
        """The account, unless it is disabled: which the library does not ask."""
        found = GrantBackend.get_user(self, user_id)
        return found if isinstance(found, User) else None
