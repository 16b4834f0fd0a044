from django.urls import path

from . import views

urlpatterns = [
    path("reports/<int:customer>/", views.report, name="report"),
    path("orders/", views.orders, name="orders"),
    path("orders/<int:pk>/pay/", views.pay, name="pay"),
]
