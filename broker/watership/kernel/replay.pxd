from libc.stdint cimport uint8_t, uint32_t, uint64_t

from watership.kernel.lane cimport Message, Segment
from watership.kernel.page cimport Page
from watership.kernel.queue cimport Queue

cdef struct Found:
    uint64_t index
    uint64_t lsn
    uint64_t note
    const uint8_t* tail
    const uint8_t* content
    uint32_t size
    bint paged                    # it lies in a page that is given up

cdef struct Range:
    uint64_t first
    uint64_t count

cdef class Held:
    """A file's octets, there for as long as this is."""
    cdef Py_buffer buffer
    cdef bint holding

cdef class Stream:
    cdef Found* found
    cdef size_t founds, found_room
    cdef Range* ranges
    cdef size_t range_count, range_room
    cdef uint64_t top             # highest index ever seen
    cdef dict returned            # how often, by index
    cdef dict pages               # by (file, offset): lowest index, lsn, what indices count from, payload, every (lsn, length) of it
    cdef list whole               # the pages of which nothing was settled; None: not known yet
    cdef list broken              # the others

    cdef int add(self, Found one) except -1
    cdef int settle(self, uint64_t first, uint64_t count) except -1
    cdef int merge(self) noexcept
    cdef uint64_t settled(self, uint64_t first, uint64_t count) noexcept
    cdef size_t alive(self) noexcept
    cdef uint64_t logged_again(self, uint64_t first, uint64_t count, uint64_t lsn) noexcept
    cdef int unpack(self, Segment* segment, uint64_t lsn) except -1

cdef class Replay:
    cdef readonly bytes snapshot
    cdef readonly list commands
    cdef readonly uint64_t end
    cdef readonly uint64_t snapshot_lsn
    cdef size_t at                # offset of the entry that is being read
    cdef dict found
    cdef object pages             # store.Pages
    cdef list held

    cdef int take(self, const uint8_t* entry, uint64_t lsn) except -1
    cdef int take_records(self, Stream stream, const uint8_t* entry, uint64_t lsn) except -1
    cdef int take_page(self, Stream stream, const uint8_t* entry, uint64_t lsn) except -1
    cdef list needed_pages(self, Stream stream)
    cdef list whole_pages(self, Stream stream)
    cdef bytes read_page(self, tuple one)
    cdef Page* claim(self, tuple one) except NULL
    cdef uint64_t log_again(self, Queue queue, Message* message, uint64_t note) except 0
    cdef int take_ranges(self, Stream stream, const uint8_t* entry) except -1
