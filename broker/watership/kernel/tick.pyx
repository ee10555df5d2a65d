"""What one event loop shares, and the end of each tick. See tick.pyi.

A tick begins with the first thing that becomes dirty and ends when the loop next runs its callbacks: by then every
socket that was readable has been read once, so that their messages share one log commit and one write each way.
"""

from libc.stdint cimport UINT64_MAX
from libc.stdlib cimport free, malloc

from watership.kernel.journal cimport Journal

REASONS = ("rejected", "expired", "maxlen", "delivery_limit")

cdef extern from *:
    """
    #include <malloc.h>
    /* Segments and buffers of up to a mebibyte come and go with every burst: keep 32 MiB of them at hand. Left alone,
       glibc returns them to the system each time, and their page faults cost more than all the rest of a message. */
    static void keep_memory_at_hand(void) {
    #ifdef __GLIBC__
        mallopt(M_MMAP_THRESHOLD, 4 << 20);
        mallopt(M_TRIM_THRESHOLD, 32 << 20);
    #endif
    }
    static void give_memory_back(void) {
    #ifdef __GLIBC__
        malloc_trim(0);
    #endif
    }
    """
    void keep_memory_at_hand()
    void give_memory_back()


cdef uint64_t[8] LIMITS = [100, 1000, 10000, 100000, 1000000, 10000000, 50000000, 100000000]


cdef class Work:
    cdef int run(self) except -1:
        return 0

    cdef bint committed(self, uint64_t synced) except -1:
        """More of the log is durable. True: still waiting."""
        return False

    cdef int failed(self, object error) except -1:
        return 0


cdef class Kernel:
    def __cinit__(self):
        keep_memory_at_hand()
        self.receive = <uint8_t*> malloc(CARRY + RECEIVE)
        if self.receive == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.receive)

    def __init__(self, loop, *, Journal journal=None, uint64_t frame_max=131072, uint64_t max_message_size=16777216):
        self.loop = loop
        self.journal = journal
        self.frame_max = frame_max
        self.max_message_size = max_message_size
        self.queues = []
        self.connections = []
        self.waiters = []
        self.dead = []
        if journal is not None:
            journal.listen(self._committed)

    @property
    def dead_letters(self):
        return {name: self.dead_lettered[place] for place, name in enumerate(REASONS)}

    @property
    def message_sizes(self):
        return [self.sizes[place] for place in range(9)]

    cdef void measure(self, uint64_t size, bint confirming) noexcept:
        """One message has come in."""
        cdef int place = 0
        while place < 8 and size > LIMITS[place]:
            place += 1
        self.sizes[place] += 1
        self.size_sum += size
        self.published += 1
        self.received_confirm += confirming

    def give_back(self):
        give_memory_back()

    def invalidate(self):
        self.epoch += 1

    cdef uint64_t position(self) noexcept:
        """Where the log ends now: what was appended so far is durable once this is."""
        return self.journal.end() if self.journal is not None else 0

    cdef bint is_durable(self, uint64_t lsn) noexcept:
        return self.journal is None or lsn <= self.journal.synced

    cdef int schedule(self) except -1:
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.end_tick)
        return 0

    cdef int touch_queue(self, Work queue) except -1:
        """There may be something to deliver."""
        if not queue.dirty:
            queue.dirty = True
            self.queues.append(queue)
            self.schedule()
        return 0

    cdef int touch_connection(self, Work connection) except -1:
        """There is something to write."""
        if not connection.dirty:
            connection.dirty = True
            self.connections.append(connection)
            self.schedule()
        return 0

    cdef int bury(self, Work dead) except -1:
        """A message that left its queue unconsumed: dealt with at the end of the tick, one after another, not nested."""
        self.dead.append(dead)
        return self.schedule()

    cdef int wait(self, Work work) except -1:
        if not work.waiting:
            work.waiting = True
            self.waiters.append(work)
        return 0

    cdef int sweep(self, list works) except -1:
        cdef Work work
        for work in works:
            work.dirty = False
            try:
                work.run()
            except Exception as error:
                work.failed(error)
                self.loop.call_exception_handler(
                    {"message": f"{type(work).__name__} failed at the end of a tick", "exception": error}
                )
        return 0

    def end_tick(self):
        self.scheduled = False
        if self.dead:
            works, self.dead = self.dead, []
            self.sweep(works)
        if self.journal is not None:
            self.journal.kick()
        works, self.queues = self.queues, []
        self.sweep(works)
        works, self.connections = self.connections, []
        self.sweep(works)
        if self.memory_limit and (self.memory > self.memory_limit) != self.short_of_memory:
            self.short_of_memory = not self.short_of_memory
            if self.on_memory is not None:
                self.on_memory(self.short_of_memory)

    def _committed(self):
        self.wake()

    cdef int wake(self) except -1:
        """Those who wait for the disk look again."""
        cdef Work work
        cdef uint64_t synced = self.journal.synced if self.journal is not None else UINT64_MAX
        works, self.waiters = self.waiters, []
        for work in works:
            work.waiting = False
            if work.committed(synced):
                self.wait(work)
        return 0
