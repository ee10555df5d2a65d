# One entry of the log: 40 bytes of header, a payload, zeros up to the next multiple of 8.
#
#    0 length   of header and payload, without the padding
#    4 crc      crc32c of length and of everything from byte 8 on
#    8 lsn      the entry's own position: what a recycled file still holds of its former life never matches
#   16 index    within the stream: that of the first record, 0 for kinds without
#   24 stream   what this belongs to: 1 is metadata, each durable queue has its own
#   28 term     0 while a node is alone
#   32 since    bytes since the first entry of the same commit. Within one commit the disk may lose any part in a
#               crash; damage in front of a later commit is damage to what once was durable
#   36 kind
#
# ENQUEUE payload: u32 count, then per record u32 size of content, u16 size of tail (SAME: as the record before), tail,
# content; indices count up from the header's. RELOCATE: the same with a u64 index in front of each record.
# ENQUEUE_NOTED and RELOCATE_NOTED: the same with a u64 note in front of each size: when the message expires in the low
# 48 bits (milliseconds since 1970, 0: never), NOTE_DIED above. RETURNED payload: u64 index, u32 how often it was
# returned; the last one counts. SETTLE payload: pairs of u64 first index and u32 count. CLOSED: nothing. VOID: says
# nothing, stands where damage was mended. PAGED payload: where a page of messages lies, see page.pxd.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    HEADER = 40
    ENTRY_LIMIT = 262144      # a batch does not grow beyond this
    SAME = 0xFFFF
    METADATA_STREAM = 1
    KIND_COMMAND = 1
    KIND_SNAPSHOT = 2
    KIND_ENQUEUE = 16
    KIND_SETTLE = 17
    KIND_RELOCATE = 18
    KIND_CLOSED = 19
    KIND_ENQUEUE_NOTED = 20
    KIND_RELOCATE_NOTED = 21
    KIND_RETURNED = 22
    KIND_VOID = 23
    KIND_PAGED = 24

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #define NOTE_EXPIRES 0x0000FFFFFFFFFFFFull
    #define NOTE_DIED    0x0001000000000000ull
    static uint32_t crc_table[256];
    static int crc_ready = 0;
    static void crc_prepare(void) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = (c >> 1) ^ (0x82F63B78u & (0u - (c & 1)));
            crc_table[i] = c;
        }
        crc_ready = 1;
    }
    static uint32_t crc_by_table(uint32_t c, const uint8_t *p, size_t n) {
        while (n--) c = (c >> 8) ^ crc_table[(c ^ *p++) & 0xFF];
        return c;
    }
    #if defined(__x86_64__)
    #include <nmmintrin.h>
    __attribute__((target("sse4.2"))) static uint32_t crc_by_machine(uint32_t c, const uint8_t *p, size_t n) {
        uint64_t c64 = c, v;
        while (n >= 8) { memcpy(&v, p, 8); c64 = _mm_crc32_u64(c64, v); p += 8; n -= 8; }
        c = (uint32_t)c64;
        while (n--) c = _mm_crc32_u8(c, *p++);
        return c;
    }
    static inline int crc_machine_can(void) { return __builtin_cpu_supports("sse4.2"); }
    #elif defined(__ARM_FEATURE_CRC32)
    #include <arm_acle.h>
    static uint32_t crc_by_machine(uint32_t c, const uint8_t *p, size_t n) {
        uint64_t v;
        while (n >= 8) { memcpy(&v, p, 8); c = __crc32cd(c, v); p += 8; n -= 8; }
        while (n--) c = __crc32cb(c, *p++);
        return c;
    }
    static inline int crc_machine_can(void) { return 1; }
    #else
    #define crc_by_machine crc_by_table
    static inline int crc_machine_can(void) { return 0; }
    #endif
    static uint32_t crc32c(uint32_t c, const uint8_t *p, size_t n) {
        if (crc_machine_can()) return ~crc_by_machine(~c, p, n);
        if (!crc_ready) crc_prepare();
        return ~crc_by_table(~c, p, n);
    }
    static inline uint32_t entry_crc(const uint8_t *e, uint32_t length) {
        return crc32c(crc32c(0, e, 4), e + 8, length - 8);
    }
    """
    const uint64_t NOTE_EXPIRES, NOTE_DIED
    uint32_t crc32c(uint32_t, const uint8_t *, size_t) noexcept nogil
    uint32_t entry_crc(const uint8_t *, uint32_t) noexcept nogil

cdef inline size_t padded(size_t length) noexcept nogil:
    return (length + 7) & ~<size_t> 7
