from libc.stdint cimport uint64_t

from watership.kernel.queue cimport Queue

cdef class Delay(Queue):
    """Messages in the order in which they are due. See delay.pyi."""
    cdef list due                 # a heap: (when, arrival, address of the segment, offset)
    cdef readonly uint64_t arrivals
