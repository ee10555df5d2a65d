"""Messages on their way out of a queue to where dead letters go."""

from libc.stdint cimport uint8_t, uint32_t

from watership.kernel.content cimport body_of
from watership.kernel.lane cimport DIED, REDELIVERED, Record, content_of, record_at, tail_of, tail_size
from watership.kernel.octets cimport ld32

from watership.kernel.tick import REASONS


cdef class Dead(Work):
    cdef int run(self) except -1:
        """Hands the message over. What its handler does not take is offered again a second later."""
        cdef Queue queue = self.queue
        if self.segment != NULL:
            self.read()
        taken = queue.on_dead is None
        try:
            taken = taken or queue.on_dead(REASONS[<int> self.reason], self.tail, self.properties, self.body,
                                            self.died, self.redelivered)
        except Exception as error:
            taken = True
            queue.kernel.loop.call_exception_handler(
                {"message": f"a message of queue '{queue.name}' could not be dead-lettered", "exception": error}
            )
        if not taken:
            queue.kernel.loop.call_later(1.0, self.retry)
            return 0
        queue.kernel.dead_lettered[<int> self.reason] += 1
        if self.segment != NULL:
            queue.finish(self.segment, self.offset)
            self.segment = NULL
        return 0

    cdef int read(self) except -1:
        cdef Record* record = record_at(self.segment, self.offset)
        cdef uint32_t contents = 0
        cdef const uint8_t* content = content_of(self.segment, record, &contents)
        cdef const uint8_t* tail = tail_of(self.segment, record)
        self.tail = (<const char*> tail)[:tail_size(tail)]
        self.properties = (<const char*> content + 19)[:ld32(content + 3) - 12]
        self.body = body_of(content, contents)
        self.died = record.tail & DIED
        self.redelivered = record.tail & REDELIVERED
        return 0

    def retry(self):
        self.queue.kernel.bury(self)
