"""Whatever comes over the line: frames or counted garbage, and a valid frame is found again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.sensors.wt901 import (
    FRAME_BYTES,
    HEADER,
    Acceleration,
    FrameId,
    OtherFrame,
    Wt901Frame,
    Wt901Framer,
    encode_acceleration,
    encode_words,
)

int16 = st.integers(-32768, 32767)
any_frame = st.builds(encode_words, st.sampled_from(FrameId), int16, int16, int16, int16)
# Pieces that a framer could stumble over: headers, beginnings, frames with a flipped bit, noise.
near_misses = st.one_of(
    st.binary(max_size=30),
    st.just(b"\x55"),
    st.just(b"\x55\x51"),
    any_frame.flatmap(lambda frame: st.integers(0, FRAME_BYTES - 1).map(lambda at: frame[:at])),
    st.tuples(any_frame, st.integers(0, 87)).map(lambda pair: flipped(*pair)),
)
streams = st.lists(st.one_of(near_misses, any_frame), max_size=12).map(b"".join)


def flipped(frame: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8 if index == bit // 8 else 0) for index, byte in enumerate(frame))


def is_frame(eleven: bytes) -> bool:
    in_header = len(eleven) == FRAME_BYTES and eleven[0] == HEADER and eleven[1] in set(FrameId)
    return in_header and sum(eleven[:10]) % 256 == eleven[10]


def positions(data: bytes) -> list[int]:
    """Where frames begin by the plainest reading of the rule: take a frame, or drop one byte."""
    found = []
    at = 0
    while at + FRAME_BYTES <= len(data):
        if is_frame(data[at : at + FRAME_BYTES]):
            found.append(at)
            at += FRAME_BYTES
        else:
            at += 1
    return found


def encoded(frame: Wt901Frame) -> bytes:
    if isinstance(frame, OtherFrame):
        return encode_words(frame.frame_id, *frame.words)
    return encode_acceleration(frame.x, frame.y, frame.z, frame.temperature_c)


@given(data=streams, cuts=st.lists(st.integers(0, 300), max_size=8))
def test_any_input_in_any_pieces_gives_what_the_plain_rule_gives(data: bytes, cuts: list[int]) -> None:
    framer = Wt901Framer()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    frames: list[Wt901Frame] = []
    for begin, end in pairwise(edges):
        frames += framer.feed(data[begin:end])
        assert framer.waiting < FRAME_BYTES
        assert FRAME_BYTES * framer.good_frames + framer.garbage_bytes + framer.waiting == end
    assert [encoded(frame) for frame in frames] == [data[at : at + FRAME_BYTES] for at in positions(data)]


@given(garbage=st.binary(max_size=60), frames=st.lists(any_frame, min_size=1, max_size=6))
def test_a_valid_frame_that_is_not_found_is_covered_by_a_frame_that_is(garbage: bytes, frames: list[bytes]) -> None:
    data = garbage + b"".join(frames)
    found = positions(data)
    for index in range(len(frames)):
        begin = len(garbage) + index * FRAME_BYTES
        assert any(abs(at - begin) < FRAME_BYTES for at in found)
        if begin not in found:
            assert any(begin - FRAME_BYTES < at < begin for at in found), "only a frame that began before can cover one"


@given(
    garbage=st.one_of(st.binary(max_size=60), near_misses),
    values=st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=2, max_size=8),
)
def test_after_garbage_at_most_one_frame_without_a_header_byte_in_it_is_lost(
    garbage: bytes, values: list[tuple[float, float, float]]
) -> None:
    sent = [frame for frame in (encode_acceleration(*xyz) for xyz in values) if HEADER not in frame[1:]]
    framer = Wt901Framer()
    frames = [encoded(frame) for frame in framer.feed(garbage + b"".join(sent)) if isinstance(frame, Acceleration)]
    assert frames[len(frames) - len(sent[1:]) :] == sent[1:]


def test_garbage_can_swallow_the_first_frame_with_a_false_one_but_not_the_second() -> None:
    valid = encode_acceleration(0, 0, 1)
    overlapping = 3  # bytes of the valid frame that the false one takes
    start = bytes([HEADER, FrameId.ANGLE, 0, 0, 0, 0, 0])
    wanted = (valid[overlapping - 1] - sum(start) - sum(valid[: overlapping - 1])) % 256
    garbage = start + bytes([wanted])
    assert is_frame(garbage + valid[:overlapping])
    framer = Wt901Framer()
    frames = framer.feed(garbage + valid + valid)
    assert isinstance(frames[0], OtherFrame)
    assert frames[1:] == [Acceleration(0.0, 0.0, 1.0, 25.0)]
    assert framer.garbage_bytes == FRAME_BYTES - overlapping
