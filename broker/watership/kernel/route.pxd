from libc.stdint cimport uint32_t, uint64_t

cdef class Route:
    cdef readonly tuple queues
    cdef readonly bint by_content

cdef class CachedRoute:
    """One publish of a channel: its arguments, and where they lead."""
    cdef bytes publish
    cdef Route route
    cdef uint32_t tails           # octets of exchange and routing key, which begin at octet 2
    cdef bint mandatory
