from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from watership.kernel.content cimport Properties
from watership.kernel.lane cimport Lane, Message, Record, Segment
from watership.kernel.page cimport Page
from watership.kernel.tick cimport Kernel, Work

cdef enum Reason:
    REJECTED = 0
    EXPIRED = 1
    MAXLEN = 2
    DELIVERY_LIMIT = 3

cdef class Sink:
    """Whoever takes messages from a queue: a consumer here, one day perhaps one behind a socket to another node."""
    cdef readonly int64_t priority
    cdef int64_t take(self, int64_t limit) except -1

cdef class Queue(Work):
    cdef readonly str name
    cdef readonly uint32_t stream
    cdef readonly bint closed, single, counting
    cdef readonly uint64_t ready, unacked, bytes_ready, bytes_unacked
    cdef readonly uint64_t published, delivered, delivered_no_ack, got, got_no_ack, got_empty, acked, redelivered
    cdef readonly uint64_t expired, dropped, refused
    cdef readonly int64_t ttl, max_length, max_bytes, delivery_limit     # -1: none
    cdef readonly str overflow
    cdef public object gate
    cdef object on_dead
    cdef bint limited, reject_new
    cdef bint sparing             # nothing expires just now
    cdef Lane lane                # all of it, or priority 0
    cdef list lanes               # by priority; None: there is one
    cdef uint32_t top             # no lane above has anything ready
    cdef uint32_t favoured        # quorum: messages of the upper lane since the last of the lower one
    cdef uint64_t next            # index of the next logged message
    cdef uint64_t timed           # ready messages that expire
    cdef object alarm             # the timer for the first of them, and when it rings
    cdef uint64_t alarm_at
    cdef list sinks
    cdef bint graded              # sinks have different priorities
    cdef size_t turn
    cdef readonly size_t consumers

    cdef int push(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                  Properties* properties) except -1
    cdef int deliver_or_expire(self) except -1
    cdef int put(self, Message* message, uint32_t priority) except -1
    cdef int restore(self, Message* message) except -1
    cdef uint32_t adopt(self, Page* page, uint64_t lsn) except 0
    cdef int drop_pages(self, Lane lane) except -1
    cdef uint64_t expiry(self, Properties* properties) noexcept
    cdef bint over(self, uint64_t messages, uint64_t octets) noexcept
    cdef bint admit(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents) except -1
    cdef int trim(self) except -1
    cdef Lane lane_for(self, uint32_t priority)
    cdef Lane next_lane(self)
    cdef Record* take(self, Lane lane, Segment** segment) except NULL
    cdef Record* pop(self, Segment** segment) except NULL
    cdef int finish(self, Segment* segment, uint32_t offset) except -1
    cdef int forget(self, Segment* segment, uint32_t offset) except -1
    cdef int settle(self, Segment* segment, uint32_t offset) except -1
    cdef int reject(self, Segment* segment, uint32_t offset) except -1
    cdef int requeue(self, Segment* segment, uint32_t offset) except -1
    cdef int bury(self, Segment* segment, uint32_t offset, Reason reason) except -1
    cdef int expire(self) except -1
    cdef int expire_lane(self, Lane lane, uint64_t now) except -1
    cdef uint64_t first_due(self) except? 0
    cdef int set_alarm(self) except -1
    cdef int grade(self) except -1
    cdef int share(self, size_t start, size_t end) except -1
    cdef int add(self, Sink sink) except -1
    cdef int remove(self, Sink sink) except -1
