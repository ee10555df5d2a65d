"""Records in segments, read in order, returned to their place. See lane.pxd for the bytes.

A record stays where it is until it is settled; reading only moves a cursor. A requeued record becomes ready again in its
place: its address goes to `returned`, which is read, in order, before the cursor goes on. A segment is freed when nothing
in it is alive, so a `Place` kept by a channel is valid exactly as long as its record is not settled.

Segments that reading has not reached may be put away: a stub stands for them until the cursor comes, and nobody has the
address of anything in them.
"""

from libc.stdint cimport UINT64_MAX
from libc.stdlib cimport free, malloc, qsort, realloc
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcmp, memcpy, memmove, memset

from watership.kernel.entry cimport NOTE_DIED
from watership.kernel.journal cimport Journal
from watership.kernel.octets cimport get32, put32, put64
from watership.kernel.page cimport entry_of, logged_of, mixed_in, octets_of


cdef int by_place(const void* a, const void* b) noexcept nogil:
    cdef const Place* one = <const Place*> a
    cdef const Place* two = <const Place*> b
    if one.segment.number != two.segment.number:
        return -1 if one.segment.number < two.segment.number else 1
    return -1 if one.offset < two.offset else (1 if one.offset > two.offset else 0)


cdef void give_up(Segment* segment) noexcept:
    if segment.room:
        free(segment)
    else:
        PyMem_Free(segment)


cdef class Shelf:
    """Where there is none everything stays in memory."""

    cdef int offer(self, Lane lane, Segment* segment) except -1:
        """Memory may be short, and the segment is full and was not read yet."""
        return 0

    cdef int read(self, Page* page, uint8_t* to) except -1:
        """All of its octets."""
        return 0

    cdef int expect(self, Page* page) except -1:
        """It will be read soon."""
        return 0

    cdef int release(self, Page* page) except -1:
        """Nobody needs it any more once what the log says up to here is durable. Frees it."""
        return 0


cdef class Lane:
    def __init__(self, Kernel kernel not None, *, uint32_t stream=0, uint32_t level=0):
        self.kernel = kernel
        self.shelf = kernel.shelf
        self.stream = stream
        self.level = level
        self.growth = SMALLEST

    def __dealloc__(self):
        cdef Segment* after
        while self.head != NULL:
            after = self.head.after
            PyMem_Free(self.head.page)
            give_up(self.head)
            self.head = after
        free(self.returned)
        if self.kernel is not None:
            self.kernel.memory -= self.memory

    # ---- segments

    cdef Segment* allocate(self, uint32_t room) except NULL:
        cdef Segment* segment
        if room:
            segment = <Segment*> malloc(sizeof(Segment) + room)
        else:                                  # a stub in a hole that a segment left would keep others out of it
            segment = <Segment*> PyMem_Malloc(sizeof(Segment))
        if segment == NULL:
            raise MemoryError
        memset(segment, 0, sizeof(Segment))
        segment.lane = <void*> self
        segment.lsn = UINT64_MAX
        segment.room = room
        self.memory += sizeof(Segment) + room
        self.kernel.memory += sizeof(Segment) + room
        return segment

    cdef void free(self, Segment* segment) noexcept:
        self.memory -= sizeof(Segment) + segment.room
        self.kernel.memory -= sizeof(Segment) + segment.room
        give_up(segment)

    cdef int append(self, Segment* segment) noexcept:
        """It becomes the last one."""
        self.numbers += 1
        segment.number = self.numbers
        segment.before = self.last
        if self.last == NULL:
            self.head = self.cursor = segment
            self.offset = 0
        else:
            self.last.after = segment
        self.last = segment
        return 0

    cdef Segment* extend(self, uint32_t need) except NULL:
        """A new last segment with room for `need`; segments grow from 4 KiB to 1 MiB as the lane does."""
        cdef uint32_t room = self.growth - <uint32_t> sizeof(Segment)
        cdef Segment* full = self.last
        cdef Segment* segment
        cdef bint behind = full != NULL and not full.away and full.number > self.cursor.number + 1
        self.growth = min(<uint32_t> LARGEST, self.growth * 8)
        segment = self.allocate(max(room, need))
        self.append(segment)
        self.advance()
        if behind and self.shelf is not None:
            self.shelf.offer(self, full)
        return segment

    cdef int remove(self, Segment* segment) except -1:
        """Discards it; the cursor and the end are elsewhere afterwards."""
        if self.cursor == segment and segment.after != NULL:
            self.cursor = segment.after
            self.offset = 0
        elif self.cursor == segment:
            self.cursor = segment.before       # all of it is read: something in it is unacknowledged
            self.offset = segment.before.used if segment.before != NULL else 0
        if self.last == segment:
            self.last = segment.before
        return self.discard(segment)

    cdef int discard(self, Segment* segment) except -1:
        if segment.before != NULL:
            segment.before.after = segment.after
        else:
            self.head = segment.after
        if segment.after != NULL:
            segment.after.before = segment.before
        if segment.page != NULL:
            self.shelf.release(segment.page)
        if segment.leaving:
            segment.gone = True
        else:
            self.free(segment)
        return 0

    cdef int advance(self) except -1:
        """Moves the cursor over what has been read, so that it ends before a record or at the end of the last segment."""
        cdef Segment* read
        while self.offset == self.cursor.used and self.cursor.after != NULL:
            read = self.cursor
            self.cursor = read.after
            self.offset = 0
            if read.live == 0:
                self.discard(read)
        return 0

    cdef int release(self, Segment* segment) except -1:
        """One record of the segment is settled."""
        segment.live -= 1
        if segment.live:
            return 0
        if segment != self.cursor:
            self.discard(segment)
        elif segment == self.last and (segment.room > KEPT or segment.page != NULL):
            self.remove(segment)               # all was read: what the lane took in a rush goes back
            self.growth = SMALLEST
        elif segment == self.last:
            segment.used = segment.tail = self.offset = 0      # all of it was read and settled: use it again
            segment.lsn = UINT64_MAX
        else:
            self.advance()
        return 0

    # ---- records

    cdef Record* put(self, Message* message) except NULL:
        """A new last record, ready."""
        cdef Segment* segment = self.last
        cdef uint32_t need = RECORD + 12 + message.tails + message.contents
        cdef Record* record
        if segment == NULL or segment.away or segment.room - segment.used < need or (
                segment.used and message.index - segment.first > 0xFFFFFFFF):
            segment = self.extend(need)
        record = self.write(segment, message)
        if message.lsn < segment.lsn:
            segment.lsn = message.lsn
        if message.flags & LOGGED:
            self.logged += record.length
        self.ready += 1
        return record

    cdef Record* write(self, Segment* segment, Message* message) except NULL:
        """A record behind the others; the segment has room for it."""
        cdef uint32_t need = RECORD + message.contents, tails = message.tails, flags = message.flags
        cdef Record* record
        if message.expires:
            flags |= TIMED
            need += 8
        if flags & COUNTED:
            need += 4
        if segment.used == 0:
            segment.first = message.index
        if (segment.tail == 0 or tail_size(octets(segment) + segment.tail) != tails
                or memcmp(octets(segment) + segment.tail, message.tail, tails) != 0):
            flags |= OWN_TAIL
            segment.tail = segment.used + need - message.contents
            need += tails
            memcpy(octets(segment) + segment.tail, message.tail, tails)
        record = record_at(segment, segment.used)
        record.length = need
        record.index = <uint32_t> (message.index - segment.first)
        record.tail = segment.tail << 8 | flags
        if flags & TIMED:
            put64((<uint8_t*> record) + RECORD, message.expires)
        if flags & COUNTED:
            put32(count_of(record), message.count)
        memcpy((<uint8_t*> record) + need - message.contents, message.content, message.contents)
        segment.used += need
        segment.live += 1
        return record

    cdef Record* first(self, Segment** segment) except NULL:
        """The next ready record, of which there must be one."""
        if self.returned_at < self.returns:
            if self.returned_unsorted:
                self.sort_returned()
            segment[0] = self.returned[self.returned_at].segment
            return record_at(segment[0], self.returned[self.returned_at].offset)
        self.advance()
        if self.cursor.away:
            self.bring(self.cursor)
        segment[0] = self.cursor
        return record_at(self.cursor, self.offset)

    cdef Record* take(self, Segment** segment) except NULL:
        """The same; it is not ready any more."""
        cdef Record* record = self.first(segment)
        self.ready -= 1
        if self.returned_at < self.returns:
            self.returned_at += 1
            if self.returned_at == self.returns:
                self.returned_at = self.returns = 0
        else:
            self.offset += record.length
        return record

    cdef int put_back(self, Segment* segment, uint32_t offset) except -1:
        """A record that was taken is ready again, where it was."""
        cdef Place* grown
        cdef size_t room
        if self.returns == self.returned_room and self.returned_at > self.returns // 2:
            self.returns -= self.returned_at
            memmove(self.returned, self.returned + self.returned_at, self.returns * sizeof(Place))
            self.returned_at = 0
        if self.returns == self.returned_room:
            room = self.returned_room * 2 or 16
            grown = <Place*> realloc(self.returned, room * sizeof(Place))
            if grown == NULL:
                raise MemoryError
            self.returned = grown
            self.returned_room = room
        self.returned[self.returns].segment = segment
        self.returned[self.returns].offset = offset
        if self.returns > self.returned_at and by_place(&self.returned[self.returns - 1], &self.returned[self.returns]) > 0:
            self.returned_unsorted = True
        self.returns += 1
        self.ready += 1
        return 0

    cdef int sort_returned(self) except -1:
        qsort(self.returned + self.returned_at, self.returns - self.returned_at, sizeof(Place), by_place)
        self.returned_unsorted = False
        return 0

    # ---- pages

    cdef bint reached(self, Segment* segment) noexcept:
        """Reading has come to it: there may be addresses of what is in it."""
        return segment.number <= self.cursor.number

    cdef int replace(self, Segment* old, Segment* new) noexcept:
        """The new one stands where the old one stood, and takes over its page."""
        new.before, new.after, new.number = old.before, old.after, old.number
        new.page, new.lsn = old.page, old.lsn
        if new.before != NULL:
            new.before.after = new
        else:
            self.head = new
        if new.after != NULL:
            new.after.before = new
        else:
            self.last = new
        if self.cursor == old:
            self.cursor = new
        self.free(old)
        return 0

    cdef int put_away(self, Segment* segment, uint64_t lsn) except -1:
        """What is in it is durable in its page, and so is the log's word for it, at `lsn`."""
        cdef Segment* stub = self.allocate(0)
        stub.away = True
        stub.first = segment.first
        stub.used = segment.used
        stub.live = segment.live
        self.replace(segment, stub)
        stub.lsn = lsn
        self.logged -= logged_of(entry_of(stub.page))
        return 0

    cdef int adopt(self, Page* page, uint64_t lsn) except -1:
        """A page from before the start comes behind all that is here."""
        cdef Segment* stub = self.allocate(0)
        stub.away = True
        stub.page = page
        stub.first = page.first
        stub.used = octets_of(entry_of(page))
        stub.live = page.messages
        stub.lsn = lsn
        self.append(stub)
        self.ready += page.messages
        return 0

    cdef int drop(self, Segment* stub) except -1:
        """What is in its page goes unread."""
        self.ready -= stub.live
        return self.remove(stub)

    cdef Segment* bring(self, Segment* stub) except NULL:
        """The octets are back in memory; the page stays until they are settled."""
        cdef Page* page = stub.page
        cdef uint32_t at = 0
        cdef Segment* segment = self.allocate(octets_of(entry_of(page)))
        cdef Segment* ahead = stub.after
        cdef Record* record
        try:
            self.shelf.read(page, octets(segment))
        except BaseException:
            self.free(segment)
            raise
        segment.used = segment.room
        segment.live = page.messages
        segment.first = page.first
        if page.restored:
            if mixed_in(entry_of(page)):
                segment = self.sift(segment)
            while at < segment.used:
                record = record_at(segment, at)
                record.tail |= REDELIVERED
                at += record.length
        self.replace(stub, segment)
        self.logged += logged_of(entry_of(page))
        for at in range(<uint32_t> AHEAD):
            if ahead == NULL:
                break
            if ahead.away:
                self.shelf.expect(ahead.page)
            ahead = ahead.after
        return segment

    cdef Segment* sift(self, Segment* whole) except NULL:
        """The same without what was not logged, which did not outlive the process."""
        cdef Segment* segment = self.allocate(whole.used)
        cdef uint32_t at = 0
        cdef Record* record
        cdef Message message
        while at < whole.used:
            record = record_at(whole, at)
            at += record.length
            if not record.tail & LOGGED:
                continue
            message.tail = tail_of(whole, record)
            message.tails = tail_size(message.tail)
            message.content = content_of(whole, record, &message.contents)
            message.index = whole.first + record.index
            message.expires = expiry_of(record)
            message.flags = record.tail & 0xFF & ~<uint32_t> (OWN_TAIL | TIMED)
            message.count = get32(count_of(record)) if record.tail & COUNTED else 0
            self.write(segment, &message)
        segment.room = segment.used            # nothing is added to what has a page
        self.memory -= whole.used - segment.used
        self.kernel.memory -= whole.used - segment.used
        self.free(whole)
        return segment

    # ---- the log's files

    cdef uint64_t oldest(self) noexcept:
        """The log position from which on something in here needs the log; UINT64_MAX: nothing does."""
        cdef uint64_t lsn = UINT64_MAX
        cdef Segment* segment = self.head
        while segment != NULL:
            if segment.lsn < lsn:
                lsn = segment.lsn
            segment = segment.after
        return lsn

    cdef uint64_t relocate(self, uint32_t stream, uint64_t before) except? 0:
        """Logs again what is alive and was logged before `before`, or the first part of it. Returns how many."""
        cdef Segment* segment = self.head
        cdef uint64_t count = 0, start = self.kernel.journal.end()
        while segment != NULL and self.kernel.journal.end() - start < MOVED:
            if segment.lsn < before and segment.away:
                segment.lsn = self.kernel.journal.paged(stream, segment.page)
                count += segment.live
            elif segment.lsn < before:
                count += self.relocate_segment(segment, stream)
            segment = segment.after
        return count

    cdef uint64_t relocate_segment(self, Segment* segment, uint32_t stream) except? 0:
        cdef Journal journal = self.kernel.journal
        cdef uint32_t offset = 0, contents = 0
        cdef Record* record
        cdef const uint8_t* tail
        cdef const uint8_t* content
        cdef uint64_t count = 0, lsn, note
        segment.lsn = UINT64_MAX
        while offset < segment.used:
            record = record_at(segment, offset)
            if record.tail & LOGGED and not record.tail & SETTLED:
                tail = tail_of(segment, record)
                content = content_of(segment, record, &contents)
                note = expiry_of(record) | (NOTE_DIED if record.tail & DIED else 0)
                lsn = journal.relocate(
                    stream, segment.first + record.index, note, tail, tail_size(tail), content, contents
                )
                if record.tail & COUNTED and get32(count_of(record)):
                    journal.returned(stream, segment.first + record.index, get32(count_of(record)))
                if lsn < segment.lsn:
                    segment.lsn = lsn
                count += 1
            offset += record.length
        return count
