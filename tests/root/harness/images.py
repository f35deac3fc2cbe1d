# SPDX-License-Identifier: Apache-2.0
"""CRIU's images, to be changed as somebody would who wants more than a container has."""
import copy
import struct

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def _take_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


class Message:
    """A protobuf message as a list of [field, wire type, value], in their order."""

    def __init__(self, data=b""):
        self.fields = []
        at = 0
        while at < len(data):
            tag, at = _take_varint(data, at)
            wire = tag & 7
            if wire == VARINT:
                value, at = _take_varint(data, at)
            elif wire == BYTES:
                size, at = _take_varint(data, at)
                value, at = data[at:at + size], at + size
            else:
                size = 8 if wire == FIXED64 else 4
                value, at = data[at:at + size], at + size
            self.fields.append([tag >> 3, wire, value])

    def get(self, number, default=None):
        return next((value for field, _, value in self.fields if field == number), default)

    def drop(self, *numbers):
        self.fields = [one for one in self.fields if one[0] not in numbers]
        return self

    def add(self, number, value):
        if isinstance(value, str):
            value = value.encode()
        self.fields.append([number, BYTES if isinstance(value, bytes) else VARINT, value])
        return self

    def set(self, number, *values):
        self.drop(number)
        for value in values:
            self.add(number, value)
        return self

    def change(self, number, function):
        """Of a field that is a message: as `function` changes it."""
        inner = Message(self.get(number))
        function(inner)
        return self.set(number, inner.encode())

    def encode(self):
        out = b""
        for number, wire, value in self.fields:
            out += _varint(number << 3 | wire)
            out += _varint(value) if wire == VARINT else \
                _varint(len(value)) + value if wire == BYTES else value
        return out


def read_image(data, magics=8):
    """Its magic numbers and its messages."""
    messages, at = [], magics
    while at < len(data):
        [size] = struct.unpack_from("<I", data, at)
        messages.append(Message(data[at + 4:at + 4 + size]))
        at += 4 + size
    return data[:magics], messages


def write_image(magics, messages):
    encoded = [message.encode() for message in messages]
    return magics + b"".join(struct.pack("<I", len(one)) + one for one in encoded)


def change_images(entries, prefix, function):
    """An archive's members, with `function` applied to the list of messages of each image whose
    name begins so."""
    result = []
    for info, content in entries:
        name = info.name.rpartition("/")[2]
        if name.startswith(prefix) and name.endswith(".img"):
            # The inventory has one magic number, all others two.
            magics, messages = read_image(content, 4 if name == "inventory.img" else 8)
            function(messages)
            content = write_image(magics, messages)
            info = copy.copy(info)
            info.size = len(content)
        result.append((info, content))
    return result
