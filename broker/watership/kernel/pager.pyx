"""Puts segments away and brings them back. See pager.pyi for what callers may rely on, page.pxd for the bytes.

A segment is given up by memory only when its page is durable and so is the log's word for it; until then it is read from
where it was. The page's file may go when what the log says of the end of its messages is durable.
"""

from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.memoryview cimport PyMemoryView_FromMemory

from watership.kernel.entry cimport crc32c
from watership.kernel.lane cimport (
    LOGGED, TIMED, Lane, Record, Segment, Shelf, body_size, content_of, octets, record_at,
)
from watership.kernel.octets cimport put32, put64
from watership.kernel.page cimport (
    ENTRY, RANGE, Page, count_in, crc_of, entry_of, file_of, messages_of, octets_of, place_of,
)
from watership.kernel.tick cimport Kernel

cdef enum:
    BATCH = 33554432              # octets that are written before one sync
    LEAST = 16384                 # a smaller segment is not worth a page


cdef Page* describe(Segment* segment, uint32_t level, uint64_t file, uint32_t offset) except NULL:
    """Of a segment that nobody has read from yet."""
    cdef uint32_t at = 0, contents = 0, room = 4, ranges = 0, messages = 0, timed = 0
    cdef uint64_t bodies = 0, logged = 0, index, body, following = 0
    cdef Page* page = <Page*> PyMem_Calloc(1, sizeof(Page) + ENTRY + room * RANGE)
    cdef Page* grown
    cdef uint8_t* entry
    cdef Record* record
    if page == NULL:
        raise MemoryError
    page.first = segment.first
    while at < segment.used:
        record = record_at(segment, at)
        at += record.length
        body = body_size(content_of(segment, record, &contents))
        page.messages += 1
        page.bodies += body
        if record.tail & TIMED:
            page.timed += 1
        if not record.tail & LOGGED:
            continue
        messages += 1
        bodies += body
        logged += record.length
        if record.tail & TIMED:
            timed += 1
        index = segment.first + record.index
        if ranges and index == following:
            put32(entry_of(page) + ENTRY + (ranges - 1) * RANGE + 8, count_in(entry_of(page), ranges - 1) + 1)
        else:
            if ranges == room:
                room *= 2
                grown = <Page*> PyMem_Realloc(page, sizeof(Page) + ENTRY + room * RANGE)
                if grown == NULL:
                    raise MemoryError
                page = grown
            put64(entry_of(page) + ENTRY + ranges * RANGE, index)
            put32(entry_of(page) + ENTRY + ranges * RANGE + 8, 1)
            ranges += 1
        following = index + 1
    entry = entry_of(page)
    put64(entry, file)
    put32(entry + 8, offset)
    put32(entry + 12, segment.used)
    put32(entry + 16, crc32c(0, octets(segment), segment.used))
    put32(entry + 20, level)
    put64(entry + 24, bodies)
    put64(entry + 32, logged)
    put32(entry + 40, messages)
    put32(entry + 44, timed)
    put32(entry + 48, page.messages != messages)
    put32(entry + 52, ranges)
    page.size = ENTRY + ranges * RANGE
    return page


cdef class Leaving:
    pass


cdef class Pager(Shelf):
    def __init__(self, Kernel kernel not None, loop, pages, *, uint64_t limit):
        self.kernel = kernel
        self.loop = loop
        self.pages = pages
        self.limit = limit
        self.waiting = []
        self.flying = []
        self.written = []
        self.released = []
        if kernel.journal is not None:
            kernel.journal.listen(self.committed)
        kernel.shelf = self

    # ---- away

    cdef int offer(self, Lane lane, Segment* segment) except -1:
        cdef Leaving one
        if self.kernel.memory <= self.limit or segment.room < LEAST:
            return 0
        one = Leaving.__new__(Leaving)
        one.lane = lane
        one.segment = segment
        one.page = NULL
        segment.leaving = True
        self.behind += segment.used
        self.waiting.append(one)
        self.schedule()
        return 0

    cdef int schedule(self) except -1:
        if not self.scheduled and not self.flying:
            self.scheduled = True
            self.loop.call_soon(self.write)
        return 0

    def write(self):
        """Hands a batch to the writer. What has been read meanwhile stays where it is."""
        cdef Leaving one
        cdef size_t size = 0, taken = 0
        self.scheduled = False
        if self.flying or not self.waiting:
            return
        jobs = []
        for one in self.waiting:
            if size >= BATCH:
                break
            taken += 1
            if one.segment.gone or one.lane.reached(one.segment):
                self.keep(one)
                continue
            file, offset = self.pages.place(one.lane.file, one.segment.used)
            one.lane.file = file
            one.page = describe(one.segment, one.lane.level, file, offset)
            size += one.segment.used
            jobs.append((file, offset, PyMemoryView_FromMemory(<char*> octets(one.segment), one.segment.used, PyBUF_READ)))
            self.flying.append(one)
        del self.waiting[:taken]
        if jobs:
            future = self.loop.run_in_executor(self.pages.writer, self.pages.write, jobs)
            future.add_done_callback(self.landed)

    def landed(self, future):
        cdef Leaving one
        flying, self.flying = self.flying, []
        error = future.exception()
        if error is not None:
            for one in flying:
                self.forget(one)
                one.lane.file = 0             # the next try goes to another file
            self.waiting = flying + self.waiting
            self.pages.report(error)
            self.loop.call_later(1.0, self.write)
            return
        self.pages.report(None)
        for one in flying:
            if one.segment.gone or one.lane.reached(one.segment):
                self.forget(one)
                self.keep(one)
            elif messages_of(entry_of(one.page)):
                one.lsn = self.kernel.journal.paged(one.lane.stream, one.page)
                self.written.append((self.kernel.position(), one))
            else:
                one.lsn = UINT64_MAX
                self.settle(one)
        self.schedule()
        self.kernel.wake()

    def committed(self):
        """More of the log is durable."""
        cdef uint64_t synced = self.kernel.journal.synced
        written, self.written = self.written, []
        for lsn, one in written:
            if lsn > synced:
                self.written.append((lsn, one))
            else:
                self.settle(one)
        if len(self.written) < len(written):
            self.kernel.wake()                # publishers that wait for room
        if self.released and self.released[0][0] <= synced:
            released, self.released = self.released, []
            for lsn, file in released:
                if lsn > synced:
                    self.released.append((lsn, file))
                else:
                    self.pages.release(file)

    cdef int settle(self, Leaving one) except -1:
        """All of it is durable."""
        if one.segment.gone:
            self.release(one.page)
            return self.keep(one)
        one.segment.page = one.page
        if one.lane.reached(one.segment):
            return self.keep(one)
        self.behind -= one.segment.used
        one.segment.leaving = False
        return one.lane.put_away(one.segment, one.lsn)

    cdef int keep(self, Leaving one) except -1:
        """The segment stays, unless nobody needs it any more."""
        self.behind -= one.segment.used
        one.segment.leaving = False
        if one.segment.gone:
            one.lane.free(one.segment)
        return 0

    cdef int forget(self, Leaving one) except -1:
        """The log never heard of the page."""
        self.pages.release(file_of(entry_of(one.page)))
        PyMem_Free(one.page)
        one.page = NULL
        return 0

    # ---- back

    cdef int read(self, Page* page, uint8_t* to) except -1:
        cdef const uint8_t* entry = entry_of(page)
        cdef uint32_t size = octets_of(entry)
        self.pages.read(file_of(entry), place_of(entry), PyMemoryView_FromMemory(<char*> to, size, PyBUF_WRITE))
        if crc32c(0, to, size) != crc_of(entry):
            raise self.pages.damaged(file_of(entry), place_of(entry), size)
        return 0

    cdef int expect(self, Page* page) except -1:
        self.pages.expect(file_of(entry_of(page)), place_of(entry_of(page)), octets_of(entry_of(page)))
        return 0

    cdef int release(self, Page* page) except -1:
        file = file_of(entry_of(page))
        PyMem_Free(page)
        if self.kernel.is_durable(self.kernel.position()):
            self.pages.release(file)
        else:
            self.released.append((self.kernel.position(), file))
        return 0
