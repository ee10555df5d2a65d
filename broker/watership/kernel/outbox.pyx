"""The outgoing half of a connection: one buffer, one write per tick, and positions that wait for the log."""

from libc.string cimport memcpy, memmove
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport PyObject

from watership.kernel.content cimport END, FRAME
from watership.kernel.octets cimport ld16, ld32, st16, st32
from watership.kernel.tick cimport Kernel, Work

cdef extern from "Python.h":
    Py_ssize_t references "Py_REFCNT"(PyObject*)      # of the object itself: no temporary reference is counted


cdef class Outbox(Work):
    def __cinit__(self):
        self.channels = {}
        self.barriers = []

    @property
    def unsent(self):
        return self.used

    cdef uint8_t* reserve(self, size_t need) except NULL:
        """Where the next `need` octets go; add to `used` what was written."""
        cdef size_t room
        cdef bytes grown
        if self.room - self.used < need:
            room = self.room * 2 or FIRST
            while room - self.used < need:
                room *= 2
            grown = PyBytes_FromStringAndSize(NULL, room)
            if self.used:
                memcpy(PyBytes_AS_STRING(grown), self.data, self.used)
            self.buffer = grown
            self.data = <uint8_t*> PyBytes_AS_STRING(grown)
            self.room = room
        return self.data + self.used

    cdef bint full(self) noexcept:
        """A consumer may not add anything; `woken` will tell when it may."""
        if self.used < UNSENT and not self.stalled or self.lost:
            return self.lost
        self.limited = True
        return True

    cdef int touch(self) except -1:
        return self.kernel.touch_connection(self)

    cdef int put(self, const uint8_t* data, size_t size) except -1:
        if self.lost:
            return 0
        memcpy(self.reserve(size), data, size)
        self.used += size
        return self.touch()

    cdef int put_content(self, uint16_t channel, const uint8_t* content, uint32_t size) except -1:
        """Header and body frames as stored, renumbered when they came on another channel."""
        cdef uint8_t* frame
        cdef uint8_t* end
        if self.frame_max and self.frame_max < self.kernel.frame_max and size > self.frame_max:
            return self.resplit(channel, content, size, <size_t> self.frame_max - FRAME)
        frame = self.reserve(size)
        memcpy(frame, content, size)
        self.used += size
        if ld16(content + 1) != channel:
            end = frame + size
            while frame < end:
                st16(frame + 1, channel)
                frame += FRAME + ld32(frame + 3)
        return 0

    cdef int resplit(self, uint16_t channel, const uint8_t* content, uint32_t size, size_t limit) except -1:
        """The same for a peer that takes only smaller frames: at most `limit` octets of body in each."""
        cdef const uint8_t* end = content + size
        cdef uint8_t* to
        cdef size_t left = FRAME + ld32(content + 3), part
        to = self.reserve(left)
        memcpy(to, content, left)
        st16(to + 1, channel)
        self.used += left
        content += left
        while content < end:
            left = ld32(content + 3)
            content += FRAME - 1
            while left:
                part = left if left < limit else limit
                to = self.reserve(part + FRAME)
                to[0] = 3
                st16(to + 1, channel)
                st32(to + 3, <uint32_t> part)
                memcpy(to + 7, content, part)
                to[7 + part] = END
                self.used += part + FRAME
                content += part
                left -= part
            content += 1
        return 0

    # ---- what the handler says

    def send_raw(self, bytes data not None):
        self.put(<const uint8_t*> <char*> data, len(data))

    def send_method(self, uint16_t channel, bytes payload not None):
        cdef uint32_t size = len(payload)
        cdef uint8_t* to
        if self.lost:
            return
        to = self.reserve(size + FRAME)
        to[0] = 1
        st16(to + 1, channel)
        st32(to + 3, size)
        memcpy(to + 7, PyBytes_AS_STRING(payload), size)
        to[7 + size] = END
        self.used += size + FRAME
        self.touch()

    def send_content(self, uint16_t channel, bytes payload not None, bytes properties not None, bytes body not None):
        cdef size_t piece = (self.frame_max or self.kernel.frame_max) - FRAME, at
        self.send_method(channel, payload)
        number = channel.to_bytes(2, "big")
        frames = [
            b"\x02", number, (12 + len(properties)).to_bytes(4, "big"), payload[:2], b"\x00\x00",
            len(body).to_bytes(8, "big"), properties, b"\xce",
        ]
        for at in range(0, len(body), piece):
            part = body[at:at + piece]
            frames += [b"\x03", number, len(part).to_bytes(4, "big"), part, b"\xce"]
        self.send_raw(b"".join(frames))

    def send_heartbeat(self):
        self.put(<const uint8_t*> b"\x08\x00\x00\x00\x00\x00\x00\xce", 8)

    def hold(self, uint64_t lsn):
        if not self.kernel.is_durable(lsn):
            self.barriers.append((self.used, lsn))
            self.kernel.wait(self)

    # ---- leaving

    cdef bint committed(self, uint64_t synced) except -1:
        passed = 0
        while passed < len(self.barriers) and self.barriers[passed][1] <= synced:
            passed += 1
        if passed:
            del self.barriers[:passed]
            self.touch()
        return bool(self.barriers)

    cdef int run(self) except -1:
        self.flush()
        if self.leaving and not self.used and self.transport is not None:
            self.transport.close()
        return 0

    cdef int flush(self) except -1:
        """One write of all that may leave; then consumers that found no room are told."""
        cdef size_t count = self.used
        if self.barriers:
            count = self.barriers[0][0]
        if count and not self.stalled and not self.lost and self.transport is not None:
            self.give(count)
        if self.limited and self.used < UNSENT and not self.stalled:
            self.limited = False
            self.woken()
        return 0

    cdef int give(self, size_t count) except -1:
        self.send_oct += count
        self.send_cnt += 1
        if count < self.used:
            data = PyBytes_FromStringAndSize(<char*> self.data, count)
            self.used -= count
            memmove(self.data, self.data + count, self.used)
            self.barriers = [(offset - count, lsn) for offset, lsn in self.barriers]
            self.transport.write(data)
            return 0
        data = memoryview(self.buffer)[:count]
        self.used = 0
        self.transport.write(data)
        data = None
        if references(<PyObject*> self.buffer) > 1 or self.room > FIRST and count * 8 < self.room:
            self.buffer = None                 # the transport keeps it: never write to it again; or it is far too large
            self.data = NULL
            self.room = 0
        return 0

    def pause_writing(self):
        self.stalled = True

    def resume_writing(self):
        self.stalled = False
        self.touch()

    cdef int woken(self) except -1:
        """There is room again."""
        return 0

    cdef int forget(self, int number) except -1:
        """The channel is closed."""
        self.channels.pop(number, None)
        return 0

    def close(self):
        self.leaving = True
        self.touch()

    def abort(self):
        if self.transport is not None:
            self.transport.abort()

    cdef int failed(self, object error) except -1:
        self.abort()
        return 0
