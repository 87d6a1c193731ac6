"""Settings of the two doors, the API for keys and the sign-in for people, and of what stands in front of them.

dynamo/settings.py takes them in.
"""

from datetime import timedelta

from dynamo import environment as env

# What stands in front.
BEHIND_PROXY = env.flag("DYNAMO_BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked on this machine, before any proxy
CSRF_TRUSTED_ORIGINS = env.words("DYNAMO_CSRF_TRUSTED_ORIGINS")

# The API.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.SignatureAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.scopes.KeyHasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.api.negotiation.JSONOnly",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a method like any other: 405
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.ContractSchema",
    "EXCEPTION_HANDLER": "accounts.api.envelopes.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
# Requests a minute, 0 for no limit: of a key, of an address; and wrong signatures of a key id from an address.
API_RATE_PER_MINUTE = int(env.number("DYNAMO_API_RATE_PER_MINUTE", 600))
API_RATE_PER_ADDRESS = int(env.number("DYNAMO_API_RATE_PER_ADDRESS", 3000))
SIGNATURE_FAILURES_PER_MINUTE = int(env.number("DYNAMO_SIGNATURE_FAILURES_PER_MINUTE", 60))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # 1 MiB: contract.md
SPECTACULAR_SETTINGS = {
    "TITLE": "Dynamo",
    "DESCRIPTION": "Agents draft, people approve, workers publish. Nothing here approves: a person does, in the app.",
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SORT_OPERATIONS": False,  # they stand in the order of the URLs
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],  # enumerations stay where they are used
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",  # the files of drf-spectacular-sidecar, served like other static files
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": "swaggerOptions",  # a name of JavaScript, defined in templates/static/dynamo/swagger.js
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # it judges a schema that is not served; the checks are for safety
}

# People.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.domain.throttle.Throttle", "django.contrib.auth.backends.ModelBackend"]
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
STEP_UP_AFTER = env.number("DYNAMO_STEP_UP_AFTER", 4 * 3600)
INVITATION_LIFE = env.number("DYNAMO_INVITATION_LIFE", 7 * 24 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
# Sign-in throttling. By person and address, so that a stranger elsewhere cannot lock a reviewer out.
AXES_FAILURE_LIMIT = int(env.number("DYNAMO_SIGN_IN_TRIES", 6))
AXES_COOLOFF_TIME = timedelta(seconds=env.number("DYNAMO_SIGN_IN_LOCK", 900))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "accounts.domain.throttle.address"
AXES_USERNAME_CALLABLE = "accounts.domain.throttle.name"
AXES_LOCKOUT_CALLABLE = "accounts.admin.signing_in.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "proof", "code", "next", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
