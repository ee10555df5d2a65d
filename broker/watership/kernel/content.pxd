from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    FRAME = 8                     # octets around a frame's payload
    CONTENT_HEADER = 14           # shortest payload of a content header
    END = 0xCE
    USER_ID = 0x0010

cdef struct Properties:
    uint16_t flags
    uint8_t mode                  # delivery mode; 1 when absent
    uint8_t priority              # 0 when absent
    bint peculiar                 # copies, a direct reply-to or an odd expiration: the handler has to look at it
    uint8_t marks                 # flags of a record: DIED, REDELIVERED
    int64_t expiration            # milliseconds; -1 when absent
    int64_t delay                 # milliseconds that a Delay keeps the message; not part of the properties

cdef bint read_properties(const uint8_t* at, size_t size, Properties* to) noexcept nogil
cdef bint read_content(const uint8_t* content, Properties* to) noexcept nogil
cdef bytes with_properties(const uint8_t* content, size_t size, bytes properties)
cdef bytes with_count(const uint8_t* content, size_t size, uint32_t count)
cdef bytes frame_content(bytes properties, bytes body, size_t frame_max)
cdef size_t whole(const uint8_t* frames, size_t size, uint16_t channel, size_t limit, uint64_t largest) noexcept nogil
cdef bytes body_of(const uint8_t* content, size_t size)

cdef class Content:
    """A message whose frames arrive one by one: bodies are put into frames of our own size as they come."""
    cdef readonly bytes publish
    cdef uint8_t* data            # header frame and body frames, as a queue stores them
    cdef size_t used
    cdef size_t room
    cdef size_t frame             # offset of the body frame that is being filled; 0: none
    cdef size_t piece             # payload of a full body frame
    cdef uint64_t size            # of the body, as the header announced
    cdef uint64_t got
    cdef int reserve(self, size_t need) except -1
    cdef int header(self, const uint8_t* frame, uint32_t size) except -1
    cdef int body(self, const uint8_t* payload, uint32_t size) except -1
    cdef void close_frame(self) noexcept
    cdef bint complete(self) noexcept
