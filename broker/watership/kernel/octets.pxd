# Numbers in network byte order, at any alignment. AMQP 0-9-1 section 4.2.5.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint16_t ws_get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }
    static inline uint32_t ws_get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
    static inline uint64_t ws_get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
    static inline void ws_put16(uint8_t *p, uint16_t v) { v = __builtin_bswap16(v); memcpy(p, &v, 2); }
    static inline void ws_put32(uint8_t *p, uint32_t v) { v = __builtin_bswap32(v); memcpy(p, &v, 4); }
    static inline void ws_put64(uint8_t *p, uint64_t v) { v = __builtin_bswap64(v); memcpy(p, &v, 8); }
    """
    uint16_t get16 "ws_get16"(const uint8_t *p) noexcept nogil
    uint32_t get32 "ws_get32"(const uint8_t *p) noexcept nogil
    uint64_t get64 "ws_get64"(const uint8_t *p) noexcept nogil
    void put16 "ws_put16"(uint8_t *p, uint16_t v) noexcept nogil
    void put32 "ws_put32"(uint8_t *p, uint32_t v) noexcept nogil
    void put64 "ws_put64"(uint8_t *p, uint64_t v) noexcept nogil
