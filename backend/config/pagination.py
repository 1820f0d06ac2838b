"""Newest first, by cursor: rows that arrive while somebody pages are neither doubled nor skipped."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    ordering = "-created_at"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100
