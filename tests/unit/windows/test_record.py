"""A kept window comes back as it was, to the last bit; any other bytes are refused in words."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.effects import KeepWindow, WindowTrigger
from agent.errors import OpensslError, RecordingError
from agent.provision import openssl
from agent.readings import MotionBatch
from agent.windows import seal
from agent.windows.record import (
    LARGEST_HEADER,
    LARGEST_MOTION,
    Header,
    HeaderTrigger,
    Record,
    decode,
    encode,
    samples_of,
)

NUMBER = st.floats(width=64)
SAMPLES = st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), max_size=20)


def record(samples: list[tuple[float, float, float, float]]) -> Record:
    header = Header(
        unit_id="u-test0001",
        consent="c-4f7k2q",
        sensor="wearable",
        at="2027-01-14T08:15:02Z",
        software="0.1.0",
        samples=len(samples),
        triggers=(HeaderTrigger(impact_at=1000.5, peak_g=2.4, over_reference=True, verdict="confirmed", score=0.9),),
    )
    return Record(header, tuple(samples))


@settings(max_examples=25, deadline=None)
@given(SAMPLES)
def test_samples_come_back_to_the_last_bit(samples: list[tuple[float, float, float, float]]) -> None:
    content = encode(record(samples))
    again = decode(content)
    assert again.header == record(samples).header
    assert encode(again) == content  # bits, because a NaN is not equal to itself
    assert str(again.samples) == str(tuple(samples))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.integers(1, 255))
def test_any_bytes_are_a_window_or_refused(garbage: bytes, place: int, change: int) -> None:
    content = bytearray(encode(record([(1.0, 0.0, 0.0, 1.0)] * 3)))
    content[place % len(content)] ^= change
    for damaged in (garbage, bytes(content), bytes(content[:place])):
        with contextlib.suppress(RecordingError):
            assert isinstance(decode(damaged), Record)


def test_a_stream_that_unpacks_without_end_is_refused() -> None:
    header = encode(record([])).partition(b"\n")[0]
    with pytest.raises(RecordingError, match="not as long"):
        decode(header + b"\n" + zlib.compress(bytes(LARGEST_MOTION + 1)))


def test_what_claims_to_hold_more_than_a_window_can_is_not_unpacked_to_its_end() -> None:
    rows = LARGEST_MOTION // 32 + 1
    header = encode(record([])).partition(b"\n")[0].replace(b'"samples":0', b'"samples":%d' % rows)
    with pytest.raises(RecordingError, match="not as long"):
        decode(header + b"\n" + zlib.compress(bytes(32 * rows)))


def test_motion_that_is_cut_longer_or_not_as_long_as_its_header_says_is_refused() -> None:
    content = encode(record([(1.0, 0.0, 0.0, 1.0)] * 3))
    for damaged in (content[:-1], content + b"\0", content.replace(b'"samples":3', b'"samples":2')):
        with pytest.raises(RecordingError, match="not as long"):
            decode(damaged)


def test_a_heading_without_end_is_refused() -> None:
    header, _, motion = encode(record([])).partition(b"\n")
    assert decode(header + b" " * 100 + b"\n" + motion)
    with pytest.raises(RecordingError, match="does not begin with a line of JSON"):
        decode(header + b" " * LARGEST_HEADER + b"\n" + motion)


def test_a_newer_format_is_refused_by_its_number() -> None:
    content = encode(record([])).replace(b'"version":1', b'"version":2')
    with pytest.raises(RecordingError, match="version"):
        decode(content)


def test_a_sample_that_came_twice_or_late_stands_once_in_its_place() -> None:
    def row(t: float) -> MotionBatch:
        return MotionBatch("wearable", (t,), ((t, 0.0, 1.0),))

    batches = tuple(map(row, (0.9, 1.0, 2.0, 1.5, 2.0, 3.1)))
    window = KeepWindow("wearable", 1.0, 3.0, batches, (WindowTrigger(2.0, 2.0, over_reference=True),))
    assert [sample[0] for sample in samples_of(window)] == [1.0, 1.5, 2.0]


def test_only_the_key_opens_and_a_changed_byte_is_found(tmp_path: Path) -> None:
    content = encode(record([(1.0, 0.5, 0.25, 1.0)] * 100))
    mine, other = tmp_path / "mine.key", tmp_path / "other.key"
    for key in (mine, other):
        key.write_bytes(openssl.new_key())
    certificate = tmp_path / "mine.pem"
    certificate.write_text(seal.certificate_for(mine.read_bytes()))
    sealed = seal.encrypt(content, certificate)
    assert seal.encrypt(content, certificate) != sealed  # a fresh key each time
    assert seal.decrypt(sealed, mine) == content
    with pytest.raises(OpensslError):
        seal.decrypt(sealed, other)
    changed = bytearray(sealed)
    changed[-40] ^= 1
    with pytest.raises(OpensslError):
        seal.decrypt(bytes(changed), mine)
    assert openssl.facts_of(certificate.read_text()).common_name.startswith("nodkald windows ")
