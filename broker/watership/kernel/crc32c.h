/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): by the processor where it can, by a table of 8 x 256 elsewhere. */
#ifndef WATERSHIP_CRC32C_H
#define WATERSHIP_CRC32C_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t ws_crc_table[8][256];

static void ws_crc_prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
        ws_crc_table[0][i] = c;
    }
    for (int t = 1; t < 8; t++)
        for (uint32_t i = 0; i < 256; i++)
            ws_crc_table[t][i] = ws_crc_table[t - 1][i] >> 8 ^ ws_crc_table[0][ws_crc_table[t - 1][i] & 255];
}

static uint32_t ws_crc_by_table(uint32_t c, const uint8_t *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t a = c ^ (p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
        c = ws_crc_table[7][a & 255] ^ ws_crc_table[6][a >> 8 & 255] ^ ws_crc_table[5][a >> 16 & 255] ^ ws_crc_table[4][a >> 24]
            ^ ws_crc_table[3][p[4]] ^ ws_crc_table[2][p[5]] ^ ws_crc_table[1][p[6]] ^ ws_crc_table[0][p[7]];
    }
    while (n--) c = c >> 8 ^ ws_crc_table[0][(c ^ *p++) & 255];
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t ws_crc_by_processor(uint32_t c, const uint8_t *p, size_t n)
{
    uint64_t wide = c;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    c = (uint32_t)wide;
    while (n--) c = __builtin_ia32_crc32qi(c, *p++);
    return c;
}
#endif

/* Call ws_crc_prepare() once before. */
static uint32_t ws_crc32c(const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~ws_crc_by_processor(~0u, p, n);
#endif
    return ~ws_crc_by_table(~0u, p, n);
}
#endif
