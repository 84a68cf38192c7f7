"""What must be true of a manifest before a box runs it: pure checks, no disk."""

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, SignedManifest, decode_manifest
from edge_runtime.protocol.signing import verify


class BundleRefused(GemelError):
    """The manifest is genuine but not one that this box may run now."""

    code = "bundle_refused"


def verified_manifest(signed: SignedManifest, *, public_key: str, box: str, minimum_version: int) -> Manifest:
    """The manifest in `signed`, once it is known to be the server's, for this box, and no step back.

    Raises SignatureError, ProtocolError or BundleRefused.
    """
    content = signed.manifest.encode()
    verify(content, signed.signature, public_key)
    manifest = decode_manifest(content)
    if manifest.box != box:
        raise BundleRefused("The bundle was made for another box. The box keeps what it runs; check its target.")
    if manifest.version < minimum_version:
        raise BundleRefused(
            f"Bundle version {manifest.version} is older than version {minimum_version} that the box runs. "
            "It keeps what it runs; publish the older models under a new version."
        )
    return manifest
