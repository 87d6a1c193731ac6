"""How Django's admin presents itself here."""

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "Dynamo"
admin.site.index_title = "Desk"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False
