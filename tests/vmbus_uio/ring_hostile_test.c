/* SPDX-License-Identifier: MIT */
/*
 * A peer who does anything. Packets with one thing wrong, packets of noise, indices of all kinds;
 * and a thread that scribbles over the memory while it is read. The ring must see each fault that
 * it is shown, never take more than it was told to, and never touch what is not its own: behind the
 * data area, and behind each buffer, lies a page that nobody may touch.
 *
 * Usage: test-vmbus_uio-ring_hostile [PACKETS [SEED]] (default 300000 of each kind, and 1)
 */
#include "ring_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DATA = 8192, PAGE = 4096, CAPACITY = 2048, SENT_MAX = 3000 };

static unsigned long wanted = 300000;
static uint64_t seed = 1;

/* ---- chance: xorshift64* */

struct chance {
    uint64_t state;
};

static uint64_t draw(struct chance *chance)
{
    uint64_t x = chance->state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    chance->state = x;
    return x * UINT64_C(2685821657736338717);
}

static uint32_t below(struct chance *chance, uint32_t limit)
{
    return (uint32_t)((draw(chance) >> 32) * limit >> 32);
}

/* ---- memory with a page behind it that cannot be touched */

static unsigned char *guarded(size_t size)
{
    size_t pages = (size + PAGE - 1) / PAGE * PAGE;
    unsigned char *memory =
        mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory + pages, PAGE, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    return memory + pages - size;
}

struct scene {
    struct chance chance;
    struct vmbus_ring_memory ring;
    unsigned char *buffer; /* CAPACITY bytes */
    unsigned long seen[VMBUS_RING_STATUS_COUNT];
};

static void fail(const struct scene *scene, const char *what)
{
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, what);
    (void)scene;
    exit(1);
}

static void set_scene(struct scene *scene, uint64_t number)
{
    memset(scene, 0, sizeof(*scene));
    scene->chance.state = seed * UINT64_C(0x9e3779b97f4a7c15) + number + 1;
    unsigned char *memory = guarded(VMBUS_RING_CONTROL_SIZE + DATA);
    scene->ring = (struct vmbus_ring_memory){
        .control = (void *)memory, .data = memory + VMBUS_RING_CONTROL_SIZE, .size = DATA};
    scene->buffer = guarded(CAPACITY);
}

/* ---- the peer writes */

static void put16(unsigned char *to, uint32_t value)
{
    to[0] = (unsigned char)value;
    to[1] = (unsigned char)(value >> 8);
}

/* Bytes into the data area, around its end; written without the ring's own code. */
static void scribble(struct scene *scene, uint32_t at, const unsigned char *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        scene->ring.data[(at + i) % DATA] = bytes[i];
}

/* One word of the descriptor that is not what it should be, most of the time. */
static void spoil(struct scene *scene, unsigned char *descriptor)
{
    static const uint32_t values[] = {0, 1, 2, 3, 0x7fff, 0x8000, 0xfffe, 0xffff};
    uint32_t value = below(&scene->chance, 2) ? values[below(&scene->chance, 8)]
                                              : below(&scene->chance, 0x10000);

    switch (below(&scene->chance, 8)) {
    case 0:
    case 1:
    case 2:
    case 3:
        put16(descriptor + 2 * below(&scene->chance, 4), value);
        break;
    case 4: /* noise */
        for (unsigned i = 0; i < 16; i++)
            descriptor[i] = (unsigned char)draw(&scene->chance);
        break;
    default:
        break;
    }
}

/* Where write_index goes: mostly behind the packet. */
static uint32_t publish_at(struct scene *scene, uint32_t read, uint32_t size)
{
    switch (below(&scene->chance, 16)) {
    case 0:
        return (uint32_t)draw(&scene->chance);
    case 1:
        return (read + below(&scene->chance, DATA / 8) * 8) % DATA;
    case 2:
        return DATA;
    case 3:
        return (read + size + below(&scene->chance, 8)) % DATA;
    default:
        return (read + size) % DATA;
    }
}

/* Writes what may be a packet to where the receiver reads next. */
static void lie(struct scene *scene, const struct vmbus_receiver *receiver)
{
    unsigned char descriptor[16] = {0};
    uint32_t payload = below(&scene->chance, CAPACITY / 8 + 16) * 8;
    uint32_t size = 16 + payload + 8;

    put16(descriptor, below(&scene->chance, 2) ? VMBUS_PACKET_DATA : VMBUS_PACKET_COMPLETION);
    put16(descriptor + 2, 2);
    put16(descriptor + 4, (16 + payload) / 8);
    put16(descriptor + 6, below(&scene->chance, 2));
    spoil(scene, descriptor);
    scribble(scene, receiver->read, descriptor, sizeof(descriptor));
    __atomic_store_n(&scene->ring.control->write_index,
                     publish_at(scene, receiver->read, size < DATA ? size : 24), __ATOMIC_RELEASE);
}

/* ---- the receiver */

/* What was taken is what lies in the ring, as the descriptor there says. */
static void compare(struct scene *scene, uint32_t at, const struct vmbus_packet *packet)
{
    const unsigned char *data = scene->ring.data;
    uint32_t offset = (data[(at + 2) % DATA] | (uint32_t)data[(at + 3) % DATA] << 8) * 8;
    uint32_t length = (data[(at + 4) % DATA] | (uint32_t)data[(at + 5) % DATA] << 8) * 8;

    if (packet->size != length - offset || packet->size > CAPACITY)
        fail(scene, "a payload of another size");
    for (uint32_t i = 0; i < packet->size; i++)
        if (scene->buffer[i] != data[(at + offset + i) % DATA])
            fail(scene, "another payload");
}

static void begin(struct scene *scene, struct vmbus_receiver *receiver)
{
    if (vmbus_receiver_init(receiver, &scene->ring) != VMBUS_RING_OK)
        fail(scene, "no ring");
    receiver->read = below(&scene->chance, DATA / 8) * 8; /* anywhere */
    scene->ring.control->read_index = receiver->read;
    scene->ring.control->feature_bits = (uint32_t)draw(&scene->chance) & 1;
}

/* scribbled: what is in the ring changes all the time, and cannot be compared. */
static void receive(struct scene *scene, struct vmbus_receiver *receiver, bool scribbled)
{
    struct vmbus_packet packet;
    uint32_t at = receiver->read;
    enum vmbus_ring_status status = vmbus_receiver_take(receiver, &packet, scene->buffer, CAPACITY);

    scene->seen[status]++;
    if (status == VMBUS_RING_OK) {
        if (packet.size > CAPACITY)
            fail(scene, "more than the buffer holds");
        if (!scribbled)
            compare(scene, at, &packet);
        if (below(&scene->chance, 4)) /* what is not committed may not be written over */
            (void)vmbus_receiver_commit(receiver);
    } else if (vmbus_ring_is_fault(status)) {
        if (vmbus_receiver_take(receiver, &packet, scene->buffer, CAPACITY) != status)
            fail(scene, "a fault that passes");
        begin(scene, receiver);
    }
    if (receiver->read >= DATA || receiver->read % 8 != 0)
        fail(scene, "an index outside of the ring");
}

static void packets_with_faults(void)
{
    struct scene scene;
    struct vmbus_receiver receiver;

    set_scene(&scene, 1);
    begin(&scene, &receiver);
    for (unsigned long i = 0; i < wanted; i++) {
        lie(&scene, &receiver);
        scene.ring.control->pending_send_size = (uint32_t)draw(&scene.chance);
        receive(&scene, &receiver, false);
    }
    printf("packets with faults:");
    for (unsigned i = 0; i < VMBUS_RING_STATUS_COUNT; i++) {
        bool of_senders = i == VMBUS_RING_FULL || i == VMBUS_RING_TOO_LARGE;
        bool of_memory = i == VMBUS_RING_FAULT_MEMORY;

        printf(" %lu", scene.seen[i]);
        if (scene.seen[i] == 0 && !of_senders && !of_memory)
            fail(&scene, vmbus_ring_status_text((enum vmbus_ring_status)i));
    }
    printf("\n");
}

/* ---- the sender, whose peer moves read_index and nothing else of his */

static void indices_with_faults(void)
{
    static const unsigned char payload[SENT_MAX];
    struct scene scene;
    struct vmbus_sender sender;

    set_scene(&scene, 2);
    vmbus_sender_init(&sender, &scene.ring);
    for (unsigned long i = 0; i < wanted; i++) {
        const struct vmbus_packet packet = {i, below(&scene.chance, SENT_MAX), VMBUS_PACKET_DATA,
                                            true};
        enum vmbus_ring_status status = vmbus_sender_put(&sender, &packet, payload);

        scene.seen[status]++;
        (void)vmbus_sender_publish(&sender);
        if (status == VMBUS_RING_FULL)
            (void)vmbus_sender_await_space(&sender, SENT_MAX);
        scene.ring.control->read_index =
            below(&scene.chance, 16) ? sender.write : (uint32_t)draw(&scene.chance);
        scene.ring.control->interrupt_mask = (uint32_t)draw(&scene.chance);
        if (sender.write >= DATA || sender.write % 8 != 0)
            fail(&scene, "an index outside of the ring");
        if (vmbus_ring_is_fault(status)) {
            vmbus_sender_init(&sender, &scene.ring);
            scene.ring.control->read_index = 0;
        }
    }
    printf("indices with faults: %lu sent, %lu outside\n", scene.seen[VMBUS_RING_OK],
           scene.seen[VMBUS_RING_FAULT_INDEX]);
    if (scene.seen[VMBUS_RING_OK] == 0 || scene.seen[VMBUS_RING_FAULT_INDEX] == 0)
        fail(&scene, "too little was tried");
}

/* ---- memory that changes while it is read */

static atomic_bool stop;

static void *scribble_for_ever(void *context)
{
    struct scene *scene = context;
    struct chance chance = {seed + 77};
    uint64_t *words = (uint64_t *)(void *)scene->ring.data;

    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        uint64_t head = draw(&chance);

        /* Now and then what looks like a packet, so that the receiver gets on. */
        if (head & 7)
            head = VMBUS_PACKET_DATA | 2 << 16 | (uint64_t)(2 + (head >> 8) % 200) << 32;
        __atomic_store_n(&words[below(&chance, DATA / 8)], head, __ATOMIC_RELAXED);
        if ((head & 0x300) == 0)
            __atomic_store_n(&scene->ring.control->write_index,
                             head & 0x800 ? (uint32_t)draw(&chance) : below(&chance, DATA / 8) * 8,
                             __ATOMIC_RELAXED);
    }
    return NULL;
}

static void memory_that_changes(void)
{
    struct scene scene;
    struct vmbus_receiver receiver;
    pthread_t thread;

    set_scene(&scene, 3);
    begin(&scene, &receiver);
    if (pthread_create(&thread, NULL, scribble_for_ever, &scene) != 0)
        fail(&scene, "no thread");
    for (unsigned long taken = 0; taken < wanted;) {
        receive(&scene, &receiver, true);
        taken = 0;
        for (unsigned i = 0; i < VMBUS_RING_STATUS_COUNT; i++)
            taken += i == VMBUS_RING_EMPTY ? 0 : scene.seen[i];
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    printf("memory that changes: %lu taken, %lu empty\n", scene.seen[VMBUS_RING_OK],
           scene.seen[VMBUS_RING_EMPTY]);
    if (scene.seen[VMBUS_RING_OK] == 0)
        fail(&scene, "nothing was ever taken");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        wanted = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    packets_with_faults();
    indices_with_faults();
    memory_that_changes();
    return 0;
}
