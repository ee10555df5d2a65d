# A page is a segment's octets in a file of their own: a backlog that memory has no room for. What the log says of it, the
# payload of KIND_PAGED, is also what is kept in memory of it. The entry's index is what the records' indices count from.
#
#    0 file     number of the file
#    8 offset   of the octets in the file
#   12 size
#   16 crc      crc32c of the octets
#   20 level    the lane it belongs to: 0, or a priority
#   24 bodies   octets of bodies; like all that follows, of its logged messages only: others do not outlive the process
#   32 logged   octets of records
#   40 messages
#   44 timed    messages that expire
#   48 mixed    1: there are others
#   52 ranges   how many follow: u64 first index and u32 count of consecutive logged messages

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from watership.kernel.octets cimport get32, get64

cdef enum:
    ENTRY = 56
    RANGE = 12

cdef struct Page:
    uint64_t first                # what the records' indices count from
    uint64_t bodies               # octets of bodies of all messages that are in it for this process
    uint32_t messages
    uint32_t timed
    bint restored                 # from before the start: what it holds counts as redelivered
    uint32_t size                 # of the entry, which follows

cdef inline uint8_t* entry_of(Page* page) noexcept nogil:
    return (<uint8_t*> page) + sizeof(Page)

cdef inline uint64_t file_of(const uint8_t* entry) noexcept nogil:
    return get64(entry)

cdef inline uint32_t place_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 8)

cdef inline uint32_t octets_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 12)

cdef inline uint32_t crc_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 16)

cdef inline uint32_t level_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 20)

cdef inline uint64_t logged_of(const uint8_t* entry) noexcept nogil:
    return get64(entry + 32)

cdef inline uint32_t messages_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 40)

cdef inline bint mixed_in(const uint8_t* entry) noexcept nogil:
    return get32(entry + 48)

cdef inline uint32_t ranges_of(const uint8_t* entry) noexcept nogil:
    return get32(entry + 52)

cdef inline uint64_t first_of(const uint8_t* entry, uint32_t at) noexcept nogil:
    return get64(entry + ENTRY + at * RANGE)

cdef inline uint32_t count_in(const uint8_t* entry, uint32_t at) noexcept nogil:
    return get32(entry + ENTRY + at * RANGE + 8)

cdef Page* restored(const uint8_t* entry, uint32_t size, uint64_t first) except NULL
cdef bint sound(const uint8_t* entry, uint32_t size) noexcept nogil
