"""Records of one queue, one after the other, in segments of 1 MiB.

A record is appended once, read in order, and released in any order; it never moves, so a place (segment, offset) names it until its
release. A segment is freed when all in it are released and reading has passed it. The list is short (a backlog of a gigabyte is a
thousand segments), and only its front is searched.
"""

from libc.stdlib cimport free, malloc


cdef class Segments:
    def __dealloc__(self):
        cdef Segment *next
        while self.oldest != NULL:
            next = self.oldest.next
            free(self.oldest)
            self.oldest = next

    cdef Record *append(self, uint32_t size, Place *place) except NULL:
        """Room for a record of `size` bytes; the caller fills it in. Sets place's segment and offset."""
        cdef Segment *segment = self.last
        cdef Record *record
        cdef uint32_t capacity
        if segment == NULL or segment.capacity - segment.used < size:
            capacity = SEGMENT_BYTES - sizeof(Segment) - 64
            # A queue that holds little takes little: the first segment is small, later ones are whole.
            if segment == NULL:
                capacity = 4096 - sizeof(Segment) - 64
            if size > capacity:
                capacity = size
            segment = <Segment *> malloc(sizeof(Segment) + capacity)
            if segment == NULL:
                raise MemoryError
            segment.next = NULL
            segment.used = segment.live = 0
            segment.capacity = capacity
            self.memory += capacity
            if self.last == NULL:
                self.oldest = self.reading = segment
                self.read_offset = 0
            else:
                self.last.next = segment
            self.last = segment
        record = record_at(segment, segment.used)
        place.segment = segment
        place.offset = segment.used
        segment.used += size
        segment.live += 1
        return record

    cdef bint peek(self, Place *place) noexcept:
        """The next unread record that is not settled, if any; `step` moves on behind it."""
        cdef Record *record
        while self.reading != NULL:
            while self.read_offset < self.reading.used:
                record = record_at(self.reading, self.read_offset)
                if not record.flags & SETTLED:
                    place.segment = self.reading
                    place.offset = self.read_offset
                    place.index = record.index
                    return True
                self.read_offset += record.size
            if self.reading.next == NULL:
                return False
            self.reading = self.reading.next
            self.read_offset = 0
            self.drop_settled()
        return False

    cdef void step(self) noexcept:
        self.read_offset += record_at(self.reading, self.read_offset).size

    cdef void release(self, Place *place) noexcept:
        cdef Segment *segment = place.segment
        record_at(segment, place.offset).flags |= SETTLED
        segment.live -= 1
        if segment.live:
            return
        if segment == self.last:
            if segment == self.reading and segment == self.oldest and self.read_offset == segment.used:
                segment.used = self.read_offset = 0 # nothing left at all: start over in place
        elif segment == self.oldest:
            self.drop_settled()

    cdef void drop_settled(self) noexcept:
        """Frees segments from the oldest on that nobody needs any more."""
        cdef Segment *segment = self.oldest
        while segment != self.reading and segment.live == 0:
            self.oldest = segment.next
            self.memory -= segment.capacity
            free(segment)
            segment = self.oldest
