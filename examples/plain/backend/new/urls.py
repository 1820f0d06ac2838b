"""No page: the example is about tables."""

urlpatterns: list = []
