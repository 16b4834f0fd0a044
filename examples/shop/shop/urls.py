from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("reports/<int:customer>/", views.report, name="report"),
    path("orders/", views.orders, name="orders"),
    path("orders/<int:pk>/pay/", views.pay, name="pay"),
]
