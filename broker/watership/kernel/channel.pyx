"""Deliveries, acknowledgements and confirms of one channel. See channel.pyi.

Delivery tags count up by one, so what is unacknowledged lives in a ring where tag - first tag is nearly always the place.
A settled entry leaves a gap until those before it are settled too, or until room is short. Each entry holds a reference to its consumer and so to its queue, whose segments
therefore outlive it.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject

from watership.kernel.clock cimport uptime_s
from watership.kernel.content cimport END, FRAME, body_of, with_count
from watership.kernel.lane cimport (
    COUNTED, REDELIVERED, Record, Segment, content_of, count_of, offset_of, tail_of, tail_size,
)
from watership.kernel.octets cimport get32, ld32, st16, st32, st64
from watership.kernel.outbox cimport Outbox
from watership.kernel.queue cimport Queue, Sink

from watership.kernel.errors import ProtocolViolation

cdef int64_t NO_LIMIT = (<int64_t> 1) << 62


cdef class Channel:
    def __init__(self, Outbox connection not None, uint16_t number):
        if number in connection.channels:
            raise ValueError(f"channel {number} is open already")
        self.connection = connection
        self.number = number
        self.flowing = True
        self.pending = []
        self.refused = []
        self.held = []
        self.consumers = []
        self.routes = {}
        connection.channels[number] = self
        connection.forget(-1)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            if self.at(i).consumer != NULL:
                Py_DECREF(<object> self.at(i).consumer)
        free(self.ring)

    @property
    def active(self):
        return self.flowing

    @active.setter
    def active(self, bint value):
        self.flowing = value
        if value:
            self.wake()

    @property
    def unconfirmed(self):
        return self.sequence - self.answered if self.confirming else 0

    # ---- deliveries

    cdef Unacked* at(self, uint32_t position) noexcept:
        return &self.ring[(self.first + position) & (self.room - 1)]

    cdef int enlarge(self) except -1:
        """Room for one more: twice as much, unless most of the ring waits for a message that nobody settles."""
        cdef uint32_t room = self.room * 2 or 16, i, kept = 0
        cdef Unacked* ring
        if self.room and self.unacked < self.count // 2:
            room = self.room
        ring = <Unacked*> malloc(room * sizeof(Unacked))
        if ring == NULL:
            raise MemoryError
        for i in range(self.count):
            if self.at(i).consumer != NULL:
                ring[kept] = self.at(i)[0]
                kept += 1
        free(self.ring)
        self.ring = ring
        self.room = room
        self.first = 0
        self.count = kept
        return 0

    cdef Unacked* find(self, uint64_t tag) noexcept:
        """What is unacknowledged under `tag`. Tags in the ring have few gaps: the first guess is nearly always right."""
        cdef uint32_t low = 0, high = self.count, middle
        cdef uint64_t guess
        if self.count == 0 or tag < self.at(0).tag:
            return NULL
        guess = tag - self.at(0).tag
        if guess < self.count and self.at(<uint32_t> guess).tag == tag:
            low = <uint32_t> guess
        else:
            while low < high:
                middle = low + (high - low) // 2
                if self.at(middle).tag < tag:
                    low = middle + 1
                else:
                    high = middle
        if low == self.count or self.at(low).tag != tag or self.at(low).consumer == NULL:
            return NULL
        return self.at(low)

    cdef uint64_t track(self, Segment* segment, uint32_t offset, Consumer consumer) except 0:
        """A new delivery's tag; it is kept until it is settled, unless segment is NULL: not to be acknowledged."""
        cdef Unacked* place
        self.tags += 1
        if segment == NULL:
            return self.tags
        if self.count == self.room:
            self.enlarge()
        place = self.at(self.count)
        self.count += 1
        place.tag = self.tags
        place.segment = segment
        place.offset = offset
        place.since = uptime_s()
        Py_INCREF(consumer)
        place.consumer = <PyObject*> consumer
        consumer.unacked += 1
        self.unacked += 1
        return self.tags

    cdef int send(self, Consumer consumer, Segment* segment, Record* record, bint got) except -1:
        """One message out of the queue to the peer: basic.deliver or basic.get-ok, header and body."""
        cdef Outbox out = self.connection
        cdef Queue queue = consumer.queue
        cdef uint32_t offset = offset_of(segment, record), contents = 0
        cdef const uint8_t* tail = tail_of(segment, record)
        cdef const uint8_t* content = content_of(segment, record, &contents)
        cdef uint32_t tails = tail_size(tail), tags = <uint32_t> len(consumer.tag)
        cdef uint32_t method = 13 + tails + (4 if got else 1 + tags)
        cdef uint64_t tag = self.track(NULL if consumer.no_ack else segment, offset, consumer)
        cdef uint8_t* to = out.reserve(method + FRAME + contents)
        to[0] = 1
        st16(to + 1, self.number)
        st32(to + 3, method)
        st32(to + 7, 0x3C0047 if got else 0x3C003C)
        to += 11
        if not got:
            to[0] = <uint8_t> tags
            memcpy(to + 1, PyBytes_AS_STRING(consumer.tag), tags)
            to += 1 + tags
        st64(to, tag)
        to[8] = 1 if record.tail & REDELIVERED else 0
        memcpy(to + 9, tail, tails)
        to += 9 + tails
        if got:
            st32(to, <uint32_t> queue.ready)
            to += 4
        to[0] = END
        out.used += method + FRAME
        if record.tail & COUNTED and get32(count_of(record)):
            counted = with_count(content, contents, get32(count_of(record)))
            out.put_content(self.number, <const uint8_t*> <char*> counted, <uint32_t> len(counted))
        else:
            out.put_content(self.number, content, contents)
        if record.tail & REDELIVERED:
            queue.redelivered += 1
            self.redelivered += 1
        if self.tap is not None:
            read = PyBytes_FromStringAndSize(<const char*> content + 19, ld32(content + 3) - 12)
            self.tap.delivered(
                queue.name, PyBytes_FromStringAndSize(<const char*> tail, tails), read, body_of(content, contents),
                bool(record.tail & REDELIVERED),
            )
        if consumer.no_ack:
            queue.settle(segment, offset)
        return 0

    cdef int64_t room_for(self, int64_t wanted) noexcept:
        """How many more messages the channel may take."""
        if not self.flowing or self.closing or self.closed:
            return 0
        if self.prefetch:
            return min(wanted, <int64_t> self.prefetch - <int64_t> self.unacked)
        return wanted

    cdef int wake(self) except -1:
        """Its consumers may have credit again."""
        cdef Consumer consumer
        for consumer in self.consumers:
            if consumer.queue.ready:
                consumer.queue.kernel.touch_queue(consumer.queue)
        return 0

    def get(self, Queue queue not None, *, bint no_ack):
        cdef Segment* segment = NULL
        cdef Record* record
        if queue.timed:
            queue.expire()
        if queue.ready == 0:
            queue.got_empty += 1
            return False
        if self.getter is None or self.getter.queue is not queue or self.getter.no_ack != no_ack:
            self.getter = Consumer.__new__(Consumer)
            self.getter.channel = self
            self.getter.queue = queue
            self.getter.tag = b""
            self.getter.no_ack = no_ack
            self.getter.cancelled = True
        record = queue.pop(&segment)
        self.send(self.getter, segment, record, True)
        if no_ack:
            self.got_no_ack += 1
            queue.got_no_ack += 1
        else:
            self.got += 1
            queue.got += 1
        self.connection.touch()
        return True

    # ---- acknowledgements

    def settle(self, uint64_t tag, *, bint multiple=False, bint ack=True, bint requeue=False):
        self.settle_tag(tag, multiple, ack, requeue)

    cdef int settle_tag(self, uint64_t tag, bint multiple, bint ack, bint requeue) except -1:
        cdef Unacked* place = self.find(tag)
        if self.transactional and (place != NULL or multiple and tag == 0):
            self.held.append((tag, multiple, ack, requeue))
            return 0
        if place == NULL and not (multiple and tag == 0):
            raise ProtocolViolation(406, f"unknown delivery tag {tag}", 60, 80 if ack else 120)
        if not multiple:
            self.settle_one(place, ack, requeue)
            self.drop_settled()
        while multiple and self.count and (tag == 0 or self.at(0).tag <= tag):
            place = self.at(0)
            self.first = (self.first + 1) & (self.room - 1)
            self.count -= 1
            if place.consumer != NULL:
                self.settle_one(place, ack, requeue)
        if self.prefetch:
            self.wake()
        return 0

    cdef int settle_one(self, Unacked* place, bint ack, bint requeue) except -1:
        cdef Consumer consumer = <Consumer> place.consumer
        cdef Queue queue = consumer.queue
        place.consumer = NULL
        Py_DECREF(consumer)
        consumer.unacked -= 1
        self.unacked -= 1
        if requeue:
            queue.requeue(place.segment, place.offset)
        elif ack:
            self.acked += 1
            queue.acked += 1
            queue.settle(place.segment, place.offset)
        else:
            queue.reject(place.segment, place.offset)
        if queue.ready:
            queue.kernel.touch_queue(queue)
        return 0

    cdef void drop_settled(self) noexcept:
        while self.count and self.at(0).consumer == NULL:
            self.first = (self.first + 1) & (self.room - 1)
            self.count -= 1

    def recover(self):
        count = self.unacked
        transactional, self.transactional = self.transactional, False
        self.settle_tag(0, True, False, True)
        self.transactional = transactional
        return count

    @property
    def oldest_unacked(self):
        """How many seconds what is unacknowledged longest has waited, and its queue."""
        if self.count == 0:
            return None
        return uptime_s() - self.at(0).since, (<Consumer> self.at(0).consumer).queue

    # ---- transactions

    def select(self):
        self.transactional = True

    def rollback(self):
        self.held = []

    def commit(self):
        held, self.held = self.held, []
        self.transactional = False
        try:
            for work in held:
                if len(work) == 2:
                    self.connection.publish_held(self, work[0], work[1])
                elif work[0] == 0 or self.find(work[0]) != NULL:
                    self.settle_tag(work[0], work[1], work[2], work[3])
        finally:
            self.transactional = True

    def close(self):
        cdef Consumer consumer
        if self.closed:
            return
        self.closed = True
        for consumer in list(self.consumers):
            consumer.cancel()
        self.recover()
        self.getter = None
        self.content = None
        self.routes = {}
        self.latest = None
        self.connection.forget(self.number)

    # ---- confirms

    cdef int confirm(self, uint64_t lsn) except -1:
        """All that was published until now is answered: at once, or when the log is durable up to `lsn`."""
        self.touched = False
        if not self.confirming:
            return 0
        if self.logged or self.pending:
            self.logged = False
            self.pending.append((lsn, self.sequence))
            self.connection.kernel.wait(self.connection)
            return 0
        return self.send_confirms(self.sequence)

    cdef bint release_confirms(self, uint64_t synced) except -1:
        """True: more are waiting."""
        cdef uint64_t sequence = 0
        passed = 0
        while passed < len(self.pending) and self.pending[passed][0] <= synced:
            sequence = self.pending[passed][1]
            passed += 1
        if passed:
            del self.pending[:passed]
            self.send_confirms(sequence)
        return bool(self.pending)

    cdef int send_confirms(self, uint64_t sequence) except -1:
        """basic.ack up to `sequence`, basic.nack for what was refused in between."""
        passed = 0
        while passed < len(self.refused) and self.refused[passed] <= sequence:
            self.send_confirm(self.refused[passed] - 1, True)
            self.send_confirm(self.refused[passed], False)
            passed += 1
        if passed:
            del self.refused[:passed]
        return self.send_confirm(sequence, True)

    cdef int send_confirm(self, uint64_t sequence, bint ack) except -1:
        """One answer for all up to `sequence` that had none."""
        cdef uint8_t* to
        cdef uint64_t count = sequence - self.answered
        if self.closed or self.closing or count == 0:
            return 0
        to = self.connection.reserve(21)
        to[0] = 1
        st16(to + 1, self.number)
        st32(to + 3, 13)
        st32(to + 7, 0x3C0050 if ack else 0x3C0078)
        st64(to + 11, sequence)
        to[19] = 1 if count > 1 else 0
        to[20] = END
        self.connection.used += 21
        self.answered = sequence
        if ack:
            self.confirmed += count
            self.connection.kernel.confirmed += count
        return self.connection.touch()


cdef class Consumer(Sink):
    def __init__(self, Channel channel not None, Queue queue not None, bytes tag not None, *, bint no_ack=False,
                 uint32_t prefetch=0, int64_t priority=0):
        if len(tag) > 255:
            raise ValueError("a consumer tag has at most 255 octets")
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.prefetch = prefetch
        self.priority = priority
        channel.consumers.append(self)
        queue.add(self)

    cdef int64_t take(self, int64_t limit) except -1:
        cdef Channel channel = self.channel
        cdef Queue queue = self.queue
        cdef Segment* segment = NULL
        cdef Record* record
        cdef int64_t taken = 0, most = NO_LIMIT
        if not self.no_ack:
            if self.prefetch:
                most = <int64_t> self.prefetch - <int64_t> self.unacked
            most = channel.room_for(most)
        elif not channel.flowing or channel.closing:
            most = 0
        most = min(most, limit)
        while taken < most and queue.ready and not channel.connection.full():
            if queue.timed:
                queue.expire()
                if queue.ready == 0:
                    break
            record = queue.pop(&segment)
            channel.send(self, segment, record, False)
            taken += 1
        if taken:
            if self.no_ack:
                channel.delivered_no_ack += taken
                queue.delivered_no_ack += taken
            else:
                channel.delivered += taken
                queue.delivered += taken
            channel.connection.touch()
        return taken

    def cancel(self):
        if self.cancelled:
            return
        self.cancelled = True
        self.queue.remove(self)
        if self in self.channel.consumers:
            self.channel.consumers.remove(self)
