"""The artifact store in a bucket of a real S3 server: blobs with ranges, folders, uploads that a worker reads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import call_command
from moto.server import ThreadedMotoServer

from edge_runtime.protocol.manifest import sha256_hex
from webapp.common.blobs import blob_open, blob_path, blob_put, blobs_missing
from webapp.common.folders import files_below, folder_delete, folder_list, local_file, local_folder, new_folder
from webapp.common.stored_files import OBJECT_HEADER, StoredFiles
from webapp.config.settings.base import _BUCKET
from webapp.rollouts.services import bundle_publish

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CONTENT = bytes(range(256)) * 4096  # 1 MiB: several parts


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _bucket(endpoint: str, settings: Any, monkeypatch: pytest.MonkeyPatch, request: Any) -> Iterator[None]:
    """The store as the settings make it where GEMEL_S3_BUCKET is set, in a bucket of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "only-for-tests")
    options = {**_BUCKET["OPTIONS"], "bucket_name": f"b{abs(hash(request.node.name))}"}
    options |= {"endpoint_url": endpoint, "region_name": "us-east-1", "location": "fleet"}
    settings.STORAGES = {**settings.STORAGES, "default": {**_BUCKET, "OPTIONS": options}}
    folder, default_storage._wrapped = default_storage._wrapped, storages["default"]
    default_storage.connection.create_bucket(Bucket=options["bucket_name"])
    yield
    default_storage._wrapped = folder


async def _download(name: str, **headers: str) -> httpx.Response:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(OBJECT_HEADER.encode(), name.encode())]})
        await send({"type": "http.response.body", "body": b"from the view"})

    transport = httpx.ASGITransport(StoredFiles(application))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/", headers=headers)


async def test_a_download_goes_on_from_where_it_was_cut() -> None:
    path = blob_path(blob_put(CONTENT))
    whole = await _download(path)
    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, CONTENT, str(len(CONTENT)))
    assert OBJECT_HEADER not in whole.headers
    rest = await _download(path, Range="bytes=1048000-")
    assert (rest.status_code, rest.content) == (206, CONTENT[1048000:])
    assert rest.headers["content-range"] == "bytes 1048000-1048575/1048576"
    assert (await _download(path, Range="bytes=2000000-")).status_code == 416
    assert (await _download("blobs/aa/nothing")).status_code == 404


def test_blobs_and_folders_are_as_in_a_folder(tmp_path: Path) -> None:
    digest = blob_put(CONTENT)
    assert blob_put(CONTENT) == digest == sha256_hex(CONTENT)
    assert (blobs_missing([digest, "a" * 64]), blob_open(digest).read()) == ({"a" * 64}, CONTENT)
    first = default_storage.save("pictures/gate.jpg", ContentFile(b"one"))
    second = default_storage.save("pictures/gate.jpg", ContentFile(b"two"))
    assert first != second  # a page that still shows the old picture finds it
    with local_file(second) as path:
        assert path.read_bytes() == b"two"
    for attempt, text in ((1, b"half"), (2, b"whole")):
        with new_folder("datasets/1", attempt) as folder:
            (folder / "train").mkdir()
            (folder / "train" / f"{attempt}.txt").write_bytes(text)
    assert list(files_below("datasets")) == ["datasets/1/train/2.txt"]
    assert (local_folder("datasets/1", tmp_path / "copy") / "train" / "2.txt").read_bytes() == b"whole"
    folder_delete("datasets/1")
    assert (folder_list("datasets/1"), folder_list("pictures")[1]) == (([], []), sorted(map(_last, (first, second))))


@pytest.mark.django_db(transaction=True)
def test_a_box_gets_its_bundle_and_a_backup_holds_the_bucket(
    transactional_db: None, make_fleet: Any, client: Any, tmp_path: Path
) -> None:
    fleet = make_fleet("harbour")
    fleet.query()
    bundle_publish(box=fleet.box, now=NOW)
    (blob,) = files_below("blobs")
    headers = {"Authorization": f"Bearer {fleet.credential}"}
    assert client.get(f"/api/box/blobs/{_last(blob)}", headers=headers)[OBJECT_HEADER] == blob
    call_command("backup", str(tmp_path / "fleet.backup"), verbosity=0)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
