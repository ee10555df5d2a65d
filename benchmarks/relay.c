// The physical limit: source thread -> [process that only receives and sends] -> sink thread, over loopback TCP.
//
//   relay MESSAGE_BYTES MEBIBYTES
//
// Prints one line of JSON: how many messages of that many bytes on the wire a second a broker could pass on at most if it did
// nothing at all with them, and the relay's CPU for each.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 131072, BUFFER = 262144 };
static size_t total;
static int source_fd, sink_fd;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *source(void *chunk)
{
    for (size_t sent = 0; sent < total;) {
        ssize_t n = send(source_fd, chunk, CHUNK, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += n;
    }
    shutdown(source_fd, SHUT_WR);
    return NULL;
}

static void *sink(void *buffer)
{
    while (recv(sink_fd, buffer, 1 << 20, 0) > 0) {}
    return NULL;
}

static void relay(int from, int to)
{
    char *buffer = malloc(BUFFER);
    for (ssize_t got; (got = recv(from, buffer, BUFFER, 0)) > 0;)
        for (ssize_t sent = 0, n; sent < got; sent += n)
            if ((n = send(to, buffer + sent, got - sent, MSG_NOSIGNAL)) <= 0) exit(1);
    exit(0);
}

static int connect_to(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (void *)address, sizeof *address)) exit(1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: relay MESSAGE_BYTES MEBIBYTES\n"), 2;
    double message = atof(argv[1]);
    total = (size_t)atol(argv[2]) << 20;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, 2)) return 1;
    getsockname(listener, (void *)&address, &length); // a free port
    pid_t child = fork();
    if (!child) {
        int from = accept(listener, NULL, NULL);
        relay(from, accept(listener, NULL, NULL));
    }
    source_fd = connect_to(&address);
    usleep(10000); // the child takes the first connection as the source
    sink_fd = connect_to(&address);
    pthread_t threads[2];
    double started = now();
    pthread_create(&threads[0], NULL, source, calloc(1, CHUNK));
    pthread_create(&threads[1], NULL, sink, malloc(1 << 20));
    int status;
    struct rusage used;
    wait4(child, &status, 0, &used);
    double seconds = now() - started;
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    printf("{\"rate\": %.0f, \"seconds\": %.3f, \"cpu_us\": %.4f}\n", total / message / seconds, seconds, cpu / (total / message) * 1e6);
    return WEXITSTATUS(status);
}
