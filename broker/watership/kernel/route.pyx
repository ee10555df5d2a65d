"""Where a publish goes. See route.pyi."""

from watership.kernel.queue cimport Queue

from watership.kernel.errors import ProtocolViolation


cdef class Flow:
    pass


cdef class Route:
    def __init__(self, queues, *, bint by_content=False, also=(), bint silent=False, int64_t delay=0):
        cdef Queue queue
        for queue in (*queues, *also):
            if queue is None:
                raise TypeError("a route leads to queues, not to None")
        self.queues = tuple(queues)
        self.also = tuple(also)
        self.by_content = by_content
        self.silent = silent
        self.delay = delay


cdef class CachedRoute:
    def __init__(self, bytes publish not None):
        cdef Py_ssize_t size = len(publish)
        if size < 5 or 3 + publish[2] >= size or 4 + publish[2] + publish[3 + publish[2]] >= size:
            raise ProtocolViolation(502, "malformed basic.publish", 60, 40)
        self.publish = publish
        self.tails = 2 + publish[2] + publish[3 + publish[2]]
        self.mandatory = publish[2 + self.tails] & 1
