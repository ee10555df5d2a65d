from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from watership.kernel.channel cimport Channel
from watership.kernel.content cimport Properties
from watership.kernel.lane cimport Shelf
from watership.kernel.outbox cimport Outbox
from watership.kernel.route cimport CachedRoute, Route

cdef class Scanner(Outbox):
    cdef public bint closing, opened
    cdef readonly uint64_t recv_oct, recv_cnt, publishes
    cdef bint greeted             # the protocol header has been read
    cdef bint deaf                # framing is lost, or the end has been decided: what comes is not read any more
    cdef bint held_back           # the handler asked to pause reading
    cdef bint throttled           # the disk cannot keep up
    cdef Shelf shelf
    cdef bint announced, ended
    cdef uint8_t* carried         # an unfinished frame
    cdef size_t carries, carry_room
    cdef bint carry_receives      # the last get_buffer was in `carried`
    cdef size_t position          # where scanning goes on if what is being done fails
    cdef int current_number
    cdef Channel current
    cdef list touched             # channels published to since the last confirms

    cdef int feed(self, const uint8_t* data, size_t size) except -1
    cdef size_t scan(self, const uint8_t* data, size_t size) except -1
    cdef int complain(self, object error) except -1
    cdef int keep(self, const uint8_t* data, size_t size) except -1
    cdef int grow_carried(self, size_t room) except -1
    cdef int frame(self, const uint8_t* frame, uint32_t size, size_t available) except -1
    cdef int frame_error(self, const uint8_t* frame, uint32_t size, str why) except -1
    cdef int method(self, Channel channel, uint32_t method, const uint8_t* frame, uint32_t size) except -1
    cdef int acknowledge(self, Channel channel, uint32_t method, const uint8_t* frame, uint32_t size) except -1
    cdef int publish(self, Channel channel, const uint8_t* frame, uint32_t size, size_t available) except -1
    cdef int content(self, Channel channel, const uint8_t* frame, uint32_t size) except -1
    cdef CachedRoute lookup(self, Channel channel, const uint8_t* publish, uint32_t size)
    cdef int deliver(self, Channel channel, const uint8_t* publish, uint32_t publishes,
                     const uint8_t* content, size_t contents) except -1
    cdef int enqueue(self, Channel channel, CachedRoute cached, Route route, const uint8_t* content, size_t contents,
                     Properties* properties) except -1
    cdef int unroutable(self, Channel channel, CachedRoute cached, const uint8_t* content, size_t contents) except -1
    cdef uint64_t backlog(self) noexcept
    cdef int answer(self) except -1
    cdef int adjust_reading(self, bint before) except -1
