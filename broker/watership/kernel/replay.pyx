"""Reads the log again at the start. See replay.pyi for what callers may rely on, entry.pxd for the bytes.

Messages are noted by address while the files are read, and copied into their queue once it is known which of them were
settled: one small C structure per message, no Python object.
"""

from libc.stdlib cimport free, qsort, realloc
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory

from watership.kernel.entry cimport (
    HEADER, KIND_CLOSED, KIND_COMMAND, KIND_ENQUEUE, KIND_ENQUEUE_NOTED, KIND_RELOCATE, KIND_RELOCATE_NOTED,
    KIND_PAGED, KIND_RETURNED, KIND_SETTLE, KIND_SNAPSHOT, KIND_VOID, NOTE_DIED, NOTE_EXPIRES, SAME, crc32c, entry_crc,
    padded,
)
from watership.kernel.lane cimport (
    DIED, LOGGED, REDELIVERED, Message, Record, Segment, Shelf, content_of, expiry_of, octets, record_at,
    tail_of, tail_size,
)
from watership.kernel.journal cimport Journal
from watership.kernel.octets cimport get16, get32, get64, put32, put64
from watership.kernel.page cimport (
    count_in, crc_of, file_of, first_of, messages_of, octets_of, place_of, ranges_of, restored, sound,
)
from watership.kernel.queue cimport Queue

from watership.kernel.errors import CorruptEntry


cdef int by_index(const void* a, const void* b) noexcept nogil:
    cdef const Found* one = <const Found*> a
    cdef const Found* two = <const Found*> b
    if one.index != two.index:
        return -1 if one.index < two.index else 1
    return -1 if one.lsn < two.lsn else (1 if one.lsn > two.lsn else 0)


cdef int by_first(const void* a, const void* b) noexcept nogil:
    cdef uint64_t one = (<const Range*> a).first
    cdef uint64_t two = (<const Range*> b).first
    return -1 if one < two else (1 if one > two else 0)


cdef bint intact(const uint8_t* at, size_t left, uint64_t lsn) noexcept nogil:
    """An entry with this position begins here and is all there."""
    cdef uint32_t length
    if left < HEADER or get64(at + 8) != lsn:
        return False
    length = get32(at)
    return HEADER <= length <= left and entry_crc(at, length) == get32(at + 4)


cdef size_t later_commit(const uint8_t* data, size_t size, size_t bad, uint64_t base) noexcept nogil:
    """Where an intact entry lies whose commit began behind `bad`; 0: nowhere. Only a synced log grows by another commit."""
    cdef size_t at = bad + 8
    while at + HEADER <= size:
        if get64(data + at + 8) == base + at and at > get32(data + at + 32) + bad and intact(data + at, size - at, base + at):
            return at
        at += 8
    return 0


cdef class Held:
    def __init__(self, data):
        PyObject_GetBuffer(data, &self.buffer, PyBUF_SIMPLE)
        self.holding = True

    def release(self):
        if self.holding:
            self.holding = False
            PyBuffer_Release(&self.buffer)

    def __dealloc__(self):
        if self.holding:
            PyBuffer_Release(&self.buffer)


cdef class Stream:
    def __cinit__(self):
        self.returned = {}
        self.pages = {}
        self.broken = []

    def __dealloc__(self):
        free(self.found)
        free(self.ranges)

    cdef int add(self, Found one) except -1:
        cdef Found* grown
        cdef size_t room
        if self.founds == self.found_room:
            room = self.found_room * 2 or 64
            grown = <Found*> realloc(self.found, room * sizeof(Found))
            if grown == NULL:
                raise MemoryError
            self.found = grown
            self.found_room = room
        self.found[self.founds] = one
        self.founds += 1
        self.top = max(self.top, one.index)
        return 0

    cdef int settle(self, uint64_t first, uint64_t count) except -1:
        cdef Range* grown
        cdef size_t room
        if self.range_count == self.range_room:
            room = self.range_room * 2 or 64
            grown = <Range*> realloc(self.ranges, room * sizeof(Range))
            if grown == NULL:
                raise MemoryError
            self.ranges = grown
            self.range_room = room
        self.ranges[self.range_count].first = first
        self.ranges[self.range_count].count = count
        self.range_count += 1
        self.top = max(self.top, first + count - 1)
        return 0

    cdef int merge(self) noexcept:
        """What is settled, in order, and no range touches another."""
        cdef size_t i, kept = 0
        cdef uint64_t end
        qsort(self.ranges, self.range_count, sizeof(Range), by_first)
        for i in range(self.range_count):
            end = self.ranges[i].first + self.ranges[i].count
            if kept and self.ranges[i].first <= self.ranges[kept - 1].first + self.ranges[kept - 1].count:
                self.ranges[kept - 1].count = max(end, self.ranges[kept - 1].first + self.ranges[kept - 1].count) - self.ranges[kept - 1].first
            else:
                self.ranges[kept] = self.ranges[i]
                kept += 1
        self.range_count = kept
        return 0

    cdef uint64_t settled(self, uint64_t first, uint64_t count) noexcept:
        """How many of these are, after `merge`."""
        cdef size_t low = 0, high = self.range_count, middle
        cdef uint64_t end = first + count, found = 0
        while low < high:
            middle = (low + high) // 2
            if self.ranges[middle].first + self.ranges[middle].count <= first:
                low = middle + 1
            else:
                high = middle
        while low < self.range_count and self.ranges[low].first < end:
            found += min(end, self.ranges[low].first + self.ranges[low].count) - max(first, self.ranges[low].first)
            low += 1
        return found

    cdef size_t alive(self) noexcept:
        """Keeps only what was never settled, once each, in the queue's order. Returns how many."""
        cdef size_t i, kept = 0, at = 0
        qsort(self.found, self.founds, sizeof(Found), by_index)
        self.merge()
        for i in range(self.founds):
            while at < self.range_count and self.ranges[at].first + self.ranges[at].count <= self.found[i].index:
                at += 1
            if at < self.range_count and self.ranges[at].first <= self.found[i].index:
                continue
            if i + 1 < self.founds and self.found[i + 1].index == self.found[i].index:
                continue                     # logged again further on
            self.found[kept] = self.found[i]
            kept += 1
        self.founds = kept
        return kept

    cdef uint64_t logged_again(self, uint64_t first, uint64_t count, uint64_t lsn) noexcept:
        """How many of these are alive by what was logged behind `lsn`, after `alive`."""
        cdef size_t low = 0, high = self.founds, middle
        cdef uint64_t again = 0
        while low < high:
            middle = (low + high) // 2
            if self.found[middle].index < first:
                low = middle + 1
            else:
                high = middle
        while low < self.founds and self.found[low].index < first + count:
            again += self.found[low].lsn > lsn
            low += 1
        return again

    cdef int unpack(self, Segment* segment, uint64_t lsn) except -1:
        """The logged messages of a page, which some were settled of, as if the log held them."""
        cdef uint32_t at = 0
        cdef Record* record
        cdef Found one
        one.lsn = lsn
        one.paged = True
        while at < segment.used:
            record = record_at(segment, at)
            at += record.length
            if record.tail & LOGGED:
                one.index = segment.first + record.index
                one.note = expiry_of(record) | (NOTE_DIED if record.tail & DIED else 0)
                one.tail = tail_of(segment, record)
                one.content = content_of(segment, record, &one.size)
                self.add(one)
        return 0


cdef class Replay:
    def __init__(self, pages=None):
        self.pages = pages
        self.commands = []
        self.found = {}
        self.held = []

    @property
    def streams(self):
        return {number for number, (messages, _) in self.counts().items() if messages}

    def feed(self, data, uint64_t base, *, bint last):
        cdef Held held = Held(data)
        cdef const uint8_t* octets = <const uint8_t*> held.buffer.buf
        cdef size_t size = held.buffer.len, at = 0, later
        self.held.append(held)
        while intact(octets + at, size - at, base + at):
            self.at = at
            self.take(octets + at, base + at)
            at += padded(get32(octets + at))
            if at > size:
                at = size
        if last:
            later = later_commit(octets, size, at, base)
            if later:
                raise CorruptEntry(at, f"though what was written after it, at offset {later}, is intact")
        self.end = base + at
        return at

    cdef int take(self, const uint8_t* entry, uint64_t lsn) except -1:
        cdef uint32_t kind = get32(entry + 36), number = get32(entry + 24)
        cdef Stream stream
        if kind == KIND_VOID:
            return 0
        if kind == KIND_COMMAND or kind == KIND_SNAPSHOT:
            payload = PyBytes_FromStringAndSize(<const char*> entry + HEADER, get32(entry) - HEADER)
            if kind == KIND_COMMAND:
                self.commands.append(payload)
            else:
                self.snapshot = payload
                self.snapshot_lsn = lsn
                self.commands = []
            return 0
        stream = self.found.get(number)
        if stream is None:
            stream = self.found[number] = Stream()
        if kind == KIND_ENQUEUE or kind == KIND_RELOCATE or kind == KIND_ENQUEUE_NOTED or kind == KIND_RELOCATE_NOTED:
            return self.take_records(stream, entry, lsn)
        if kind == KIND_SETTLE:
            return self.take_ranges(stream, entry)
        if kind == KIND_PAGED:
            return self.take_page(stream, entry, lsn)
        if kind == KIND_RETURNED and get32(entry) >= HEADER + 12:
            stream.returned[get64(entry + HEADER)] = get32(entry + HEADER + 8)
            return 0
        if kind == KIND_CLOSED:
            del self.found[number]
            return 0
        raise CorruptEntry(self.at, f"where there is an entry of an unknown kind ({kind})")

    cdef int take_records(self, Stream stream, const uint8_t* entry, uint64_t lsn) except -1:
        """Intact by its checksum, and still no length is trusted."""
        cdef uint32_t kind = get32(entry + 36)
        cdef bint relocated = kind == KIND_RELOCATE or kind == KIND_RELOCATE_NOTED
        cdef bint noted = kind == KIND_ENQUEUE_NOTED or kind == KIND_RELOCATE_NOTED
        cdef size_t at = HEADER + 4, length = get32(entry), need = 6 + (8 if relocated else 0) + (8 if noted else 0)
        cdef uint32_t left, tails
        cdef Found one
        one.index = get64(entry + 16)
        one.lsn = lsn
        one.note = 0
        one.tail = NULL
        one.paged = False
        left = get32(entry + HEADER) if length >= at else 0xFFFFFFFF
        while left:
            if length < at + need:
                raise CorruptEntry(self.at, "where a batch of messages ends too early")
            if relocated:
                one.index = get64(entry + at)
            if noted:
                one.note = get64(entry + at + need - 14)
            one.size = get32(entry + at + need - 6)
            tails = get16(entry + at + need - 2)
            at += need
            if tails != SAME:
                if tails < 2 or length < at + tails or <uint32_t> 1 + entry[at] >= tails or tail_size(entry + at) != tails:
                    raise CorruptEntry(self.at, "where a batch of messages holds a malformed routing key")
                one.tail = entry + at
                at += tails
            if one.tail == NULL or length < at + one.size or one.size < 22:
                raise CorruptEntry(self.at, "where a batch of messages ends too early")
            one.content = entry + at
            stream.add(one)
            at += one.size
            one.index += 1
            left -= 1
        return 0

    cdef int take_ranges(self, Stream stream, const uint8_t* entry) except -1:
        cdef size_t at = HEADER, length = get32(entry)
        while at + 12 <= length:
            stream.settle(get64(entry + at), get32(entry + at + 8))
            at += 12
        return 0

    cdef int take_page(self, Stream stream, const uint8_t* entry, uint64_t lsn) except -1:
        cdef const uint8_t* page = entry + HEADER
        cdef uint32_t size = get32(entry) - HEADER, last
        if not sound(page, size):
            raise CorruptEntry(self.at, "where it is said what lies in a page, but the numbers do not agree")
        last = ranges_of(page) - 1
        stream.top = max(stream.top, first_of(page, last) + count_in(page, last) - 1)
        place = file_of(page), place_of(page)
        before = stream.pages[place][4] if place in stream.pages else ()
        stream.pages[place] = (
            first_of(page, 0), lsn, get64(entry + 16), PyBytes_FromStringAndSize(<const char*> page, size),
            (*before, (lsn, padded(get32(entry)))),
        )
        return 0

    cdef list needed_pages(self, Stream stream):
        """Pages that hold what nothing else does: `whole` ones, which nothing happened to, and `broken` ones."""
        cdef const uint8_t* page
        cdef uint64_t done
        cdef uint32_t at
        stream.alive()
        stream.whole, stream.broken = [], []
        for one in sorted(stream.pages.values()):
            page = <const uint8_t*> PyBytes_AS_STRING(one[3])
            done = 0
            for at in range(ranges_of(page)):
                done += stream.settled(first_of(page, at), count_in(page, at))
                done += stream.logged_again(first_of(page, at), count_in(page, at), one[1])
            if done == 0:
                stream.whole.append(one)
            elif done < messages_of(page):
                stream.broken.append(one)
        return stream.whole + stream.broken

    cdef list whole_pages(self, Stream stream):
        """Those, in the queue's order; what is left in broken ones joins what the log holds."""
        cdef const uint8_t* page
        cdef uint32_t at
        if stream.whole is not None:
            return stream.whole
        self.needed_pages(stream)
        for one in stream.broken:
            held = Held(self.read_page(one))
            self.held.append(held)
            stream.unpack(<Segment*> (<Held> held).buffer.buf, one[1])
        for one in stream.whole:
            page = <const uint8_t*> PyBytes_AS_STRING(one[3])
            for at in range(ranges_of(page)):     # what the log says of these messages is not needed
                stream.settle(first_of(page, at), count_in(page, at))
        stream.alive()
        return stream.whole

    cdef bytes read_page(self, tuple one):
        """A segment. Raises OSError when it is not what was written."""
        cdef const uint8_t* page = <const uint8_t*> PyBytes_AS_STRING(one[3])
        cdef uint32_t size = octets_of(page)
        cdef bytes data = bytes(sizeof(Segment) + size)
        cdef Segment* segment = <Segment*> PyBytes_AS_STRING(data)
        self.pages.read(file_of(page), place_of(page), PyMemoryView_FromMemory(<char*> octets(segment), size, PyBUF_WRITE))
        if crc32c(0, octets(segment), size) != crc_of(page):
            raise self.pages.damaged(file_of(page), place_of(page), size)
        segment.first = one[2]
        segment.used = size
        return data

    def damaged_pages(self):
        cdef const uint8_t* page
        damaged = []
        for stream in self.found.values():
            for one in self.needed_pages(stream):
                try:
                    self.read_page(one)
                except OSError as error:
                    page = <const uint8_t*> PyBytes_AS_STRING(one[3])
                    damaged.append((error, messages_of(page), one[4]))
        return damaged

    def counts(self):
        cdef Stream stream
        cdef const uint8_t* page
        counts = {}
        for number, stream in self.found.items():
            messages, octets = 0, 0
            for one in self.whole_pages(stream):
                page = <const uint8_t*> PyBytes_AS_STRING(one[3])
                messages += messages_of(page)
                octets += get64(page + 24)
            octets += sum([stream.found[i].size for i in range(stream.founds)])
            counts[number] = (messages + stream.founds, octets)
        return counts

    def restore(self, uint32_t number, Queue queue not None):
        cdef Stream stream = self.found.pop(number, None)
        cdef Message message
        cdef size_t i, messages = 0, adopted = 0
        cdef Found* one
        if stream is None:
            return 0
        pages = self.whole_pages(stream)
        for i in range(stream.founds):
            one = &stream.found[i]
            while adopted < <size_t> len(pages) and pages[adopted][0] < one.index:
                messages += queue.adopt(self.claim(pages[adopted]), pages[adopted][1])
                adopted += 1
            message.tail = one.tail
            message.tails = tail_size(one.tail)
            message.content = one.content
            message.contents = one.size
            message.index = one.index
            message.expires = one.note & NOTE_EXPIRES
            message.lsn = one.lsn
            message.flags = LOGGED | REDELIVERED | (DIED if one.note & NOTE_DIED else 0)
            message.count = stream.returned.get(one.index, 0) if stream.returned else 0
            if one.paged:
                message.lsn = self.log_again(queue, &message, one.note)
            queue.restore(&message)
        for page in pages[adopted:]:
            messages += queue.adopt(self.claim(page), page[1])
        for page in stream.broken:
            (<Shelf> queue.kernel.shelf).release(self.claim(page))
        queue.next = stream.top + 1
        return messages + stream.founds

    cdef Page* claim(self, tuple one) except NULL:
        cdef const uint8_t* page = <const uint8_t*> PyBytes_AS_STRING(one[3])
        self.pages.claim(file_of(page), place_of(page) + octets_of(page))
        return restored(page, len(one[3]), one[2])

    cdef uint64_t log_again(self, Queue queue, Message* message, uint64_t note) except 0:
        """It needs its page no more."""
        cdef Journal journal = queue.kernel.journal
        cdef uint64_t lsn = journal.relocate(
            queue.stream, message.index, note, message.tail, message.tails, message.content, message.contents
        )
        if message.count:
            journal.returned(queue.stream, message.index, message.count)
        return lsn

    def close(self):
        self.found = {}
        for held in self.held:
            held.release()
        self.held = []


def next_intact(data, uint64_t base, size_t after):
    cdef Held held = Held(data)
    cdef const uint8_t* octets = <const uint8_t*> held.buffer.buf
    cdef size_t size = held.buffer.len, at = (after + 8) & ~<size_t> 7
    while at + HEADER <= size:
        if get64(octets + at + 8) == base + at and intact(octets + at, size - at, base + at):
            return at
        at += 8
    return 0


def void(uint64_t lsn, uint32_t length):
    cdef bytes entry = bytes(length)
    cdef uint8_t* octets = <uint8_t*> PyBytes_AS_STRING(entry)
    if length < HEADER:
        raise ValueError(f"an entry has at least {HEADER} octets, not {length}")
    put32(octets, length)
    put64(octets + 8, lsn)
    put32(octets + 36, KIND_VOID)
    put32(octets + 4, entry_crc(octets, length))
    return entry
