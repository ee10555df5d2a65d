"""The incoming half of a connection: frames out of a stream of octets. See connection.pyi.

Every frame's length is checked once, in `scan`, against what is there and what was negotiated; what looks at its payload
checks against that length. A frame that is not all there is carried over to the next read: a short one is copied in front
of it, of a long one the rest is read right behind it, so that slow peers cost no more than fast ones.
"""

import asyncio

from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memmove
from cpython.buffer cimport PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory

from watership.kernel.channel cimport Channel
from watership.kernel.content cimport (
    CONTENT_HEADER, END, FRAME, USER_ID, Content, Properties, body_of, read_content, whole, with_properties,
)
from watership.kernel.octets cimport ld16, ld32, ld64
from watership.kernel.outbox cimport UNSENT, Outbox
from watership.kernel.queue cimport Queue
from watership.kernel.route cimport CachedRoute, Route
from watership.kernel.tick cimport CARRY, RECEIVE, Kernel

from watership.kernel.errors import ProtocolViolation

NO_METHOD = "expected method frame, got non method frame instead"
NO_HEADER = "expected content header for class 60, got non content header frame instead"

cdef enum:
    PUBLISH = 0x3C0028
    ACK = 0x3C0050
    REJECT = 0x3C005A
    NACK = 0x3C0078
    CHANNEL_CLOSE = 0x140028
    CHANNEL_CLOSE_OK = 0x140029
    SHOWN = 32                     # octets of a broken frame that its error shows
    ROUTES = 1024                  # a channel forgets its cached routes beyond this
    BACKLOG = 33554432             # octets that the disk has still to take at which publishers pause


cdef class Scanner(Outbox):
    def __init__(self, Kernel kernel not None, handler):
        self.kernel = kernel
        self.shelf = kernel.shelf
        self.handler = handler
        self.current_number = -1
        self.touched = []

    def __dealloc__(self):
        free(self.carried)

    def channel(self, number):
        return self.channels.get(number)

    @property
    def reading_paused(self):
        return self.held_back or self.throttled

    # ---- the transport's side

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=UNSENT, low=UNSENT // 4)
        self.announced = True
        self.handler.on_connected()

    def get_buffer(self, sizehint):
        cdef Kernel kernel = self.kernel
        self.carry_receives = self.carries > CARRY
        if self.carry_receives:
            return PyMemoryView_FromMemory(
                <char*> self.carried + self.carries, self.carry_room - self.carries, PyBUF_WRITE
            )
        if self.carries:
            memcpy(kernel.receive, self.carried, self.carries)
        return PyMemoryView_FromMemory(<char*> kernel.receive + self.carries, RECEIVE, PyBUF_WRITE)

    def buffer_updated(self, Py_ssize_t nbytes):
        cdef size_t size = self.carries + nbytes
        self.recv_oct += nbytes
        self.recv_cnt += 1
        self.carries = 0
        if not self.deaf:
            self.feed(self.carried if self.carry_receives else self.kernel.receive, size)

    def eof_received(self):
        return None

    def connection_lost(self, exc):
        cdef Channel channel
        self.lost = self.deaf = True
        for channel in list(self.channels.values()):
            channel.close()
        self.buffer = None
        self.data = NULL
        self.used = self.room = 0
        self.barriers = []
        self.touched = []
        self.current = None
        self.current_number = -1
        if self.announced and not self.ended:
            self.ended = True
            self.handler.on_lost(exc)

    cdef int woken(self) except -1:
        cdef Channel channel
        for channel in self.channels.values():
            channel.wake()
        return 0

    cdef int forget(self, int number) except -1:
        if number >= 0:
            self.channels.pop(number, None)
        self.current = None
        self.current_number = -1
        return 0

    # ---- scanning

    cdef int feed(self, const uint8_t* data, size_t size) except -1:
        self.position = 0
        if not self.greeted and size >= 8:
            self.greeted = True
            self.position = 8
            try:
                self.handler.on_protocol_header(PyBytes_FromStringAndSize(<const char*> data, 8))
            except Exception as error:
                self.complain(error)
        while self.greeted and not self.deaf:
            try:
                self.scan(data, size)
                break
            except Exception as error:
                self.complain(error)
        if not self.deaf:
            self.keep(data + self.position, size - self.position)
        return self.answer()

    cdef size_t scan(self, const uint8_t* data, size_t size) except -1:
        """Frame after frame. `position` is always behind what has been taken, also when this raises."""
        cdef const uint8_t* frame
        cdef size_t limit = self.frame_max or self.kernel.frame_max
        cdef uint32_t length
        while size - self.position >= FRAME - 1 and not self.deaf:
            frame = data + self.position
            length = ld32(frame + 3)
            if length > limit:
                self.frame_error(frame, 0, f"{{frame_too_large,{length},{limit - FRAME}}}")
            if length + <size_t> FRAME > size - self.position:
                break
            if frame[FRAME - 1 + length] != END:
                self.frame_error(frame, length, f"{{invalid_frame_end_marker,{frame[FRAME - 1 + length]}}}")
            self.position += length + FRAME
            self.frame(frame, length, size - self.position)
            limit = self.frame_max or self.kernel.frame_max
        return 0

    cdef int complain(self, object error) except -1:
        """Tells the handler, on the channel it is about: 0 for what ends the connection."""
        cdef int number = self.current_number if self.current_number > 0 else 0
        if isinstance(error, ProtocolViolation) and error.code != 406:
            number = 0
        self.handler.on_error(number, error)
        return 0

    cdef int frame_error(self, const uint8_t* frame, uint32_t size, str why) except -1:
        """size: octets of payload to show. Raises ProtocolViolation."""
        self.deaf = True
        octets = ",".join(map(str, (<const char*> frame + FRAME - 1)[:min(size, SHOWN)]))
        raise ProtocolViolation(501, f"type {frame[0]}, all octets = <<{octets}>>: {why}")

    cdef int keep(self, const uint8_t* data, size_t size) except -1:
        """Carries over the beginning of a frame; a long one is given room for all of it."""
        cdef size_t room = CARRY
        if size > CARRY:
            room = <size_t> ld32(data + 3) + FRAME
        if size and self.carry_room < room:
            if data >= self.carried and data < self.carried + self.carry_room:
                memmove(self.carried, data, size)
                self.grow_carried(room)
            else:
                self.grow_carried(room)
                memcpy(self.carried, data, size)
        elif size:
            memmove(self.carried, data, size)
        elif self.carry_room > CARRY:
            free(self.carried)
            self.carried = NULL
            self.carry_room = 0
        self.carries = size
        return 0

    cdef int grow_carried(self, size_t room) except -1:
        cdef uint8_t* grown = <uint8_t*> realloc(self.carried, room)
        if grown == NULL:
            raise MemoryError
        self.carried = grown
        self.carry_room = room
        return 0

    cdef int frame(self, const uint8_t* frame, uint32_t size, size_t available) except -1:
        """One frame that is all there, with `available` octets behind it."""
        cdef uint16_t number = ld16(frame + 1)
        cdef uint32_t method
        cdef Channel channel
        if number != self.current_number:
            self.current = self.channels.get(number)
            self.current_number = number
        channel = self.current
        if self.closing and number:
            return 0
        if frame[0] == 1:
            if size < 4:
                self.frame_error(frame, size, "unknown_frame")
            method = ld32(frame + 7)
            if method == PUBLISH and channel is not None and channel.content is None and not channel.closing:
                return self.publish(channel, frame, size, available)
            return self.method(channel, method, frame, size)
        if frame[0] == 8:
            if size:
                self.frame_error(frame, size, "unknown_frame")
            if number:
                raise ProtocolViolation(505, "type 8, all octets = <<>>")
            return 0
        if frame[0] != 2 and frame[0] != 3:
            self.frame_error(frame, size, "unknown_frame")
        if channel is None or number == 0:
            raise ProtocolViolation(505, NO_METHOD)
        if channel.closing:
            return 0
        return self.content(channel, frame, size)

    cdef int method(self, Channel channel, uint32_t method, const uint8_t* frame, uint32_t size) except -1:
        if channel is not None:
            if channel.closing and method != CHANNEL_CLOSE and method != CHANNEL_CLOSE_OK:
                return 0
            if channel.content is not None and not channel.closing:
                channel.content = None
                raise ProtocolViolation(505, NO_HEADER, 60, 40)
            if not channel.closing and (method == ACK or method == NACK or method == REJECT):
                return self.acknowledge(channel, method, frame, size)
        self.handler.on_method(ld16(frame + 1), PyBytes_FromStringAndSize(<const char*> frame + 7, size))
        return 0

    cdef int acknowledge(self, Channel channel, uint32_t method, const uint8_t* frame, uint32_t size) except -1:
        cdef uint8_t bits
        if size < 13:
            raise ProtocolViolation(502, "acknowledgement too short", 60, method & 0xFFFF)
        bits = frame[19]
        if method == ACK:
            return channel.settle_tag(ld64(frame + 11), bits & 1, True, False)
        if method == NACK:
            return channel.settle_tag(ld64(frame + 11), bits & 1, False, bits & 2)
        return channel.settle_tag(ld64(frame + 11), False, False, bits & 1)

    # ---- publishing

    cdef int publish(self, Channel channel, const uint8_t* frame, uint32_t size, size_t available) except -1:
        """A publish method. When its content is all there, in a row, the message is taken without another copy."""
        cdef const uint8_t* content = frame + size + FRAME
        cdef size_t contents
        contents = whole(
            content, available, channel.number, (self.frame_max or self.kernel.frame_max) + FRAME,
            self.kernel.max_message_size,
        )
        if contents == 0:
            channel.content = Content(
                PyBytes_FromStringAndSize(<const char*> frame + 11, size - 4), self.kernel.frame_max
            )
            return 0
        self.position += contents
        return self.deliver(channel, frame + 11, size - 4, content, contents)

    cdef int content(self, Channel channel, const uint8_t* frame, uint32_t size) except -1:
        """A content frame of a message that did not come in one piece."""
        cdef Content content = channel.content
        cdef bint complete = False
        if content is None:
            raise ProtocolViolation(505, NO_METHOD)
        channel.content = None                 # stays so if anything below raises
        if frame[0] == 2:
            content.header(frame, size)
            if content.size > self.kernel.max_message_size:
                raise ProtocolViolation(
                    406, f"message size {content.size} is larger than configured max size {self.kernel.max_message_size}",
                    60, 40,
                )
        else:
            content.body(frame + 7, size)
        complete = content.complete()
        if not complete:
            channel.content = content
            return 0
        return self.deliver(
            channel, <const uint8_t*> PyBytes_AS_STRING(content.publish), <uint32_t> len(content.publish),
            content.data, content.used,
        )

    cdef CachedRoute lookup(self, Channel channel, const uint8_t* publish, uint32_t size):
        cdef CachedRoute cached = channel.latest
        cdef bytes key
        if channel.epoch != self.kernel.epoch:
            channel.routes = {}
            channel.epoch = self.kernel.epoch
            channel.latest = cached = None
        if (cached is not None and <uint32_t> len(cached.publish) == size
                and memcmp(PyBytes_AS_STRING(cached.publish), publish, size) == 0):
            return cached
        key = PyBytes_FromStringAndSize(<const char*> publish, size)
        cached = <CachedRoute> channel.routes.get(key)
        if cached is None:
            cached = CachedRoute(key)
            cached.route = <Route?> self.handler.route(channel, key)
            if len(channel.routes) >= ROUTES:
                channel.routes = {}
            channel.routes[key] = cached
        channel.latest = cached
        return cached

    cdef int deliver(self, Channel channel, const uint8_t* publish, uint32_t publishes,
                     const uint8_t* content, size_t contents) except -1:
        """Sound frames of a whole message to the queues where it belongs, or to the channel's open transaction."""
        cdef CachedRoute cached = self.lookup(channel, publish, publishes)
        cdef Properties properties
        cdef bytes changed
        if channel.transactional:
            channel.held.append((cached.publish, (<const char*> content)[:contents]))
            return 0
        if not read_content(content, &properties):
            raise ProtocolViolation(502, "malformed property list in a content header", 60, 40)
        if cached.route.by_content or properties.peculiar or channel.inspected:
            read = (<const char*> content + 19)[:ld32(content + 3) - 12]
            route, changed = self.handler.refine(channel, cached.publish, read)
            if changed is not None:
                changed = with_properties(content, contents, changed)
                content = <const uint8_t*> PyBytes_AS_STRING(changed)
                contents = len(changed)
                read_content(content, &properties)
            return self.enqueue(channel, cached, <Route?> route, content, contents, &properties)
        if properties.flags & USER_ID:
            read = (<const char*> content + 19)[:ld32(content + 3) - 12]
            if read != channel.validated:
                self.handler.validate(channel, read)
                channel.validated = read
        return self.enqueue(channel, cached, cached.route, content, contents, &properties)

    cdef int enqueue(self, Channel channel, CachedRoute cached, Route route, const uint8_t* content, size_t contents,
                     Properties* properties) except -1:
        cdef Queue queue
        cdef bint logged = False, refused = False
        properties.delay = route.delay
        for queue in route.also:
            queue.push(
                <const uint8_t*> PyBytes_AS_STRING(cached.publish) + 2, cached.tails, content, <uint32_t> contents, properties,
            )
        for queue in route.queues:
            if not queue.push(
                <const uint8_t*> PyBytes_AS_STRING(cached.publish) + 2, cached.tails, content, <uint32_t> contents, properties,
            ):
                refused = True
            if queue.stream:
                logged = True
        self.publishes += 1
        if route.flow is not None:
            route.flow.taken += 1
            route.flow.given += len(route.queues)
        channel.published += 1
        self.kernel.measure(ld64(content + 11), channel.confirming)
        if channel.tap is not None:
            names = [(<Queue> queue).name for queue in route.queues]
            read = PyBytes_FromStringAndSize(<const char*> content + 19, ld32(content + 3) - 12)
            channel.tap.published(cached.publish, names, read, body_of(content, contents))
        if route.queues:
            self.kernel.routed += 1
            if logged and properties.mode == 2:
                channel.logged = True
        elif not route.silent:
            self.unroutable(channel, cached, content, contents)
        if channel.confirming:
            channel.sequence += 1
            if refused:
                channel.refused.append(channel.sequence)
        if not channel.touched:
            channel.touched = True
            self.touched.append(channel)
        if self.kernel.alarmed and not self.held_back:
            self.handler.on_alarmed()
        return 0

    def publish_held(self, Channel channel not None, bytes publish not None, bytes content not None):
        """A message of a transaction that is committed now."""
        self.deliver(
            channel, <const uint8_t*> PyBytes_AS_STRING(publish), <uint32_t> len(publish),
            <const uint8_t*> PyBytes_AS_STRING(content), len(content),
        )

    cdef int unroutable(self, Channel channel, CachedRoute cached, const uint8_t* content, size_t contents) except -1:
        if not cached.mandatory:
            channel.dropped += 1
            self.kernel.dropped += 1
            return 0
        channel.returned += 1
        self.kernel.returned += 1
        self.handler.on_unroutable(
            channel, cached.publish,
            PyBytes_FromStringAndSize(<const char*> content + 19, ld32(content + 3) - 12),
            body_of(content, contents),
        )
        return 0

    cdef int answer(self) except -1:
        """After a read: confirms for what it brought, and a pause when the log falls behind."""
        cdef Channel channel
        cdef uint64_t end = self.kernel.position()
        if not self.touched:
            return 0
        for channel in self.touched:
            channel.confirm(end)
        self.touched = []
        if self.backlog() > BACKLOG:
            before = self.reading_paused
            self.throttled = True
            self.adjust_reading(before)
            self.kernel.wait(self)
        return 0

    # ---- waiting

    cdef uint64_t backlog(self) noexcept:
        """Octets that the disk has still to take: of the log, or of what memory has no room for."""
        cdef uint64_t log = self.kernel.position() - self.kernel.journal.synced if self.kernel.journal is not None else 0
        return max(log, self.shelf.behind if self.shelf is not None else 0)

    cdef bint committed(self, uint64_t synced) except -1:
        cdef Channel channel
        cdef bint waiting = Outbox.committed(self, synced)
        for channel in list(self.channels.values()):
            if channel.pending and channel.release_confirms(synced):
                waiting = True
        if self.throttled and self.backlog() <= BACKLOG // 2:
            before = self.reading_paused
            self.throttled = False
            self.adjust_reading(before)
        return waiting or self.throttled

    def pause_reading(self):
        before = self.reading_paused
        self.held_back = True
        self.adjust_reading(before)

    def resume_reading(self):
        before = self.reading_paused
        self.held_back = False
        self.adjust_reading(before)

    cdef int adjust_reading(self, bint before) except -1:
        cdef bint now = self.held_back or self.throttled
        if now == before or self.transport is None or self.lost:
            return 0
        if now:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
        return 0

    def close(self):
        self.deaf = True
        Outbox.close(self)


class Connection(Scanner, asyncio.BufferedProtocol):
    """A Scanner that asyncio recognises as what it is."""

    __slots__ = ()
