"""What the log says of a page, read again at the start. See page.pxd for the bytes."""

from cpython.mem cimport PyMem_Malloc
from libc.string cimport memcpy


cdef Page* restored(const uint8_t* entry, uint32_t size, uint64_t first) except NULL:
    """What the log said of a page before the start."""
    cdef Page* page = <Page*> PyMem_Malloc(sizeof(Page) + size)
    if page == NULL:
        raise MemoryError
    memcpy(entry_of(page), entry, size)
    page.first = first
    page.bodies = get64(entry + 24)
    page.messages = messages_of(entry)
    page.timed = get32(entry + 44)
    page.restored = True
    page.size = size
    return page


cdef bint sound(const uint8_t* entry, uint32_t size) noexcept nogil:
    """The numbers in it agree with each other: nothing behind its end is read, and the ranges are in order."""
    cdef uint32_t at
    cdef uint64_t behind = 0, messages = 0
    if size < ENTRY or ranges_of(entry) > (size - ENTRY) // RANGE:
        return False
    for at in range(ranges_of(entry)):
        if at and first_of(entry, at) < behind:
            return False
        behind = first_of(entry, at) + count_in(entry, at)
        messages += count_in(entry, at)
    return messages == messages_of(entry) and messages > 0
