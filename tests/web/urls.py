"""The URLs of the project for tests of the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from tests.web.site import SKIN

urlpatterns = [path("admin/", admin.site.urls)]
if SKIN == "grappelli":
    urlpatterns.append(path("grappelli/", include("grappelli.urls")))
