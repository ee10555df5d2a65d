"""The messages of one queue. See queue.pyi for what callers may rely on, queue.pxd for the bytes.

A record stays where it is until it is settled; reading only moves a cursor. A requeued record becomes ready again in its
place: its address goes to `returned`, which is read, in the queue's order, before the cursor goes on. A segment is freed
when nothing in it is alive, so a `Place` kept by a channel is valid exactly as long as its record is not settled.
"""

from libc.stdint cimport UINT64_MAX
from libc.stdlib cimport free, malloc, qsort, realloc
from libc.string cimport memcmp, memcpy

from watership.kernel.content cimport frame_content, is_persistent
from watership.kernel.entry cimport KIND_CLOSED
from watership.kernel.octets cimport ld64
from watership.kernel.tick cimport Kernel, Work


cdef int by_place(const void* a, const void* b) noexcept nogil:
    cdef const Place* one = <const Place*> a
    cdef const Place* two = <const Place*> b
    if one.segment.number != two.segment.number:
        return -1 if one.segment.number < two.segment.number else 1
    return -1 if one.offset < two.offset else (1 if one.offset > two.offset else 0)


cdef inline uint64_t body_size(const uint8_t* content) noexcept nogil:
    return ld64(content + 11)


cdef class Sink:
    cdef int64_t take(self, int64_t limit) except -1:
        return 0


cdef class Queue(Work):
    def __init__(self, Kernel kernel not None, str name not None, *, uint32_t stream=0):
        self.kernel = kernel
        self.name = name
        self.stream = stream if kernel.journal is not None else 0
        self.growth = SMALLEST
        self.next = 1
        self.sinks = []

    def __dealloc__(self):
        cdef Segment* after
        while self.head != NULL:
            after = self.head.after
            free(self.head)
            self.head = after
        free(self.returned)
        if self.kernel is not None:
            self.kernel.memory -= self.memory

    @property
    def consumers(self):
        return len(self.sinks)

    # ---- segments

    cdef Segment* extend(self, uint32_t need) except NULL:
        """A new last segment with room for `need`; segments grow from 4 KiB to 1 MiB as the queue does."""
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
        segment.number = self.numbers
        segment.first = self.next
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
        segment.live -= 1
        if segment.live:
            return
        if segment != self.cursor:
            self.discard(segment)
        elif segment == self.last and segment.room > KEPT:
            self.discard(segment)              # the queue is empty: what it took in a rush goes back
            self.cursor = self.last = NULL
            self.offset = 0
            self.growth = SMALLEST
        elif segment == self.last:
            segment.used = segment.tail = self.offset = 0      # all of it was read and settled: use it again
            segment.first = self.next
            segment.lsn = UINT64_MAX
        else:
            self.advance()

    # ---- in

    cdef int push(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                  bint persistent) except -1:
        """A new message, logged when it is to survive."""
        cdef uint32_t flags = 0
        cdef uint64_t index = self.next
        cdef uint64_t lsn = UINT64_MAX
        if self.closed:
            return 0
        if persistent and self.stream:
            flags = LOGGED
            lsn = self.kernel.journal.enqueue(self.stream, index, tail, tails, content, contents)
            self.next += 1
        self.put(tail, tails, content, contents, flags, index, lsn)
        self.published += 1
        self.kernel.touch_queue(self)
        return 0

    cdef int put(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                 uint32_t flags, uint64_t index, uint64_t lsn) except -1:
        cdef Segment* segment = self.last
        cdef uint32_t need = RECORD + contents
        cdef Record* record
        cdef uint8_t* to
        if segment == NULL or segment.room - segment.used < need + tails or index - segment.first > 0xFFFFFFFF:
            segment = self.extend(need + tails)
            segment.first = index
        if (segment.tail == 0 or tail_size(octets(segment) + segment.tail) != tails
                or memcmp(octets(segment) + segment.tail, tail, tails) != 0):
            flags |= OWN_TAIL
            need += tails
            segment.tail = segment.used + RECORD
            memcpy(octets(segment) + segment.tail, tail, tails)
        record = record_at(segment, segment.used)
        record.length = need
        record.index = <uint32_t> (index - segment.first)
        record.tail = segment.tail << 8 | flags
        to = (<uint8_t*> record) + need - contents
        memcpy(to, content, contents)
        segment.used += need
        segment.live += 1
        if lsn < segment.lsn:
            segment.lsn = lsn
        if flags & LOGGED:
            self.logged_bytes += need
        self.ready += 1
        self.bytes_ready += body_size(content)
        return 0

    def publish(self, bytes publish not None, bytes properties not None, bytes body not None):
        cdef bytes content = frame_content(properties, body, self.kernel.frame_max)
        cdef const uint8_t* octet = <const uint8_t*> <char*> publish
        cdef Py_ssize_t size = len(publish)
        if size < 5 or 3 + octet[2] >= size or 4 + octet[2] + octet[3 + octet[2]] >= size:
            raise ValueError("not the arguments of a basic.publish")
        self.push(octet + 2, tail_size(octet + 2), <const uint8_t*> <char*> content, len(content),
                  is_persistent(properties))

    # ---- out

    cdef Record* pop(self, Segment** segment) except NULL:
        """The next ready message, of which there must be one, becomes unacknowledged."""
        cdef Place place
        cdef Record* record
        cdef uint32_t contents
        cdef uint64_t body
        if self.returned_at < self.returns:
            if self.returned_unsorted:
                self.sort_returned()
            place = self.returned[self.returned_at]
            self.returned_at += 1
            if self.returned_at == self.returns:
                self.returned_at = self.returns = 0
        else:
            self.advance()
            place.segment = self.cursor
            place.offset = self.offset
            self.offset += record_at(place.segment, place.offset).length
        segment[0] = place.segment
        record = record_at(place.segment, place.offset)
        body = body_size(content_of(place.segment, record, &contents))
        self.ready -= 1
        self.unacked += 1
        self.bytes_ready -= body
        self.bytes_unacked += body
        return record

    cdef int settle(self, Segment* segment, uint32_t offset) except -1:
        """An unacknowledged message is done with."""
        cdef Record* record = record_at(segment, offset)
        cdef uint32_t contents
        self.unacked -= 1
        self.bytes_unacked -= body_size(content_of(segment, record, &contents))
        if record.tail & LOGGED:
            self.logged_bytes -= record.length
            if not self.closed:
                self.kernel.journal.settle(self.stream, segment.first + record.index)
        record.tail |= SETTLED
        self.release(segment)
        return 0

    cdef int requeue(self, Segment* segment, uint32_t offset) except -1:
        """An unacknowledged message is ready again, where it was."""
        cdef Record* record = record_at(segment, offset)
        cdef Place* grown
        cdef size_t room
        cdef uint32_t contents
        cdef uint64_t body
        if self.closed:
            return self.settle(segment, offset)
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
        record.tail |= REDELIVERED
        body = body_size(content_of(segment, record, &contents))
        self.ready += 1
        self.unacked -= 1
        self.bytes_ready += body
        self.bytes_unacked -= body
        self.kernel.touch_queue(self)
        return 0

    cdef int sort_returned(self) except -1:
        qsort(self.returned + self.returned_at, self.returns - self.returned_at, sizeof(Place), by_place)
        self.returned_unsorted = False
        return 0

    def purge(self):
        cdef uint64_t count = self.ready
        cdef Segment* segment = NULL
        cdef Record* record
        while self.ready:
            record = self.pop(&segment)
            self.settle(segment, <uint32_t> (<uint8_t*> record - octets(segment)))
        return count

    def close(self):
        if self.closed:
            return
        if self.stream:
            self.kernel.journal.note(self.stream, KIND_CLOSED, NULL, 0, 0)
        self.closed = True
        self.purge()

    # ---- who takes

    cdef int add(self, Sink sink) except -1:
        self.sinks.append(sink)
        self.kernel.touch_queue(self)
        return 0

    cdef int remove(self, Sink sink) except -1:
        if sink in self.sinks:
            self.sinks.remove(sink)
        return 0

    cdef int run(self) except -1:
        """Hands out what is ready: all to the only consumer, else one to each in turn."""
        cdef size_t count = len(self.sinks)
        cdef size_t idle = 0
        if count == 1:
            (<Sink> self.sinks[0]).take(self.ready)
            return 0
        while self.ready and idle < count:
            if self.turn >= count:
                self.turn = 0
            idle = 0 if (<Sink> self.sinks[self.turn]).take(1) else idle + 1
            self.turn += 1
        return 0

    # ---- the log's files

    @property
    def oldest(self):
        cdef Segment* segment = self.head
        cdef uint64_t lsn = UINT64_MAX
        while segment != NULL:
            if segment.lsn < lsn:
                lsn = segment.lsn
            segment = segment.after
        return None if lsn == UINT64_MAX else lsn

    def relocate(self, uint64_t before):
        cdef Segment* segment = self.head
        cdef uint64_t count = 0
        while segment != NULL and not self.closed:
            if segment.lsn < before:
                count += self.relocate_segment(segment)
            segment = segment.after
        return count

    cdef int relocate_segment(self, Segment* segment) except -1:
        cdef uint32_t offset = 0, contents = 0
        cdef Record* record
        cdef const uint8_t* tail
        cdef const uint8_t* content
        cdef int count = 0
        cdef uint64_t lsn
        segment.lsn = UINT64_MAX
        while offset < segment.used:
            record = record_at(segment, offset)
            if record.tail & LOGGED and not record.tail & SETTLED:
                tail = tail_of(segment, record)
                content = content_of(segment, record, &contents)
                lsn = self.kernel.journal.relocate(
                    self.stream, segment.first + record.index, tail, tail_size(tail), content, contents
                )
                if lsn < segment.lsn:
                    segment.lsn = lsn
                count += 1
            offset += record.length
        return count
