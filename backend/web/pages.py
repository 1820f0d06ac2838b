"""Pages of cards, by cursor."""

from config.pagination import Keyset


class CardPages(Keyset):
    page_size = 12
