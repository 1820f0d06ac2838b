"""octoDNS's provider of Google Cloud DNS, asking another address: its configuration has no key for that."""

from octodns_googlecloud import GoogleCloudProvider


class GoogleAtFake(GoogleCloudProvider):
    """The real provider, whose client sends its requests to ``endpoint``."""

    def __init__(self, id, endpoint, **more):  # noqa: A002 - octoDNS's own name
        super().__init__(id, **more)
        self.gcloud_client._connection.API_BASE_URL = endpoint
