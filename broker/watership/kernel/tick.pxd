from libc.stdint cimport uint8_t, uint64_t

from watership.kernel.journal cimport Journal

cdef enum:
    RECEIVE = 262144              # bytes of one read
    CARRY = 4096                  # bytes of an unfinished frame that are copied in front of the next read

cdef class Work:
    """Something that has to do with the end of a tick: a queue or a connection."""
    cdef Kernel kernel
    cdef bint dirty               # in the kernel's list of this tick
    cdef bint waiting             # in the kernel's list of those who wait for the log
    cdef int run(self) except -1
    cdef bint committed(self, uint64_t synced) except -1
    cdef int failed(self, object error) except -1

cdef class Kernel:
    cdef readonly Journal journal
    cdef readonly uint64_t epoch
    cdef public uint64_t frame_max, max_message_size, memory_limit
    cdef public object on_memory
    cdef public bint alarmed      # publishers are blocked when they publish
    cdef uint64_t dead_lettered[4]
    cdef uint64_t sizes[9]        # messages by the size of their bodies: up to LIMITS, and above
    cdef readonly uint64_t size_sum, received_confirm
    cdef list dead                # messages on their way to where dead letters go
    cdef readonly uint64_t memory, published, confirmed, routed, dropped, returned
    cdef public object shelf      # Shelf: where segments go that memory has no room for; None: nowhere
    cdef object loop
    cdef list queues, connections, waiters
    cdef bint scheduled, short_of_memory
    cdef uint8_t* receive

    cdef int schedule(self) except -1
    cdef int touch_queue(self, Work queue) except -1
    cdef int touch_connection(self, Work connection) except -1
    cdef int bury(self, Work dead) except -1
    cdef int wait(self, Work work) except -1
    cdef int sweep(self, list works) except -1
    cdef int wake(self) except -1
    cdef uint64_t position(self) noexcept
    cdef void measure(self, uint64_t size, bint confirming) noexcept
    cdef bint is_durable(self, uint64_t lsn) noexcept
