"""A Google bucket as a storage of Django, in which nothing is ever overwritten."""

import mimetypes
from typing import Any

import google.auth
from django.core.files.base import File
from google.api_core.exceptions import PreconditionFailed
from google.auth.credentials import AnonymousCredentials, Signing
from google.cloud.storage import Client
from storages.backends.gcloud import GoogleCloudStorage
from storages.utils import clean_name


class BucketStorage(GoogleCloudStorage):  # type: ignore[misc]  # django-storages has no types
    """The bucket of django-storages, with a configurable endpoint. Of two saves of one name, one gets another name."""

    _client: Client | None
    credentials: Any

    def get_default_settings(self) -> dict[str, Any]:
        """Add the option."""
        usual: dict[str, Any] = super().get_default_settings()
        return usual | {"api_endpoint": None}

    @property
    def client(self) -> Client:
        """The client, made at first use."""
        if self._client is None:
            self.credentials = self.credentials or self._usual_credentials()
            # A machine's own credentials hold no key to sign with; its links then ask for a login at Google.
            self.querystring_auth &= self.iam_sign_blob or isinstance(self.credentials, Signing)
            options = {"api_endpoint": self.api_endpoint}
            self._client = Client(self.project_id, self.credentials, client_options=options)
        return self._client

    def _usual_credentials(self) -> Any:
        # Plain HTTP means a stand-in for tests: it needs no credentials, and none may be sent to it.
        plain = self.api_endpoint and self.api_endpoint.startswith("http://")
        if plain:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]  # Google types only a part
        return google.auth.default(scopes=Client.SCOPE)[0]

    def _save(self, name: str, content: "File[bytes]") -> str:
        kind, _ = mimetypes.guess_type(name)
        while True:
            name = clean_name(name)
            blob = self.bucket.blob(self._normalize_name(name))
            try:
                # Generation 0: only if there is no such object. A check before the upload would leave a gap.
                blob.upload_from_file(content, rewind=True, size=content.size, content_type=kind, if_generation_match=0)
            except PreconditionFailed:
                name = self.get_available_name(name)
            else:
                return name
