"""Settings, from environment variables: docs/operations.md lists them."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from kombu import Exchange, Queue

from dynamo import __version__
from dynamo.env import (
    create_folder,
    database_settings,
    env_bool,
    env_float,
    env_list,
    env_str,
    env_url,
    generated_secret,
    redis_url,
    refuse,
)

VERSION = __version__
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env_str("DYNAMO_VAR") or BASE_DIR / "var")
# Database, logs, broker files and exports hold secrets: only this user may read them. Every process imports this file.
os.umask(0o077)
create_folder(VAR_DIR)
if VAR_DIR.stat().st_uid == os.geteuid():
    VAR_DIR.chmod(0o700)

# Secrets. ENCRYPTION_KEYS: the first encrypts, all decrypt. AUDIT_KEYS: the first signs new events, all verify.
SECRET_KEY = generated_secret("DYNAMO_SECRET_KEY", VAR_DIR)
ENCRYPTION_KEYS = env_list("DYNAMO_ENCRYPTION_KEYS") or [generated_secret("DYNAMO_ENCRYPTION_KEY", VAR_DIR)]
AUDIT_KEYS = env_list("DYNAMO_AUDIT_KEYS") or [generated_secret("DYNAMO_AUDIT_KEY", VAR_DIR)]
SECRETS_ARE_OURS = all(env_str(f"DYNAMO_{name}") for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "AUDIT_KEYS"))

PRODUCTION = env_bool("DYNAMO_PRODUCTION")
DEBUG = env_bool("DYNAMO_DEBUG")
ALLOWED_HOSTS = env_list("DYNAMO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

# Reverse proxy.
BEHIND_PROXY = env_bool("DYNAMO_BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # requested on this machine, without the proxy
CSRF_TRUSTED_ORIGINS = env_list("DYNAMO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "dynamo.apps.DynamoConfig",
    "scheduling.apps.SchedulingConfig",
    "posts",
    "accounts.apps.AccountsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "accounts.api.middleware.ResponseHeadersMiddleware",
    "dynamo.metrics.RequestMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.admin.reauthentication.ReauthenticationMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "dynamo.urls"
WSGI_APPLICATION = "dynamo.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The API.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.SignatureAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.ApiKeyThrottle"],  # authentication runs two more
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.api.parsers.JSONOnlyNegotiation",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a method like any other: 405
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.openapi.ApiSchema",
    "EXCEPTION_HANDLER": "accounts.api.exceptions.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
# Requests a minute, 0 for no limit: of a key, of an address; and wrong signatures of a key id from an address.
API_RATE_PER_MINUTE = int(env_float("DYNAMO_API_RATE_PER_MINUTE", 600))
API_RATE_PER_ADDRESS = int(env_float("DYNAMO_API_RATE_PER_ADDRESS", 3000))
SIGNATURE_FAILURES_PER_MINUTE = int(env_float("DYNAMO_SIGNATURE_FAILURES_PER_MINUTE", 60))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # 1 MiB: contract.md
SPECTACULAR_SETTINGS = {
    "TITLE": "Dynamo",
    "DESCRIPTION": "Agents draft, people approve, workers publish. Approval happens in the admin, never in the API.",
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,  # it is in `servers`, so that a client's base URL ends with it
    "SORT_OPERATIONS": False,  # operations keep the order of the URLs
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,  # every field of a PATCH is optional already
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/v1", "description": "The API of the installation that serves this description."}],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
    "ENUM_NAME_OVERRIDES": {
        "ScheduledPostStatus": "scheduling.lifecycle.Status.choices",
        "ChannelType": "posts.models.ChannelType.choices",
        "ChannelState": "posts.models.ChannelState.choices",
        "PostType": "posts.models.PostType.choices",
        "MediaType": "posts.models.MediaKind.choices",
        "PublishedMediaType": "posts.api.serializers.PUBLISHED_MEDIA",
        "DeliveryState": "scheduling.models.DeliveryState.choices",
        "EventType": "scheduling.domain.event_feed.TYPES",
        "WebhookEventType": "scheduling.api.event_serializers.SUBSCRIBED",
    },
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",  # the files of drf-spectacular-sidecar, served like other static files
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": "swaggerOptions",  # a name of JavaScript, defined in templates/static/dynamo/swagger.js
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # it checks a schema that is not served
}

# Users and sessions.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.admin.login.LoginThrottleBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
REAUTHENTICATE_AFTER = env_float("DYNAMO_REAUTHENTICATE_AFTER", 4 * 3600)
INVITATION_LIFE = env_float("DYNAMO_INVITATION_LIFE", 7 * 24 * 3600)
PASSWORD_RESET_TIMEOUT = int(env_float("DYNAMO_PASSWORD_RESET_LIFE", 3600))
PASSWORD_RESETS_PER_HOUR = int(env_float("DYNAMO_PASSWORD_RESETS_PER_HOUR", 5))  # e-mails to one address
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "scheduling.admin.unsent_input.csrf_failure"
# Login throttling. By username and address, so that a client elsewhere cannot lock a reviewer out.
AXES_FAILURE_LIMIT = int(env_float("DYNAMO_LOGIN_TRIES", 6, least=1))
AXES_COOLOFF_TIME = timedelta(seconds=env_float("DYNAMO_LOGIN_LOCK", 900))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "accounts.admin.login.axes_client_ip"
AXES_USERNAME_CALLABLE = "accounts.admin.login.axes_username"
AXES_LOCKOUT_CALLABLE = "accounts.admin.login.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "proof", "code", "next", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

# Database. SQLite by default: write-ahead log, and transactions that take the write lock at once, because the
# default ones deadlock into "database is locked" when two of them read first and write later.
DATABASE_URL = env_str("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'dynamo.sqlite3'}"
DATABASES: dict[str, Any] = {"default": database_settings(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # Threads and processes of a test must see the same database, so it is a file.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # `server_side_binding` and `prepare_threshold` stay unset: a pooler in transaction mode loses prepared statements.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # a pooler loses them as well
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Broker and cache. Redis when REDIS_URL is set, else files that processes of one machine share.
REDIS_URL = redis_url("REDIS_URL")
CACHES: dict[str, Any]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            # Throttles and usage are best effort: publishing does not wait for a cache that does not respond.
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 3600,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        # One immediate retry when the broker is down; kombu would sleep for six seconds before it.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "global_keyprefix": env_str("DYNAMO_BROKER_PREFIX"),
    }
else:
    BROKER_DIR = VAR_DIR / "broker"
    for folder in ("queue", "control"):
        create_folder(BROKER_DIR / folder)
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": VAR_DIR / "cache",
        }
    }
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.1,
    }
# The publishing worker takes from `publishing` alone (-Q publishing), because a thread that waits for a media host or a
# webhook receiver cannot be interrupted. A second worker takes the others (-Q media,notifications).
CELERY_TASK_QUEUES = [
    Queue(name, Exchange("celery"), routing_key=name) for name in ("publishing", "media", "notifications")
]
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_ROUTING_KEY = "publishing"
CELERY_TASK_ROUTES = {
    "scheduling.stage": {"queue": "publishing", "priority": 9},  # on Redis after everything else in the queue
    "scheduling.inspect_media": {"queue": "media"},
    "scheduling.discard": {"queue": "media"},
    "scheduling.examine_channel": {"queue": "media"},
    "scheduling.fill_permalinks": {"queue": "media"},
    "scheduling.link_imported": {"queue": "media"},
    "scheduling.delete_old": {"queue": "media"},
    "posts.sync_channel": {"queue": "media"},
    "posts.sync_due": {"queue": "media"},
    "posts.copy_thumbnails": {"queue": "media"},
    "posts.refresh_post": {"queue": "media"},
    "posts.subscribe_channel": {"queue": "media"},
    "posts.subscribe_channels": {"queue": "media"},
    "posts.delete_unused_media": {"queue": "media"},
    "posts.delete_expired_logins": {"queue": "media"},
    "accounts.delete_expired_idempotency_keys": {"queue": "media"},
    "scheduling.deliver_notification": {"queue": "notifications"},
    "accounts.send_password_reset": {"queue": "notifications"},
}
CELERY_WORKER_CONSUMER = "dynamo.celery_messages:Consumer"
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False  # the sweep enqueues again; a web request never waits for the broker
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Celery closes database connections around each task until this is set, whatever CONN_MAX_AGE is; dynamo/celery.py
# closes the broken ones.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0
CELERY_BEAT_SCHEDULER = "dynamo.celery_beat:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_MAX_LOOP_INTERVAL = 1

# Scheduling. Seconds everywhere.
SWEEP_INTERVAL = env_float("DYNAMO_SWEEP_INTERVAL", 2, least=0.1)
ENQUEUE_HORIZON = env_float("DYNAMO_ENQUEUE_HORIZON", 600)  # well under the visibility timeout above
STAGE_LEAD = env_float("DYNAMO_STAGE_LEAD", 300)
STAGE_TEXT_POSTS = env_bool("DYNAMO_STAGE_TEXT_POSTS")  # off: the platform does not document that it works
MAX_LATENESS_SECONDS = env_float("DYNAMO_MAX_LATENESS_SECONDS", 900, least=1)
LEASE_SECONDS = env_float("DYNAMO_LEASE_SECONDS", 25, least=1)
ABSENCE_SPACING = env_float("DYNAMO_ABSENCE_SPACING", 30)  # graph-api: two reads at least 30 s apart
LANDING_LIMIT = env_float("DYNAMO_LANDING_LIMIT", 120)  # in which a post may appear after a write without a response
RECONCILE_LIMIT = env_float("DYNAMO_RECONCILE_LIMIT", 900)
CHANNEL_CHECK_INTERVAL = env_float("DYNAMO_CHANNEL_CHECK_INTERVAL", 1800)  # 0: channels are not checked
# How long before its scheduled time reviewers are reminded of a post that waits for approval.
UNAPPROVED_REMINDER_LEAD = env_float("DYNAMO_UNAPPROVED_REMINDER_LEAD", 3600)
# Sync of published posts. With an interval of 0 only `manage.py sync_channel` reads them.
SYNC_INTERVAL = env_float("DYNAMO_SYNC_INTERVAL", 10)
SYNC_AT_ONCE = int(env_float("DYNAMO_SYNC_AT_ONCE", 1))  # the other threads are free for media and e-mail
SYNC_LEASE = env_float("DYNAMO_SYNC_LEASE", 45, least=1)  # longer than any one call
# Limits beyond which /readyz fails.
HEALTH_LATE = env_float("DYNAMO_HEALTH_LATE", 60)
HEALTH_SWEEP = env_float("DYNAMO_HEALTH_SWEEP", 30)
HEALTH_QUEUE = env_float("DYNAMO_HEALTH_QUEUE", 180)
HEARTBEAT_INTERVAL = 30.0  # at which a worker of each background queue reports
HEALTH_UNKNOWN = int(env_float("DYNAMO_HEALTH_UNKNOWN", 10))
METRICS_TOKEN = env_str("DYNAMO_METRICS_TOKEN")  # without one, /metrics answers this machine only
# Services that receive errors and traces. Their libraries read their other variables (SENTRY_…, OTEL_…) themselves.
SENTRY_DSN = env_url("SENTRY_DSN")
OTLP_ENDPOINT = env_str("OTEL_EXPORTER_OTLP_ENDPOINT")

# The Graph API. The sandbox and the platform differ in the base URL only.
GRAPH_BASE_URL = env_url("GRAPH_BASE_URL", "https://graph.facebook.com")
GRAPH_VERSION = env_str("GRAPH_VERSION", "v27.0")
GRAPH_APP_SECRET = env_str("GRAPH_APP_SECRET")
GRAPH_APP_ID = env_str("GRAPH_APP_ID")
# Chosen by the operator and repeated in the app's webhook settings. Empty: no webhooks of the platform.
GRAPH_WEBHOOK_VERIFY_TOKEN = env_str("GRAPH_WEBHOOK_VERIFY_TOKEN")
# Facebook Login, which connects channels: the host of its dialog, and a configuration of Login for Business.
GRAPH_DIALOG_URL = env_url("GRAPH_DIALOG_URL", "https://www.facebook.com")
GRAPH_LOGIN_CONFIG_ID = env_str("GRAPH_LOGIN_CONFIG_ID")
GRAPH_CONNECT_TIMEOUT = env_float("GRAPH_CONNECT_TIMEOUT", 3, least=0.1)
GRAPH_READ_TIMEOUT = env_float("GRAPH_READ_TIMEOUT", 20, least=0.1)
# Media on loopback is allowed only while the Graph API is a sandbox on loopback as well.
SANDBOXED = urlsplit(GRAPH_BASE_URL).hostname in {"127.0.0.1", "localhost", "::1"}
MEDIA_ALLOW_LOOPBACK = env_bool("DYNAMO_MEDIA_ALLOW_LOOPBACK", default=SANDBOXED)

# E-mail: to the log until there is a server; in production nowhere then, for what people write is not for a log.
EMAIL_HOST = env_str("EMAIL_HOST")
EMAIL_PORT = int(env_float("EMAIL_PORT", 587, least=1))
EMAIL_HOST_USER = env_str("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env_str("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", default=bool(EMAIL_HOST) and not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    refuse("EMAIL_USE_TLS", "and EMAIL_USE_SSL exclude each other")
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
MAIL_GOES_OUT = bool(EMAIL_HOST) or not PRODUCTION
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env_str("EMAIL_FROM", "Dynamo <dynamo@localhost>")
# The admin's URL, for links in e-mails.
_HOST = next((host for host in ALLOWED_HOSTS if host[:1] not in {"*", "."}), "localhost")
_ORIGIN = f"https://{_HOST}" if PRODUCTION else f"http://{env_str('DYNAMO_BIND', '127.0.0.1:8000')}"
ADMIN_URL = env_url("DYNAMO_ADMIN_URL", _ORIGIN).rstrip("/")
# The URL under which Instagram fetches media, and platforms send callbacks.
PUBLIC_URL = env_url("DYNAMO_PUBLIC_URL", ADMIN_URL).rstrip("/")
# Media hosts see it: some refuse requests that name no software and no contact.
_CONTACT = env_str("DYNAMO_CONTACT", PUBLIC_URL)
USER_AGENT = f"Dynamo/{'.'.join(VERSION.split('.')[:2])} (+{_CONTACT})"
# A proxy for media hosts and webhook receivers. Without it they are called directly, whatever https_proxy is.
FETCH_PROXY = env_url("DYNAMO_FETCH_PROXY")

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = create_folder(
    VAR_DIR / "static"
)  # whitenoise warns of a missing folder; its finders serve without collecting
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "files"
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700  # Django's 0644 ignores the umask
# Media and exports are on this machine, or in an S3-compatible bucket when more machines share them.
if S3_BUCKET := env_str("S3_BUCKET"):
    from botocore.config import Config  # type: ignore[import-untyped]

    _STORAGE: dict[str, Any] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env_url("S3_ENDPOINT_URL") or None,
            "region_name": env_str("S3_REGION") or None,
            "access_key": env_str("S3_ACCESS_KEY_ID") or None,
            "secret_key": env_str("S3_SECRET_ACCESS_KEY") or None,
            "querystring_auth": True,
            "querystring_expire": 26 * 3600,
            "file_overwrite": False,
            "max_memory_size": 4 * 1024**2,  # a larger file that is read is on disk
            # A bucket that does not answer must not occupy the workers: by default it takes minutes.
            "client_config": Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}),
        },
    }
else:
    _STORAGE = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
STORAGES = {
    "default": _STORAGE,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_QUOTA = int(env_float("DYNAMO_MEDIA_QUOTA", 20)) * 1024**3  # bytes that an organization can fill over the API
MEDIA_LINK_SECONDS = 26 * 3600  # of a signed media URL: an Instagram container lives for 24 hours

# Security. Strict by default; the two that need TLS follow PRODUCTION.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION

LOG_LEVEL = (env_str("DYNAMO_LOG_LEVEL") or "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
    refuse("DYNAMO_LOG_LEVEL", "must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
LOG_FORMAT = env_str("DYNAMO_LOG_FORMAT") or "text"
if LOG_FORMAT not in {"text", "json"}:
    refuse("DYNAMO_LOG_FORMAT", "must be text or json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "accounts.log_formatter.JsonFormatter"},
        "text": {
            "()": "accounts.log_formatter.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
        },
    },
    "filters": {"request": {"()": "accounts.api.middleware.RequestIdFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "urllib3": {"level": "ERROR"},  # its other lines contain URLs with the appsecret_proof
        "axes": {"level": "WARNING"},
    },
}
