"""The writer of the log. See journal.pyi for what callers may rely on, entry.pxd for the bytes.

Two buffers: the loop fills one while the thread writes the other. The thread computes checksums, writes, syncs once and
rings an eventfd; it touches only `flying`, `written`, `fd` and `error`, and only between the two rings, so nothing needs a lock.
"""

import os
import select
import threading

from libc.errno cimport EDQUOT, EINTR, ENOSPC, errno
from libc.stdlib cimport free, realloc
from libc.stdint cimport uint16_t
from libc.string cimport memcmp, memcpy, memset

from watership.kernel.entry cimport (
    ENTRY_LIMIT, HEADER, KIND_CLOSED, KIND_COMMAND, KIND_ENQUEUE, KIND_ENQUEUE_NOTED, KIND_PAGED, KIND_RELOCATE,
    KIND_RELOCATE_NOTED, KIND_RETURNED, KIND_SETTLE, KIND_SNAPSHOT, METADATA_STREAM, SAME, entry_crc, padded,
)
from watership.kernel.octets cimport get32, get64, put16, put32, put64
from watership.kernel.page cimport entry_of

cdef extern from "unistd.h" nogil:
    ssize_t c_read "read"(int, void*, size_t)
    ssize_t c_write "write"(int, const void*, size_t)
    int fdatasync(int)

cdef enum:
    KEPT = 33554432              # octets of buffer that stay when they are not needed

COMMAND = KIND_COMMAND
SNAPSHOT = KIND_SNAPSHOT
ENQUEUE = KIND_ENQUEUE
SETTLE = KIND_SETTLE
RELOCATE = KIND_RELOCATE
CLOSED = KIND_CLOSED
METADATA = METADATA_STREAM
RETRY = 0.2  # seconds between two looks for room on a full disk


cdef int commit(Batch* batch, size_t* at, int fd, bint sync) noexcept nogil:
    """Checksums every entry, writes them from `at` on, syncs. Returns 0, the errno of a write, or that of a sync negated.

    A write that failed may be tried again: `at` is where it stopped. A sync may not.
    """
    cdef size_t entry = 0
    cdef uint32_t length
    cdef ssize_t wrote
    while at[0] == 0 and entry < batch.used:
        length = get32(batch.data + entry)
        put32(batch.data + entry + 4, entry_crc(batch.data + entry, length))
        entry += padded(length)
    while at[0] < batch.used:
        wrote = c_write(fd, batch.data + at[0], batch.used - at[0])
        if wrote < 0:
            if errno == EINTR:
                continue
            return errno
        at[0] += wrote
    return -errno if sync and fdatasync(fd) != 0 else 0


cdef class Journal:
    def __cinit__(self):
        self.fd = self.wake = self.done = -1

    def __init__(self, loop, *, open_next, on_failure, on_full=None, uint64_t start=0, bint fsync=True,
                 uint64_t file_size=1 << 26):
        self.loop = loop
        self.open_next = open_next
        self.on_failure = on_failure
        self.on_full = on_full
        self.batch = self.synced = start
        self.fsync = fsync
        self.file_size = file_size
        self.listeners = []
        self.futures = []
        self.wake = os.eventfd(0, os.EFD_CLOEXEC)
        self.done = os.eventfd(0, os.EFD_CLOEXEC)
        loop.add_reader(self.done, self._landed)
        self.thread = threading.Thread(target=self._serve, name="journal", daemon=True)
        self.thread.start()

    def __dealloc__(self):
        free(self.filling.data)
        free(self.flying.data)

    @property
    def appended(self):
        return self.end()

    cdef uint64_t end(self) noexcept:
        return self.batch + padded(self.filling.used)

    # ---- appending

    cdef int reserve(self, size_t need) except -1:
        """Room for `need` more bytes, and for the padding after them."""
        cdef size_t room = self.filling.room or 1 << 16
        cdef uint8_t* data
        if self.filling.room - self.filling.used >= need + 8:
            return 0
        while room - self.filling.used < need + 8:
            room *= 2
        data = <uint8_t*> realloc(self.filling.data, room)
        if data == NULL:
            raise MemoryError
        self.filling.data = data
        self.filling.room = room
        return 0

    cdef int begin(self, uint32_t stream, uint32_t kind, uint64_t index) except -1:
        """Closes the open entry and opens another, with an empty payload."""
        cdef size_t at
        cdef uint8_t* entry
        self.reserve(HEADER + 8)
        at = padded(self.filling.used)
        memset(self.filling.data + self.filling.used, 0, at - self.filling.used)
        entry = self.filling.data + at
        put32(entry, HEADER)
        put32(entry + 4, 0)
        put64(entry + 8, self.batch + at)
        put64(entry + 16, index)
        put32(entry + 24, stream)
        put32(entry + 28, 0)
        put32(entry + 32, <uint32_t> at)
        put32(entry + 36, kind)
        self.filling.used = at + HEADER
        self.opened = at
        self.opened_stream = stream
        self.opened_kind = kind
        self.opened_tails = 0
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.kick)
        return 0

    cdef uint64_t record(self, uint32_t stream, uint32_t kind, uint64_t index, uint64_t note, const uint8_t* tail,
                         uint32_t tails, const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF:
        """One more message in an entry of its stream and kind: the open one, or a new one. Returns where that begins."""
        cdef uint8_t* to
        cdef uint8_t* entry
        cdef bint same
        if (self.opened_kind != kind or self.opened_stream != stream
                or self.filling.used - self.opened + contents > ENTRY_LIMIT):
            self.begin(stream, kind, index)
            self.reserve(4)
            put32(self.filling.data + self.filling.used, 0)
            self.filling.used += 4
        self.reserve(22 + tails + contents)
        entry = self.filling.data + self.opened
        to = self.filling.data + self.filling.used
        if kind == KIND_RELOCATE or kind == KIND_RELOCATE_NOTED:
            put64(to, index)
            to += 8
        if kind >= KIND_ENQUEUE_NOTED:
            put64(to, note)
            to += 8
        same = self.opened_tails == tails and memcmp(self.filling.data + self.opened_tail, tail, tails) == 0
        put32(to, contents)
        put16(to + 4, SAME if same else <uint16_t> tails)
        to += 6
        if not same:
            self.opened_tail = to - self.filling.data
            self.opened_tails = tails
            memcpy(to, tail, tails)
            to += tails
        memcpy(to, content, contents)
        self.filling.used = to + contents - self.filling.data
        put32(entry, <uint32_t> (self.filling.used - self.opened))
        put32(entry + HEADER, get32(entry + HEADER) + 1)
        return self.batch + self.opened

    cdef uint64_t enqueue(self, uint32_t stream, uint64_t index, uint64_t note, const uint8_t* tail, uint32_t tails,
                          const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF:
        """The indices of one stream must follow each other without a gap while its entry is open: a queue counts them."""
        cdef uint32_t kind = KIND_ENQUEUE_NOTED if note else KIND_ENQUEUE
        return self.record(stream, kind, index, note, tail, tails, content, contents)

    cdef uint64_t relocate(self, uint32_t stream, uint64_t index, uint64_t note, const uint8_t* tail, uint32_t tails,
                           const uint8_t* content, uint32_t contents) except 0xFFFFFFFFFFFFFFFF:
        cdef uint32_t kind = KIND_RELOCATE_NOTED if note else KIND_RELOCATE
        return self.record(stream, kind, index, note, tail, tails, content, contents)

    cdef int returned(self, uint32_t stream, uint64_t index, uint32_t count) except -1:
        """The message `index` has been returned `count` times by now."""
        cdef uint8_t payload[12]
        put64(payload, index)
        put32(payload + 8, count)
        return self.note(stream, KIND_RETURNED, payload, 12, 0)

    cdef uint64_t paged(self, uint32_t stream, Page* page) except 0xFFFFFFFFFFFFFFFF:
        """Messages lie in a page, and need what was logged of them before no more. Returns where the entry begins."""
        cdef uint64_t lsn = self.end()
        self.note(stream, KIND_PAGED, entry_of(page), page.size, page.first)
        return lsn

    cdef int settle(self, uint32_t stream, uint64_t index, uint32_t count) except -1:
        """Messages from `index` on are done with: lengthens the last range when they follow on."""
        cdef uint8_t* last
        if (self.opened_kind == KIND_SETTLE and self.opened_stream == stream
                and self.filling.used - self.opened < ENTRY_LIMIT):
            last = self.filling.data + self.filling.used - 12
            if get64(last) + get32(last + 8) == index and get32(last + 8) < 0xFFFFFFFF - count:
                put32(last + 8, get32(last + 8) + count)
                return 0
        else:
            self.begin(stream, KIND_SETTLE, 0)
        self.reserve(12)
        last = self.filling.data + self.filling.used
        put64(last, index)
        put32(last + 8, count)
        self.filling.used += 12
        put32(self.filling.data + self.opened, <uint32_t> (self.filling.used - self.opened))
        return 0

    cdef int note(self, uint32_t stream, uint32_t kind, const uint8_t* payload, size_t size, uint64_t index) except -1:
        if size > 0x7FFFFFFF:
            raise ValueError(f"an entry of the log holds at most 2 GiB, not {size} bytes")
        self.begin(stream, kind, index)
        self.reserve(size)
        memcpy(self.filling.data + self.filling.used, payload, size)
        self.filling.used += size
        put32(self.filling.data + self.opened, <uint32_t> (HEADER + size))
        self.opened_kind = 0
        return 0

    def append(self, uint32_t stream, uint32_t kind, bytes payload not None, uint64_t index=0):
        if self.failure is not None:
            raise self.failure
        self.note(stream, kind, <const uint8_t*> <char*> payload, len(payload), index)
        return self.end()

    def command(self, bytes payload not None):
        return self.append(METADATA_STREAM, KIND_COMMAND, payload)

    def snapshot(self, bytes payload not None):
        return self.append(METADATA_STREAM, KIND_SNAPSHOT, payload)

    # ---- committing

    def kick(self):
        self.scheduled = False
        if self.busy or self.rotating or self.filling.used == 0 or self.failure is not None or self.retry is not None:
            return
        if self.fd < 0 or (self.file_used and self.file_used + self.filling.used > self.file_size):
            self.rotating = True
            try:
                self.fd = self.open_next(self.batch)
                self.file_used = os.lseek(self.fd, 0, os.SEEK_CUR)
            except OSError as error:
                self._stopped(error)
                return
            finally:
                self.rotating = False
        self._hand_over()

    def _hand_over(self):
        cdef Batch batch = self.filling
        cdef size_t used = padded(batch.used)
        memset(batch.data + batch.used, 0, used - batch.used)
        batch.used = used
        self.filling = self.flying
        self.filling.used = 0
        self.flying = batch
        self.opened_kind = 0
        self.landing = self.batch + used
        self.batch = self.landing
        self.file_used += used
        self.busy = True
        self.written = 0
        os.eventfd_write(self.wake, 1)

    def _serve(self):
        with nogil:
            self.serve()

    cdef void serve(self) noexcept nogil:
        cdef uint64_t ring = 0
        while True:
            if c_read(self.wake, &ring, 8) != 8:
                if errno == EINTR:
                    continue
                return
            if self.stopping:
                return
            self.error = commit(&self.flying, &self.written, self.fd, self.fsync)
            ring = 1
            c_write(self.done, &ring, 8)

    def _landed(self):
        os.eventfd_read(self.done)
        if self.error:
            self._stopped(OSError(abs(self.error), os.strerror(abs(self.error))))
            return
        self.busy = False
        if self.stalled:
            self.stalled = False
            self.on_full(None)
        self.synced = self.landing
        self.commits += 1
        if self.flying.room > KEPT:               # a rush, or much that was moved on: its room goes back
            free(self.flying.data)
            self.flying.data = NULL
            self.flying.room = 0
        for listener in self.listeners:
            listener()
        waiting, self.futures = self.futures, []
        for lsn, future in waiting:
            if lsn > self.synced:
                self.futures.append((lsn, future))
            elif not future.done():
                future.set_result(None)
        self.kick()

    def _stopped(self, error):
        """Waits for room on a full disk, and goes on where it stopped: nothing of that was confirmed. Any other error is
        the end, and so is every error of a sync, which is never tried again: the kernel may have dropped pages."""
        if self.error < 0 or error.errno not in (ENOSPC, EDQUOT) or self.on_full is None:
            self._fail(error)
            return
        self.retry = self.loop.call_later(RETRY, self._go_on)
        if not self.stalled:
            self.stalled = True
            self.on_full(error)

    def _go_on(self):
        self.retry = None
        if self.busy:
            os.eventfd_write(self.wake, 1)
        else:
            self.kick()

    def _fail(self, error):
        """From here on nothing is durable any more."""
        self.busy = False
        self.failure = error
        waiting, self.futures = self.futures, []
        for _, future in waiting:
            if not future.done():
                future.set_exception(error)
        self.on_failure(error)

    cdef int listen(self, object listener) except -1:
        self.listeners.append(listener)
        return 0

    def durable(self, lsn=None):
        future = self.loop.create_future()
        target = self.end() if lsn is None else lsn
        if self.failure is not None:
            future.set_exception(self.failure)
        elif target <= self.synced:
            future.set_result(None)
        else:
            self.futures.append((target, future))
            self.loop.call_soon(self.kick)
        return future

    def close(self):
        if self.thread is None:
            return
        poll = select.poll()
        poll.register(self.done, select.POLLIN)
        if self.retry is not None:
            self.retry.cancel()
            self._go_on()                      # once more: what does not fit now was not confirmed
        self.kick()
        while self.busy and self.retry is None and poll.poll():
            self._landed()
        if self.retry is not None:
            self.retry.cancel()
        self.stopping = True
        os.eventfd_write(self.wake, 1)
        self.thread.join()
        self.thread = None
        self.loop.remove_reader(self.done)
        os.close(self.done)
        os.close(self.wake)
