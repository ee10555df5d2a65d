from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef class Route:
    cdef readonly tuple queues, also
    cdef readonly bint by_content, silent
    cdef readonly int64_t delay

cdef class CachedRoute:
    """One publish of a channel: its arguments, and where they lead."""
    cdef bytes publish
    cdef Route route
    cdef uint32_t tails           # octets of exchange and routing key, which begin at octet 2
    cdef bint mandatory
