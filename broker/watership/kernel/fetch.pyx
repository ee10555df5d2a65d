"""One message out of a queue for somebody without a channel: the management API. See fetch.pyi."""

from libc.stdint cimport uint8_t, uint32_t

from watership.kernel.content cimport body_of
from watership.kernel.lane cimport REDELIVERED, Record, Segment, content_of, offset_of, tail_of, tail_size
from watership.kernel.octets cimport ld32
from watership.kernel.queue cimport Queue


cdef class Fetched:
    cdef Queue queue
    cdef Segment* segment
    cdef uint32_t offset
    cdef readonly bytes tail, properties, body
    cdef readonly bint redelivered

    def settle(self, *, bint ack, bint requeue):
        cdef Segment* segment = self.segment
        self.segment = NULL
        if segment == NULL:
            return
        if requeue:
            self.queue.requeue(segment, self.offset)
        elif ack:
            self.queue.acked += 1
            self.queue.settle(segment, self.offset)
        else:
            self.queue.reject(segment, self.offset)


def fetch(Queue queue not None, *, bint ack):
    cdef Fetched fetched
    cdef Segment* segment = NULL
    cdef Record* record
    cdef const uint8_t* content
    cdef uint32_t contents = 0
    if queue.timed:
        queue.expire()
    if queue.ready == 0:
        queue.got_empty += 1
        return None
    record = queue.pop(&segment)
    content = content_of(segment, record, &contents)
    fetched = Fetched.__new__(Fetched)
    fetched.queue = queue
    fetched.segment = segment
    fetched.offset = offset_of(segment, record)
    fetched.tail = (<const char*> tail_of(segment, record))[:tail_size(tail_of(segment, record))]
    fetched.properties = (<const char*> content + 19)[:ld32(content + 3) - 12]
    fetched.body = body_of(content, contents)
    fetched.redelivered = bool(record.tail & REDELIVERED)
    if ack:
        queue.got += 1
    else:
        queue.got_no_ack += 1
    return fetched
