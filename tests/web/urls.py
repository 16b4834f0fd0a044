"""The URLs of the project for tests of the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from tests.web.shop.admin import register
from tests.web.site import IS_LATE, SKIN

if IS_LATE:
    register()
urlpatterns = [path("admin/", admin.site.urls)]
if SKIN == "grappelli":
    urlpatterns.append(path("grappelli/", include("grappelli.urls")))
