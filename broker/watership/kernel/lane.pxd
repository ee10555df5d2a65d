cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from watership.kernel.octets cimport get32, get64, ld64
from watership.kernel.page cimport Page
from watership.kernel.tick cimport Kernel

# A record is 12 octets, what its flags announce, and the message as it came: the content header frame and the body
# frames, verbatim. Exchange and routing key ("tail", two short strings) are stored in front of the content of the first
# record of a segment that has them; the records after it point there.

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
    TIMED = 16                   # 8 octets follow: when it expires, in milliseconds since 1970
    COUNTED = 32                 # 4 octets follow: how often it was returned
    DIED = 64                    # its x-death header is the broker's, not a client's
    SMALLEST = 4096
    KEPT = 65536                 # an empty lane keeps a segment of up to this
    LARGEST = 1048576
    MOVED = 33554432             # octets that are logged again in one go
    AHEAD = 8                    # pages behind the one that is read, which are asked for already

cdef struct Segment:
    Segment* before
    Segment* after
    void* lane
    Page* page               # where its octets lie on disk; NULL: nowhere
    bint away                # they lie there only: this is a stub without any
    bint leaving             # they are being written there, by another thread
    bint gone                # nobody needs it any more; whoever writes it frees it
    uint64_t number          # order within the lane
    uint64_t first           # what the records' indices count from
    uint64_t lsn             # log position before anything logged in here; UINT64_MAX: nothing
    uint32_t used
    uint32_t room
    uint32_t live            # records not yet settled
    uint32_t tail            # offset of the last tail; 0: none yet

cdef struct Place:
    Segment* segment
    uint32_t offset

cdef struct Message:
    # What becomes a record.
    const uint8_t* tail
    const uint8_t* content
    uint64_t index
    uint64_t expires         # 0: never
    uint64_t lsn
    uint32_t tails
    uint32_t contents
    uint32_t flags
    uint32_t count           # with COUNTED

cdef inline uint8_t* octets(Segment* segment) noexcept nogil:
    return (<uint8_t*> segment) + sizeof(Segment)

cdef inline Record* record_at(Segment* segment, uint32_t offset) noexcept nogil:
    return <Record*> (octets(segment) + offset)

cdef inline uint32_t offset_of(Segment* segment, Record* record) noexcept nogil:
    return <uint32_t> (<uint8_t*> record - octets(segment))

cdef inline uint32_t tail_size(const uint8_t* tail) noexcept nogil:
    return 2 + tail[0] + tail[1 + tail[0]]

cdef inline const uint8_t* tail_of(Segment* segment, Record* record) noexcept nogil:
    return octets(segment) + (record.tail >> 8)

cdef inline uint64_t expiry_of(Record* record) noexcept nogil:
    return get64((<uint8_t*> record) + RECORD) if record.tail & TIMED else 0

cdef inline uint8_t* count_of(Record* record) noexcept nogil:
    return (<uint8_t*> record) + RECORD + (8 if record.tail & TIMED else 0)

cdef inline uint8_t* content_of(Segment* segment, Record* record, uint32_t* size) noexcept nogil:
    cdef uint32_t skip = RECORD
    if record.tail & (OWN_TAIL | TIMED | COUNTED):
        if record.tail & TIMED:
            skip += 8
        if record.tail & COUNTED:
            skip += 4
        if record.tail & OWN_TAIL:
            skip += tail_size(tail_of(segment, record))
    size[0] = record.length - skip
    return (<uint8_t*> record) + skip

cdef inline uint64_t body_size(const uint8_t* content) noexcept nogil:
    return ld64(content + 11)

cdef class Shelf:
    """Where segments go that memory has no room for."""
    cdef readonly uint64_t behind      # octets that are on their way there
    cdef int offer(self, Lane lane, Segment* segment) except -1
    cdef int read(self, Page* page, uint8_t* to) except -1
    cdef int expect(self, Page* page) except -1
    cdef int release(self, Page* page) except -1

@cython.final
cdef class Lane:
    """Messages in the order of their arrival: a queue has one, or one for each priority."""
    cdef Kernel kernel
    cdef Shelf shelf
    cdef uint32_t stream, level
    cdef uint64_t file           # of pages, that the next one goes to
    cdef uint64_t ready, memory
    cdef uint64_t logged         # octets of the log that hold what lives in here
    cdef Segment* head           # oldest segment with anything alive
    cdef Segment* cursor         # where reading goes on
    cdef Segment* last           # where appending goes on
    cdef uint32_t offset         # within `cursor`
    cdef uint32_t growth         # room of the next segment
    cdef uint64_t numbers        # segments so far
    cdef Place* returned         # requeued: ready again, before the cursor
    cdef size_t returns, returned_at, returned_room
    cdef bint returned_unsorted

    cdef Record* put(self, Message* message) except NULL
    cdef Record* write(self, Segment* segment, Message* message) except NULL
    cdef Record* first(self, Segment** segment) except NULL
    cdef Record* take(self, Segment** segment) except NULL
    cdef int put_back(self, Segment* segment, uint32_t offset) except -1
    cdef int release(self, Segment* segment) except -1
    cdef Segment* allocate(self, uint32_t room) except NULL
    cdef int append(self, Segment* segment) noexcept
    cdef Segment* extend(self, uint32_t need) except NULL
    cdef int advance(self) except -1
    cdef int remove(self, Segment* segment) except -1
    cdef int discard(self, Segment* segment) except -1
    cdef void free(self, Segment* segment) noexcept
    cdef bint reached(self, Segment* segment) noexcept
    cdef int replace(self, Segment* old, Segment* new) noexcept
    cdef int put_away(self, Segment* segment, uint64_t lsn) except -1
    cdef int adopt(self, Page* page, uint64_t lsn) except -1
    cdef int drop(self, Segment* stub) except -1
    cdef Segment* bring(self, Segment* stub) except NULL
    cdef Segment* sift(self, Segment* whole) except NULL
    cdef int sort_returned(self) except -1
    cdef uint64_t oldest(self) noexcept
    cdef uint64_t relocate(self, uint32_t stream, uint64_t before) except? 0
    cdef uint64_t relocate_segment(self, Segment* segment, uint32_t stream) except? 0
