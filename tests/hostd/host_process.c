/* SPDX-License-Identifier: MIT */
#include "hostd/host_process.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "d3dkmt-hostd: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- its life */

enum { MOST_OPTIONS = 10 };

static _Noreturn void become(char *path, char *const options[], int output)
{
    char *arguments[MOST_OPTIONS + 3] = {(char *)HOSTD_PROGRAM};
    size_t count = 1;

    for (size_t i = 0; options[i] && i < MOST_OPTIONS; i++)
        arguments[count++] = options[i];
    arguments[count] = path;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    execv(HOSTD_PROGRAM, arguments);
    give_up(HOSTD_PROGRAM);
}

void host_process_start_with(struct host_process *host, char *const options[])
{
    char line[160] = "";
    int output[2];

    strcpy(host->folder, "/tmp/d3dkmt-test-XXXXXX");
    /* Who may use the host is the host's business. */
    if (!mkdtemp(host->folder) || chmod(host->folder, 0755) != 0)
        give_up("mkdtemp");
    snprintf(host->path, sizeof(host->path), "%s/host", host->folder);
    snprintf(host->backend, sizeof(host->backend), "loopback:host=%s", host->path);
    if (pipe(output) != 0)
        give_up("pipe");
    host->pid = fork();
    if (host->pid < 0)
        give_up("fork");
    if (host->pid == 0)
        become(host->path, options, output[1]);
    close(output[1]);
    FILE *lines = fdopen(output[0], "r");
    if (!lines || !fgets(line, sizeof(line), lines) || strncmp(line, "listening on ", 13) != 0)
        give_up("it does not listen");
    fclose(lines);
}

void host_process_start(struct host_process *host, const char *machine_options, const char *spin_us)
{
    const char *spin = spin_us ? spin_us : "0";
    char *options[] = {(char *)"--options", (char *)(machine_options ? machine_options : ""),
                       (char *)"--spin-us", (char *)spin, NULL};

    host_process_start_with(host, options);
    snprintf(host->backend, sizeof(host->backend), "loopback:host=%s,spin-us=%s", host->path, spin);
}

void host_process_start_vmbus(struct host_process *host, const char *machine_options,
                              const char *kernel, const char *ring_kib)
{
    char *options[] = {(char *)"--vmbus",
                       (char *)"--options",
                       (char *)(machine_options ? machine_options : ""),
                       (char *)"--kernel",
                       (char *)(kernel ? kernel : "c"),
                       (char *)"--ring-kib",
                       (char *)(ring_kib ? ring_kib : "64"),
                       NULL};

    host_process_start_with(host, options);
    snprintf(host->backend, sizeof(host->backend), "vmbus-uio:root=%s", host->path);
}

static int wait_for(struct host_process *host)
{
    int status;

    while (waitpid(host->pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

/* A host that was killed leaves its socket, or the whole folder of a VMBus. */
static int end(struct host_process *host, int signal)
{
    kill(host->pid, signal);
    int status = wait_for(host);
    (void)nftw(host->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

int host_process_stop(struct host_process *host)
{
    return end(host, SIGTERM);
}

void host_process_kill(struct host_process *host)
{
    (void)end(host, SIGKILL);
}

/* ---- what it has */

static unsigned count_entries(const struct host_process *host, const char *folder)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%ld/%s", (long)host->pid, folder);
    DIR *entries = opendir(path);
    if (!entries)
        give_up(path);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

unsigned host_process_descriptors(const struct host_process *host)
{
    return count_entries(host, "fd");
}

unsigned host_process_threads(const struct host_process *host)
{
    return count_entries(host, "task");
}

unsigned long host_process_memory(const struct host_process *host)
{
    char path[64], line[160];
    unsigned long resident = 0;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)host->pid);
    FILE *lines = fopen(path, "r");
    if (!lines)
        give_up(path);
    while (fgets(line, sizeof(line), lines))
        if (sscanf(line, "VmRSS: %lu", &resident) == 1)
            break;
    fclose(lines);
    return resident;
}

/* ---- a connection without a library */

int host_process_connect(const struct host_process *host)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, host->path, strlen(host->path) + 1);
    if (connection < 0 ||
        connect(connection, (const struct sockaddr *)&address, sizeof(address)) != 0)
        give_up("connect");
    return connection;
}

const char *host_process_order(const struct host_process *host, const char *order)
{
    static char answer[160];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", host->path);
    if (connection < 0 ||
        connect(connection, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(connection, order, strlen(order), 0) < 0)
        give_up("no control");
    ssize_t size = recv(connection, answer, sizeof(answer) - 1, 0);
    answer[size > 0 ? size : 0] = '\0';
    close(connection);
    return answer;
}

/* Sends a request and receives its answer, which is the caller's to free. */
static struct remote_received *ask(int connection, const struct remote_outgoing *request)
{
    struct remote_received *answer = malloc(sizeof(*answer));

    if (!answer || remote_send(connection, request, true) != REMOTE_OK ||
        remote_receive(connection, answer) != REMOTE_OK)
        give_up("no answer");
    return answer;
}

static const void *body_of(const struct remote_received *answer)
{
    return answer->bytes + sizeof(struct remote_header);
}

int host_process_join_with_slots(const struct host_process *host, struct remote_slot **slots)
{
    struct remote_hello hello = {REMOTE_MAGIC, REMOTE_VERSION};
    struct remote_outgoing request = {
        .type = REMOTE_HELLO, .body = &hello, .body_size = sizeof(hello)};
    int connection = host_process_connect(host);
    struct remote_received *answer = ask(connection, &request);

    if (answer->file_count != 2)
        give_up("no welcome");
    if (slots)
        *slots = mmap(NULL, REMOTE_SLOTS * sizeof(**slots), PROT_READ | PROT_WRITE, MAP_SHARED,
                      answer->files[1], 0);
    if (slots && *slots == MAP_FAILED)
        give_up("mmap");
    remote_received_drop(answer);
    free(answer);
    return connection;
}

int host_process_join(const struct host_process *host)
{
    return host_process_join_with_slots(host, NULL);
}

int32_t host_process_ask(int connection, const struct remote_outgoing *request)
{
    struct remote_received *answer = ask(connection, request);
    int32_t status = ((const struct remote_answer *)body_of(answer))->status;

    remote_received_drop(answer);
    free(answer);
    return status;
}

struct remote_counts host_process_count(int connection)
{
    struct remote_outgoing request = {.type = REMOTE_COUNT};
    struct remote_received *answer = ask(connection, &request);
    struct remote_counts counts;

    memcpy(&counts, (const struct remote_answer *)body_of(answer) + 1, sizeof(counts));
    free(answer);
    return counts;
}

void host_process_until_alone_with(int connection, uint32_t guests)
{
    time_t end = time(NULL) + 30;

    /* The host learns of a death by itself; there is nothing else to wait for. */
    while (host_process_count(connection).guests > guests) {
        if (time(NULL) > end)
            give_up("a guest does not go");
        sched_yield();
    }
}

void host_process_until_alone(int connection)
{
    host_process_until_alone_with(connection, 1);
}
