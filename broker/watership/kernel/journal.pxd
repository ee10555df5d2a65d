from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

# One entry of the log, little endian, 32 bytes, then the payload. The checksum covers everything behind itself.
cdef packed struct Entry:
    uint32_t magic
    uint32_t length     # bytes of payload
    uint32_t checksum
    uint32_t stream
    uint64_t index      # of the entry's first record in its stream
    uint32_t term       # 0 while a node is alone
    uint16_t kind
    uint16_t flags

cdef enum:
    MAGIC = 0x50485357          # "WSHP"
    ENTRY_BYTES = 32
    ENTRY_LIMIT = 262144        # a batch is closed before it grows past this

# Kinds of entries in a queue's stream. Stream 1 (metadata) has kinds of its own; the journal does not care.
cdef enum:
    ENQUEUE = 1
    SETTLE = 2
    PURGE = 3
    RELOCATE = 4

cdef struct Batch:
    uint8_t *data
    size_t length
    size_t capacity

cdef class Journal:
    cdef Batch batches[2]
    cdef int filling            # which batch the loop appends to; the other is the writer's
    cdef bint writing
    cdef size_t open_at         # offset of the entry that may still grow; meaningless when open_stream is 0
    cdef uint32_t open_stream
    cdef uint16_t open_kind
    cdef int fd, next_fd, wake, status
    cdef uint64_t file_bytes
    cdef readonly uint64_t appended, synced, commits
    cdef readonly uint64_t file         # number of the file that the filling batch goes to
    cdef uint64_t in_flight, limit
    cdef bint fsync, stopping
    cdef void *bell
    cdef object loop, thread, open_next, on_failure, waiters
    cdef public object on_synced

    cdef uint8_t *reserve(self, uint32_t stream, uint16_t kind, uint64_t index, size_t size) except NULL
    cdef int settle(self, uint32_t stream, uint64_t index) except -1
    cdef void close_entry(self) noexcept
    cdef int hand_over(self) except -1
    cdef size_t backlog(self) noexcept
    cdef void write_out(self) noexcept nogil
