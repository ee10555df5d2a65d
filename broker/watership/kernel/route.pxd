from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef class Flow:
    """How many messages an exchange took, and gave to queues."""
    cdef public uint64_t taken, given
    cdef object __weakref__

cdef class Route:
    cdef public Flow flow         # of the exchange that was asked; None: nobody counts
    cdef readonly tuple queues, also
    cdef readonly bint by_content, silent
    cdef readonly int64_t delay

cdef class CachedRoute:
    """One publish of a channel: its arguments, and where they lead."""
    cdef bytes publish
    cdef Route route
    cdef uint32_t tails           # octets of exchange and routing key, which begin at octet 2
    cdef bint mandatory
