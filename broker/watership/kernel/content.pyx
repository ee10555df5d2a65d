"""Content of a message on the wire: property lists, whole messages in a buffer, and bodies that come in pieces."""

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from watership.kernel.octets cimport ld16, ld32, ld64, st16, st32, st64

from watership.kernel.errors import ProtocolViolation


cdef bint read_properties(const uint8_t* at, size_t size, Properties* to) noexcept nogil:
    """Walks a property list (flags first) without reading beyond `size`. False: it is malformed."""
    cdef size_t pos = 2
    cdef uint32_t bit
    to.mode = 1
    to.flags = 0
    if size < 2:
        return False
    to.flags = ld16(at)
    if to.flags & 1:                # a second word of flags: the class has no use for it
        return False
    for bit in range(15, 1, -1):
        if not to.flags >> bit & 1:
            continue
        if bit == 13:               # headers
            if size - pos < 4 or size - pos - 4 < ld32(at + pos):
                return False
            pos += 4 + <size_t> ld32(at + pos)
        elif bit == 6:              # timestamp
            if size - pos < 8:
                return False
            pos += 8
        else:
            if size - pos < 1:
                return False
            if bit == 12:
                to.mode = at[pos]
            pos += 1
            if bit != 12 and bit != 11:
                if size - pos < at[pos - 1]:
                    return False
                pos += at[pos - 1]
    return True


cdef bint is_persistent(bytes properties) except -1:
    cdef Properties read
    if not read_properties(<const uint8_t*> <char*> properties, len(properties), &read):
        raise ValueError("malformed property list")
    return read.mode == 2


cdef size_t whole(const uint8_t* frames, size_t size, uint16_t channel, size_t limit, uint64_t largest) noexcept nogil:
    """Octets of the content at `frames` if all of it is there, in order and without fault; else 0, and it goes the slow way."""
    cdef size_t pos, length
    cdef uint64_t body, got = 0
    if size < FRAME + CONTENT_HEADER or frames[0] != 2 or ld16(frames + 1) != channel:
        return 0
    length = ld32(frames + 3)
    pos = length + FRAME
    if length < CONTENT_HEADER or pos > limit or pos > size or frames[pos - 1] != END or ld32(frames + 7) != 0x3C0000:
        return 0
    body = ld64(frames + 11)
    if body > largest:
        return 0
    while got < body:
        if size - pos < FRAME or frames[pos] != 3 or ld16(frames + pos + 1) != channel:
            return 0
        length = ld32(frames + pos + 3)
        if length == 0 or length > body - got or length + FRAME > limit or length + FRAME > size - pos:
            return 0
        pos += length + FRAME
        if frames[pos - 1] != END:
            return 0
        got += length
    return pos


cdef bytes body_of(const uint8_t* content, size_t size):
    """The body out of stored content."""
    cdef list pieces = []
    cdef size_t pos = FRAME + ld32(content + 3)
    while pos < size:
        pieces.append((<const char*> content + pos + 7)[:ld32(content + pos + 3)])
        pos += FRAME + ld32(content + pos + 3)
    return b"".join(pieces)


cdef bytes frame_content(bytes properties, bytes body, size_t frame_max):
    """Content as it would have come from the wire, on channel 0."""
    cdef size_t piece = frame_max - FRAME, at
    cdef list frames = [
        b"\x02\x00\x00", (12 + len(properties)).to_bytes(4, "big"), b"\x00\x3c\x00\x00", len(body).to_bytes(8, "big"),
        properties, b"\xce",
    ]
    for at in range(0, len(body), piece):
        part = body[at:at + piece]
        frames += [b"\x03\x00\x00", len(part).to_bytes(4, "big"), part, b"\xce"]
    return b"".join(frames)


cdef class Content:
    def __init__(self, bytes publish not None, size_t frame_max):
        self.publish = publish
        self.piece = frame_max - FRAME

    def __dealloc__(self):
        free(self.data)

    cdef int reserve(self, size_t need) except -1:
        cdef size_t room = self.room or 4096
        cdef uint8_t* grown
        if self.room - self.used >= need:
            return 0
        while room - self.used < need:
            room *= 2
        grown = <uint8_t*> realloc(self.data, room)
        if grown == NULL:
            raise MemoryError
        self.data = grown
        self.room = room
        return 0

    cdef int header(self, const uint8_t* frame, uint32_t size) except -1:
        """The content header's frame, with `size` octets of payload."""
        if self.used:
            raise ProtocolViolation(505, "expected content body, got content header", 60, 40)
        if size < CONTENT_HEADER:
            raise ProtocolViolation(502, "content header too short", 60, 40)
        if ld32(frame + 7) != 0x3C0000:
            raise ProtocolViolation(505, "expected content header for class 60, weight 0", 60, 40)
        self.reserve(size + FRAME)
        memcpy(self.data, frame, size + FRAME)
        self.used = size + FRAME
        self.size = ld64(frame + 11)
        return 0

    cdef int body(self, const uint8_t* payload, uint32_t size) except -1:
        cdef size_t part
        if not self.used:
            raise ProtocolViolation(505, "expected content header, got content body", 60, 40)
        if size > self.size - self.got:
            raise ProtocolViolation(505, "content body is longer than its header said", 60, 40)
        self.got += size
        while size:
            if not self.frame:
                self.reserve(FRAME)
                self.frame = self.used
                self.data[self.used] = 3
                memcpy(self.data + self.used + 1, self.data + 1, 2)
                self.used += FRAME - 1
            part = self.piece - (self.used - self.frame - FRAME + 1)
            if part > size:
                part = size
            self.reserve(part + 1)
            memcpy(self.data + self.used, payload, part)
            self.used += part
            payload += part
            size -= <uint32_t> part
            if self.used - self.frame - FRAME + 1 == self.piece or self.got == self.size and not size:
                self.close_frame()
        return 0

    cdef void close_frame(self) noexcept:
        """There is always room for the end octet: `body` reserves one more."""
        st32(self.data + self.frame + 3, <uint32_t> (self.used - self.frame - FRAME + 1))
        self.data[self.used] = END
        self.used += 1
        self.frame = 0

    cdef bint complete(self) noexcept:
        return self.used != 0 and self.got == self.size
