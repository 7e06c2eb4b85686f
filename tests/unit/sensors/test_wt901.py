"""WT901 frames: vectors, and streams that come whole, byte by byte, cut, lossy and with garbage in them."""

from __future__ import annotations

import random

import pytest

from agent.sensors.wt901 import (
    FRAME_BYTES,
    Acceleration,
    FrameId,
    OtherFrame,
    Wt901Frame,
    Wt901Framer,
    encode_acceleration,
    encode_words,
)

STANDING = bytes.fromhex("55 51 00 00 00 00 00 08 C4 09 7B")


def fed(*chunks: bytes) -> tuple[list[Wt901Frame], Wt901Framer]:
    framer = Wt901Framer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)], framer


def test_the_vector_of_the_protocol_notes_both_ways() -> None:
    frames, framer = fed(STANDING)
    assert frames == [Acceleration(0.0, 0.0, 1.0, 25.0)]
    assert (framer.good_frames, framer.garbage_bytes, framer.waiting) == (1, 0, 0)
    assert encode_acceleration(0, 0, 1, 25.0) == STANDING


def test_scale_and_sign_of_each_axis() -> None:
    frames, _ = fed(encode_acceleration(-1.5, 2.25, -16, -7.5))
    assert frames == [Acceleration(-1.5, 2.25, -16.0, -7.5)]


def test_beyond_full_scale_reads_full_scale() -> None:
    frames, _ = fed(encode_acceleration(40, -40, 0))
    assert frames == [Acceleration(16 - 16 / 32768, -16.0, 0.0, 25.0)]


@pytest.mark.parametrize("frame_id", [member for member in FrameId if member is not FrameId.ACCELERATION])
def test_other_known_frames_keep_their_words(frame_id: FrameId) -> None:
    frames, _ = fed(encode_words(frame_id, -32768, -1, 0, 32767))
    assert frames == [OtherFrame(frame_id, (-32768, -1, 0, 32767))]


STREAM = (
    encode_acceleration(0.1, 0.2, 0.9) + encode_words(FrameId.ANGULAR_RATE, 1, 2, 3, 0) + encode_acceleration(0, 0, 1)
)


def test_byte_by_byte_gives_the_same_as_whole() -> None:
    whole, _ = fed(STREAM)
    assert len(whole) == 3
    single, framer = fed(*(bytes([byte]) for byte in STREAM))
    assert single == whole
    assert framer.garbage_bytes == 0


@pytest.mark.parametrize("cut", range(1, FRAME_BYTES))
def test_a_cut_frame_waits_for_its_end(cut: int) -> None:
    framer = Wt901Framer()
    assert framer.feed(STREAM + STANDING[:cut]) == fed(STREAM)[0]
    assert framer.waiting == cut
    assert framer.feed(STANDING[cut:]) == [Acceleration(0.0, 0.0, 1.0, 25.0)]
    assert framer.garbage_bytes == 0


@pytest.mark.parametrize(
    "garbage", [b"\x00", b"hello", b"\x55", b"\x55\x55\x55", b"\x55\x51\x00", b"\x55\x61" + bytes(18)]
)
def test_garbage_before_between_and_after_frames_is_counted(garbage: bytes) -> None:
    frames, framer = fed(garbage + STANDING + garbage + STANDING + garbage)
    assert frames == [Acceleration(0.0, 0.0, 1.0, 25.0)] * 2
    assert framer.garbage_bytes + framer.waiting == 3 * len(garbage)
    assert framer.garbage_bytes >= 2 * len(garbage)


@pytest.mark.parametrize("at", range(FRAME_BYTES))
def test_a_frame_with_one_flipped_bit_is_garbage_and_costs_no_other(at: int) -> None:
    broken = bytearray(STANDING)
    broken[at] ^= 0x04
    frames, framer = fed(STREAM, bytes(broken), STREAM)
    assert frames == fed(STREAM, STREAM)[0]
    assert framer.garbage_bytes == FRAME_BYTES


def test_a_frame_that_lost_a_byte_costs_no_other() -> None:
    for at in range(FRAME_BYTES):
        frames, _ = fed(STREAM + STANDING[:at] + STANDING[at + 1 :] + STREAM)
        assert frames == fed(STREAM, STREAM)[0], at


def test_headers_in_the_data_do_not_move_the_frame() -> None:
    full_of_headers = encode_words(FrameId.ANGLE, 0x5155, 0x5155, 0x5155, 0x5555)
    frames, framer = fed(full_of_headers * 5)
    assert frames == [OtherFrame(FrameId.ANGLE, (0x5155, 0x5155, 0x5155, 0x5555))] * 5
    assert framer.garbage_bytes == 0


def test_a_lossy_line_loses_what_it_hit_and_no_more() -> None:
    rng = random.Random(5)  # noqa: S311 - because a test's loss is no secret
    sent = [(round(rng.uniform(-2, 2), 2), round(rng.uniform(-2, 2), 2), 1.0) for _ in range(2000)]
    hit = 0
    line = bytearray()
    for xyz in sent:
        frame = encode_acceleration(*xyz)
        if rng.random() < 0.05:
            at = rng.randrange(FRAME_BYTES)
            frame = frame[:at] + frame[at + 1 :]
            hit += 1
        line += frame
    frames, framer = fed(*(bytes(line[at : at + 97]) for at in range(0, len(line), 97)))
    assert hit > 50
    assert len(sent) - hit - 2 <= len(frames) <= len(sent)
    assert FRAME_BYTES * framer.good_frames + framer.garbage_bytes + framer.waiting == len(line)


def test_a_long_run_of_headers_is_garbage_and_is_not_kept() -> None:
    framer = Wt901Framer()
    framer.feed(b"\x55" * 100_000)
    assert framer.waiting < FRAME_BYTES
    assert framer.feed(STREAM)[-2:] == fed(STREAM)[0][-2:]
