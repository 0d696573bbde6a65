/* SPDX-License-Identifier: MIT */
/* A guest that breaks the rules of the simulated VMBus: its channel ends, and the next one is
 * served.
 */
#include "client/client.h"
#include "hostd/host_process.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RING = 65536, HEAD = 4096, PATIENCE_MS = 20000, AT_ONCE_TIMES = 300 };

static struct host_process host;

static int start_host(void **state)
{
    (void)state;
    host_process_start_vmbus(&host, NULL, NULL, NULL);
    return 0;
}

static int stop_host(void **state)
{
    (void)state;
    return host_process_stop(&host);
}

/* ---- the global channel, as a guest has it open */

struct channel {
    int connection;
    unsigned char *rings; /* to the host, then to the guest */
};

static struct channel open_channel(void)
{
    struct remote_received received; /* its shape fits any packet with two descriptors */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct channel channel = {.connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/dev/uio0", host.path);
    assert_int_equal(
        connect(channel.connection, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(remote_receive(channel.connection, &received), REMOTE_OK);
    assert_int_equal(received.file_count, 2);
    channel.rings = mmap(NULL, 2 * (size_t)(HEAD + RING), PROT_READ | PROT_WRITE, MAP_SHARED,
                         received.files[0], 0);
    assert_ptr_not_equal(channel.rings, MAP_FAILED);
    remote_received_drop(&received);
    return channel;
}

static void store(unsigned char *head, unsigned word, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)(head + 4 * (size_t)word), value, __ATOMIC_SEQ_CST);
}

static void signal_host(const struct channel *channel)
{
    const int32_t one = 1;

    (void)send(channel->connection, &one, sizeof(one), MSG_NOSIGNAL); /* it may have hung up */
}

static void expect_end(struct channel *channel)
{
    struct pollfd polled = {.fd = channel->connection, .events = POLLRDHUP};

    assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
    close(channel->connection);
    munmap(channel->rings, 2 * (size_t)(HEAD + RING));
}

/* ---- rings */

struct broken {
    const char *name;
    uint32_t write;     /* index of what the guest has written */
    uint16_t packet[4]; /* type, offset, length, flags; offset and length in units of 8 bytes */
    uint32_t read;      /* index of what it has read */
};

static const struct broken rings[] = {
    {"write index beyond the ring", .write = RING},
    {"write index that is odd", .write = 9},
    {"write index of the largest number", .write = UINT32_MAX & ~7u},
    {"packet shorter than its frame", .write = 16},
    {"packet of an unknown type", .write = 64, .packet = {99, 2, 7, 1}},
    {"packet whose payload begins in its header", .write = 64, .packet = {6, 1, 7, 1}},
    {"packet whose payload begins behind its end", .write = 64, .packet = {6, 8, 7, 1}},
    {"packet longer than what is there", .write = 64, .packet = {6, 2, 8, 1}},
    {"packet of the largest length", .write = 64, .packet = {6, 2, UINT16_MAX, 1}},
    {"packet with unknown flags", .write = 64, .packet = {6, 2, 7, 2}},
    {"read index beyond the ring", .write = 64, .packet = {6, 2, 7, 1}, .read = RING},
    {"read index that is odd", .write = 64, .packet = {6, 2, 7, 1}, .read = 4},
};

static void break_ring(const struct channel *channel, const struct broken *broken)
{
    const uint64_t transaction = 1;

    memcpy(channel->rings + HEAD, broken->packet, sizeof(broken->packet));
    memcpy(channel->rings + HEAD + 8, &transaction, sizeof(transaction));
    store(channel->rings + HEAD + RING, 1, broken->read);
    store(channel->rings, 0, broken->write);
}

static void a_broken_ring_ends_its_channel(void **state)
{
    struct channel channel = open_channel();

    usleep(2000); /* until the host has looked at it for the first time; or at once, below */
    break_ring(&channel, *state);
    signal_host(&channel);
    expect_end(&channel);
}

/* The host's first look is as good as any other. */
static void a_ring_may_be_broken_from_the_beginning(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AT_ONCE_TIMES; i++) {
        struct channel channel = open_channel();

        break_ring(&channel, &rings[0]);
        signal_host(&channel);
        expect_end(&channel);
    }
}

static void others_are_served_afterwards(void **state)
{
    (void)state;
    assert_success(d3dkmt_open(host.backend));
    D3DKMTCloseDxCoreDevice();
}

int main(void)
{
    struct CMUnitTest tests[COUNT(rings) + 2];

    for (size_t i = 0; i < COUNT(rings); i++)
        tests[i] = (struct CMUnitTest){rings[i].name, a_broken_ring_ends_its_channel, NULL, NULL,
                                       (void *)&rings[i]};
    tests[COUNT(rings)] =
        (struct CMUnitTest)cmocka_unit_test(a_ring_may_be_broken_from_the_beginning);
    tests[COUNT(rings) + 1] = (struct CMUnitTest)cmocka_unit_test(others_are_served_afterwards);
    return cmocka_run_group_tests_name("hostile guests of the bus", tests, start_host, stop_host);
}
