/* SPDX-License-Identifier: MIT */
/* One simulated host for all processes of a run: a d3dkmt-hostd that lives as long as the program.
 */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t program; /* that signals are passed on to; 0: none yet */

static void execute_host(const struct run_files *files, const struct run_host *host,
                         const char *options, int output)
{
    /* Of the terminal's signals only the program gets to know; it may want to use the host still.
     */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(output, STDOUT_FILENO);
    execl(files->hostd, "d3dkmt-hostd", "--max-clients", "10000", "--options", options,
          host->socket, (char *)NULL);
    fprintf(stderr, "d3dkmt-run: %s cannot be executed: %s\n", files->hostd, strerror(errno));
    _exit(RUN_FAILED);
}

/* The host says a line when it listens; before that it may say on standard error why not. */
static bool wait_until_ready(int output)
{
    FILE *stream = fdopen(output, "r");
    char line[PATH_MAX + 32];
    bool ready =
        stream && fgets(line, sizeof(line), stream) && strncmp(line, "listening on", 12) == 0;

    if (stream)
        fclose(stream);
    return ready;
}

#define FOLDER_NAME "d3dkmt-run-XXXXXX"
#define SOCKET_NAME "host"

/* Where the user wants temporary files, if a socket's address and an option can tell of it. */
static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");

    if (!folder || *folder != '/' || strchr(folder, ',') ||
        strlen(folder) + sizeof("/" FOLDER_NAME "/" SOCKET_NAME) > RUN_SOCKET_MAX)
        return "/tmp";
    return folder;
}

bool run_host_start(const struct run_files *files, const char *options, struct run_host *host)
{
    const char *temporary = temporary_folder();
    int output[2];

    snprintf(host->folder, sizeof(host->folder), "%s/" FOLDER_NAME, temporary);
    if (!mkdtemp(host->folder) || pipe(output) != 0) {
        fprintf(stderr, "d3dkmt-run: no folder for the host's socket can be made in %s: %s\n",
                temporary, strerror(errno));
        return false;
    }
    snprintf(host->socket, sizeof(host->socket), "%s/" SOCKET_NAME, host->folder);
    host->process = fork();
    if (host->process == 0)
        execute_host(files, host, options, output[1]);
    close(output[1]);
    if (host->process > 0 && wait_until_ready(output[0]))
        return true;
    run_host_stop(host);
    return false;
}

void run_host_stop(struct run_host *host)
{
    if (host->process > 0) {
        kill(host->process, SIGTERM);
        waitpid(host->process, NULL, 0);
    }
    unlink(host->socket);
    rmdir(host->folder);
}

/* ---- the program */

/*
 * Those that end a program unless it says otherwise. The kernel's own come from the terminal, which
 * sends them to all processes in front: the program has them already.
 */
static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

enum { PASSED_ON = sizeof(passed_on) / sizeof(passed_on[0]) };

static void pass_on(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code <= 0 && program > 0)
        kill((pid_t)program, number);
}

/* What the program is to have as this process had it. */
struct signals {
    struct sigaction actions[PASSED_ON];
    sigset_t mask;
};

/* Nothing that comes until end_signals() is lost. What is ignored (nohup) stays so, for both. */
static void begin_signals(struct signals *before)
{
    const struct sigaction passing = {.sa_sigaction = pass_on, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (int i = 0; i < PASSED_ON; i++)
        sigaddset(&blocked, passed_on[i]);
    sigprocmask(SIG_BLOCK, &blocked, &before->mask);
    for (int i = 0; i < PASSED_ON; i++) {
        sigaction(passed_on[i], NULL, &before->actions[i]);
        if (before->actions[i].sa_handler != SIG_IGN)
            sigaction(passed_on[i], &passing, NULL);
    }
}

static void end_signals(const struct signals *before)
{
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static void execute(char *const *arguments, const struct signals *signals)
{
    for (int i = 0; i < PASSED_ON; i++)
        sigaction(passed_on[i], &signals->actions[i], NULL);
    end_signals(signals);
    execvp(arguments[0], arguments);
    fprintf(stderr, "d3dkmt-run: %s cannot be executed: %s\n", arguments[0], strerror(errno));
    _exit(errno == ENOENT ? RUN_NOT_FOUND : RUN_NOT_COVERED);
}

int run_program(char *const *arguments)
{
    struct signals signals;
    int status = 0;

    begin_signals(&signals);
    pid_t child = fork();
    if (child == 0)
        execute(arguments, &signals);
    program = child;
    end_signals(&signals);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 ? status : RUN_FAILED << 8;
}

void run_exit(int status)
{
    const struct rlimit no_core = {0, 0};

    if (WIFEXITED(status))
        exit(WEXITSTATUS(status));
    /* The program's core is there already, and whoever waits for this process sees the signal. */
    setrlimit(RLIMIT_CORE, &no_core);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    exit(128 + WTERMSIG(status));
}
