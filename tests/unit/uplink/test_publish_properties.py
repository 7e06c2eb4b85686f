"""Our packing of a publish's properties, read back by paho's own unpacking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.effects import Publish
from agent.uplink.mqtt_link import PublishProperties

# Text that MQTT 5 allows in a string (1.5.4): no surrogates, no control characters, no non-characters.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), max_size=200)


@given(
    content_type=TEXT,
    expiry_s=st.none() | st.integers(0, 2**32 - 1),
    pairs=st.lists(st.tuples(TEXT, TEXT), max_size=8),
)
def test_paho_reads_what_we_packed(content_type: str, expiry_s: int | None, pairs: list[tuple[str, str]]) -> None:
    effect = Publish("primary", 1, "t", b"", expiry_s=expiry_s, user_properties=tuple(pairs), content_type=content_type)
    packed = PublishProperties(effect).pack()
    read = Properties(PacketTypes.PUBLISH)
    _, length = read.unpack(bytes(packed))
    assert length == len(packed)
    assert read.ContentType == content_type
    assert getattr(read, "UserProperty", []) == pairs
    assert getattr(read, "MessageExpiryInterval", None) == expiry_s
