"""Sharing of saved choreographies: private, by a link or public; likes, and favourites."""
