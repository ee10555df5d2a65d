# The two clocks of the kernel: the wall's for expiry, one that never goes back for how long something has waited.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <time.h>
    static inline uint64_t wall_ms(void) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    }
    static inline uint32_t uptime_s(void) {
        struct timespec t;
    #ifdef CLOCK_MONOTONIC_COARSE
        clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    #else
        clock_gettime(CLOCK_MONOTONIC, &t);
    #endif
        return (uint32_t)t.tv_sec;
    }
    """
    uint64_t wall_ms() noexcept nogil
    uint32_t uptime_s() noexcept nogil
