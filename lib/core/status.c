/* SPDX-License-Identifier: MIT */
/* NTSTATUS values in words. */
#include "core/status.h"

#include <stdio.h>
#include <string.h>

static const struct status_text {
    NTSTATUS status;
    const char *name;
    const char *description;
} status_texts[] = {
#define STATUS_TEXT(name, description)                                                             \
    {                                                                                              \
        name, #name, description                                                                   \
    }
    STATUS_TEXT(STATUS_SUCCESS, "the call succeeded"),
    STATUS_TEXT(STATUS_TIMEOUT, "the time limit passed"),
    STATUS_TEXT(STATUS_PENDING, "begun; it is done when the paging fence has reached its value"),
    STATUS_TEXT(STATUS_UNSUCCESSFUL, "the call failed, or a pointer does not lead to memory"),
    STATUS_TEXT(STATUS_NOT_IMPLEMENTED, "the host does not implement this"),
    STATUS_TEXT(STATUS_INVALID_HANDLE, "a handle does not name an object of the right kind"),
    STATUS_TEXT(STATUS_INVALID_PARAMETER, "an argument is not valid"),
    STATUS_TEXT(STATUS_NO_MEMORY, "there is not enough memory"),
    STATUS_TEXT(STATUS_ILLEGAL_INSTRUCTION, "the request is not legal in this state"),
    STATUS_TEXT(STATUS_ACCESS_DENIED, "the caller may not do this"),
    STATUS_TEXT(STATUS_BUFFER_TOO_SMALL, "a buffer is too small, or the host's answer too short"),
    STATUS_TEXT(STATUS_OBJECT_TYPE_MISMATCH, "an object is of another type"),
    STATUS_TEXT(STATUS_OBJECT_NAME_INVALID, "a name is not valid or not known"),
    STATUS_TEXT(STATUS_OBJECT_NAME_NOT_FOUND, "there is nothing of this name"),
    STATUS_TEXT(STATUS_OBJECT_NAME_COLLISION, "it exists already"),
    STATUS_TEXT(STATUS_NOT_SUPPORTED, "this is not supported here"),
    STATUS_TEXT(STATUS_DEVICE_REMOVED, "the adapter was removed or stopped"),
    STATUS_TEXT(STATUS_GRAPHICS_NO_VIDEO_MEMORY, "there is not enough video memory"),
    STATUS_TEXT(STATUS_GRAPHICS_ALLOCATION_BUSY, "the allocation is in use"),
#undef STATUS_TEXT
};

static const struct status_text *find(NTSTATUS status)
{
    for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
        if (status_texts[i].status == status)
            return &status_texts[i];
    }
    return NULL;
}

bool status_of_name(const char *name, size_t length, NTSTATUS *status)
{
    for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
        const char *known = status_texts[i].name;

        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *status = status_texts[i].status;
            return true;
        }
    }
    return false;
}

const char *d3dkmt_status_name(NTSTATUS status)
{
    static _Thread_local char unknown[24];
    const struct status_text *text = find(status);

    if (text)
        return text->name;
    snprintf(unknown, sizeof(unknown), "NTSTATUS 0x%08X", (unsigned)status);
    return unknown;
}

const char *d3dkmt_status_description(NTSTATUS status)
{
    const struct status_text *text = find(status);

    return text ? text->description : "";
}
