from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

# A message in memory: this head, then `tail` bytes (exchange and routing key as short strings, as basic.deliver ends with
# them), then the content frames as the publisher sent them (header frame, body frames).
cdef packed struct Record:
    uint32_t size       # of head, tail and frames
    uint16_t tail
    uint16_t flags
    uint64_t index      # position in its queue; grows by one

cdef enum:
    RECORD_BYTES = 16
    SEGMENT_BYTES = 1048576
    PERSISTENT = 1      # delivery mode 2
    LOGGED = 2          # the journal has it: its end must be logged too
    REDELIVERED = 4
    SETTLED = 8
    LARGE = 16          # has a frame that a small frame_max could refuse

cdef struct Segment:
    Segment *next
    uint32_t used       # bytes filled
    uint32_t capacity
    uint32_t live       # records not settled yet
    uint32_t unused

cdef inline Record *record_at(Segment *segment, uint32_t offset) noexcept nogil:
    return <Record *> (<uint8_t *> segment + sizeof(Segment) + offset)

cdef inline uint8_t *tail_of(Record *record) noexcept nogil:
    return <uint8_t *> record + RECORD_BYTES

cdef inline uint8_t *frames_of(Record *record) noexcept nogil:
    return <uint8_t *> record + RECORD_BYTES + record.tail

cdef inline uint32_t frames_size(Record *record) noexcept nogil:
    return record.size - RECORD_BYTES - record.tail

# Where a record is. A place stays valid until the record is released.
cdef struct Place:
    Segment *segment
    uint64_t index
    uint32_t offset

cdef class Segments:
    cdef Segment *oldest        # of all that still hold a live or unread record
    cdef Segment *reading       # where the next unread record is
    cdef Segment *last          # where records are appended
    cdef uint32_t read_offset
    cdef readonly uint64_t memory

    cdef Record *append(self, uint32_t size, Place *place) except NULL
    cdef bint peek(self, Place *place) noexcept
    cdef void step(self) noexcept
    cdef void release(self, Place *place) noexcept
    cdef void drop_settled(self) noexcept
