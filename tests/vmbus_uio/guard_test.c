/* SPDX-License-Identifier: MIT */
/* Memory that goes while it is used, and faults that are somebody else's. */
#include "backend-vmbus-uio/guard.h"
#include "core/test.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 4 * PAGE };

static int file;
static volatile unsigned char *memory;

static int set_up(void **state)
{
    (void)state;
    file = memfd_create("ring", MFD_CLOEXEC);
    assert_int_equal(ftruncate(file, SIZE), 0);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    memset((void *)memory, 0xaa, SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vmbus_guard_remove((void *)memory);
    munmap((void *)memory, SIZE);
    close(file);
    return 0;
}

/* As the kernel does to a mapping of a ring file: every later access is a SIGBUS. */
static void take_away(void)
{
    assert_int_equal(ftruncate(file, 0), 0);
}

static void memory_that_goes_becomes_empty(void **state)
{
    (void)state;
    assert_true(vmbus_guard_add((void *)memory, SIZE));
    assert_int_equal(memory[PAGE], 0xaa);
    take_away();
    assert_int_equal(memory[PAGE], 0);
    memory[3 * PAGE] = 7;
    assert_int_equal(memory[3 * PAGE], 7);
    assert_int_equal(memory[0], 0);
}

static atomic_bool going;

static void *write_on(void *context)
{
    (void)context;
    while (atomic_load(&going))
        for (unsigned at = 0; at < SIZE; at += 64)
            memory[at]++;
    return NULL;
}

static void threads_that_use_it_go_on(void **state)
{
    pthread_t threads[4];
    (void)state;

    assert_true(vmbus_guard_add((void *)memory, SIZE));
    atomic_store(&going, true);
    for (unsigned i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, NULL), 0);
    usleep(1000);
    take_away();
    usleep(1000);
    atomic_store(&going, false);
    for (unsigned i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static sigjmp_buf back;

static void go_back(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

static void go_back_with_more(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    siglongjmp(back, 2);
}

/* Touches memory that is gone and not guarded; what the handler in place made of it. */
static int touch_other(void)
{
    int other = memfd_create("other", MFD_CLOEXEC);
    volatile unsigned char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other, 0);
    volatile int result = sigsetjmp(back, 1);

    if (result == 0)
        (void)page[0];
    munmap((void *)page, PAGE);
    close(other);
    return result;
}

static void other_faults_are_passed_on(void **state)
{
    struct sigaction own = {.sa_handler = go_back}, before;
    (void)state;

    sigaction(SIGBUS, &own, &before);
    assert_true(vmbus_guard_add((void *)memory, SIZE));
    for (int round = 0; round < 3; round++)
        assert_int_equal(touch_other(), 1);
    vmbus_guard_remove((void *)memory);
    /* A handler that came later is found with the next guard. */
    own.sa_sigaction = go_back_with_more;
    own.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &own, NULL);
    assert_true(vmbus_guard_add((void *)memory, SIZE));
    for (int round = 0; round < 3; round++)
        assert_int_equal(touch_other(), 2);
    take_away();
    assert_int_equal(memory[0], 0);
    sigaction(SIGBUS, &before, NULL);
}

static struct sigaction below;

static void pass_on_below(int number, siginfo_t *info, void *context)
{
    below.sa_sigaction(number, info, context);
}

/* A handler that came later passes on to the guards', which pass on to it. */
static void handlers_that_pass_on_to_each_other_come_to_an_end(void **state)
{
    struct sigaction own = {.sa_sigaction = pass_on_below, .sa_flags = SA_SIGINFO};
    int status = 0;
    (void)state;

    pid_t child = fork();
    if (child == 0) {
        bool added = vmbus_guard_add((void *)memory, SIZE);

        vmbus_guard_remove((void *)memory);
        sigaction(SIGBUS, &own, &below);
        alarm(10);
        if (added && vmbus_guard_add((void *)memory, SIZE))
            touch_other();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void without_a_handler_another_fault_ends_the_process(void **state)
{
    int status = 0;
    (void)state;

    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL);
        if (vmbus_guard_add((void *)memory, SIZE))
            touch_other();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void there_is_an_end_to_guards(void **state)
{
    unsigned count = 0;
    (void)state;

    while (count < 1000 && vmbus_guard_add((void *)(uintptr_t)(((size_t)count + 1) << 20), PAGE))
        count++;
    assert_int_equal(count, 64);
    for (unsigned i = 0; i < count; i++)
        vmbus_guard_remove((void *)(uintptr_t)(((size_t)i + 1) << 20));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(memory_that_goes_becomes_empty),
        TEST(threads_that_use_it_go_on),
        TEST(other_faults_are_passed_on),
        TEST(handlers_that_pass_on_to_each_other_come_to_an_end),
        TEST(without_a_handler_another_fault_ends_the_process),
        TEST(there_is_an_end_to_guards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
