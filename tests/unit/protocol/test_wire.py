"""The wire under fire: what was sent is what arrives, a newer side may say more, and no bytes do harm."""

import contextlib
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_runtime.protocol.enrolment import CredentialReply, EnrolReply, EnrolRequest
from edge_runtime.protocol.errors import GemelError, ProtocolError
from edge_runtime.protocol.manifest import Manifest, SignedManifest, decode_manifest, encode_manifest
from edge_runtime.protocol.messages import (
    EventReport,
    FrameIndex,
    FromBox,
    PreviewHead,
    ProbeResult,
    Stats,
    ToBox,
    decode_from_box,
    decode_preview,
    decode_to_box,
    encode_preview,
)
from edge_runtime.protocol.signing import KeyRotation, private_key_new, public_key_of, sign, verify
from edge_runtime.protocol.target import TargetState
from webapp.telemetry.policies import StatsUnusable, check_stats

BODIES = (
    *(CredentialReply, EnrolReply, EnrolRequest, EventReport, FrameIndex, KeyRotation, ProbeResult, SignedManifest),
    TargetState,
)
FRAMES = (*get_args(FromBox), *get_args(ToBox))
KEY = private_key_new()
PLAIN: Any = {
    str: st.text(max_size=12),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def messages(kind: Any) -> Any:
    """Any value of a struct of the protocol, small. JSON has no NaN."""
    fields = {name: values(hint) for name, hint in get_type_hints(kind).items()}
    return st.fixed_dictionaries(fields).map(lambda drawn: kind(**drawn))


def values(hint: Any) -> Any:
    origin, of = get_origin(hint), get_args(hint)
    if origin is tuple and of[-1] is Ellipsis:
        return st.lists(values(of[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, of))
    if origin is dict:
        return st.dictionaries(values(of[0]), values(of[1]), max_size=2)
    if origin in (Union, UnionType):
        return st.one_of(map(values, of))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return messages(hint)
    return PLAIN[hint] if hint in PLAIN else st.sampled_from(list(hint))


@pytest.mark.parametrize("kind", [*FRAMES, *BODIES])
@settings(max_examples=20)
@given(st.data())
def test_what_is_sent_is_what_arrives_although_a_newer_side_says_more(kind: Any, data: st.DataObject) -> None:
    sent = data.draw(messages(kind))
    builtins = msgspec.json.decode(msgspec.json.encode(sent))
    extra = data.draw(st.dictionaries(st.text(min_size=1).map("new_".__add__), json_values, max_size=3))
    assert msgspec.json.decode(msgspec.json.encode(extra | builtins), type=kind) == sent


@given(messages(Manifest))
def test_a_manifest_arrives_as_it_was_signed_or_is_refused(manifest: Manifest) -> None:
    content = encode_manifest(manifest)
    verify(content, sign(content, KEY), public_key_of(KEY))
    with contextlib.suppress(ProtocolError):
        assert decode_manifest(content) == manifest


@pytest.mark.parametrize("decode", [decode_from_box, decode_to_box, decode_manifest, decode_preview])
@given(content=st.binary(max_size=300) | json_values.map(msgspec.json.encode))
@example(content=b"")
@example(content=b"[" * 10_000)
@example(content=b'{"type": "report", "more": ' + b"[" * 10_000)
@example(content=b'{"type": "nudge", "more": ' + b"[" * 10_000)
@example(content=b'{"camera": "c", "at": 1, "more": ' + b"[" * 10_000 + b"\n\xff\xd8")
@example(content=b'{"camera": "c", "at": "1e999"}\n\xff\xd8')
@example(content=b'{"camera": 1, "at": []}\n\xff\xd8')
def test_no_bytes_raise_anything_but_a_refusal(decode: Any, content: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(content)


@given(st.binary(max_size=200), st.text(max_size=200), st.text(max_size=80))
def test_no_signature_and_no_key_raise_anything_but_a_refusal(content: bytes, signature: str, key: str) -> None:
    with pytest.raises(GemelError):
        verify(content, signature, key)


@given(st.text(max_size=40), st.floats(allow_nan=False, allow_infinity=False), st.binary(max_size=100))
def test_a_preview_arrives_as_it_was_sent(camera: str, at: float, rest: bytes) -> None:
    assert decode_preview(encode_preview(camera, at, b"\xff\xd8" + rest)) == (
        PreviewHead(camera, at),
        b"\xff\xd8" + rest,
    )


@given(messages(PreviewHead))
def test_what_was_found_arrives_beside_the_picture(head: PreviewHead) -> None:
    assert decode_preview(encode_preview(head.camera, head.at, b"\xff\xd8", head.answers)) == (head, b"\xff\xd8")


@given(messages(Stats))
def test_statistics_are_taken_or_refused_and_nothing_else(stats: Stats) -> None:
    with contextlib.suppress(StatsUnusable):
        check_stats(stats)
