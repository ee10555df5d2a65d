from libc.stdint cimport uint8_t, uint32_t, uint64_t

from watership.kernel.page cimport Page

cdef struct Batch:
    uint8_t* data
    size_t used
    size_t room

cdef class Journal:
    cdef Batch filling              # the loop appends here
    cdef Batch flying               # the writer thread has this one while `busy`
    cdef uint64_t batch             # lsn of the first byte of `filling`
    cdef readonly uint64_t synced
    cdef readonly uint64_t commits
    cdef readonly object failure
    cdef readonly bint stalled      # the disk is full
    cdef size_t written             # of `flying`
    cdef uint64_t landing           # what `synced` becomes when the writer is done
    cdef size_t opened              # offset in `filling` of the entry that may still grow
    cdef uint32_t opened_stream
    cdef uint32_t opened_kind       # 0: none may
    cdef size_t opened_tail         # offset in `filling` of the last tail written, and its size
    cdef uint32_t opened_tails
    cdef bint busy, stopping, rotating, scheduled, fsync
    cdef int fd, wake, done, error
    cdef uint64_t file_used, file_size
    cdef object loop, open_next, on_failure, on_full, thread, retry
    cdef list listeners, futures

    cdef uint64_t end(self) noexcept
    cdef int reserve(self, size_t need) except -1
    cdef int begin(self, uint32_t stream, uint32_t kind, uint64_t index) except -1
    cdef uint64_t record(self, uint32_t stream, uint32_t kind, uint64_t index, uint64_t note, const uint8_t* tail,
                         uint32_t tails, const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF
    cdef uint64_t enqueue(self, uint32_t stream, uint64_t index, uint64_t note, const uint8_t* tail, uint32_t tails,
                          const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF
    cdef uint64_t relocate(self, uint32_t stream, uint64_t index, uint64_t note, const uint8_t* tail, uint32_t tails,
                           const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF
    cdef int returned(self, uint32_t stream, uint64_t index, uint32_t count) except -1
    cdef uint64_t paged(self, uint32_t stream, Page* page) except 0xFFFFFFFFFFFFFFFF
    cdef int settle(self, uint32_t stream, uint64_t index, uint32_t count) except -1
    cdef int note(self, uint32_t stream, uint32_t kind, const uint8_t* payload, size_t size, uint64_t index) except -1
    cdef int listen(self, object listener) except -1
    cdef void serve(self) noexcept nogil
