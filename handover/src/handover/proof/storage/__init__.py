"""The files that both systems share: through each one's own fields and storages, over HTTP, and by listing."""
