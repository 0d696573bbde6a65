/* SPDX-License-Identifier: MIT */
/*
 * A program for the Zephyr GPU: two surfaces are cleared and blended by the GPU, and looked at. The
 * part that is the same for all vendors comes from ../umd; everything here passes private data.
 *
 *   D3DKMT_BACKEND=loopback:miniport=zephyr:STORE-FOLDER zephyr-client
 */
#include <stdio.h>
#include <string.h>

#include "umd/umd.h"
#include "zephyr.h"

enum { WIDTH = 1000, HEIGHT = 300, COMMANDS = 3, PAGE = 4096, VALUE_MAX = 4096 };

struct surface {
    struct zephyr_surface data; /* as the driver gave it back */
    struct umd_buffer buffer;
};

struct client {
    struct umd umd;
    D3DKMT_HANDLE context;
    struct umd_fence fence;
    struct surface front, back;
    struct umd_buffer commands; /* a surface as well: the driver knows no other allocations */
};

static struct zephyr_header header(void)
{
    struct zephyr_header own = {ZEPHYR_MAGIC, ZEPHYR_VERSION};

    return own;
}

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, d3dkmt_last_error());
    return 1;
}

/* ---- what the driver says of the adapter */

static NTSTATUS query(struct client *client, KMTQUERYADAPTERINFOTYPE type, void *data, size_t size)
{
    D3DKMT_QUERYADAPTERINFO question;

    memset(&question, 0, sizeof(question));
    question.hAdapter = client->umd.adapter;
    question.Type = type;
    question.pPrivateDriverData = data;
    question.PrivateDriverDataSize = (UINT)size;
    return D3DKMTQueryAdapterInfo(&question);
}

/* A GPU of another make, or a driver of another version, is none of ours. */
static bool is_zephyr(struct client *client, struct zephyr_adapter *adapter)
{
    struct zephyr_header own = header();

    return NT_SUCCESS(query(client, KMTQAITYPE_UMDRIVERPRIVATE, adapter, sizeof(*adapter))) &&
           memcmp(&adapter->header, &own, sizeof(own)) == 0;
}

/* The first line of a file in the driver's folder. */
static bool read_store(struct client *client, char *line, int size)
{
    static union {
        D3DDDI_QUERYREGISTRY_INFO info;
        unsigned char bytes[sizeof(D3DDDI_QUERYREGISTRY_INFO) + VALUE_MAX];
    } value;
    char path[VALUE_MAX];
    size_t length = 0;

    memset(&value, 0, sizeof(value));
    value.info.QueryType = D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH;
    if (!NT_SUCCESS(query(client, KMTQAITYPE_QUERYREGISTRY, &value, sizeof(value))) ||
        value.info.Status != D3DDDI_QUERYREGISTRY_STATUS_SUCCESS)
        return false;
    const wchar_t *folder = value.info.OutputString;
    for (; folder[length] && length + sizeof("/" ZEPHYR_STORE_FILE) < sizeof(path); length++)
        path[length] = (char)folder[length];
    snprintf(path + length, sizeof(path) - length, "/" ZEPHYR_STORE_FILE);
    FILE *file = fopen(path, "r");
    bool good = file && fgets(line, size, file);
    if (file)
        fclose(file);
    return good;
}

/* ---- surfaces, contexts */

static NTSTATUS create_surface(struct client *client, uint32_t width, uint32_t height,
                               struct surface *surface)
{
    D3DKMT_CREATEALLOCATION create;
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_LOCK2 lock;

    memset(&info, 0, sizeof(info));
    surface->data = (struct zephyr_surface){.header = header(), .width = width, .height = height};
    info.pPrivateDriverData = &surface->data;
    info.PrivateDriverDataSize = sizeof(surface->data);
    memset(&create, 0, sizeof(create));
    create.hDevice = client->umd.device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    if (!NT_SUCCESS(status))
        return status;
    surface->buffer.allocation = info.hAllocation;
    surface->buffer.size = ((size_t)surface->data.pitch * height + PAGE - 1) / PAGE * PAGE;
    status = umd_buffer_map(&client->umd, &surface->buffer);
    if (!NT_SUCCESS(status))
        return status;
    memset(&lock, 0, sizeof(lock));
    lock.hDevice = client->umd.device;
    lock.hAllocation = info.hAllocation;
    status = D3DKMTLock2(&lock);
    surface->buffer.cpu = lock.pData;
    return status;
}

static NTSTATUS create_context(struct client *client, struct zephyr_context *data)
{
    D3DKMT_CREATECONTEXTVIRTUAL create;

    memset(&create, 0, sizeof(create));
    *data = (struct zephyr_context){.header = header()};
    create.hDevice = client->umd.device;
    create.EngineAffinity = 1;
    create.pPrivateDriverData = data;
    create.PrivateDriverDataSize = sizeof(*data);
    NTSTATUS status = D3DKMTCreateContextVirtual(&create);
    client->context = create.hContext;
    return status;
}

/* ---- work */

static struct zephyr_command command(enum zephyr_operation operation, const struct surface *to,
                                     uint32_t color, const struct surface *from)
{
    return (struct zephyr_command){
        .operation = operation,
        .color = color,
        .destination = to->buffer.address,
        .source = from ? from->buffer.address : 0,
        .width = WIDTH,
        .height = HEIGHT,
        .pitch = to->data.pitch,
    };
}

/* The fence in the submit header is signalled by the GPU itself: no signal is queued behind. */
static NTSTATUS submit(struct client *client, size_t size, uint64_t value)
{
    struct zephyr_submit data = {
        .header = header(), .fence_address = client->fence.address, .fence_value = value};
    D3DKMT_SUBMITCOMMAND submit;

    memset(&submit, 0, sizeof(submit));
    submit.Commands = client->commands.address;
    submit.CommandLength = (UINT)size;
    submit.BroadcastContextCount = 1;
    submit.BroadcastContext[0] = client->context;
    submit.pPrivateDriverData = &data;
    submit.PrivateDriverDataSize = sizeof(data);
    NTSTATUS status = D3DKMTSubmitCommand(&submit);
    return NT_SUCCESS(status) ? umd_wait_on_cpu(&client->umd, &client->fence, value) : status;
}

static NTSTATUS draw(struct client *client)
{
    struct zephyr_command *commands = client->commands.cpu;

    commands[0] = command(ZEPHYR_CLEAR, &client->front, 0x40302010, NULL);
    commands[1] = command(ZEPHYR_CLEAR, &client->back, 0x00102030, NULL);
    commands[2] = command(ZEPHYR_BLEND, &client->front, 0, &client->back);
    return submit(client, COMMANDS * sizeof(*commands), 1);
}

static bool is_drawn(const struct client *client)
{
    const unsigned char *pixels = client->front.buffer.cpu;

    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            uint32_t pixel;

            memcpy(&pixel, pixels + (size_t)y * client->front.data.pitch + x * sizeof(pixel),
                   sizeof(pixel));
            if (pixel != 0x20202020)
                return false;
        }
    }
    return true;
}

static NTSTATUS ask_statistics(struct client *client, struct zephyr_statistics *statistics)
{
    D3DKMT_ESCAPE escape;

    *statistics = (struct zephyr_statistics){.header = header()};
    memset(&escape, 0, sizeof(escape));
    escape.hAdapter = client->umd.adapter;
    escape.hDevice = client->umd.device;
    escape.Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    escape.pPrivateDriverData = statistics;
    escape.PrivateDriverDataSize = sizeof(*statistics);
    return D3DKMTEscape(&escape);
}

static int run(struct client *client)
{
    struct zephyr_statistics statistics;
    struct zephyr_adapter adapter;
    struct zephyr_context context;
    struct surface commands;
    char setting[80] = "(no driver store)\n";

    if (!NT_SUCCESS(umd_open(&client->umd, 0)))
        return failed("device");
    if (!is_zephyr(client, &adapter)) {
        fprintf(stderr, "the first adapter is no Zephyr GPU\n");
        return 1;
    }
    (void)read_store(client, setting, sizeof(setting));
    if (!NT_SUCCESS(create_context(client, &context)))
        return failed("context");
    if (!NT_SUCCESS(umd_fence_create(&client->umd, 0, &client->fence)) ||
        !NT_SUCCESS(create_surface(client, WIDTH, HEIGHT, &client->front)) ||
        !NT_SUCCESS(create_surface(client, WIDTH, HEIGHT, &client->back)) ||
        !NT_SUCCESS(create_surface(client, PAGE / 4, 1, &commands)))
        return failed("memory");
    client->commands = commands.buffer;
    if (!NT_SUCCESS(draw(client)))
        return failed("commands");
    if (!is_drawn(client)) {
        fprintf(stderr, "the picture is wrong\n");
        return 1;
    }
    if (!NT_SUCCESS(ask_statistics(client, &statistics)))
        return failed("escape");
    printf("Zephyr generation %u, context %u, pitch %u, %u device; %llu commands, %llu pixels; %s",
           adapter.generation, context.number, client->front.data.pitch, statistics.devices,
           (unsigned long long)statistics.commands, (unsigned long long)statistics.pixels, setting);
    return 0;
}

int main(void)
{
    static struct client client;
    int result = run(&client);

    umd_close(&client.umd);
    D3DKMTCloseDxCoreDevice();
    return result;
}
