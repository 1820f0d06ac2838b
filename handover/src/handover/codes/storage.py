"""Both systems keep files in one place."""

from handover.codes.code import Source, page

page(
    "HO360",
    Source.PROVE,
    "storage",
    """A file field is mapped in both systems.

    What is wrong
    -------------
    No model of `[[models]]` has a file field that both systems use on one column.

    Why it hurts
    ------------
    Nothing is known of files.

    Example
    -------
    The model with the files is not in `handover.toml`.

    Mend
    ----
    Map the model, or accept it if only one system keeps files.

    ```console
    $ handover contract accept HO360 storage --because "only the backend keeps files"
    ```
    """,
)
page(
    "HO361",
    Source.PROVE,
    "storage",
    """A file that one system saved is found by the other.

    What is wrong
    -------------
    One system saved a file, and the other does not find it under the stored name.

    Why it hurts
    ------------
    Files are missing after the switch, or after the way back.

    Example
    -------
    The backend's storage has the prefix `media/` in the bucket.

    Mend
    ----
    Compare bucket, prefix and folder of the two storages.

    ```python
    GS_LOCATION = ""
    ```
    """,
)
page(
    "HO362",
    Source.PROVE,
    "storage",
    """A file has the same bytes for both.

    What is wrong
    -------------
    The other system finds the file and reads other bytes.

    Why it hurts
    ------------
    Videos and documents are damaged.

    Example
    -------
    One storage compresses files (`GZIP`), the other does not expand them.

    Mend
    ----
    Compare how the two storages write and read.

    ```python
    AWS_IS_GZIPPED = False
    ```
    """,
)
page(
    "HO363",
    Source.PROVE,
    "storage",
    """A file has the same address on both.

    What is wrong
    -------------
    The two systems give another URL for the same file. Signatures and their times do not count.

    Why it hurts
    ------------
    Links that people keep, and pages in caches, lead nowhere.

    Example
    -------
    `MEDIA_URL` is `/media/` in one and `/files/` in the other.

    Mend
    ----
    Make `MEDIA_URL`, endpoint, bucket and signing equal.

    ```python
    MEDIA_URL = "/media/"
    ```
    """,
)
page(
    "HO364",
    Source.PROVE,
    "storage",
    """A second save of a name keeps the first file.

    What is wrong
    -------------
    The other system saved a file under a name that was taken, and the first file is gone.

    Why it hurts
    ------------
    A video of one person is replaced by that of another.

    Example
    -------
    The storage has `file_overwrite=True`.

    Mend
    ----
    Let no storage overwrite.

    ```python
    STORAGES["default"]["OPTIONS"]["file_overwrite"] = False
    ```
    """,
)
page(
    "HO365",
    Source.PROVE,
    "storage",
    """New files get the same names.

    What is wrong
    -------------
    For the same upload the two systems choose different names.

    Why it hurts
    ------------
    Clean-up jobs, quotas and links that rely on the folder miss the files of one system.

    Example
    -------
    `upload_to` is `videos/%Y/` in one and `videos/` in the other.

    Mend
    ----
    Make `upload_to`, the storage's rules for names, and what `save()` does to names equal.

    ```python
    path = models.FileField(upload_to="videos/%Y/")
    ```
    """,
)
page(
    "HO366",
    Source.PROVE,
    "storage",
    """A file that one system deleted is gone for both.

    What is wrong
    -------------
    One system deleted a file, and it is still found.

    Why it hurts
    ------------
    Data that a person had deleted stays readable.

    Example
    -------
    The storage keeps versions and serves the last one.

    Mend
    ----
    Compare what `delete()` does in the two storages.

    ```python
    instance.path.delete(save=False)
    ```
    """,
)
page(
    "HO367",
    Source.PROVE,
    "storage",
    """A stored file is served by both, whole and by range.

    What is wrong
    -------------
    A file that a flow stored could not be fetched over HTTP from both systems, or not in parts.

    Why it hurts
    ------------
    Players jump by asking for a range. Without it they load the whole video, or show nothing.

    Example
    -------
    The backend answers a range with 200 and the whole file instead of 206.

    Mend
    ----
    Fetch the address by hand. If files are not served over HTTP, accept it.

    ```console
    $ curl -s -o /dev/null -D - -H "Range: bytes=0-99" http://127.0.0.1:8000/media/videos/a.mp4
    ```
    """,
)
page(
    "HO368",
    Source.PROVE,
    "storage",
    """Both list the same files.

    What is wrong
    -------------
    The two storages list different names, twice in a row.

    Why it hurts
    ------------
    They are not the same place, or one hides files.

    Example
    -------
    One lists below the prefix, the other lists the whole bucket.

    Mend
    ----
    Compare bucket, prefix and folder.

    ```python
    GS_LOCATION = "media"
    ```
    """,
)
page(
    "HO369",
    Source.PROVE,
    "storage",
    """A file has the same type for both.

    What is wrong
    -------------
    The bucket stores another content type for a file, depending on the system that saved it.

    Why it hurts
    ------------
    Browsers download a video instead of playing it.

    Example
    -------
    `application/octet-stream` instead of `video/mp4`.

    Mend
    ----
    Storages guess the type from the name. Teach both systems the same types, in their settings.

    ```python
    mimetypes.add_type("video/mp4", ".mp4")
    ```
    """,
)
page(
    "HO370",
    Source.PROVE,
    "storage",
    """Every file that a row names is listed.

    What is wrong
    -------------
    Rows name files that the storage does not list.

    Why it hurts
    ------------
    Opening one raises an error.

    Example
    -------
    `recordings/gone.mp3` was deleted in the bucket's console.

    Mend
    ----
    Restore the files, or show that both systems survive their absence and accept it.

    ```console
    $ handover contract accept HO370 library_recordings.path --because "both systems show the row without a recording"
    ```
    """,
    counts="only rows",
)
page(
    "HO371",
    Source.PROVE,
    "storage",
    """A row names every file.

    What is wrong
    -------------
    Files lie in a folder of the systems, and no row names them.

    Why it hurts
    ------------
    They cost room, and they may hold data of people who asked for its deletion.

    Example
    -------
    Rows were deleted in SQL, so Django deleted no file.

    Mend
    ----
    Let the systems' own clean-up remove them, or name the column that knows them in `[storage]`.

    ```console
    $ handover contract accept HO371 videos --because "the sweep removes them after a week"
    ```
    """,
    counts="only rows",
)
page(
    "HO372",
    Source.PROVE,
    "storage",
    """Saves of one name at the same time lose no file.

    What is wrong
    -------------
    Several processes saved a file under one name at once, and some of the files are gone.

    Why it hurts
    ------------
    Two people upload `video.mp4` in the same second; one gets the other's.

    Example
    -------
    The storage asks whether the name is free, then writes without a condition.

    Mend
    ----
    Let a save fail where an object is, and take another name.

    ```python
    blob.upload_from_file(content, if_generation_match=0)
    ```
    """,
)
page(
    "HO373",
    Source.PROVE,
    "storage",
    """Saves of one name happen at the same time.

    What is wrong
    -------------
    The processes saved one after another, so nothing is known about saves at the same time.

    Why it hurts
    ------------
    A loss would not have been seen.

    Example
    -------
    The machine was busy with another job.

    Mend
    ----
    Run the group again.

    ```console
    $ handover prove --group storage
    ```
    """,
)
page(
    "HO374",
    Source.PROVE,
    "storage",
    """Both systems save, open and list.

    What is wrong
    -------------
    A system's storage raised an error.

    Why it hurts
    ------------
    Nothing was compared for that field.

    Example
    -------
    The credentials of the backend's bucket are not in its environment.

    Mend
    ----
    Call the storage by hand in that system.

    ```python
    from django.core.files.storage import default_storage

    default_storage.listdir("")
    ```
    """,
)
page(
    "HO375",
    Source.PROVE,
    "storage",
    """Both keep their files in one place.

    What is wrong
    -------------
    Neither system finds what the other saved: the two storages are different places. It is reported once, and nothing
    else is compared.

    Why it hurts
    ------------
    Every file is missing after the switch.

    Example
    -------
    `MEDIA_ROOT` is `/srv/media` on two machines that share no disk.

    Mend
    ----
    Give both systems one folder or bucket, and the same prefix; then prove it again.

    ```python
    STORAGES = {"default": {"BACKEND": "storages.backends.gcloud.GoogleCloudStorage"}}
    GS_BUCKET_NAME = "media"
    ```
    """,
)
