# Reading and writing integers at any address, and the few system calls that the kernel makes itself.
# AMQP counts from the big end; the log and the records count from the little end, as the machines do.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "Watership runs on little-endian machines"
    #endif
    static inline uint16_t ld16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }
    static inline uint32_t ld32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
    static inline uint64_t ld64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
    static inline void st16(uint8_t *p, uint16_t v) { v = __builtin_bswap16(v); memcpy(p, &v, 2); }
    static inline void st32(uint8_t *p, uint32_t v) { v = __builtin_bswap32(v); memcpy(p, &v, 4); }
    static inline void st64(uint8_t *p, uint64_t v) { v = __builtin_bswap64(v); memcpy(p, &v, 8); }
    static inline uint16_t get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }
    static inline uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
    static inline uint64_t get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    static inline void put16(uint8_t *p, uint16_t v) { memcpy(p, &v, 2); }
    static inline void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }
    static inline void put64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }
    """
    uint16_t ld16(const uint8_t *) noexcept nogil
    uint32_t ld32(const uint8_t *) noexcept nogil
    uint64_t ld64(const uint8_t *) noexcept nogil
    void st16(uint8_t *, uint16_t) noexcept nogil
    void st32(uint8_t *, uint32_t) noexcept nogil
    void st64(uint8_t *, uint64_t) noexcept nogil
    uint16_t get16(const uint8_t *) noexcept nogil
    uint32_t get32(const uint8_t *) noexcept nogil
    uint64_t get64(const uint8_t *) noexcept nogil
    void put16(uint8_t *, uint16_t) noexcept nogil
    void put32(uint8_t *, uint32_t) noexcept nogil
    void put64(uint8_t *, uint64_t) noexcept nogil
