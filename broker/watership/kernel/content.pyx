"""Content of a message on the wire: property lists, whole messages in a buffer, and bodies that come in pieces."""

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from watership.kernel.octets cimport ld16, ld32, ld64, st16, st32, st64

from watership.kernel.errors import ProtocolViolation

NO_HEADER = "expected content header for class 60, got non content header frame instead"


cdef extern from *:
    """
    #include <string.h>
    /* CC or BCC as the name of a header; what only looks like it is looked at once more. */
    static int has_copies(const unsigned char *headers, size_t size) {
        return memmem(headers, size, "\\2CC", 3) != NULL || memmem(headers, size, "\\3BCC", 4) != NULL;
    }
    static int is_direct_reply(const unsigned char *text, size_t size) {
        return size == 21 && memcmp(text, "amq.rabbitmq.reply-to", 21) == 0;
    }
    """
    bint has_copies(const uint8_t*, size_t) noexcept nogil
    bint is_direct_reply(const uint8_t*, size_t) noexcept nogil

cdef int64_t TEN_YEARS = 315360000000        # milliseconds, the longest time to live
cdef enum:
    DEPTH = 64                               # tables within tables, as wire.amqp091.table has it


cdef int64_t milliseconds(const uint8_t* digits, size_t size) noexcept nogil:
    """A plain decimal within the limits; -1: anything else."""
    cdef int64_t value = 0
    cdef size_t i
    if size == 0 or size > 12:
        return -1
    for i in range(size):
        if digits[i] < 48 or digits[i] > 57:
            return -1
        value = value * 10 + digits[i] - 48
    return value if value <= TEN_YEARS else -1


cdef bint sound_table(const uint8_t* at, size_t size, bint named, uint32_t depth) noexcept nogil:
    """Whether a field table's octets (an array's, where its values are not named) can be read to their end: what goes
    to consumers as it came must not break them."""
    cdef size_t pos = 0, length
    cdef uint8_t letter
    while pos < size:
        if named:
            pos += 1 + <size_t> at[pos]
            if pos >= size:
                return False
        letter = at[pos]
        pos += 1
        if letter == 116 or letter == 98 or letter == 66:                                    # t b B
            length = 1
        elif letter == 115 or letter == 117:                                                 # s u
            length = 2
        elif letter == 73 or letter == 105 or letter == 102:                                 # I i f
            length = 4
        elif letter == 68:                                                                   # D
            length = 5
        elif letter == 108 or letter == 100 or letter == 84:                                 # l d T
            length = 8
        elif letter == 86:                                                                   # V
            length = 0
        elif letter == 83 or letter == 120 or letter == 70 or letter == 65:                  # S x F A
            if size - pos < 4:
                return False
            length = ld32(at + pos)
            pos += 4
            if length > size - pos:
                return False
            if letter == 70 or letter == 65:
                if depth == DEPTH or not sound_table(at + pos, length, letter == 70, depth + 1):
                    return False
        else:
            return False
        if length > size - pos:
            return False
        pos += length
    return True


cdef bint read_properties(const uint8_t* at, size_t size, Properties* to) noexcept nogil:
    """Walks a property list (flags first) without reading beyond `size`. False: it is malformed."""
    cdef size_t pos = 2
    cdef uint32_t bit
    to.mode = 1
    to.flags = 0
    to.priority = 0
    to.expiration = -1
    to.delay = 0
    to.marks = 0
    to.peculiar = False
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
            if not sound_table(at + pos + 4, ld32(at + pos), True, 0):
                return False
            if has_copies(at + pos + 4, ld32(at + pos)):
                to.peculiar = True
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
            elif bit == 11:
                to.priority = at[pos]
            pos += 1
            if bit != 12 and bit != 11:
                if size - pos < at[pos - 1]:
                    return False
                if bit == 9 and is_direct_reply(at + pos, at[pos - 1]):
                    to.peculiar = True
                elif bit == 8:
                    to.expiration = milliseconds(at + pos, at[pos - 1])
                    if to.expiration < 0:
                        to.peculiar = True
                pos += at[pos - 1]
    return pos == size


cdef bint read_content(const uint8_t* content, Properties* to) noexcept nogil:
    """The properties of sound frames."""
    return read_properties(content + 19, ld32(content + 3) - 12, to)


cdef bytes with_properties(const uint8_t* content, size_t size, bytes properties):
    """The same body under other properties."""
    cdef size_t header = FRAME + ld32(content + 3)
    return b"".join((
        (<const char*> content)[:3], (12 + len(properties)).to_bytes(4, "big"), (<const char*> content + 7)[:12],
        properties, b"\xce", (<const char*> content + header)[:size - header],
    ))


cdef bytes with_count(const uint8_t* content, size_t size, uint32_t count):
    """The same message with one more header, x-delivery-count."""
    cdef bytes properties = (<const char*> content + 19)[:ld32(content + 3) - 12]
    cdef bytes entry = b"\x10x-delivery-countl" + int(count).to_bytes(8, "big")
    cdef uint16_t flags = ld16(content + 19)
    cdef size_t at = 2, length = 0
    for bit in (15, 14):
        if flags >> bit & 1:
            at += 1 + <size_t> properties[at]
    if flags & 0x2000:
        length = ld32(content + 19 + at)
    table = (length + len(entry)).to_bytes(4, "big") + entry + properties[at + 4:at + 4 + length]
    rest = properties[at + 4 + length:] if flags & 0x2000 else properties[at:]
    return with_properties(content, size, (flags | 0x2000).to_bytes(2, "big") + properties[2:at] + table + rest)


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
            raise ProtocolViolation(505, "expected content body, got non content body frame instead", 60, 40)
        if size < CONTENT_HEADER:
            raise ProtocolViolation(502, "content header too short", 60, 40)
        if ld16(frame + 7) != 60:
            raise ProtocolViolation(
                505, f"expected content header for class 60, got one for class {ld16(frame + 7)} instead", 60, 40
            )
        if ld16(frame + 9):
            raise ProtocolViolation(505, NO_HEADER, 60, 40)
        self.reserve(size + FRAME)
        memcpy(self.data, frame, size + FRAME)
        self.used = size + FRAME
        self.size = ld64(frame + 11)
        return 0

    cdef int body(self, const uint8_t* payload, uint32_t size) except -1:
        cdef size_t part
        if not self.used:
            raise ProtocolViolation(505, NO_HEADER, 60, 40)
        if size > self.size - self.got:
            raise ProtocolViolation(501, "content body frame exceeds remaining content size", 60, 40)
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
