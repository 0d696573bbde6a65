/* SPDX-License-Identifier: MIT */
/* What the machine asks of a miniport, and what it does with one that misbehaves. */
#include "fixture.h"

#include <string.h>

/* A miniport that counts, and fails as it is told. */
static struct {
    int workers;
    int processes;
    bool vm_known;
    bool vm_secure;
    char process_name[16];
    NTSTATUS create_process;
    NTSTATUS set_vm;
    uint32_t capabilities;
    int devices;
    int contexts;
    int allocations;
    int started;
    uint32_t nodes;
    NTSTATUS create_device;
    NTSTATUS create_context;
    enum kmd_result result;
    enum kmd_segment_group segment;
} own;

static NTSTATUS own_start(const struct kmd_start_info *start, struct kmd_adapter_info *info,
                          void **adapter)
{
    assert_int_equal(start->services->version, KMD_SERVICES_VERSION);
    info->node_count = own.nodes;
    info->capabilities = own.capabilities;
    info->segment_size[KMD_SEGMENT_LOCAL] = 1 << 20;
    info->segment_size[KMD_SEGMENT_NON_LOCAL] = 1 << 20;
    own.started++;
    *adapter = &own;
    return STATUS_SUCCESS;
}

static void own_stop(void *adapter)
{
    assert_ptr_equal(adapter, &own);
    own.started--;
    if (own.started == 0)
        assert_int_equal(own.devices + own.processes + own.workers, 0);
}

static NTSTATUS own_create_process(void *adapter, const struct kmd_process_info *info,
                                   void **process)
{
    (void)adapter;
    if (!NT_SUCCESS(own.create_process))
        return own.create_process;
    if (info->flags == KMD_PROCESS_VIRTUAL_MACHINE_WORKER) {
        assert_null(info->worker);
        assert_string_equal(info->name, "vmwp.exe");
        own.workers++;
        *process = &own.workers;
        return STATUS_SUCCESS;
    }
    assert_int_equal(info->flags, KMD_PROCESS_VIRTUAL_MACHINE);
    assert_ptr_equal(info->worker, &own.workers);
    assert_true(own.vm_known);
    strncpy(own.process_name, info->name, sizeof(own.process_name) - 1);
    own.processes++;
    *process = &own.processes;
    return STATUS_SUCCESS;
}

static void own_destroy_process(void *adapter, void *process)
{
    (void)adapter;
    if (process == &own.workers && own.workers == 1)
        assert_int_equal(own.processes, 0);
    --*(int *)process;
}

static NTSTATUS own_set_vm(void *adapter, const struct kmd_virtual_machine *data)
{
    (void)adapter;
    assert_ptr_equal(data->worker, &own.workers);
    assert_int_equal(data->guid[15], 0x2f);
    own.vm_known = true;
    own.vm_secure = data->secure;
    return own.set_vm;
}

static NTSTATUS own_create_device(void *adapter, void *process, void **device)
{
    (void)adapter;
    assert_ptr_equal(process, &own.processes);
    own.devices += NT_SUCCESS(own.create_device);
    *device = &own.devices;
    return own.create_device;
}

static void own_destroy_device(void *adapter, void *device)
{
    (void)adapter;
    assert_ptr_equal(device, &own.devices);
    assert_int_equal(own.contexts, 0); /* children first, whatever order the owner chose */
    own.devices--;
}

static NTSTATUS own_create_context(void *adapter, void *device, struct kmd_context_info *info,
                                   void **context)
{
    (void)adapter;
    assert_ptr_equal(device, &own.devices);
    if (info->private_data_size)
        memset(info->private_data, 0x5a, info->private_data_size);
    own.contexts += NT_SUCCESS(own.create_context);
    *context = &own.contexts;
    return own.create_context;
}

static void own_destroy_context(void *adapter, void *context)
{
    (void)adapter;
    assert_ptr_equal(context, &own.contexts);
    own.contexts--;
}

static NTSTATUS own_create_allocation(void *adapter, struct kmd_allocation *allocation)
{
    (void)adapter;
    allocation->size = allocation->private_data_size;
    allocation->segment = own.segment;
    allocation->driver_allocation = &own.allocations;
    own.allocations++;
    return STATUS_SUCCESS;
}

static void own_destroy_allocation(void *adapter, void *allocation)
{
    (void)adapter;
    assert_ptr_equal(allocation, &own.allocations);
    own.allocations--;
}

static enum kmd_result own_submit(void *adapter, struct kmd_execution *execution,
                                  struct kmd_submission *submission)
{
    (void)adapter;
    (void)execution;
    assert_ptr_equal(submission->driver_context, &own.contexts);
    return own.result;
}

static const struct kmd_interface own_miniport = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "own",
    .StartDevice = own_start,
    .StopDevice = own_stop,
    .CreateProcess = own_create_process,
    .DestroyProcess = own_destroy_process,
    .SetVirtualMachineData = own_set_vm,
    .CreateDevice = own_create_device,
    .DestroyDevice = own_destroy_device,
    .CreateContext = own_create_context,
    .DestroyContext = own_destroy_context,
    .CreateAllocation = own_create_allocation,
    .DestroyAllocation = own_destroy_allocation,
    .SubmitCommand = own_submit,
};

static int set_up(void **state)
{
    static struct rig rig;
    struct gpu_adapter_config config = {.miniport = &own_miniport,
                                        .virtual_machine = {[15] = 0x2f}};

    memset(&own, 0, sizeof(own));
    own.capabilities = KMD_CAPABILITY_PARAVIRTUALIZATION;
    own.nodes = 1;
    own.result = KMD_DONE;
    rig_open(&rig, NULL, &config);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    assert_int_equal(own.devices + own.contexts + own.allocations + own.started, 0);
    assert_int_equal(own.processes + own.workers, 0);
    return 0;
}

static void miniport_sees_a_balanced_life(void **state)
{
    struct rig *rig = *state;
    uint8_t data[100] = {0};
    struct gpu_allocation_config config = {.private_data = data, .private_data_size = sizeof(data)};
    struct gpu_allocation *allocation;
    struct gpu_context *context;

    assert_int_equal(gpu_context_create(rig->device, 0, data, sizeof(data), &context),
                     STATUS_SUCCESS);
    assert_int_equal(data[99], 0x5a);
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation), STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_size(allocation), PAGE);
    assert_int_equal(own.devices + own.contexts + own.allocations, 3);
    gpu_allocation_release(allocation);
    gpu_device_destroy(rig->device);
    assert_int_equal(own.devices, 1);
    gpu_context_destroy(context);
    assert_int_equal(own.devices, 1); /* the paging queue keeps it */
    gpu_paging_queue_destroy(rig->paging);
    assert_int_equal(own.devices, 0);
    rig->device = NULL;
    rig->paging = NULL;
}

static void processes_belong_to_the_worker_of_the_vm(void **state)
{
    struct rig *rig = *state;
    struct gpu_process *process = NULL;

    assert_int_equal(own.workers, 1);
    assert_int_equal(own.processes, 1);
    assert_false(own.vm_secure);
    assert_string_equal(own.process_name, "test");
    assert_int_equal(gpu_process_create(rig->adapter, "second", &process), STATUS_SUCCESS);
    assert_string_equal(own.process_name, "second");
    assert_int_equal(own.processes, 2);
    own.create_process = STATUS_ACCESS_DENIED;
    struct gpu_process *third = NULL;
    assert_int_equal(gpu_process_create(rig->adapter, "third", &third), STATUS_ACCESS_DENIED);
    own.create_process = STATUS_SUCCESS;
    assert_null(third);
    assert_int_equal(own.processes, 2);
    gpu_process_destroy(process);
    assert_int_equal(own.processes, 1);
}

static NTSTATUS start_another(struct rig *rig, struct gpu_adapter_config config)
{
    struct gpu_adapter *adapter;
    int started = own.started, workers = own.workers;
    NTSTATUS status;

    config.miniport = &own_miniport;
    config.virtual_machine[15] = 0x2f;
    status = gpu_adapter_create(rig->machine, &config, &adapter);
    if (NT_SUCCESS(status))
        gpu_adapter_destroy(adapter);
    /* Whatever was begun has been ended. */
    assert_int_equal(own.started, started);
    assert_int_equal(own.workers, workers);
    return status;
}

static void adapters_without_a_capability_are_refused(void **state)
{
    const struct gpu_adapter_config plain = {0}, compute = {.compute_only = true};
    const struct gpu_adapter_config secure = {.secure_virtual_machine = true};
    const struct gpu_adapter_config both = {.compute_only = true, .secure_virtual_machine = true};

    assert_int_equal(start_another(*state, plain), STATUS_SUCCESS);
    assert_false(own.vm_secure);
    assert_int_equal(start_another(*state, compute), STATUS_SUCCESS);
    assert_int_equal(start_another(*state, secure), STATUS_SUCCESS);
    assert_true(own.vm_secure);
    assert_int_equal(start_another(*state, both), STATUS_NOT_SUPPORTED);
    own.capabilities |= KMD_CAPABILITY_IOMMU_SECURE_MODE;
    assert_int_equal(start_another(*state, both), STATUS_SUCCESS);
    own.capabilities = KMD_CAPABILITY_IOMMU_SECURE_MODE;
    assert_int_equal(start_another(*state, plain), STATUS_NOT_SUPPORTED);
}

static void a_refused_vm_leaves_nothing(void **state)
{
    const struct gpu_adapter_config plain = {0};

    own.set_vm = STATUS_ACCESS_DENIED;
    assert_int_equal(start_another(*state, plain), STATUS_ACCESS_DENIED);
    own.set_vm = STATUS_SUCCESS;
    own.create_process = STATUS_NO_MEMORY;
    assert_int_equal(start_another(*state, plain), STATUS_NO_MEMORY);
    own.create_process = STATUS_SUCCESS;
}

static void nodes_of_the_configuration_are_insisted_on(void **state)
{
    static const struct kmd_node nodes[] = {
        {KMD_ENGINE_CRYPTO, "Cipher"}, {KMD_ENGINE_3D, ""}, {KMD_ENGINE_COPY, "DMA"}};
    struct gpu_adapter_config config = {.node_count = 3, .nodes = nodes};
    struct rig *rig = *state;
    struct gpu_adapter *adapter;

    /* This miniport has its own, whatever it is asked for. */
    assert_int_equal(start_another(rig, config), STATUS_NOT_SUPPORTED);
    config.miniport = &kmd_softgpu;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_SUCCESS);
    assert_int_equal(gpu_adapter_info(adapter)->node_count, 3);
    assert_int_equal(gpu_adapter_info(adapter)->nodes[0].type, KMD_ENGINE_CRYPTO);
    assert_string_equal(gpu_adapter_info(adapter)->nodes[2].name, "DMA");
    gpu_adapter_destroy(adapter);
    config.node_count = KMD_MAX_NODES + 1;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
}

static void with_one_segment_everything_is_there(void **state)
{
    struct gpu_adapter_config config = {.miniport = &kmd_softgpu,
                                        .segment_size = {64 * PAGE, GPU_NOTHING}};
    struct softgpu_allocation data = softgpu_allocation_data(PAGE, SOFTGPU_ALLOCATION_NON_LOCAL);
    struct gpu_allocation_config allocation_config = {.private_data = &data,
                                                      .private_data_size = sizeof(data)};
    struct rig *rig = *state;
    struct gpu_adapter *adapter;
    struct gpu_allocation *allocation;

    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_SUCCESS);
    assert_int_equal(gpu_adapter_segment_size(adapter, KMD_SEGMENT_NON_LOCAL), 0);
    assert_int_equal(gpu_allocation_create(adapter, &allocation_config, &allocation),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_segment(allocation), KMD_SEGMENT_LOCAL);
    gpu_allocation_release(allocation);
    allocation_config.system_memory = true;
    assert_int_equal(gpu_allocation_create(adapter, &allocation_config, &allocation),
                     STATUS_SUCCESS);
    assert_int_equal(gpu_allocation_segment(allocation), KMD_SEGMENT_LOCAL);
    gpu_allocation_release(allocation);
    gpu_adapter_destroy(adapter);
}

static void miniport_failures_are_handed_on(void **state)
{
    struct rig *rig = *state;
    struct gpu_device *device;
    struct gpu_context *context;
    struct gpu_hw_queue *queue;

    own.create_device = STATUS_ACCESS_DENIED;
    assert_int_equal(gpu_device_create(rig->process, NULL, NULL, &device), STATUS_ACCESS_DENIED);
    context = rig_new_context(rig, 0);
    own.create_context = STATUS_NOT_SUPPORTED;
    assert_int_equal(gpu_hw_queue_create(context, NULL, 0, &queue), STATUS_NOT_SUPPORTED);
    gpu_context_destroy(context);
    assert_int_equal(gpu_context_create(rig->device, 0, NULL, 0, &context), STATUS_NOT_SUPPORTED);
}

static void impossible_allocations_are_not_believed(void **state)
{
    struct rig *rig = *state;
    uint8_t data[100] = {0};
    struct gpu_allocation_config config = {.private_data = data, .private_data_size = sizeof(data)};
    struct gpu_allocation *allocation;

    own.segment = (enum kmd_segment_group)5;
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation),
                     STATUS_INVALID_PARAMETER);
    own.segment = KMD_SEGMENT_LOCAL;
    config.private_data_size = 0;
    assert_int_equal(gpu_allocation_create(rig->adapter, &config, &allocation),
                     STATUS_INVALID_PARAMETER);
}

static void faults_without_a_fault_are_dma_faults(void **state)
{
    struct rig *rig = *state;
    struct gpu_context *context = rig_new_context(rig, 0);

    own.result = KMD_FAULT;
    assert_int_equal(gpu_queue_submit(gpu_context_queue(context), 0, 4, NULL, 0), STATUS_SUCCESS);
    rig_wait_for_error(rig);
    assert_int_equal(rig->error_state, GPU_DEVICE_DMA_FAULT);
    gpu_context_destroy(context);
}

static void optional_functions_are_not_supported(void **state)
{
    struct rig *rig = *state;
    struct kmd_standard_allocation request = {.type = KMD_STANDARD_ALLOCATION_VIRTUAL_GPU};

    assert_int_equal(gpu_adapter_query_info(rig->adapter, 0, NULL, 0), STATUS_NOT_SUPPORTED);
    assert_int_equal(gpu_adapter_standard_allocation(rig->adapter, &request), STATUS_NOT_SUPPORTED);
    assert_int_equal(gpu_device_escape(rig->device, NULL, 0), STATUS_NOT_SUPPORTED);
    assert_null(gpu_adapter_driver_store_path(rig->adapter));
}

static void unusable_miniports_are_refused(void **state)
{
    struct rig *rig = *state;
    struct kmd_interface bad = own_miniport;
    struct gpu_adapter_config config = {.miniport = &bad};
    struct gpu_adapter *adapter;

    bad.version++;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    bad = own_miniport;
    bad.size = 16;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    bad = own_miniport;
    bad.SubmitCommand = NULL;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    bad = own_miniport;
    bad.DestroyContext = NULL;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    config.miniport = NULL;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    config.miniport = &own_miniport;
    own.nodes = KMD_MAX_NODES + 1;
    assert_int_equal(gpu_adapter_create(rig->machine, &config, &adapter), STATUS_INVALID_PARAMETER);
    assert_int_equal(own.started, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(miniport_sees_a_balanced_life),
        TEST(processes_belong_to_the_worker_of_the_vm),
        TEST(adapters_without_a_capability_are_refused),
        TEST(a_refused_vm_leaves_nothing),
        TEST(nodes_of_the_configuration_are_insisted_on),
        TEST(with_one_segment_everything_is_there),
        TEST(miniport_failures_are_handed_on),
        TEST(impossible_allocations_are_not_believed),
        TEST(faults_without_a_fault_are_dma_faults),
        TEST(optional_functions_are_not_supported),
        TEST(unusable_miniports_are_refused),
    };

    return cmocka_run_group_tests_name("gpu-miniport", tests, NULL, NULL);
}
