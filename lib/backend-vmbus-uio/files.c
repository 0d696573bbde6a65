/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vmbus_path(char path[VMBUS_PATH_MAX], const char *root, const char *format, ...)
{
    va_list arguments;
    size_t length = strlen(root);

    if (length >= VMBUS_PATH_MAX)
        return false;
    memcpy(path, root, length + 1);
    va_start(arguments, format);
    int added = vsnprintf(path + length, VMBUS_PATH_MAX - length, format, arguments);
    va_end(arguments);
    return added >= 0 && (size_t)added < VMBUS_PATH_MAX - length;
}

int vmbus_file_read(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (file < 0)
        return errno;
    do
        length = read(file, text, size - 1);
    while (length < 0 && errno == EINTR);
    int error = errno;
    close(file);
    if (length < 0)
        return error;
    text[length] = '\0';
    char *end = memchr(text, '\n', (size_t)length);
    if (end ? end + 1 < text + length : (size_t)length == size - 1)
        return EMSGSIZE;
    if (end)
        *end = '\0';
    return 0;
}

int vmbus_file_number(const char *path, uint64_t *number)
{
    char text[40] = "", *end;
    int error = vmbus_file_read(path, text, sizeof(text));

    if (error)
        return error == EMSGSIZE ? EINVAL : error;
    bool hexadecimal = text[0] == '0' && text[1] == 'x';
    if (!isxdigit((unsigned char)text[hexadecimal ? 2 : 0]))
        return EINVAL;
    errno = 0;
    *number = strtoull(text, &end, hexadecimal ? 16 : 10);
    return errno || *end ? EINVAL : 0;
}
