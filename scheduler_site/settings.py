"""Settings of a site, all of them from the environment. docs/reference/settings.md describes each."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from scheduler_site.admin_look import LOOK
from scheduler_site.elsewhere import ldap_settings, oidc_settings
from scheduler_site.env import Environment
from scheduler_site.logs import logging_settings
from scheduler_site.places import broker_socket, kept_secret, make_private_directory
from scheduler_site.ways import LOOPBACK_NAMES, WAYS, check_ways, hosts

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)

# The site.
BATCHYARD_DATA_DIR = make_private_directory(env.directory("BATCHYARD_DATA_DIR", default=BASE_DIR / "var"))
BATCHYARD_BIND = env.bind("BATCHYARD_BIND", default="127.0.0.1:8000")
BATCHYARD_TLS = env.flag("BATCHYARD_TLS", default=False)
BATCHYARD_AUTH = env.chosen("BATCHYARD_AUTH", possible=WAYS, default="session,token,basic")
BATCHYARD_LOCAL_USER = env.text("BATCHYARD_LOCAL_USER", default="admin")
BATCHYARD_METRICS_TOKEN = env.secret("BATCHYARD_METRICS_TOKEN")
BATCHYARD_TRUSTED_PROXIES = env.networks("BATCHYARD_TRUSTED_PROXIES")
BATCHYARD_PROXY_SECRET = env.secret("BATCHYARD_PROXY_SECRET")
BATCHYARD_PLAIN_BASIC = env.flag("BATCHYARD_PLAIN_BASIC", default=False)
check_ways(
    BATCHYARD_AUTH, bind=BATCHYARD_BIND, has_proxies=bool(BATCHYARD_TRUSTED_PROXIES), secret=BATCHYARD_PROXY_SECRET
)
BATCHYARD_FILE_ROOTS = [
    Path(root).expanduser().absolute()
    for root in env.names("BATCHYARD_FILE_ROOTS", default=str(BATCHYARD_DATA_DIR / "files"))
]
BATCHYARD_STORE = env.directory("BATCHYARD_STORE", default=BATCHYARD_DATA_DIR / "output")
BATCHYARD_OUTPUT_DIR = BATCHYARD_STORE
BATCHYARD_OUTPUT_LIMIT_BYTES = env.count("BATCHYARD_OUTPUT_LIMIT_BYTES", default=4 << 30, low=1 << 10, high=1 << 50)
BATCHYARD_KEEP_DAYS = env.count("BATCHYARD_KEEP_DAYS", default=0, low=0, high=36_525)
BATCHYARD_KEY_DIR = env.directory("BATCHYARD_KEY_DIR", default=BATCHYARD_DATA_DIR / "keys")
BATCHYARD_URL = env.site_url("BATCHYARD_URL")
BATCHYARD_NOTIFY_NETWORKS = env.networks("BATCHYARD_NOTIFY_NETWORKS")
BATCHYARD_METRICS_DAYS = env.count("BATCHYARD_METRICS_DAYS", default=30, low=1, high=3650)
BATCHYARD_ENGINE_THREADS = env.count("BATCHYARD_ENGINE_THREADS", default=4, low=1, high=256)

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY") or kept_secret(BATCHYARD_DATA_DIR / "secret_key")
OWN_NAME = socket.gethostname() if BATCHYARD_BIND.is_wildcard else BATCHYARD_BIND.host
# What stored secrets are sealed with.
DEFAULT_SECRET_KEYS_FILE = BATCHYARD_DATA_DIR / "secret_keys"
BATCHYARD_SECRET_KEYS, BATCHYARD_SECRET_KEYS_FILE = env.secret_source(
    "BATCHYARD_SECRET_KEYS", default=DEFAULT_SECRET_KEYS_FILE
)
HAS_OWN_SECRET_KEYS_FILE = BATCHYARD_SECRET_KEYS_FILE != DEFAULT_SECRET_KEYS_FILE
# Loopback names are always safe to answer to: the health of a site is asked there.
ALLOWED_HOSTS = [*hosts(env.names("ALLOWED_HOSTS", default=OWN_NAME), ways=BATCHYARD_AUTH), *LOOPBACK_NAMES]
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
# Beneath /batchd/ only: whose pages may ask there, with what their browsers remember.
BATCHYARD_BATCHD_ORIGINS = env.names("BATCHYARD_BATCHD_ORIGINS")

INSTALLED_APPS = [
    # Before Django's own accounts, two of whose commands it completes.
    "accounts",
    "unfold.apps.BasicAppConfig",
    "scheduler_site.admin_app.SiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_celery_beat",
    "axes",
    "csp",
    "django_htmx",
    "scheduler_site",
    "hosts",
    "jobs",
]
MIDDLEWARE = [
    "scheduler_site.proxies.forwarded_headers",
    "scheduler_site.answers.counted",
    "accounts.origin.remembered",
    "django.middleware.security.SecurityMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.ways.WhoAsks",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "scheduler_site.urls"
ASGI_APPLICATION = "scheduler_site.asgi.application"
WSGI_APPLICATION = "scheduler_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# The database. ATOMIC_REQUESTS stays off: no transaction spans network, file, hashing or rendering.
SQLITE: dict[str, Any] = {
    "ENGINE": "scheduler_site.sqlite",
    "NAME": BATCHYARD_DATA_DIR / "batchyard.sqlite3",
    # A deferred transaction that reads and then writes fails at once, whatever the timeout.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA synchronous=NORMAL"},
}
POSTGRESQL: dict[str, Any] = {
    # No session state, so that pgbouncer may stand in between.
    "DISABLE_SERVER_SIDE_CURSORS": True,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "pool": {
            "min_size": 1,
            "max_size": env.count("BATCHYARD_DATABASE_POOL", default=10, low=1, high=1000),
            "timeout": 10,
        },
    },
}


def _database() -> dict[str, Any]:
    chosen = env.database("DATABASE_URL")
    if chosen is None:
        return SQLITE
    if "sqlite" in str(chosen["ENGINE"]):
        return SQLITE | {"NAME": chosen["NAME"]}
    options = POSTGRESQL["OPTIONS"] | chosen.get("OPTIONS", {})
    return POSTGRESQL | chosen | {"OPTIONS": options}


DATABASES = {"default": _database()}
HAS_OWN_DATABASE = env.secret("DATABASE_URL") is not None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Accounts.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.lockout.Gate",
    "accounts.backends.GrantBackend",
]
# People whose accounts are kept elsewhere.
OIDC, LDAP = oidc_settings(env), ldap_settings(env)
globals().update(OIDC | LDAP)
BATCHYARD_OIDC_ISSUER: str = OIDC["BATCHYARD_OIDC_ISSUER"]
BATCHYARD_OIDC_NAME: str = OIDC["BATCHYARD_OIDC_NAME"]
BATCHYARD_OIDC_CLAIM: str = OIDC["BATCHYARD_OIDC_CLAIM"]
LOGIN_REDIRECT_URL_FAILURE = "/accounts/login/?refused"
if LDAP["BATCHYARD_LDAP_URL"]:
    AUTHENTICATION_BACKENDS.append("accounts.directory.DirectoryBackend")
if BATCHYARD_OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("accounts.provider.ProviderBackend")
    INSTALLED_APPS.append("mozilla_django_oidc")
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.validators.MaximumLengthValidator"},
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
]
BATCHYARD_LOGINS_PER_MINUTE = env.count("BATCHYARD_LOGINS_PER_MINUTE", default=120, low=1, high=100_000)
LOGIN_URL = LOGOUT_REDIRECT_URL = "login"
LOGIN_REDIRECT_URL = "home"
CSRF_FAILURE_VIEW = "scheduler_site.pages.csrf_failed"
# What is counted and for how long: accounts.lockout.
AXES_HANDLER = "accounts.lockout.Lockout"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(hours=1)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.lockout.plain_name"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.address_of"
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "state", "kept_form"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "scheduler_site.pages.locked_out"

# What browsers are told. Cookies and redirects for https only where https is what people use.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BATCHYARD_TLS
SECURE_SSL_REDIRECT = BATCHYARD_TLS
# The launcher, load balancers and Prometheus ask without TLS, within the site.
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^metrics/?$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if BATCHYARD_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BATCHYARD_TLS
# Forwarded headers of peers that are no trusted proxy are gone before this is read.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
# Nothing of what browsers could offer is used.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
    )
}  # fmt: skip
SESSION_ENGINE = "accounts.sessions"
BATCHYARD_SESSION_IDLE = timedelta(hours=env.count("BATCHYARD_SESSION_IDLE_HOURS", default=24, low=1, high=24 * 366))
BATCHYARD_SESSION_LENGTH = timedelta(days=env.count("BATCHYARD_SESSION_DAYS", default=14, low=1, high=366))
SESSION_COOKIE_AGE = int(BATCHYARD_SESSION_LENGTH.total_seconds())
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
# Without TLS there is nothing to redirect to, and browsers would not send back a secure cookie:
# SSL redirect, HSTS, and the two cookies. batchyard.W001 warns instead where others can listen.
SILENCED_SYSTEM_CHECKS = [] if BATCHYARD_TLS else ["security.W004", "security.W008", "security.W012", "security.W016"]

UNFOLD = LOOK

# Languages and times. Zones of schedules are their own; rows and logs are in UTC.
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "scheduler_site.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]

# Static files come from the installed packages and static/; `serve` collects them when they have changed.
STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in (BASE_DIR / "static",) if path.is_dir()]
BATCHYARD_STATIC_DIR = env.directory("BATCHYARD_STATIC_DIR", default=BATCHYARD_DATA_DIR / "static")
STATIC_ROOT = BATCHYARD_STATIC_DIR / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# A name without a digest could mean another content after an upgrade.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Celery carries doorbells only: what is lost or doubled there changes latency, nothing else.
BATCHYARD_EMBEDDED_BROKER = broker_socket(BATCHYARD_DATA_DIR)
CELERY_BROKER_URL = env.broker("CELERY_BROKER_URL")
HAS_OWN_BROKER = CELERY_BROKER_URL is not None
CELERY_BROKER_URL = CELERY_BROKER_URL or f"redis+socket://{BATCHYARD_EMBEDDED_BROKER}"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A submitter waits this long for a broker that does not answer, then not at all for a while.
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 0.5,
    "socket_keepalive": True,
    # One more try and no pause before it: 0 tries would mean for ever, and the usual pause is 2 s.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "batchyard"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = BATCHYARD_ENGINE_THREADS
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
# So often beat writes down that it lives: /healthz tells by that.
CELERY_BEAT_SYNC_EVERY = 6
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Beat is a ticker and no more: when jobs run stands in our own rows.
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "jobs.tick", "schedule": 5.0, "options": {"expires": 10}},
    "deliver": {"task": "jobs.deliver", "schedule": 15.0, "options": {"expires": 15}},
    "minute": {"task": "jobs.minute", "schedule": 60.0, "options": {"expires": 60}},
    "prune": {"task": "jobs.prune", "schedule": 300.0, "options": {"expires": 300}},
}

# The REST API.
BATCHYARD_REQUESTS_PER_MINUTE = env.count("BATCHYARD_REQUESTS_PER_MINUTE", default=60_000, low=1, high=10**9)
REST_FRAMEWORK = {
    "DEFAULT_THROTTLE_CLASSES": ["scheduler_site.api.defaults.EvenShare"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.SiteAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["scheduler_site.api.defaults.KnownPeople"],
    "DEFAULT_PARSER_CLASSES": ["scheduler_site.api.parsing.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "scheduler_site.api.defaults.FirstRenderer",
    "DEFAULT_PAGINATION_CLASS": "scheduler_site.api.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "scheduler_site.api.errors.respond",
    "URL_FORMAT_OVERRIDE": None,
    "UNICODE_JSON": True,
    "STRICT_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "accounts.Token"  # noqa: S105  (the name of a model)
# Its own migrations make the table of its own tokens, which ours take the place of.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_PREFIX": "bsk_", "TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Batchyard",
    "DESCRIPTION": "Runs batch jobs when they are allowed to run, where they should run.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["scheduler_site.api.defaults.KnownPeople"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False},
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "scheduler_site.api.schema.with_errors",
    ],
    "ENUM_NAME_OVERRIDES": {"JobStateEnum": "jobs.models.JobState", "NoticeKindEnum": "jobs.models.NoticeKind.values"},
}

LOGGING = logging_settings(
    level=env.choice("BATCHYARD_LOG_LEVEL", possible=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
)

# What a run is told about itself: a job may well call manage.py.
OF_A_RUN = {"BATCHYARD_RUN", "BATCHYARD_MARK", "BATCHYARD_JOB", "BATCHYARD_ATTEMPT", "BATCHYARD_QUEUE"}
# Last, when every name has been read.
BATCHYARD_UNKNOWN_SETTINGS = env.unknown_names(prefix="BATCHYARD_", ignored=OF_A_RUN)
