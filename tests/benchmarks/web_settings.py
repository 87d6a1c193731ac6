"""The product's settings with a few more addresses, which answer the same list in other ways."""

from dynamo.settings import *  # noqa: F403
from dynamo.settings import DATABASES

# A server process of PostgreSQL that has ended takes along what it counted.
DATABASES["default"]["CONN_MAX_AGE"] = None
ROOT_URLCONF = "tests.benchmarks.web"
