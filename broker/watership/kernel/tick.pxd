from libc.stdint cimport uint64_t
from .journal cimport Journal

cdef class Work:
    """Something that may have to be done once at the end of a tick: a queue to pump, an output to flush."""
    cdef bint dirty
    cdef int run(self) except -1

cdef class Kernel:
    cdef readonly Journal journal
    cdef readonly uint64_t epoch
    cdef list queues, outputs, channels, held, paused
    cdef object loop
    cdef int pump_later(self, Work queue) except -1
    cdef int flush_later(self, Work output) except -1
    cdef int settle(self) except -1
    cdef uint64_t durable_lsn(self) noexcept
