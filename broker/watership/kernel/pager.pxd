from libc.stdint cimport uint64_t

from watership.kernel.lane cimport Lane, Segment, Shelf
from watership.kernel.page cimport Page
from watership.kernel.tick cimport Kernel

cdef class Leaving:
    """A segment that is being written."""
    cdef Lane lane
    cdef Segment* segment
    cdef Page* page               # NULL: not yet
    cdef uint64_t lsn             # of the log's word for it

cdef class Pager(Shelf):
    cdef Kernel kernel
    cdef object loop, pages
    cdef public uint64_t limit    # octets of messages in memory beyond which full segments are put away
    cdef bint scheduled
    cdef list waiting             # to be written
    cdef list flying              # the writer has them
    cdef list written             # (lsn, Leaving): away once the log is durable up to there
    cdef list released            # (lsn, file): unused once the log is durable up to there

    cdef int schedule(self) except -1
    cdef int settle(self, Leaving one) except -1
    cdef int keep(self, Leaving one) except -1
    cdef int forget(self, Leaving one) except -1
