/* SPDX-License-Identifier: MIT */
/* A scripted dxgkrnl in place of open() and ioctl(). */
#ifndef TESTS_DXG_KERNEL_H
#define TESTS_DXG_KERNEL_H

#include <semaphore.h>

struct kernel {
    int opens, ioctls;
    int open_error;      /* of the next opens of /dev paths; 0: they succeed */
    int last_opened;     /* descriptor of the last device that was opened */
    int last_descriptor; /* that an ioctl was sent to */
    unsigned long last_request;
    void *last_argument;
    struct {
        int result, error;
    } answers[8]; /* of the next ioctls; when there is none, 0 */
    int first_answer, answer_count;
    int waits;      /* ioctls wait for a signal, and answer EINTR */
    sem_t waiting;  /* posted by each of them */
    int last_flags; /* of the last open of a /dev path */
};

extern struct kernel kernel;

void kernel_reset(void);

/* Appends to the answers. */
void kernel_answer(int result, int error);

#endif
