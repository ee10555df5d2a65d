"""What one event loop shares: the work left for the end of this tick, the journal, and the epoch of cached routes.

A tick is one read from one socket. Whatever it makes dirty is done once at its end: queues are pumped to consumers with credit,
then every dirty output is written once, then the journal's batch goes to its thread.
"""


cdef class Work:
    cdef int run(self) except -1:
        return 0


cdef class Kernel:
    """The heart of the data plane; one per broker process."""

    def __cinit__(self, loop, *, Journal journal=None):
        self.loop = loop
        self.journal = journal
        self.queues, self.outputs, self.channels, self.held, self.paused = [], [], [], [], []
        if journal is not None:
            journal.on_synced = self.synced

    def invalidate(self):
        """Every cached route dies: call it when exchanges, bindings, queues or permissions change."""
        self.epoch += 1

    cdef int pump_later(self, Work queue) except -1:
        if not queue.dirty:
            queue.dirty = True
            self.queues.append(queue)
        return 0

    cdef int flush_later(self, Work output) except -1:
        if not output.dirty:
            output.dirty = True
            self.outputs.append(output)
        return 0

    cdef int settle(self) except -1:
        cdef Work work
        while self.queues:
            pumped, self.queues = self.queues, []
            for work in pumped:
                work.dirty = False
                work.run()
        while self.outputs:
            flushed, self.outputs = self.outputs, []
            for work in flushed:
                work.dirty = False
                work.run()
        if self.journal is not None:
            self.journal.hand_over()
        return 0

    def end_tick(self):
        """Does what this tick left to do. Connections call it after each read; others after they changed something."""
        self.settle()

    cdef uint64_t durable_lsn(self) noexcept:
        return self.journal.synced if self.journal is not None else 0

    def synced(self):
        """The journal has synced a batch: confirms and held replies may leave, paused publishers may go on."""
        channels, self.channels = self.channels, []
        for channel in channels:
            channel.confirm_synced()
        held, self.held = self.held, []
        for output in held:
            self.flush_later(output)
        paused, self.paused = self.paused, []
        for connection in paused:
            connection.resume_publishing()
        self.settle()
