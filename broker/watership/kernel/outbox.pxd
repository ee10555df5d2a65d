from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from watership.kernel.tick cimport Kernel, Work

cdef enum:
    UNSENT = 1048576              # consumers stop here
    FIRST = 16384

cdef class Outbox(Work):
    """What a connection has to say and has not given to its transport yet."""
    cdef public object handler
    cdef readonly object transport
    cdef readonly dict channels
    cdef public uint64_t frame_max
    cdef readonly uint64_t send_oct, send_cnt
    cdef bytes buffer             # ours alone; given away when the transport keeps it
    cdef uint8_t* data
    cdef size_t used, room
    cdef list barriers            # [offset, lsn]: nothing from the offset on leaves before lsn is durable
    cdef bint stalled             # the transport asked for a pause
    cdef bint limited             # a consumer has been told that there is no room
    cdef bint leaving, lost

    cdef uint8_t* reserve(self, size_t need) except NULL
    cdef bint full(self) noexcept
    cdef int put(self, const uint8_t* data, size_t size) except -1
    cdef int put_content(self, uint16_t channel, const uint8_t* content, uint32_t size) except -1
    cdef int resplit(self, uint16_t channel, const uint8_t* content, uint32_t size, size_t limit) except -1
    cdef int flush(self) except -1
    cdef int give(self, size_t count) except -1
    cdef int woken(self) except -1
    cdef int forget(self, int number) except -1
    cdef int touch(self) except -1
