from libc.stdint cimport uint32_t

from watership.kernel.lane cimport Segment
from watership.kernel.queue cimport Queue, Reason
from watership.kernel.tick cimport Work

cdef class Dead(Work):
    """A message that left its queue unconsumed, until its dead-letter handler has taken it. It stays on disk till then."""
    cdef Queue queue
    cdef Reason reason
    cdef Segment* segment         # NULL: it never was in the queue
    cdef uint32_t offset
    cdef bytes tail, properties, body
    cdef bint died, redelivered
    cdef int read(self) except -1
