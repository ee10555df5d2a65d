// A load generator for AMQP 0-9-1 that is never the bottleneck: raw sockets, frames encoded once, big writes.
//
//   loadgen --port 5672 --size 16 --count 1000000 [--window 1000 --ack-every 100 --prefetch 2000 --persistent] --pid BROKER
//
// One thread per publisher and per consumer. Each pair has a queue of its own, bound to amq.direct. Prints one line of JSON:
// messages per second from the first publish to the last delivery, and the broker's CPU per message read from /proc/PID.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTION = 10, CHANNEL = 20, QUEUE = 50, BASIC = 60, CONFIRM = 85, FRAME_END = 0xCE, MAX_PAIRS = 256 };
#define METHOD(class, method) ((uint32_t)(class) << 16 | (method))

static struct {
    int port, size, window, ack_every, prefetch, persistent, pairs, round_trips, quorum;
    long count, in_flight;
    pid_t pid;
    double seconds;
} options = {.port = 5672, .size = 16, .pairs = 1, .count = 1000000, .seconds = 120};

static volatile long published, consumed; // all pairs together: bounds what is in flight without a window

typedef struct {
    int publisher, consumer; // sockets
    char queue[32];
    long count;
    double published_at, consumed_at;
    double *latency;
} Pair;

static void fail(const char *sentence)
{
    fprintf(stderr, "loadgen: %s\n", sentence);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return be32toh(v); }
static uint64_t get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return be64toh(v); }
static uint8_t *put8(uint8_t *p, int v) { *p = v; return p + 1; }
static uint8_t *put16(uint8_t *p, int v) { p[0] = v >> 8; p[1] = v; return p + 2; }
static uint8_t *put32(uint8_t *p, uint32_t v) { v = htobe32(v); memcpy(p, &v, 4); return p + 4; }
static uint8_t *put64(uint8_t *p, uint64_t v) { v = htobe64(v); memcpy(p, &v, 8); return p + 8; }
static uint8_t *put_string(uint8_t *p, const char *s) { size_t n = strlen(s); *p = n; memcpy(p + 1, s, n); return p + 1 + n; }

static uint8_t *begin_frame(uint8_t *p, int type, int channel) { p = put8(p, type); p = put16(p, channel); return p + 4; }
static uint8_t *begin_method(uint8_t *p, int channel, int class, int method)
{
    return put16(put16(begin_frame(p, 1, channel), class), method);
}
static uint8_t *end_frame(uint8_t *start, uint8_t *p)
{
    put32(start + 3, p - start - 7);
    return put8(p, FRAME_END);
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) fail(strerror(errno));
        p += sent;
        n -= sent;
    }
}

static void read_all(int fd, uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) fail("the broker closed the connection");
        p += got;
        n -= got;
    }
}

static void expect(int fd, uint32_t method)
{
    static __thread uint8_t frame[1 << 17];
    uint8_t head[7];
    do {
        read_all(fd, head, 7);
        if (get32(head + 3) >= sizeof frame) fail("a frame larger than 128 KiB in the handshake");
        read_all(fd, frame, get32(head + 3) + 1);
    } while (head[0] == 8); // heartbeats
    if (get32(frame) != method) {
        fprintf(stderr, "loadgen: expected method %08x, got %08x %.*s\n", method, get32(frame), (int)frame[6], frame + 7);
        exit(1);
    }
}

static int open_channel(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t b[256], *p;
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (void *)&address, sizeof address)) fail("nobody listens on that port");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    write_all(fd, (const uint8_t *)"AMQP\0\0\x09\x01", 8);
    expect(fd, METHOD(CONNECTION, 10));
    p = put_string(put32(begin_method(b, 0, CONNECTION, 11), 0), "PLAIN");
    p = put32(p, 12);
    memcpy(p, "\0guest\0guest", 12);
    p = end_frame(b, put_string(p + 12, "en_US"));
    write_all(fd, b, p - b);
    expect(fd, METHOD(CONNECTION, 30));
    p = put16(put32(put16(begin_method(b, 0, CONNECTION, 31), 2047), 131072), 0);
    p = end_frame(b, p);
    write_all(fd, b, p - b);
    p = end_frame(b, put8(put_string(put_string(begin_method(b, 0, CONNECTION, 40), "/"), ""), 0));
    write_all(fd, b, p - b);
    expect(fd, METHOD(CONNECTION, 41));
    p = end_frame(b, put_string(begin_method(b, 1, CHANNEL, 10), ""));
    write_all(fd, b, p - b);
    expect(fd, METHOD(CHANNEL, 11));
    return fd;
}

static void declare_queue(int fd, const char *queue)
{
    uint8_t b[512], *p;
    p = put8(put_string(put16(begin_method(b, 1, QUEUE, 10), 0), queue), 2); // durable
    if (options.quorum) {
        p = put8(put_string(put32(p, 13 + 1 + 4 + 6), "x-queue-type"), 'S');
        p = put32(p, 6);
        memcpy(p, "quorum", 6);
        p += 6;
    } else p = put32(p, 0);
    p = end_frame(b, p);
    write_all(fd, b, p - b);
    expect(fd, METHOD(QUEUE, 11));
    p = put_string(put_string(put_string(put16(begin_method(b, 1, QUEUE, 20), 0), queue), "amq.direct"), queue);
    p = end_frame(b, put32(put8(p, 0), 0));
    write_all(fd, b, p - b);
    expect(fd, METHOD(QUEUE, 21));
    p = end_frame(b, put8(put_string(put16(begin_method(b, 1, QUEUE, 30), 0), queue), 0));
    write_all(fd, b, p - b);
    expect(fd, METHOD(QUEUE, 31));
}

static void delete_queue(int fd, const char *queue)
{
    uint8_t b[256], *p = end_frame(b, put8(put_string(put16(begin_method(b, 1, QUEUE, 40), 0), queue), 0));
    write_all(fd, b, p - b);
    expect(fd, METHOD(QUEUE, 41));
}

static size_t encode_publish(uint8_t *b, const char *queue)
{
    uint8_t *frame = b, *p;
    p = put_string(put_string(put16(begin_method(frame, 1, BASIC, 40), 0), "amq.direct"), queue);
    p = end_frame(frame, put8(p, 0));
    frame = p;
    p = put64(put16(put16(begin_frame(frame, 2, 1), BASIC), 0), options.size);
    p = end_frame(frame, put8(put16(p, 0x1000), options.persistent ? 2 : 1)); // delivery mode
    for (int left = options.size; left > 0;) {
        int part = left < 131064 ? left : 131064;
        frame = p;
        p = begin_frame(frame, 3, 1);
        memset(p, 'x', part);
        p = end_frame(frame, p + part);
        left -= part;
    }
    return p - b;
}

static void *publish_freely(Pair *pair, const uint8_t *batch, size_t message)
{
    long chunk = 131072 / message ? 131072 / message : 1;
    for (long left = pair->count; left > 0;) {
        long n = left < chunk ? left : chunk;
        while (options.in_flight && published - consumed > options.in_flight) usleep(200);
        write_all(pair->publisher, batch, n * message);
        __sync_fetch_and_add(&published, n);
        left -= n;
    }
    pair->published_at = now();
    return NULL;
}

// Reads confirms that are there; returns how many messages are confirmed in all.
static long read_confirms(int fd, uint8_t *buffer, size_t capacity, size_t *length, long confirmed)
{
    size_t offset = 0;
    ssize_t got = recv(fd, buffer + *length, capacity - *length, MSG_DONTWAIT);
    if (got == 0) fail("the broker closed the publisher's connection");
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) fail(strerror(errno));
        return confirmed;
    }
    *length += got;
    while (*length - offset >= 8 && *length - offset >= get32(buffer + offset + 3) + 8) {
        uint8_t *frame = buffer + offset;
        if (frame[0] == 1) {
            if (get32(frame + 7) != METHOD(BASIC, 80)) fail("the publisher got something other than basic.ack");
            confirmed = frame[19] & 1 ? (long)get64(frame + 11) : confirmed + 1;
        }
        offset += get32(frame + 3) + 8;
    }
    memmove(buffer, buffer + offset, *length - offset);
    *length -= offset;
    return confirmed;
}

static void *publish_confirmed(Pair *pair, const uint8_t *batch, size_t message, long batched)
{
    uint8_t b[64], *p = end_frame(b, put8(begin_method(b, 1, CONFIRM, 10), 0)), buffer[65536];
    long sent = 0, confirmed = 0;
    size_t pending = 0, offset = 0, length = 0;
    double started = now();
    write_all(pair->publisher, b, p - b);
    expect(pair->publisher, METHOD(CONFIRM, 11));
    while (confirmed < pair->count) {
        if (pending == offset) {
            long n = options.window - (sent - confirmed);
            if (n > pair->count - sent) n = pair->count - sent;
            if (n > batched) n = batched;
            if (n > 0) {
                pending = n * message;
                offset = 0;
                sent += n;
                started = now();
            }
        }
        if (offset < pending) {
            ssize_t r = send(pair->publisher, batch + offset, pending - offset, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (r > 0) offset += r;
            else if (errno != EAGAIN) fail(strerror(errno));
        }
        long before = confirmed;
        confirmed = read_confirms(pair->publisher, buffer, sizeof buffer, &length, confirmed);
        if (confirmed > before && confirmed == sent && pair->latency) pair->latency[confirmed - 1] = now() - started;
        if (confirmed == before && (offset < pending || sent - confirmed >= options.window || sent == pair->count)) {
            struct pollfd wait = {pair->publisher, POLLIN | (offset < pending ? POLLOUT : 0), 0};
            poll(&wait, 1, 1000);
        }
    }
    pair->published_at = now();
    return NULL;
}

static void *publisher(void *argument)
{
    Pair *pair = argument;
    uint8_t *one = malloc(options.size + options.size / 131064 * 8 + 1024);
    size_t message = encode_publish(one, pair->queue);
    long batched = 262144 / message ? 262144 / message : 1;
    if (options.window > batched) batched = options.window;
    uint8_t *batch = malloc(batched * message);
    for (long i = 0; i < batched; i++) memcpy(batch + i * message, one, message);
    return options.window ? publish_confirmed(pair, batch, message, batched) : publish_freely(pair, batch, message);
}

static void start_consuming(int fd, const char *queue)
{
    uint8_t b[256], *p;
    if (options.prefetch) {
        p = end_frame(b, put8(put16(put32(begin_method(b, 1, BASIC, 10), 0), options.prefetch), 0));
        write_all(fd, b, p - b);
        expect(fd, METHOD(BASIC, 11));
    }
    p = put_string(put_string(put16(begin_method(b, 1, BASIC, 20), 0), queue), "loadgen");
    p = end_frame(b, put32(put8(p, options.ack_every ? 0 : 2), 0));
    write_all(fd, b, p - b);
}

// Counts deliveries in the buffer, checks their tags and frame ends, appends due acks; returns bytes used up.
static size_t read_deliveries(const uint8_t *buffer, size_t length, long *got, uint64_t *acked, uint8_t **acks)
{
    size_t offset = 0;
    while (length - offset >= 8 && length - offset >= get32(buffer + offset + 3) + 8) {
        const uint8_t *frame = buffer + offset;
        uint32_t size = get32(frame + 3);
        if (frame[7 + size] != FRAME_END) fail("a delivered frame does not end with 0xCE");
        if (frame[0] == 1 && get32(frame + 7) == METHOD(BASIC, 60)) {
            uint64_t tag = get64(frame + 12 + frame[11]);
            if (tag != (uint64_t)++*got) fail("a delivery tag is out of order");
            if (options.ack_every && tag - *acked >= (uint64_t)options.ack_every) {
                uint8_t *start = *acks;
                *acks = end_frame(start, put8(put64(begin_method(start, 1, BASIC, 80), tag), 1));
                *acked = tag;
            }
        }
        offset += size + 8;
    }
    return offset;
}

static void *consumer(void *argument)
{
    Pair *pair = argument;
    size_t capacity = 1 << 20, length = 0;
    uint8_t *buffer = malloc(capacity), *acks = malloc(capacity), *end = acks;
    long got = 0;
    uint64_t acked = 0;
    start_consuming(pair->consumer, pair->queue);
    while (got < pair->count) {
        ssize_t r = recv(pair->consumer, buffer + length, capacity - length, 0);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) fail("the broker closed the consumer's connection");
        length += r;
        long before = got;
        size_t used = read_deliveries(buffer, length, &got, &acked, &end);
        if (end > acks) write_all(pair->consumer, acks, end - acks);
        end = acks;
        __sync_fetch_and_add(&consumed, got - before);
        memmove(buffer, buffer + used, length - used);
        length -= used;
    }
    pair->consumed_at = now();
    if (options.ack_every && (uint64_t)got > acked) {
        end = end_frame(acks, put8(put64(begin_method(acks, 1, BASIC, 80), got), 1));
        write_all(pair->consumer, acks, end - acks);
    }
    return NULL;
}

static double broker_cpu(void) // seconds, user and system, all threads
{
    char path[64], text[2048];
    unsigned long user, system;
    if (!options.pid) return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", options.pid);
    FILE *file = fopen(path, "r");
    if (!file) fail("no such process to measure");
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) fail("/proc");
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void *watchdog(void *unused)
{
    sleep(options.seconds);
    fprintf(stderr, "loadgen: stopped after %.0f s: %ld published, %ld consumed\n", options.seconds, published, consumed);
    exit(2);
    return unused;
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", 1, 0, 'p'}, {"size", 1, 0, 's'}, {"count", 1, 0, 'n'}, {"window", 1, 0, 'w'}, {"ack-every", 1, 0, 'a'},
        {"prefetch", 1, 0, 'f'}, {"persistent", 0, 0, 'd'}, {"pairs", 1, 0, 'c'}, {"pid", 1, 0, 'P'}, {"seconds", 1, 0, 'T'},
        {"round-trips", 0, 0, 'r'}, {"quorum", 0, 0, 'q'}, {"in-flight", 1, 0, 'i'}, {0}};
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) switch (c) {
        case 'p': options.port = atoi(optarg); break;
        case 's': options.size = atoi(optarg); break;
        case 'n': options.count = atol(optarg); break;
        case 'w': options.window = atoi(optarg); break;
        case 'a': options.ack_every = atoi(optarg); break;
        case 'f': options.prefetch = atoi(optarg); break;
        case 'd': options.persistent = 1; break;
        case 'c': options.pairs = atoi(optarg); break;
        case 'P': options.pid = atoi(optarg); break;
        case 'T': options.seconds = atof(optarg); break;
        case 'r': options.round_trips = 1; break;
        case 'q': options.quorum = 1; break;
        case 'i': options.in_flight = atol(optarg); break;
        default: exit(2);
        }
    if (options.pairs < 1 || options.pairs > MAX_PAIRS) fail("--pairs is 1 to 256");
}

int main(int argc, char **argv)
{
    static Pair pairs[MAX_PAIRS];
    static pthread_t publishers[MAX_PAIRS], consumers[MAX_PAIRS];
    pthread_t watch;
    read_options(argc, argv);
    int control = open_channel();
    for (int i = 0; i < options.pairs; i++) {
        Pair *pair = &pairs[i];
        snprintf(pair->queue, sizeof pair->queue, "loadgen-%d", i);
        declare_queue(control, pair->queue);
        pair->count = options.count / options.pairs;
        pair->publisher = open_channel();
        pair->consumer = open_channel();
        if (options.round_trips) pair->latency = calloc(pair->count, sizeof(double));
    }
    pthread_create(&watch, NULL, watchdog, NULL);
    for (int i = 0; i < options.pairs; i++) pthread_create(&consumers[i], NULL, consumer, &pairs[i]);
    usleep(20000); // consumers first, so that nothing queues up before they are there
    double cpu = broker_cpu(), started = now(), ended = 0;
    for (int i = 0; i < options.pairs; i++) pthread_create(&publishers[i], NULL, publisher, &pairs[i]);
    for (int i = 0; i < options.pairs; i++) {
        pthread_join(publishers[i], NULL);
        pthread_join(consumers[i], NULL);
        if (pairs[i].published_at > ended) ended = pairs[i].published_at;
        if (pairs[i].consumed_at > ended) ended = pairs[i].consumed_at;
    }
    long n = options.count / options.pairs * options.pairs, k = 0;
    printf("{\"rate\": %.0f, \"seconds\": %.3f, \"cpu_us\": %.3f", n / (ended - started), ended - started, (broker_cpu() - cpu) / n * 1e6);
    if (options.round_trips) {
        double *all = malloc(n * sizeof(double));
        for (int i = 0; i < options.pairs; i++)
            for (long j = 0; j < pairs[i].count; j++)
                if (pairs[i].latency[j] > 0) all[k++] = pairs[i].latency[j];
        qsort(all, k, sizeof(double), ascending);
        printf(", \"p50_us\": %.1f, \"p99_us\": %.1f", all[k / 2] * 1e6, all[k * 99 / 100] * 1e6);
    }
    printf("}\n");
    usleep(20000); // the last acks
    for (int i = 0; i < options.pairs; i++) {
        close(pairs[i].consumer);
        delete_queue(control, pairs[i].queue);
    }
    return 0;
}
