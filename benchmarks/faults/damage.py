"""Bundles that must not run: damaged, cut short, missing, signed by somebody else, replayed. And damage on the box."""

import secrets
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from benchmarks.faults.fault import Outcome, Violated, fault
from benchmarks.faults.fleet import blob_file, publish, put_back
from benchmarks.faults.product import BOX, Product
from edge_runtime.bundles.store import BundleStore
from edge_runtime.protocol.manifest import Manifest, decode_manifest, encode_manifest, sha256_hex
from edge_runtime.protocol.signing import private_key_new, sign
from webapp.common.signing_key import signing_key
from webapp.rollouts.models import Bundle
from webapp.rollouts.services import bundle_retry

BROKEN = ("damaged", "ended early", "refused with status", "has no file")
FOREIGN = ("signature", "older than", "another box", "another manifest", "signed")
STANDSTILL = "frames until it is fetched again, and 2 s of statistics"


@fault("blob damaged in the artifact store")
def stored_blob_damaged(product: Product) -> Outcome:
    return _with_blob(product, lambda path: path.write_bytes(secrets.token_bytes(path.stat().st_size)))


@fault("blob cut short in the artifact store")
def stored_blob_truncated(product: Product) -> Outcome:
    return _with_blob(product, lambda path: path.write_bytes(path.read_bytes()[:1000]))


@fault("blob missing in the artifact store")
def stored_blob_missing(product: Product) -> Outcome:
    return _with_blob(product, lambda path: path.unlink())


@fault("manifest with a wrong signature")
def wrong_signature(product: Product) -> Outcome:
    def forge(bundle: Bundle) -> dict[str, str]:
        return {"signature": sign(bundle.manifest.encode(), private_key_new())}

    return _with_row(product, forge)


@fault("manifest changed after it was signed")
def manifest_changed(product: Product) -> Outcome:
    def change(bundle: Bundle) -> dict[str, str]:
        manifest = bundle.manifest.replace('"created_at":"2', '"created_at":"3')
        return {"manifest": manifest, "manifest_digest": sha256_hex(manifest.encode())}

    return _with_row(product, change)


@fault("older bundle replayed, which the box does not keep")
def older_bundle_replayed(product: Product) -> Outcome:
    query, _, _ = publish(product)
    product.network.connect()
    product.recovered()
    put_back(product, query)
    kept = BundleStore(product.state / "bundles").pointer.kept  # to these it goes back when it is told to

    def older(bundle: Bundle) -> dict[str, str]:
        earlier = Bundle.objects.filter(box=bundle.box, version__lt=bundle.version - 1)
        old = earlier.exclude(manifest_digest__in=kept).order_by("-version")[0]
        return {"manifest": old.manifest, "manifest_digest": old.manifest_digest, "signature": old.signature}

    return _with_row(product, older)


@fault("another box's bundle sent to this one")
def other_boxes_bundle(product: Product) -> Outcome:
    def other(bundle: Bundle) -> dict[str, str]:
        mine = decode_manifest(bundle.manifest.encode())
        content = encode_manifest(Manifest("somebody-else", mine.version, mine.models, mine.created_at))
        signature = sign(content, signing_key())
        return {"manifest": content.decode(), "manifest_digest": sha256_hex(content), "signature": signature}

    return _with_row(product, other)


@fault("blob damaged on the box", bound=STANDSTILL, samples_allowed=2)
def box_blob_damaged(product: Product) -> Outcome:
    return _with_box_file(product, _largest, lambda path: path.write_bytes(secrets.token_bytes(path.stat().st_size)))


@fault("blob cut short on the box", bound=STANDSTILL, samples_allowed=2)
def box_blob_truncated(product: Product) -> Outcome:
    return _with_box_file(product, _largest, lambda path: path.write_bytes(path.read_bytes()[:1000]))


@fault("the box's pointer to its bundle damaged", bound=STANDSTILL, samples_allowed=2)
def box_pointer_damaged(product: Product) -> Outcome:
    return _with_box_file(product, lambda bundles: bundles / "current.json", lambda path: path.write_bytes(b"{gar"))


def _with_blob(product: Product, damage: Callable[[Path], object]) -> Outcome:
    """A new bundle whose new blob is spoilt before the box asks for it; then the blob is put right."""
    fleet = product.fleet
    query, bundle, digest = publish(product)
    before, path = fleet.report().manifest_digest, blob_file(digest)
    content = path.read_bytes()
    path.chmod(0o644)
    damage(path)
    product.network.connect()
    sentence = _refused(product, before, bundle.manifest_digest, BROKEN)
    path.write_bytes(content)
    bundle_retry(actor=None, box=fleet.box, now=timezone.now())
    took = product.recovered()
    put_back(product, query)
    return Outcome(took, f'kept what it ran: "{sentence}"')


def _with_row(product: Product, forge: Callable[[Bundle], dict[str, str]]) -> Outcome:
    """A new bundle whose row somebody with the database in hand has changed; then it is put right."""
    fleet = product.fleet
    query, bundle, _ = publish(product)
    before = fleet.report().manifest_digest
    genuine = {name: getattr(bundle, name) for name in ("manifest", "manifest_digest", "signature")}
    forged = forge(bundle)
    Bundle.objects.filter(id=bundle.id).update(**forged)
    product.network.connect()
    sentence = _refused(product, before, forged.get("manifest_digest", bundle.manifest_digest), FOREIGN)
    Bundle.objects.filter(id=bundle.id).update(**genuine)
    bundle_retry(actor=None, box=fleet.box, now=timezone.now())
    took = product.recovered()
    put_back(product, query)
    return Outcome(took, f'kept what it ran: "{sentence}"')


def _refused(product: Product, before: str, wanted: str, words: tuple[str, ...]) -> str:
    """What the box says about the bundle that it must not run: a sentence with one of `words`."""
    fleet = product.fleet

    def says_why() -> bool:
        """the box's sentence on why it is not at its target"""
        report = fleet.report()
        if report.manifest_digest == wanted:
            raise Violated("the box runs what it must not run")
        return report.state == "not at target" and any(word in report.sentence for word in words)

    product.until(says_why)
    report = fleet.report()
    if report.manifest_digest != before:
        raise Violated("the box does not run what it ran before")
    return str(report.sentence)[:90]


def _with_box_file(product: Product, find: Callable[[Path], Path], damage: Callable[[Path], object]) -> Outcome:
    product.processes.stop(BOX)
    damage(find(product.state / "bundles"))
    product.processes.start_again(BOX)
    product.until(lambda: product.fleet.sample_age_s() < 3)
    return Outcome(product.recovered(), "found by its digest, and fetched again")


def _largest(bundles: Path) -> Path:
    return max((bundles / "blobs").iterdir(), key=lambda path: path.stat().st_size)
