from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from cpython.ref cimport PyObject

from watership.kernel.content cimport Content
from watership.kernel.outbox cimport Outbox
from watership.kernel.lane cimport Record, Segment
from watership.kernel.queue cimport Queue, Sink
from watership.kernel.route cimport CachedRoute

cdef struct Unacked:
    uint64_t tag
    Segment* segment
    PyObject* consumer            # a reference; NULL: settled, waits for those before it
    uint32_t offset
    uint32_t since                # seconds of uptime when it was delivered

cdef class Channel:
    cdef readonly Outbox connection
    cdef readonly uint16_t number
    cdef public bint confirming, closing, inspected
    cdef readonly bint transactional
    cdef public uint32_t prefetch
    cdef public object data, tap  # tap: told of every message, None: nobody is (kernel.handler.Tap)
    cdef readonly uint64_t unacked, published, confirmed, returned, dropped
    cdef readonly uint64_t delivered, delivered_no_ack, got, got_no_ack, acked, redelivered
    cdef bint flowing, closed
    cdef bint touched, logged     # published to since the last confirms; something of it went to the log
    cdef uint64_t sequence        # publishes since confirm.select
    cdef uint64_t answered        # and those confirmed
    cdef list refused             # sequences that a queue did not take, in order
    cdef list held                # of the open transaction: (publish, content) and (tag, multiple, ack, requeue)
    cdef list pending             # [(lsn, sequence)]: confirmed up to sequence once lsn is durable
    cdef uint64_t tags            # delivery tags given
    cdef Unacked* ring            # what is unacknowledged, in order of tags; room is a power of 2
    cdef uint32_t first, count, room
    cdef list consumers
    cdef Consumer getter
    cdef dict routes
    cdef CachedRoute latest
    cdef uint64_t epoch
    cdef Content content
    cdef bytes validated

    cdef uint64_t track(self, Segment* segment, uint32_t offset, Consumer consumer) except 0
    cdef int enlarge(self) except -1
    cdef Unacked* at(self, uint32_t position) noexcept
    cdef Unacked* find(self, uint64_t tag) noexcept
    cdef int settle_tag(self, uint64_t tag, bint multiple, bint ack, bint requeue) except -1
    cdef int settle_one(self, Unacked* place, bint ack, bint requeue) except -1
    cdef void drop_settled(self) noexcept
    cdef int send(self, Consumer consumer, Segment* segment, Record* record, bint got) except -1
    cdef int64_t room_for(self, int64_t wanted) noexcept
    cdef int wake(self) except -1
    cdef int confirm(self, uint64_t lsn) except -1
    cdef bint release_confirms(self, uint64_t synced) except -1
    cdef int send_confirms(self, uint64_t sequence) except -1
    cdef int send_confirm(self, uint64_t sequence, bint ack) except -1

cdef class Consumer(Sink):
    cdef readonly Channel channel
    cdef readonly Queue queue
    cdef readonly bytes tag
    cdef readonly bint no_ack
    cdef readonly uint32_t prefetch
    cdef readonly uint64_t unacked
    cdef bint cancelled
