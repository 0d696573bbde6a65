/* SPDX-License-Identifier: MIT */
/*
 * The dxg backend against a kernel of the test's own: open() and ioctl() are defined here and stand
 * before libc's, as an interposer's would. The node is /dev/zero, a character device that is
 * everywhere.
 */
#include "kernel.h"

#include "backend-dxg/backend.h"
#include "backend-dxg/errno_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state)
{
    (void)state;
    kernel_reset();
    return d3dkmt_open("dxg:device=/dev/zero") == STATUS_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static NTSTATUS make_resident(void)
{
    D3DDDI_MAKERESIDENT args;

    memset(&args, 0, sizeof(args));
    return D3DKMTMakeResident(&args);
}

/* ---- requests */

/* Of the driver's header, kernels 6.1 to 6.18. */
static const struct {
    enum d3dkmt_op_id op;
    uint32_t request;
} requests[] = {
#define REQUEST(name, word)                                                                        \
    {                                                                                              \
        D3DKMT_OP_##name, word                                                                     \
    }
    REQUEST(OpenAdapterFromLuid, 0xC00C4701),
    REQUEST(CreateDevice, 0xC0404702),
    REQUEST(CreateContextVirtual, 0xC0284704),
    REQUEST(DestroyContext, 0xC0044705),
    REQUEST(CreateAllocation2, 0xC0484706),
    REQUEST(CreatePagingQueue, 0xC0204707),
    REQUEST(ReserveGpuVirtualAddress, 0xC0484708),
    REQUEST(QueryAdapterInfo, 0xC0184709),
    REQUEST(QueryVideoMemoryInfo, 0xC038470A),
    REQUEST(MakeResident, 0xC030470B),
    REQUEST(MapGpuVirtualAddress, 0xC068470C),
    REQUEST(Escape, 0xC020470D),
    REQUEST(GetDeviceState, 0xC038470E),
    REQUEST(SubmitCommand, 0xC180470F),
    REQUEST(CreateSynchronizationObject2, 0xC0604710),
    REQUEST(SignalSynchronizationObject2, 0xC1D04711),
    REQUEST(WaitForSynchronizationObject2, 0xC0C84712),
    REQUEST(DestroyAllocation2, 0xC0184713),
    REQUEST(EnumAdapters2, 0xC0104714),
    REQUEST(CloseAdapter, 0xC0044715),
    REQUEST(ChangeVideoMemoryReservation, 0xC0204716),
    REQUEST(CreateHwQueue, 0xC0304718),
    REQUEST(DestroyDevice, 0xC0044719),
    REQUEST(DestroyHwQueue, 0xC004471B),
    REQUEST(DestroyPagingQueue, 0xC004471C),
    REQUEST(DestroySynchronizationObject, 0xC004471D),
    REQUEST(Evict, 0xC020471E),
    REQUEST(FlushHeapTransitions, 0xC004471F),
    REQUEST(FreeGpuVirtualAddress, 0xC0184720),
    REQUEST(GetContextInProcessSchedulingPriority, 0xC0084721),
    REQUEST(GetContextSchedulingPriority, 0xC0084722),
    REQUEST(InvalidateCache, 0xC0184724),
    REQUEST(Lock2, 0xC0184725),
    REQUEST(MarkDeviceAsError, 0xC0084726),
    REQUEST(OfferAllocations, 0xC0284727),
    REQUEST(QueryAllocationResidency, 0xC020472A),
    REQUEST(ReclaimAllocations2, 0xC028472C),
    REQUEST(SetAllocationPriority, 0xC020472E),
    REQUEST(SetContextInProcessSchedulingPriority, 0xC008472F),
    REQUEST(SetContextSchedulingPriority, 0xC0084730),
    REQUEST(SignalSynchronizationObjectFromCpu, 0xC0204731),
    REQUEST(SignalSynchronizationObjectFromGpu, 0xC0504732),
    REQUEST(SignalSynchronizationObjectFromGpu2, 0xC0604733),
    REQUEST(SubmitCommandToHwQueue, 0xC0384734),
    REQUEST(SubmitSignalSyncObjectsToHwQueue, 0xC0284735),
    REQUEST(SubmitWaitForSyncObjectsToHwQueue, 0xC0184736),
    REQUEST(Unlock2, 0xC0084737),
    REQUEST(UpdateAllocationProperty, 0xC0284738),
    REQUEST(UpdateGpuVirtualAddress, 0xC0384739),
    REQUEST(WaitForSynchronizationObjectFromCpu, 0xC028473A),
    REQUEST(WaitForSynchronizationObjectFromGpu, 0xC050473B),
    REQUEST(GetAllocationPriority, 0xC020473C),
    REQUEST(QueryClockCalibration, 0xC028473D),
    REQUEST(EnumAdapters3, 0xC018473E),
    REQUEST(ShareObjects, 0xC028473F),
    REQUEST(OpenSyncObjectFromNtHandle2, 0xC0584740),
    REQUEST(QueryResourceInfoFromNtHandle, 0xC0284741),
    REQUEST(OpenResourceFromNtHandle, 0xC0684742),
    REQUEST(QueryStatistics, 0xC3284743),
    REQUEST(ShareObjectWithHost, 0xC0184744),
    REQUEST(CreateSyncFile, 0xC0184745),
    REQUEST(WaitSyncFile, 0xC0104746),
    REQUEST(OpenSyncObjectFromSyncFile, 0xC0284747),
    REQUEST(EnumProcesses, 0xC0184748),
    REQUEST(IsFeatureEnabled, 0xC00C4749),
    REQUEST(CreateContext, 0xC0604703),
    REQUEST(CreateHwContext, 0xC0284717),
    REQUEST(DestroyHwContext, 0xC004471A),
    REQUEST(GetSharedResourceAdapterLuid, 0xC0184723),
    REQUEST(OpenResource, 0xC0484728),
    REQUEST(OpenSynchronizationObject, 0xC0484729),
    REQUEST(QueryResourceInfo, 0xC020472B),
    REQUEST(Render, 0xC170472D),
#undef REQUEST
};

static void every_operation_has_the_drivers_request(void **state)
{
    unsigned with_request = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++)
        assert_int_equal(d3dkmt_find_op(requests[i].op)->ioctl_request, requests[i].request);
    for (int id = 0; id < D3DKMT_OP_COUNT; id++)
        with_request += d3dkmt_find_op((enum d3dkmt_op_id)id)->ioctl_request != 0;
    assert_int_equal(with_request, COUNT(requests));
}

static void a_call_is_one_ioctl_with_the_callers_struct(void **state)
{
    D3DKMT_CREATEDEVICE args;

    (void)state;
    memset(&args, 0, sizeof(args));
    assert_int_equal(D3DKMTCreateDevice(&args), STATUS_SUCCESS);
    assert_int_equal(kernel.ioctls, 1);
    assert_int_equal(kernel.last_request, 0xC0404702);
    assert_ptr_equal(kernel.last_argument, &args);
}

static void what_the_driver_never_had_is_not_asked_for(void **state)
{
    D3DKMT_PINRESOURCES args;

    (void)state;
    memset(&args, 0, sizeof(args));
    assert_int_equal(D3DKMTPinResources(&args), STATUS_NOT_SUPPORTED);
    assert_int_equal(kernel.ioctls, 0);
}

/* ---- results */

static void positive_results_are_statuses(void **state)
{
    (void)state;
    kernel_answer(STATUS_PENDING, 0);
    assert_int_equal(make_resident(), STATUS_PENDING);
}

static void a_raw_status_is_a_status(void **state)
{
    (void)state;
    kernel_answer((int)0xC000000D, ENODEV); /* errno is left over from something else */
    assert_int_equal(make_resident(), STATUS_INVALID_PARAMETER);
}

static void every_errno_has_its_status(void **state)
{
    static const struct {
        int error;
        NTSTATUS status;
    } cases[] = {
        {EINVAL, STATUS_INVALID_PARAMETER},
        {ENOMEM, STATUS_NO_MEMORY},
        {EFAULT, STATUS_UNSUCCESSFUL},
        {ENODEV, STATUS_DEVICE_REMOVED},
        {EOVERFLOW, STATUS_BUFFER_TOO_SMALL},
        {EACCES, STATUS_ACCESS_DENIED},
        {EPERM, STATUS_NOT_SUPPORTED},
        {ENOTTY, STATUS_NOT_SUPPORTED},
        {ENOENT, STATUS_OBJECT_NAME_INVALID},
        {EEXIST, STATUS_OBJECT_NAME_COLLISION},
        {EBADF, STATUS_INVALID_HANDLE},
        {EPROTOTYPE, STATUS_OBJECT_TYPE_MISMATCH},
        {EOPNOTSUPP, STATUS_ILLEGAL_INSTRUCTION},
        {EINPROGRESS, STATUS_GRAPHICS_ALLOCATION_BUSY},
        {ENOTRECOVERABLE, STATUS_UNSUCCESSFUL},
        {EIO, STATUS_UNSUCCESSFUL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        kernel_answer(-1, cases[i].error);
        assert_int_equal(make_resident(), cases[i].status);
        assert_non_null(strstr(d3dkmt_last_error(), "D3DKMTMakeResident (dxg): "));
        assert_non_null(strstr(d3dkmt_last_error(), strerror(cases[i].error)));
    }
}

static void a_full_channel_is_no_success(void **state)
{
    (void)state;
    kernel_answer(-1, EAGAIN);
    assert_false(NT_SUCCESS(make_resident()));
    assert_non_null(strstr(d3dkmt_last_error(), "nothing was sent"));
}

static void interrupted_waits_go_on(void **state)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU args;

    (void)state;
    memset(&args, 0, sizeof(args));
    kernel_answer(-1, EINTR);
    kernel_answer(-1, EINTR);
    kernel_answer(0, 0);
    assert_int_equal(D3DKMTWaitForSynchronizationObjectFromCpu(&args), STATUS_SUCCESS);
    assert_int_equal(kernel.ioctls, 3);
}

static void *wait_in_the_kernel(void *context)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU args;

    memset(&args, 0, sizeof(args));
    *(NTSTATUS *)context = D3DKMTWaitForSynchronizationObjectFromCpu(&args);
    return strstr(d3dkmt_last_error(), "is being closed") ? NULL : "another reason";
}

/* The kernel does not know that anybody closes; each thread gets a signal until it has left. */
static void closing_ends_waits_inside_of_the_kernel(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    NTSTATUS statuses[THREADS];
    void *complaint;

    (void)state;
    kernel.waits = 1;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_in_the_kernel, &statuses[i]), 0);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&kernel.waiting);
    D3DKMTCloseDxCoreDevice();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_int_equal(statuses[i], STATUS_DEVICE_REMOVED);
        assert_null(complaint);
    }
    /* The signal is nobody's again. */
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        struct sigaction action;

        assert_int_equal(sigaction(number, NULL, &action), 0);
        assert_true(action.sa_handler == SIG_DFL);
    }
    kernel.waits = 0;
}

/* ---- what this kernel has */

static void operations_are_probed_once(void **state)
{
    (void)state;
    kernel_answer(-1, EFAULT);
    assert_true(d3dkmt_op_supported(D3DKMT_OP_EnumProcesses));
    kernel_answer(-1, ENOTTY);
    assert_false(d3dkmt_op_supported(D3DKMT_OP_Render));
    assert_null(kernel.last_argument);
    int asked = kernel.ioctls;
    assert_true(d3dkmt_op_supported(D3DKMT_OP_EnumProcesses));
    assert_false(d3dkmt_op_supported(D3DKMT_OP_Render));
    assert_false(d3dkmt_op_supported(D3DKMT_OP_PinResources));
    assert_int_equal(kernel.ioctls, asked);
}

/* ---- descriptors that went astray */

static void a_number_that_is_something_else_by_now_is_left_alone(void **state)
{
    D3DKMT_ENUMADAPTERS2 args;
    char target[64];

    (void)state;
    int device = kernel.last_opened;
    int other = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(other, device), device);
    memset(&args, 0, sizeof(args));
    kernel_answer(-1, ENOTTY); /* what a regular file says */
    kernel_answer(0, 0);
    assert_int_equal(D3DKMTEnumAdapters2(&args), STATUS_SUCCESS);
    assert_int_not_equal(kernel.last_descriptor, device);
    snprintf(target, sizeof(target), "/proc/self/fd/%d", device);
    char path[64] = "";
    assert_true(readlink(target, path, sizeof(path) - 1) > 0);
    assert_string_equal(path, "/etc/passwd");
    close(device);
    close(other);
}

/* clone() without the C library runs no fork handler; the kernel then refuses the descriptor. */
static void a_clone_that_nobody_announced_opens_its_own(void **state)
{
    int opens = kernel.opens, status;

    (void)state;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        kernel_answer(-1, ENOTTY);
        kernel_answer(0, 0);
        _exit(make_resident() == STATUS_SUCCESS && kernel.opens == opens + 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The same where it may open none: that is no operation that the kernel lacks. */
static void a_descriptor_of_another_process_is_told_apart(void **state)
{
    int status;

    (void)state;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        kernel.open_error = EACCES;
        kernel_answer(-1, ENOTTY);
        bool told = make_resident() == STATUS_NOT_SUPPORTED &&
                    strstr(d3dkmt_last_error(), "belongs to process");

        kernel_answer(-1, EFAULT); /* to the question whether it is there */
        _exit(told && d3dkmt_op_supported(D3DKMT_OP_MakeResident) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_forked_child_gives_the_parents_descriptor_back(void **state)
{
    int device = kernel.last_opened, status;

    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(fcntl(device, F_GETFD) == -1 && errno == EBADF ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(fcntl(device, F_GETFD) >= 0);
}

static void an_unknown_operation_does_not_reopen(void **state)
{
    int opens = kernel.opens;

    (void)state;
    kernel_answer(-1, ENOTTY);
    assert_int_equal(make_resident(), STATUS_NOT_SUPPORTED);
    assert_int_equal(kernel.opens, opens);
    assert_int_equal(kernel.ioctls, 1);
}

/* ---- opening */

static void options_decide_how_it_is_opened(void **state)
{
    (void)state;
    assert_int_equal(kernel.last_flags, O_RDWR | O_CLOEXEC);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open("dxg:device=/dev/zero,access=read-only,close-on-exec=off"),
                     STATUS_SUCCESS);
    assert_int_equal(kernel.last_flags, O_RDONLY);
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open("dxg:access=write"), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open("dxg:close-on-exec=perhaps"), STATUS_INVALID_PARAMETER);
}

static void absence_and_permission_are_told_apart(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open("dxg:device=/dev/no-such-node"), STATUS_DEVICE_REMOVED);
    assert_non_null(strstr(d3dkmt_last_error(), "does not exist"));
    kernel.open_error = EACCES;
    assert_int_equal(d3dkmt_open("dxg"), STATUS_ACCESS_DENIED);
    assert_non_null(strstr(d3dkmt_last_error(), "/dev/dxg may not be opened by user"));
    kernel.open_error = EBADF;
    assert_int_equal(d3dkmt_open("dxg"), STATUS_DEVICE_REMOVED);
    assert_non_null(strstr(d3dkmt_last_error(), "the host refused this process"));
    kernel.open_error = 0;
    assert_int_equal(d3dkmt_open("dxg:device=/etc/passwd"), STATUS_DEVICE_REMOVED);
    assert_non_null(strstr(d3dkmt_last_error(), "is not a device node"));
    assert_int_equal(d3dkmt_open("dxg:device=zero"), STATUS_INVALID_PARAMETER);
    assert_int_equal(d3dkmt_open("dxg:speed=11"), STATUS_INVALID_PARAMETER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_operation_has_the_drivers_request),
        TEST(a_call_is_one_ioctl_with_the_callers_struct),
        TEST(what_the_driver_never_had_is_not_asked_for),
        TEST(positive_results_are_statuses),
        TEST(a_raw_status_is_a_status),
        TEST(every_errno_has_its_status),
        TEST(a_full_channel_is_no_success),
        TEST(interrupted_waits_go_on),
        TEST(closing_ends_waits_inside_of_the_kernel),
        TEST(operations_are_probed_once),
        TEST(a_number_that_is_something_else_by_now_is_left_alone),
        TEST(a_clone_that_nobody_announced_opens_its_own),
        TEST(a_descriptor_of_another_process_is_told_apart),
        TEST(a_forked_child_gives_the_parents_descriptor_back),
        TEST(an_unknown_operation_does_not_reopen),
        TEST(options_decide_how_it_is_opened),
        TEST(absence_and_permission_are_told_apart),
    };
#undef TEST

    d3dkmt_register_backend(&dxg_backend);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
