"""Messages in the order in which they are due. See delay.pyi.

A record lies in its lane as any other, but is taken out of its order at once: a heap knows when it is due.
"""

import heapq

from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from watership.kernel.clock cimport wall_ms
from watership.kernel.content cimport Properties
from watership.kernel.lane cimport Lane, Message, Record, Segment, offset_of
from watership.kernel.queue cimport EXPIRED, Queue


cdef class Delay(Queue):
    def __cinit__(self):
        self.due = []

    @property
    def waiting(self):
        return len(self.due)

    cdef uint64_t expiry(self, Properties* properties) noexcept:
        return wall_ms() + <uint64_t> properties.delay

    cdef int put(self, Message* message, uint32_t priority) except -1:
        cdef Segment* segment = NULL
        cdef Record* record
        Queue.put(self, message, 0)
        record = self.take(self.lane, &segment)
        self.arrivals += 1
        heapq.heappush(self.due, (message.expires, self.arrivals, <uintptr_t> segment, offset_of(segment, record)))
        self.timed = len(self.due)
        return 0

    cdef int expire(self) except -1:
        cdef uint64_t now = wall_ms()
        while self.due and self.due[0][0] <= now:
            _, _, segment, offset = heapq.heappop(self.due)
            self.timed = len(self.due)
            self.expired += 1
            self.bury(<Segment*> <uintptr_t> segment, offset, EXPIRED)
        return 0

    cdef uint64_t first_due(self) except? 0:
        return self.due[0][0]

    def purge(self):
        held, self.due = self.due, []
        self.timed = 0
        for _, _, segment, offset in held:
            self.finish(<Segment*> <uintptr_t> segment, offset)
        return len(held)
