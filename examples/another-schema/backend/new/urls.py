"""The addresses of the shop."""

from django.urls import path
from shop import views

urlpatterns = [
    path("health", views.health),
    path("orders/", views.orders),
    path("orders/<int:key>/", views.order),
]
