"""The writer of the log: the loop fills one batch while a thread without the GIL writes and syncs the other.

Group commit falls out of it: all that was appended while the disk was busy leaves in the next write, with one fdatasync. A
log sequence number (lsn) counts the bytes ever appended; what is at or below `synced` survives kill -9 and power loss.

The journal knows entries, streams and indices, never what they mean. It does not recover: watership.store does.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport errno, EINTR
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, strerror

import asyncio
import os
import threading

cdef extern from "crc32c.h":
    void ws_crc_prepare() nogil
    uint32_t ws_crc32c(const uint8_t *p, size_t n) nogil

cdef extern from "<semaphore.h>" nogil:
    ctypedef struct sem_t:
        pass
    int sem_init(sem_t *, int, unsigned int)
    int sem_wait(sem_t *)
    int sem_post(sem_t *)
    int sem_destroy(sem_t *)

cdef extern from "<unistd.h>" nogil:
    ssize_t c_write "write"(int fd, const void *data, size_t count)
    int fdatasync(int fd)
    int c_close "close"(int fd)

ws_crc_prepare()


def crc32c(const uint8_t[::1] data not None):
    """CRC-32C of the bytes, as the log carries it."""
    return ws_crc32c(&data[0], data.shape[0]) if data.shape[0] else ws_crc32c(NULL, 0)


cdef class Journal:
    """Appends entries to numbered files.

    open_next(number) returns a file descriptor open for writing at the end of file `number`; a new number is asked for when a
    file has grown past `limit` bytes. on_failure(OSError) is called on the loop when a write or sync failed: nobody knows then
    what is on the disk, so the process must end.
    """

    def __cinit__(self, loop, open_next, *, uint64_t first_file=1, uint64_t limit=64 << 20, bint fsync=True, on_failure=None):
        self.loop = loop
        self.open_next = open_next
        self.on_failure = on_failure
        self.limit = limit
        self.fsync = fsync
        self.waiters = []
        self.bell = malloc(sizeof(sem_t))
        if self.bell == NULL:
            raise MemoryError
        sem_init(<sem_t *> self.bell, 0, 0)
        self.file = first_file
        self.fd = self.next_fd = open_next(first_file)
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        loop.add_reader(self.wake, self.written)
        self.thread = threading.Thread(target=self.run, name="journal", daemon=True)
        self.thread.start()

    def __dealloc__(self):
        free(self.batches[0].data)
        free(self.batches[1].data)
        if self.bell != NULL:
            sem_destroy(<sem_t *> self.bell)
            free(self.bell)

    # The loop's side

    cdef uint8_t *reserve(self, uint32_t stream, uint16_t kind, uint64_t index, size_t size) except NULL:
        """Room for `size` bytes of payload, in the open entry when it is of this stream and kind, else in a new one."""
        cdef Batch *batch = &self.batches[self.filling]
        cdef bint same = (
            self.open_stream == stream and self.open_kind == kind
            and batch.length - self.open_at + size <= ENTRY_LIMIT
        )
        cdef size_t need = batch.length + size + (0 if same else ENTRY_BYTES)
        cdef uint8_t *grown
        cdef Entry *entry
        if need > batch.capacity:
            grown = <uint8_t *> realloc(batch.data, need * 2)
            if grown == NULL:
                raise MemoryError
            batch.data = grown
            batch.capacity = need * 2
        if not same:
            self.close_entry()
            self.open_at = batch.length
            self.open_stream = stream
            self.open_kind = kind
            entry = <Entry *> (batch.data + batch.length)
            entry.magic = MAGIC
            entry.length = 0
            entry.checksum = 0
            entry.stream = stream
            entry.index = index
            entry.term = 0
            entry.kind = kind
            entry.flags = 0
            self.appended += ENTRY_BYTES
        batch.length = need
        self.appended += size
        return batch.data + need - size

    cdef int settle(self, uint32_t stream, uint64_t index) except -1:
        """Logs that a record is gone; runs of neighbours share one (first u64, count u64) pair."""
        cdef Batch *batch = &self.batches[self.filling]
        cdef uint64_t *run
        if self.open_stream == stream and self.open_kind == SETTLE:
            run = <uint64_t *> (batch.data + batch.length - 16)
            if run[0] + run[1] == index:
                run[1] += 1
                return 0
        run = <uint64_t *> self.reserve(stream, SETTLE, index, 16)
        run[0] = index
        run[1] = 1
        return 0

    cdef void close_entry(self) noexcept:
        cdef Batch *batch = &self.batches[self.filling]
        if self.open_stream:
            (<Entry *> (batch.data + self.open_at)).length = <uint32_t> (batch.length - self.open_at - ENTRY_BYTES)
            self.open_stream = 0

    cdef size_t backlog(self) noexcept:
        return self.batches[self.filling].length

    def append(self, uint32_t stream, uint16_t kind, uint64_t index, const uint8_t[::1] payload not None):
        """One entry of its own. Returns the lsn that must be synced before anyone is told."""
        cdef uint8_t *room
        self.close_entry()
        room = self.reserve(stream, kind, index, payload.shape[0])
        if payload.shape[0]:
            memcpy(room, &payload[0], payload.shape[0])
        self.close_entry()
        return self.appended

    async def durable(self, lsn=None):
        """Returns when everything up to lsn (default: all that was appended until now) is synced."""
        cdef uint64_t target = self.appended if lsn is None else lsn
        if self.synced >= target:
            return
        waiter = self.loop.create_future()
        self.waiters.append((target, waiter))
        self.hand_over()
        await waiter

    cdef int hand_over(self) except -1:
        """Gives the filled batch to the writer unless it is busy; then `written` will."""
        cdef Batch *batch = &self.batches[self.filling]
        if self.writing or batch.length == 0:
            return 0
        self.close_entry()
        self.fd, self.in_flight = self.next_fd, self.appended
        self.file_bytes += batch.length
        if self.file_bytes >= self.limit:
            self.next_fd = self.open_next(self.file + 1)
            self.file += 1
            self.file_bytes = 0
        self.writing = True
        self.filling ^= 1
        sem_post(<sem_t *> self.bell)
        return 0

    def flush(self):
        """Starts writing what has been appended, if anything."""
        self.hand_over()

    def written(self):
        """Called by the loop when the writer is done with its batch."""
        os.eventfd_read(self.wake)
        cdef Batch *batch = &self.batches[self.filling ^ 1]
        if self.status:
            self.loop.remove_reader(self.wake)
            if self.on_failure is not None:
                self.on_failure(OSError(self.status, strerror(self.status).decode()))
            return
        if self.fd != self.next_fd:
            c_close(self.fd)
        batch.length = 0
        if batch.capacity > 8 << 20: # a burst is over: give its memory back
            free(batch.data)
            batch.data = NULL
            batch.capacity = 0
        self.writing = False
        self.synced = self.in_flight
        self.commits += 1
        self.hand_over()
        waiting = [w for w in self.waiters if w[0] > self.synced]
        for target, waiter in self.waiters:
            if target <= self.synced and not waiter.done():
                waiter.set_result(None)
        self.waiters = waiting
        if self.on_synced is not None:
            self.on_synced()

    async def close(self):
        """Writes and syncs what is left, then ends the thread."""
        await self.durable()
        self.loop.remove_reader(self.wake)
        self.stopping = True
        sem_post(<sem_t *> self.bell)
        await asyncio.to_thread(self.thread.join)
        os.close(self.wake)
        os.close(self.next_fd)

    # The writer's side

    def run(self):
        cdef uint64_t one = 1
        with nogil:
            while True:
                while sem_wait(<sem_t *> self.bell) < 0:
                    pass
                if self.stopping:
                    break
                self.write_out()
                c_write(self.wake, &one, 8)

    cdef void write_out(self) noexcept nogil:
        cdef Batch *batch = &self.batches[self.filling ^ 1]
        cdef size_t at = 0
        cdef Entry *entry
        cdef ssize_t n
        while at < batch.length: # checksums here, off the loop's thread
            entry = <Entry *> (batch.data + at)
            entry.checksum = ws_crc32c(batch.data + at + 12, ENTRY_BYTES - 12 + entry.length)
            at += ENTRY_BYTES + entry.length
        at = 0
        while at < batch.length:
            n = c_write(self.fd, batch.data + at, batch.length - at)
            if n < 0 and errno == EINTR:
                continue
            if n <= 0:
                self.status = errno
                return
            at += n
        if self.fsync and fdatasync(self.fd) < 0:
            self.status = errno


def entries(const uint8_t[::1] data not None):
    """Walks one file of the log: yields (offset, stream, kind, index, payload) of each valid entry.

    The payload is a bytes object. Ends at the first entry that is cut short or whose checksum is wrong; the generator's
    return value is the offset where it ended, equal to len(data) when all was well.
    """
    cdef size_t at = 0, end = data.shape[0]
    cdef const Entry *entry
    while end - at >= ENTRY_BYTES:
        entry = <const Entry *> &data[at]
        if entry.magic != MAGIC or entry.length > end - at - ENTRY_BYTES:
            break
        if ws_crc32c(&data[at] + 12, ENTRY_BYTES - 12 + entry.length) != entry.checksum:
            break
        payload = PyBytes_FromStringAndSize(<const char *> &data[at] + ENTRY_BYTES, entry.length)
        yield at, entry.stream, entry.kind, entry.index, payload
        at += ENTRY_BYTES + entry.length
    return at
