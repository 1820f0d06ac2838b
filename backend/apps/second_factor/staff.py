"""Django's admin with the site that asks for the second factor."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "apps.second_factor.site.StaffSite"
