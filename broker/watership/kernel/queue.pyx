"""The messages of one queue and the rules they live by. See queue.pyi for what callers may rely on, lane.pxd for the bytes.

A message is ready, unacknowledged, or dead: on its way to where dead letters go. It leaves the log when it is finished,
never before what replaces it has been appended.
"""

from libc.stdint cimport UINT64_MAX

from watership.kernel.clock cimport wall_ms
from watership.kernel.content cimport body_of, frame_content, read_content
from watership.kernel.dead cimport Dead
from watership.kernel.entry cimport KIND_CLOSED, NOTE_DIED
from watership.kernel.lane cimport (
    COUNTED, DIED, LOGGED, REDELIVERED, SETTLED, TIMED, body_size, content_of, count_of, expiry_of, offset_of, record_at,
    tail_of, tail_size,
)
from watership.kernel.octets cimport get32, ld32, put32
from watership.kernel.page cimport count_in, entry_of, first_of, level_of, ranges_of
from watership.kernel.tick cimport Kernel, Work


cdef class Sink:
    cdef int64_t take(self, int64_t limit) except -1:
        return 0


cdef class Queue(Work):
    def __init__(self, Kernel kernel not None, str name not None, *, uint32_t stream=0, uint32_t priorities=0,
                 bint counting=False, bint single=False):
        self.kernel = kernel
        self.name = name
        self.stream = stream if kernel.journal is not None else 0
        self.counting = counting
        self.single = single
        self.lane = Lane(kernel, stream=self.stream)
        if priorities:
            self.lanes = [self.lane]
            for level in range(1, priorities + 1):
                self.lanes.append(Lane(kernel, stream=self.stream, level=level))
        self.ttl = self.max_length = self.max_bytes = self.delivery_limit = -1
        self.overflow = "drop-head"
        self.next = 1
        self.sinks = []

    def configure(self, *, int64_t ttl=-1, int64_t max_length=-1, int64_t max_bytes=-1, str overflow="drop-head",
                  int64_t delivery_limit=-1, on_dead=None):
        self.ttl, self.max_length, self.max_bytes = ttl, max_length, max_bytes
        self.overflow, self.delivery_limit, self.on_dead = overflow, delivery_limit, on_dead
        self.limited = max_length >= 0 or max_bytes >= 0
        self.reject_new = overflow != "drop-head"
        if self.limited and not self.reject_new:
            self.trim()

    @property
    def memory(self):
        return self.lane.memory if self.lanes is None else sum([(<Lane> lane).memory for lane in self.lanes])

    @property
    def logged_bytes(self):
        return self.lane.logged if self.lanes is None else sum([(<Lane> lane).logged for lane in self.lanes])

    # ---- in

    cdef int push(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents,
                  Properties* properties) except -1:
        """A new message, logged when it is to survive. 0: the queue refuses it."""
        cdef Message message
        if self.closed:
            return 1
        if self.gate is not None and not self.gate((<const char*> content + 19)[:ld32(content + 3) - 12]):
            return 1
        if self.limited and self.reject_new and not self.admit(tail, tails, content, contents):
            self.refused += 1
            return 0
        message.tail = tail
        message.tails = tails
        message.content = content
        message.contents = contents
        message.index = self.next
        message.lsn = UINT64_MAX
        message.flags = (COUNTED if self.counting else 0) | properties.marks
        message.count = 0
        message.expires = 0
        if self.ttl >= 0 or properties.expiration >= 0 or properties.delay:
            message.expires = self.expiry(properties)
        if self.stream and properties.mode == 2:
            message.flags |= LOGGED
            message.lsn = self.kernel.journal.enqueue(
                self.stream, self.next, message.expires | (NOTE_DIED if properties.marks & DIED else 0), tail, tails, content, contents
            )
            self.next += 1
        self.put(&message, properties.priority)
        self.published += 1
        if self.limited and not self.reject_new:
            self.trim()
        elif message.expires and (self.ttl == 0 or properties.expiration == 0):
            self.deliver_or_expire()
        self.kernel.touch_queue(self)
        return 1

    cdef int deliver_or_expire(self) except -1:
        """A message that lives for 0 ms goes to a consumer that waits for it, or nowhere."""
        self.sparing = True
        try:
            self.run()
        finally:
            self.sparing = False
        return self.expire()

    cdef int put(self, Message* message, uint32_t priority) except -1:
        self.lane_for(priority).put(message)
        if message.expires:
            self.timed += 1
        self.ready += 1
        self.bytes_ready += body_size(message.content)
        return 0

    cdef int restore(self, Message* message) except -1:
        """One that was logged before the broker started."""
        cdef Properties properties
        properties.priority = 0
        if self.counting:
            message.flags |= COUNTED
        if self.lanes is not None:
            read_content(message.content, &properties)
        self.put(message, properties.priority)
        return self.kernel.touch_queue(self)

    cdef uint32_t adopt(self, Page* page, uint64_t lsn) except 0:
        """The same for a page of them. Returns how many."""
        self.ready += page.messages
        self.bytes_ready += page.bodies
        self.timed += page.timed
        self.lane_for(level_of(entry_of(page))).adopt(page, lsn)
        self.kernel.touch_queue(self)
        return page.messages

    cdef uint64_t expiry(self, Properties* properties) noexcept:
        """When a message ends that arrives now: the shorter of the queue's and its own time to live."""
        cdef int64_t ttl = self.ttl
        if ttl < 0 or 0 <= properties.expiration < ttl:
            ttl = properties.expiration
        return wall_ms() + <uint64_t> ttl

    cdef Lane lane_for(self, uint32_t priority):
        if self.lanes is None:
            return self.lane
        if self.counting:                      # quorum: two levels, normal and high
            priority = 1 if priority > 4 else 0
        if priority >= <uint32_t> len(self.lanes):
            priority = <uint32_t> len(self.lanes) - 1
        if priority > self.top:
            self.top = priority
        return self.lanes[priority]

    def publish(self, bytes publish not None, bytes properties not None, bytes body not None, *, bint died=False,
                bint redelivered=False, int64_t delay=0):
        cdef bytes content = frame_content(properties, body, self.kernel.frame_max)
        cdef const uint8_t* octet = <const uint8_t*> <char*> publish
        cdef Py_ssize_t size = len(publish)
        cdef Properties read
        if size < 5 or 3 + octet[2] >= size or 4 + octet[2] + octet[3 + octet[2]] >= size:
            raise ValueError("not the arguments of a basic.publish")
        if not read_content(<const uint8_t*> <char*> content, &read):
            raise ValueError("malformed property list")
        read.delay = delay
        read.marks = (DIED if died else 0) | (REDELIVERED if redelivered else 0)
        return bool(self.push(octet + 2, tail_size(octet + 2), <const uint8_t*> <char*> content, len(content), &read))

    # ---- limits

    cdef bint over(self, uint64_t messages, uint64_t octets) noexcept:
        return (self.max_length >= 0 and messages > <uint64_t> self.max_length
                or self.max_bytes >= 0 and octets > <uint64_t> self.max_bytes)

    cdef bint admit(self, const uint8_t* tail, uint32_t tails, const uint8_t* content, uint32_t contents) except -1:
        """Whether there is room for one more. Consumers with credit take first what they can."""
        cdef Dead dead
        if not self.over(self.ready + 1, self.bytes_ready + body_size(content)):
            return True
        self.run()
        if not self.over(self.ready + 1, self.bytes_ready + body_size(content)):
            return True
        if self.overflow == "reject-publish-dlx" and self.on_dead is not None:
            dead = Dead.__new__(Dead)
            dead.queue = self
            dead.reason = MAXLEN
            dead.tail = (<const char*> tail)[:tails]
            dead.properties = (<const char*> content + 19)[:ld32(content + 3) - 12]
            dead.body = body_of(content, contents)
            self.kernel.bury(dead)
        return False

    cdef int trim(self) except -1:
        """Drops from the head what is too much, after consumers with credit took what they can."""
        cdef Segment* segment = NULL
        cdef Record* record
        if not self.over(self.ready, self.bytes_ready):
            return 0
        self.run()
        while self.ready and self.over(self.ready, self.bytes_ready):
            record = self.take(self.next_lane(), &segment)
            self.dropped += 1
            self.bury(segment, offset_of(segment, record), MAXLEN)
        return 0

    # ---- out

    cdef Lane next_lane(self):
        """Where the next message comes from; something must be ready."""
        if self.lanes is None:
            return self.lane
        while self.top and (<Lane> self.lanes[self.top]).ready == 0:
            self.top -= 1
        if self.counting and self.top and self.favoured >= 2 and self.lane.ready:
            return self.lane
        return self.lanes[self.top]

    cdef Record* take(self, Lane lane, Segment** segment) except NULL:
        """The lane's first message is not ready any more."""
        cdef Record* record = lane.take(segment)
        cdef uint32_t contents
        self.ready -= 1
        self.bytes_ready -= body_size(content_of(segment[0], record, &contents))
        if record.tail & TIMED:
            self.timed -= 1
        if self.counting:
            self.favoured = 0 if lane is self.lane else self.favoured + 1
        return record

    cdef Record* pop(self, Segment** segment) except NULL:
        """The next ready message, of which there must be one, becomes unacknowledged."""
        cdef Record* record = self.take(self.next_lane(), segment)
        cdef uint32_t contents
        self.unacked += 1
        self.bytes_unacked += body_size(content_of(segment[0], record, &contents))
        return record

    cdef int finish(self, Segment* segment, uint32_t offset) except -1:
        """Nobody needs the message any more."""
        cdef Record* record = record_at(segment, offset)
        if record.tail & LOGGED:
            (<Lane> segment.lane).logged -= record.length
            if not self.closed:
                self.kernel.journal.settle(self.stream, segment.first + record.index, 1)
        record.tail |= SETTLED
        (<Lane> segment.lane).release(segment)
        return 0

    cdef int forget(self, Segment* segment, uint32_t offset) except -1:
        """It is not unacknowledged any more."""
        cdef uint32_t contents
        self.unacked -= 1
        self.bytes_unacked -= body_size(content_of(segment, record_at(segment, offset), &contents))
        return 0

    cdef int settle(self, Segment* segment, uint32_t offset) except -1:
        """An unacknowledged message has been dealt with."""
        self.forget(segment, offset)
        return self.finish(segment, offset)

    cdef int reject(self, Segment* segment, uint32_t offset) except -1:
        """An unacknowledged message is not wanted."""
        self.forget(segment, offset)
        return self.bury(segment, offset, REJECTED)

    cdef int requeue(self, Segment* segment, uint32_t offset) except -1:
        """An unacknowledged message is ready again, where it was."""
        cdef Record* record = record_at(segment, offset)
        cdef Lane lane = <Lane> segment.lane
        cdef uint32_t contents, count
        cdef uint64_t body = body_size(content_of(segment, record, &contents))
        if self.closed:
            return self.settle(segment, offset)
        self.unacked -= 1
        self.bytes_unacked -= body
        record.tail |= REDELIVERED
        if record.tail & COUNTED:
            count = get32(count_of(record)) + 1
            put32(count_of(record), count)
            if record.tail & LOGGED:
                self.kernel.journal.returned(self.stream, segment.first + record.index, count)
            if self.delivery_limit >= 0 and count > self.delivery_limit:
                return self.bury(segment, offset, DELIVERY_LIMIT)
        lane.put_back(segment, offset)
        if self.lanes is not None and lane is not self.lane:
            self.top = len(self.lanes) - 1
        if record.tail & TIMED:
            self.timed += 1
        self.ready += 1
        self.bytes_ready += body
        if self.limited and not self.reject_new:
            self.trim()
        self.kernel.touch_queue(self)
        return 0

    cdef int bury(self, Segment* segment, uint32_t offset, Reason reason) except -1:
        """A message that is neither ready nor unacknowledged any more goes where dead letters go, if anywhere."""
        cdef Dead dead
        if self.on_dead is None:
            return self.finish(segment, offset)
        dead = Dead.__new__(Dead)
        dead.queue = self
        dead.reason = reason
        dead.segment = segment
        dead.offset = offset
        return self.kernel.bury(dead)

    def copy_to(self, Queue other not None):
        """Publishes what is ready here to the other queue as well, and keeps it."""
        cdef Segment* segment = self.lane.cursor
        cdef uint32_t offset = self.lane.offset, contents = 0
        cdef const uint8_t* content
        cdef const uint8_t* tail
        cdef Record* record
        cdef Properties properties
        while segment != NULL:
            if segment.away:
                segment = self.lane.bring(segment)
            while offset < segment.used:
                record = record_at(segment, offset)
                content = content_of(segment, record, &contents)
                tail = tail_of(segment, record)
                read_content(content, &properties)
                other.push(tail, tail_size(tail), content, contents, &properties)
                offset += record.length
            segment = segment.after
            offset = 0

    def purge(self):
        cdef uint64_t count = self.ready
        cdef Segment* segment = NULL
        cdef Record* record
        for lane in (self.lanes or (self.lane,)):
            self.drop_pages(lane)
        while self.ready:
            record = self.take(self.next_lane(), &segment)
            self.finish(segment, offset_of(segment, record))
        return count

    cdef int drop_pages(self, Lane lane) except -1:
        """What lies on disk only is dropped without being read."""
        cdef Segment* segment = lane.head
        cdef Segment* after
        cdef Page* page
        cdef uint32_t at
        while segment != NULL:
            after = segment.after
            if segment.away:
                page = segment.page
                self.ready -= page.messages
                self.bytes_ready -= page.bodies
                self.timed -= page.timed
                for at in range(0 if self.closed else ranges_of(entry_of(page))):
                    self.kernel.journal.settle(self.stream, first_of(entry_of(page), at), count_in(entry_of(page), at))
                lane.drop(segment)
            segment = after
        return 0

    def close(self):
        if self.closed:
            return
        if self.alarm is not None:
            self.alarm.cancel()
        if self.stream:
            self.kernel.journal.note(self.stream, KIND_CLOSED, NULL, 0, 0)
        self.closed = True
        self.purge()

    # ---- time

    cdef int expire(self) except -1:
        """Drops what is at the head and too old. What waits behind something that lives longer has to wait for it."""
        cdef uint64_t now = wall_ms()
        if self.sparing:
            return 0
        if self.lanes is None:
            return self.expire_lane(self.lane, now)
        for lane in self.lanes:
            self.expire_lane(lane, now)
        return 0

    cdef int expire_lane(self, Lane lane, uint64_t now) except -1:
        cdef Segment* segment = NULL
        cdef Record* record
        while lane.ready:
            record = lane.first(&segment)
            if not record.tail & TIMED or expiry_of(record) > now:
                break
            record = self.take(lane, &segment)
            self.expired += 1
            self.bury(segment, offset_of(segment, record), EXPIRED)
        return 0

    cdef uint64_t first_due(self) except? 0:
        """When the next message at a head will be too old; UINT64_MAX: none will."""
        cdef Segment* segment = NULL
        cdef Record* record
        cdef uint64_t due = UINT64_MAX
        cdef Lane lane
        for lane in (self.lanes or (self.lane,)):
            if lane.ready:
                record = lane.first(&segment)
                if record.tail & TIMED and expiry_of(record) < due:
                    due = expiry_of(record)
        return due

    cdef int set_alarm(self) except -1:
        """What will be too old is looked at in time."""
        cdef uint64_t due = self.first_due(), now
        if due == UINT64_MAX or self.alarm is not None and self.alarm_at <= due:
            return 0
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm_at, now = due, wall_ms()
        self.alarm = self.kernel.loop.call_later((due - now) / 1000 if due > now else 0, self.ring)
        return 0

    def ring(self):
        self.alarm = None
        if not self.closed:
            self.run()

    # ---- who takes

    cdef int add(self, Sink sink) except -1:
        """Behind those of the same priority; the only active consumer stays in front."""
        cdef size_t at = len(self.sinks)
        while at and not self.single and (<Sink> self.sinks[at - 1]).priority < sink.priority:
            at -= 1
        self.sinks.insert(at, sink)
        self.grade()
        self.kernel.touch_queue(self)
        return 0

    cdef int remove(self, Sink sink) except -1:
        if sink in self.sinks:
            self.sinks.remove(sink)
            self.grade()
            self.kernel.touch_queue(self)
        return 0

    cdef int grade(self) except -1:
        cdef size_t count = len(self.sinks)
        self.consumers = count
        self.graded = count > 1 and (<Sink> self.sinks[0]).priority != (<Sink> self.sinks[count - 1]).priority
        return 0

    cdef int run(self) except -1:
        """Hands out what is ready: to those of the highest priority that have credit, in turn."""
        cdef size_t count = len(self.sinks), start = 0, end
        if count == 1 or self.single and count:
            if self.ready:
                (<Sink> self.sinks[0]).take(self.ready)
        elif not self.graded:
            self.share(0, count)
        else:
            while start < count and self.ready:
                end = start + 1
                while end < count and (<Sink> self.sinks[end]).priority == (<Sink> self.sinks[start]).priority:
                    end += 1
                self.share(start, end)
                start = end
        if self.timed:
            self.expire()
            if self.timed and not self.closed:
                self.set_alarm()
        return 0

    cdef int share(self, size_t start, size_t end) except -1:
        """One message to each of these in turn."""
        cdef size_t idle = 0
        while self.ready and idle < end - start:
            if self.turn >= end or self.turn < start:
                self.turn = start
            idle = 0 if (<Sink> self.sinks[self.turn]).take(1) else idle + 1
            self.turn += 1
        return 0

    # ---- the log's files

    @property
    def oldest(self):
        cdef uint64_t lsn = UINT64_MAX
        cdef Lane lane
        for lane in (self.lanes or (self.lane,)):
            lsn = min(lsn, lane.oldest())
        return None if lsn == UINT64_MAX else lsn

    def relocate(self, uint64_t before):
        cdef uint64_t count = 0
        cdef Lane lane
        for lane in (self.lanes or (self.lane,)):
            if not self.closed:
                count += lane.relocate(self.stream, before)
        return count
