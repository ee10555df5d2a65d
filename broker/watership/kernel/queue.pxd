from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from watership.kernel.tick cimport Kernel, Work

# A record is 12 octets and the message as it came: the content header frame and the body frames, verbatim. Exchange and
# routing key ("tail", two short strings) are stored in front of the content of the first record of a segment that has
# them; the records after it point there.

cdef extern from *:
    """
    #include <stdint.h>
    typedef struct __attribute__((packed)) {
        uint32_t length;     /* of all of it */
        uint32_t index;      /* in the log's stream, counted from the segment's first */
        uint32_t tail;       /* offset in the segment << 8 | flags */
    } Record;
    """
    ctypedef struct Record:
        uint32_t length
        uint32_t index
        uint32_t tail

cdef enum:
    RECORD = 12
    LOGGED = 1
    REDELIVERED = 2
    SETTLED = 4
    OWN_TAIL = 8
    SMALLEST = 4096
    KEPT = 65536                 # an empty queue keeps a segment of up to this
    LARGEST = 1048576

cdef struct Segment:
    Segment* before
    Segment* after
    uint64_t number          # order within the queue
    uint64_t first           # what the records' indices count from
    uint64_t lsn             # log position before anything logged in here; UINT64_MAX: nothing
    uint32_t used
    uint32_t room
    uint32_t live            # records not yet settled
    uint32_t tail            # offset of the last tail; 0: none yet

cdef struct Place:
    Segment* segment
    uint32_t offset

cdef inline uint8_t* octets(Segment* segment) noexcept nogil:
    return (<uint8_t*> segment) + sizeof(Segment)

cdef inline Record* record_at(Segment* segment, uint32_t offset) noexcept nogil:
    return <Record*> (octets(segment) + offset)

cdef inline uint32_t tail_size(const uint8_t* tail) noexcept nogil:
    return 2 + tail[0] + tail[1 + tail[0]]

cdef inline const uint8_t* tail_of(Segment* segment, Record* record) noexcept nogil:
    return octets(segment) + (record.tail >> 8)

cdef inline uint8_t* content_of(Segment* segment, Record* record, uint32_t* size) noexcept nogil:
    cdef uint32_t skip = RECORD
    if record.tail & OWN_TAIL:
        skip += tail_size(tail_of(segment, record))
    size[0] = record.length - skip
    return (<uint8_t*> record) + skip

cdef class Sink:
    """Whoever takes messages from a queue: a consumer here, one day perhaps one behind a socket to another node."""
    cdef int64_t take(self, int64_t limit) except -1

cdef class Queue(Work):
    cdef readonly str name
    cdef readonly uint32_t stream
    cdef readonly bint closed
    cdef readonly uint64_t ready, unacked, bytes_ready, bytes_unacked, memory, logged_bytes
    cdef readonly uint64_t published, delivered, delivered_no_ack, got, got_no_ack, got_empty, acked, redelivered
    cdef Segment* head           # oldest segment with anything alive
    cdef Segment* cursor         # where reading goes on
    cdef Segment* last           # where appending goes on
    cdef uint32_t offset         # within `cursor`
    cdef uint32_t growth         # room of the next segment
    cdef uint64_t numbers        # segments so far
    cdef uint64_t next           # index of the next logged message
    cdef Place* returned         # requeued: ready again, before the cursor
    cdef size_t returns, returned_at, returned_room
    cdef bint returned_unsorted
    cdef list sinks
    cdef size_t turn

    cdef int push(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                  bint persistent) except -1
    cdef int put(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                 uint32_t flags, uint64_t index, uint64_t lsn) except -1
    cdef Record* pop(self, Segment** segment) except NULL
    cdef int settle(self, Segment* segment, uint32_t offset) except -1
    cdef int requeue(self, Segment* segment, uint32_t offset) except -1
    cdef int sort_returned(self) except -1
    cdef Segment* extend(self, uint32_t need) except NULL
    cdef void advance(self) noexcept
    cdef void release(self, Segment* segment) noexcept
    cdef void discard(self, Segment* segment) noexcept
    cdef int relocate_segment(self, Segment* segment) except -1
    cdef int add(self, Sink sink) except -1
    cdef int remove(self, Sink sink) except -1
