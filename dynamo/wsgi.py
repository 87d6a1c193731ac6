import os

from django.core.wsgi import get_wsgi_application

from accounts.api.chunked import measured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")
application = measured(get_wsgi_application())
