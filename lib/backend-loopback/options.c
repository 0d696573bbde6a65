/* SPDX-License-Identifier: MIT */
/* The options of the simulated host, in its own process or in the caller's. */
#include "backend-loopback/options.h"

#include "backend-loopback/kmd/softgpu.h"
#include "backend-loopback/miniport.h"
#include "core/last_error.h"
#include "core/log.h"
#include "core/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)

static const struct number_option {
    const char *name;
    size_t offset;
    uint64_t minimum, maximum;
} number_options[] = {
    {"adapters", offsetof(struct loopback_options, adapters), 1, HOST_MAX_ADAPTERS},
    {"compute-only", offsetof(struct loopback_options, compute_only_adapters), 0,
     HOST_MAX_ADAPTERS},
    {"version", offsetof(struct loopback_options, version), 16, 255},
    {"io-space", offsetof(struct loopback_options, host.io_space_size), 16 * MIB, TIB},
    {"local-memory", offsetof(struct loopback_options, local_memory), MIB, TIB},
    {"non-local-memory", offsetof(struct loopback_options, non_local_memory), MIB, TIB},
    {"local-budget", offsetof(struct loopback_options, local_budget), MIB, TIB},
    {"spin-us", offsetof(struct loopback_options, spin_us), 0, 1000000},
    {"seed", offsetof(struct loopback_options, host.seed), 0, UINT64_MAX},
    {"hang-timeout-ms", offsetof(struct loopback_options, hang_timeout_ms), 1, 3600000},
};

static const struct switch_option {
    const char *name;
    size_t offset;
} switch_options[] = {
    {"async", offsetof(struct loopback_options, async)},
    {"secure", offsetof(struct loopback_options, secure)},
    {"page-lists", offsetof(struct loopback_options, page_lists)},
    {"pending", offsetof(struct loopback_options, pending)},
    {"hw-scheduling", offsetof(struct loopback_options, hw_scheduling)},
    {"deterministic", offsetof(struct loopback_options, host.deterministic)},
    {"check-pointers", offsetof(struct loopback_options, check_pointers)},
    {"interruptible", offsetof(struct loopback_options, interruptible)},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static NTSTATUS read_path(struct loopback_options *options, const char *path)
{
    if (*path == '\0' || strlen(path) >= sizeof(options->host_path))
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "host=PATH: a socket's path has 1 to %zu characters",
                            sizeof(options->host_path) - 1);
    memcpy(options->host_path, path, strlen(path) + 1);
    return STATUS_SUCCESS;
}

_Static_assert((int)LOOPBACK_OPTIONS_MAX >= (int)OPTIONS_TEXT_MAX, "any value must fit");

/* NAME, or NAME:OPTIONS, of which what is behind the colon is pointed to. */
static NTSTATUS find_miniport(const char *value, const struct kmd_interface **miniport,
                              const char **miniport_options)
{
    char name[LOOPBACK_MINIPORT_NAME_MAX];
    size_t length = strcspn(value, ":");

    *miniport_options = value[length] ? value + length + 1 : "";
    if (length < sizeof(name)) {
        memcpy(name, value, length);
        name[length] = '\0';
        value = name;
    }
    return loopback_miniport_find(value, miniport);
}

static NTSTATUS read_miniport(struct loopback_options *options, const char *value)
{
    const char *miniport_options;
    NTSTATUS status = find_miniport(value, &options->miniport, &miniport_options);

    snprintf(options->miniport_options, sizeof(options->miniport_options), "%s", miniport_options);
    return status;
}

static NTSTATUS read_profile(struct loopback_options *options, const char *path)
{
    if (*path == '\0' || options->profile)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                            "profile=FILE: one file is needed; it may hold several adapters");
    return profile_load(path, &options->profile);
}

static NTSTATUS read_option(void *context, const struct option *option)
{
    struct loopback_options *options = context;
    char *base = context;

    if (strcmp(option->name, "host") == 0)
        return read_path(options, option->value);
    if (strcmp(option->name, "miniport") == 0)
        return read_miniport(options, option->value);
    if (strcmp(option->name, "profile") == 0)
        return read_profile(options, option->value);
    if (strcmp(option->name, "seed") == 0)
        options->seed_given = true;
    for (size_t i = 0; i < COUNT(number_options); i++) {
        const struct number_option *known = &number_options[i];

        if (strcmp(option->name, known->name) == 0)
            return d3dkmti_option_number(option, known->minimum, known->maximum,
                                         (uint64_t *)(void *)(base + known->offset));
    }
    for (size_t i = 0; i < COUNT(switch_options); i++) {
        if (strcmp(option->name, switch_options[i].name) == 0)
            return d3dkmti_option_switch(option, (bool *)(base + switch_options[i].offset));
    }
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "\"%s\" is not an option of the simulated host; see loopback.h",
                        option->name);
}

/* Sizes that were given come before any others. */
static void overrule(const struct loopback_options *options, struct host_adapter_config *adapter)
{
    if (options->local_memory)
        adapter->segment_size[KMD_SEGMENT_LOCAL] = options->local_memory;
    if (options->non_local_memory)
        adapter->segment_size[KMD_SEGMENT_NON_LOCAL] = options->non_local_memory;
    if (options->local_budget)
        adapter->budget[KMD_SEGMENT_LOCAL] = options->local_budget;
}

/* The option's, else the profile's, else the one that is built in. */
static NTSTATUS choose_miniport(const struct loopback_options *options, uint32_t index,
                                struct host_adapter_config *adapter)
{
    const char *wanted = options->profile ? profile_miniport(options->profile, index) : NULL;

    adapter->miniport = options->miniport ? options->miniport : &kmd_softgpu;
    adapter->miniport_options = options->miniport_options;
    if (options->miniport || !wanted)
        return STATUS_SUCCESS;
    return find_miniport(wanted, &adapter->miniport, &adapter->miniport_options);
}

/* The last ones of the adapters are the compute-only ones. */
static NTSTATUS configure_adapters(struct loopback_options *options)
{
    struct host_config *host = &options->host;

    host->adapter_count =
        options->profile ? profile_adapter_count(options->profile) : (uint32_t)options->adapters;
    for (uint32_t i = 0; i < host->adapter_count; i++) {
        struct host_adapter_config *adapter = &host->adapters[i];
        NTSTATUS status = choose_miniport(options, i, adapter);

        if (!NT_SUCCESS(status))
            return status;
        adapter->asynchronous_paging = options->pending;
        adapter->hang_timeout_ns = options->hang_timeout_ms * 1000000;
        if (options->profile) {
            profile_configure(options->profile, i, adapter);
            overrule(options, adapter);
            continue;
        }
        adapter->compute_only = i >= host->adapter_count - options->compute_only_adapters;
        adapter->hw_scheduling = options->hw_scheduling;
        overrule(options, adapter);
    }
    return STATUS_SUCCESS;
}

/* A host in another process has options of its own: what is given here would be without effect. */
static NTSTATUS check_client_option(void *context, const struct option *option)
{
    static const char *const clients[] = {"host", "spin-us", "check-pointers", "interruptible"};

    (void)context;
    for (size_t i = 0; i < COUNT(clients); i++)
        if (strcmp(option->name, clients[i]) == 0)
            return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                        "\"%s\" is an option of the host: with host=PATH, give it to d3dkmt-hostd",
                        option->name);
}

/* What a profile says is not said twice. */
static NTSTATUS check_profile_option(void *context, const struct option *option)
{
    static const char *const profiles[] = {"adapters", "compute-only", "hw-scheduling"};

    (void)context;
    for (size_t i = 0; i < COUNT(profiles); i++)
        if (strcmp(option->name, profiles[i]) == 0)
            return d3dkmti_fail(STATUS_INVALID_PARAMETER,
                                "\"%s\" is told by the profile: give one of the two", option->name);
    return STATUS_SUCCESS;
}

/* A run that was left to chance says how to have it again. */
static NTSTATUS settle_seed(struct loopback_options *options, const char *text)
{
    uint32_t seed;

    if (!options->host.deterministic && options->seed_given)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "seed=N needs the option deterministic");
    if (!options->host.deterministic || options->seed_given)
        return STATUS_SUCCESS;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        return d3dkmti_fail(STATUS_UNSUCCESSFUL,
                            "deterministic: the kernel has no random seed yet; give seed=N");
    options->host.seed = seed;
    d3dkmti_log(D3DKMT_LOG_WARNING, "loopback", "to repeat this run: loopback:%s,seed=%u", text,
                seed);
    return STATUS_SUCCESS;
}

static NTSTATUS read_all(struct loopback_options *options, const char *text)
{
    NTSTATUS status = d3dkmti_options_visit(text, read_option, options);

    if (NT_SUCCESS(status) && options->profile)
        status = d3dkmti_options_visit(text, check_profile_option, NULL);
    if (NT_SUCCESS(status) && options->host_path[0])
        status = d3dkmti_options_visit(text, check_client_option, NULL);
    if (NT_SUCCESS(status) && options->compute_only_adapters > options->adapters)
        status =
            d3dkmti_fail(STATUS_INVALID_PARAMETER, "compute-only=%u of adapters=%u",
                         (unsigned)options->compute_only_adapters, (unsigned)options->adapters);
    if (NT_SUCCESS(status))
        status = settle_seed(options, text);
    return status;
}

NTSTATUS loopback_options_read(struct loopback_options *options, const char *text)
{
    memset(options, 0, sizeof(*options));
    options->adapters = 1;
    NTSTATUS status = read_all(options, text);

    if (NT_SUCCESS(status))
        status = configure_adapters(options);
    if (!NT_SUCCESS(status)) {
        profile_free(options->profile);
        options->profile = NULL;
        return status;
    }
    options->host.interface_version = (uint32_t)options->version;
    options->host.async_messages = options->async;
    options->host.secure = options->secure;
    options->host.caps = options->page_lists ? HOST_CAPS_MAP_GUEST_MEMORY : 0;
    return STATUS_SUCCESS;
}
