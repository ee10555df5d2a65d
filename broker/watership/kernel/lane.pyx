"""Records in segments, read in order, returned to their place. See lane.pxd for the bytes.

A record stays where it is until it is settled; reading only moves a cursor. A requeued record becomes ready again in its
place: its address goes to `returned`, which is read, in order, before the cursor goes on. A segment is freed when nothing
in it is alive, so a `Place` kept by a channel is valid exactly as long as its record is not settled.
"""

from libc.stdint cimport UINT64_MAX
from libc.stdlib cimport free, malloc, qsort, realloc
from libc.string cimport memcmp, memcpy, memmove

from watership.kernel.entry cimport NOTE_DIED
from watership.kernel.journal cimport Journal
from watership.kernel.octets cimport get32, put32, put64


cdef int by_place(const void* a, const void* b) noexcept nogil:
    cdef const Place* one = <const Place*> a
    cdef const Place* two = <const Place*> b
    if one.segment.number != two.segment.number:
        return -1 if one.segment.number < two.segment.number else 1
    return -1 if one.offset < two.offset else (1 if one.offset > two.offset else 0)


cdef class Lane:
    def __init__(self, Kernel kernel not None):
        self.kernel = kernel
        self.growth = SMALLEST

    def __dealloc__(self):
        cdef Segment* after
        while self.head != NULL:
            after = self.head.after
            free(self.head)
            self.head = after
        free(self.returned)
        if self.kernel is not None:
            self.kernel.memory -= self.memory

    # ---- segments

    cdef Segment* extend(self, uint32_t need) except NULL:
        """A new last segment with room for `need`; segments grow from 4 KiB to 1 MiB as the lane does."""
        cdef uint32_t room = self.growth - <uint32_t> sizeof(Segment)
        cdef Segment* segment
        self.growth = min(<uint32_t> LARGEST, self.growth * 8)
        if room < need:
            room = need
        segment = <Segment*> malloc(sizeof(Segment) + room)
        if segment == NULL:
            raise MemoryError
        self.numbers += 1
        segment.before = self.last
        segment.after = NULL
        segment.lane = <void*> self
        segment.number = self.numbers
        segment.first = 0
        segment.lsn = UINT64_MAX
        segment.used = segment.live = segment.tail = 0
        segment.room = room
        if self.last == NULL:
            self.head = self.cursor = segment
            self.offset = 0
        else:
            self.last.after = segment
        self.last = segment
        self.memory += sizeof(Segment) + room
        self.kernel.memory += sizeof(Segment) + room
        self.advance()
        return segment

    cdef void discard(self, Segment* segment) noexcept:
        if segment.before != NULL:
            segment.before.after = segment.after
        else:
            self.head = segment.after
        if segment.after != NULL:
            segment.after.before = segment.before
        self.memory -= sizeof(Segment) + segment.room
        self.kernel.memory -= sizeof(Segment) + segment.room
        free(segment)

    cdef void advance(self) noexcept:
        """Moves the cursor over what has been read, so that it ends before a record or at the end of the last segment."""
        cdef Segment* read
        while self.offset == self.cursor.used and self.cursor.after != NULL:
            read = self.cursor
            self.cursor = read.after
            self.offset = 0
            if read.live == 0:
                self.discard(read)

    cdef void release(self, Segment* segment) noexcept:
        """One record of the segment is settled."""
        segment.live -= 1
        if segment.live:
            return
        if segment != self.cursor:
            self.discard(segment)
        elif segment == self.last and segment.room > KEPT:
            self.discard(segment)              # the lane is empty: what it took in a rush goes back
            self.cursor = self.last = NULL
            self.offset = 0
            self.growth = SMALLEST
        elif segment == self.last:
            segment.used = segment.tail = self.offset = 0      # all of it was read and settled: use it again
            segment.lsn = UINT64_MAX
        else:
            self.advance()

    # ---- records

    cdef Record* put(self, Message* message) except NULL:
        """A new last record, ready."""
        cdef Segment* segment = self.last
        cdef uint32_t need = RECORD + message.contents, tails = message.tails, flags = message.flags
        cdef Record* record
        cdef uint8_t* to
        if message.expires:
            flags |= TIMED
            need += 8
        if flags & COUNTED:
            need += 4
        if segment == NULL or segment.room - segment.used < need + tails or (
                segment.used and message.index - segment.first > 0xFFFFFFFF):
            segment = self.extend(need + tails)
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
        to = (<uint8_t*> record) + need - message.contents
        memcpy(to, message.content, message.contents)
        segment.used += need
        segment.live += 1
        if message.lsn < segment.lsn:
            segment.lsn = message.lsn
        self.ready += 1
        return record

    cdef Record* first(self, Segment** segment) except NULL:
        """The next ready record, of which there must be one."""
        if self.returned_at < self.returns:
            if self.returned_unsorted:
                self.sort_returned()
            segment[0] = self.returned[self.returned_at].segment
            return record_at(segment[0], self.returned[self.returned_at].offset)
        self.advance()
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
        """Logs again what is alive and was logged before `before`. Returns how many."""
        cdef Segment* segment = self.head
        cdef uint64_t count = 0
        while segment != NULL:
            if segment.lsn < before:
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
