/* SPDX-License-Identifier: MIT */
/*
 * Tracked workloads: deadlines for recurring work, by which the host chooses clocks. Nothing on
 * Linux offers them.
 */
#ifndef D3DKMT_WDDM_TRACKEDWORKLOAD_H
#define D3DKMT_WDDM_TRACKEDWORKLOAD_H

#include "scalars.h"

#include "begin.h"

#define D3DKMT_MAX_TRACKED_WORKLOAD_INSTANCE_PAIRS 32 /* Pairs of timestamps of a workload. */

/* What a deadline counts from. */
typedef enum _D3DKMT_TRACKEDWORKLOADDEADLINETYPE {
    D3DKMT_TRACKEDWORKLOADDEADLINETYPE_ABSOLUTE = 0,
    D3DKMT_TRACKEDWORKLOADDEADLINETYPE_VBLANK = 1
} D3DKMT_TRACKEDWORKLOADDEADLINETYPE;

typedef enum _D3DKMT_TRACKEDWORKLOADPOLICY {
    D3DKMT_TRACKEDWORKLOADPOLICY_NORMAL = 0,
    D3DKMT_TRACKEDWORKLOADPOLICY_ENERGY_EFFICIENT = 1,
    D3DKMT_TRACKEDWORKLOADPOLICY_HIGH_SPEED = 2
} D3DKMT_TRACKEDWORKLOADPOLICY;

typedef struct _D3DKMT_TRACKEDWORKLOADDEADLINE {
    union {
        UINT64 VBlankOffsetHundredsNS; /* 100 ns from the blank */
        UINT64 AbsoluteQPC;            /* ticks of the host's performance counter */
    };
} D3DKMT_TRACKEDWORKLOADDEADLINE;

typedef struct _D3DKMT_TRACKEDWORKLOADFLAGS {
    union {
        struct {
            UINT Periodic : 1;
            UINT SimilarLoad : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DKMT_TRACKEDWORKLOADFLAGS;

typedef struct _D3DKMT_CREATETRACKEDWORKLOAD {
    ULONG cbSize;
    ULONG ContextCount;
    D3DKMT_PTR(const D3DKMT_HANDLE *, ContextArray);
    D3DKMT_TRACKEDWORKLOADDEADLINETYPE DeadlineType;
    UINT32 VidPnTargetId;
    D3DKMT_TRACKEDWORKLOADFLAGS Flags;
    D3DKMT_TRACKEDWORKLOADPOLICY Policy;
    UINT MaxInstances;
    UINT MaxInstancePairs;
    D3DKMT_HANDLE hResourceQueryTimestamps;
    D3DKMT_HANDLE hTrackedWorkload;
} D3DKMT_CREATETRACKEDWORKLOAD;

/* Would announce recurring work of some contexts. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTCreateTrackedWorkload(D3DKMT_CREATETRACKEDWORKLOAD *args);

typedef struct _D3DKMT_UPDATETRACKEDWORKLOAD {
    ULONG cbSize;
    D3DKMT_HANDLE hTrackedWorkload;
    D3DKMT_TRACKEDWORKLOADDEADLINE FinishDeadline;
    UINT BeginTrackedWorkloadIndex;
    UINT EndTrackedWorkloadIndex;
    BOOL Resume;
    BOOL Suspend;
    UINT64 PairID;
    UINT64 FenceSubmissionValue;
    UINT64 FenceCompletedValue;
    UINT64 GPUTimestampFrequency;
    UINT64 GPUCalibrationTimestamp;
    UINT64 CPUCalibrationTimestamp;
    UINT64 TimestampArray[2 * D3DKMT_MAX_TRACKED_WORKLOAD_INSTANCE_PAIRS];
    BOOL TimestampArrayProcessed;
} D3DKMT_UPDATETRACKEDWORKLOAD;

/* Would begin or end an instance, with its deadline. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTUpdateTrackedWorkload(D3DKMT_UPDATETRACKEDWORKLOAD *args);

typedef struct _D3DKMT_GETAVAILABLETRACKEDWORKLOADINDEX {
    ULONG cbSize;
    D3DKMT_HANDLE hTrackedWorkload;
    UINT64 FenceCompletedValue;
    UINT64 TimestampArray[2 * D3DKMT_MAX_TRACKED_WORKLOAD_INSTANCE_PAIRS];
    UINT AvailableTrackedWorkloadIndex;
    BOOL TimestampArrayProcessed;
} D3DKMT_GETAVAILABLETRACKEDWORKLOADINDEX;

/* Would find a free pair of timestamps. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY
D3DKMTGetAvailableTrackedWorkloadIndex(D3DKMT_GETAVAILABLETRACKEDWORKLOADINDEX *args);

typedef struct _D3DKMT_TRACKEDWORKLOAD_STATISTICS {
    INT64 Mean;
    INT64 Minimum;
    INT64 Maximum;
    INT64 Variance;
    UINT64 Count;
} D3DKMT_TRACKEDWORKLOAD_STATISTICS;

typedef struct _D3DKMT_TRACKEDWORKLOADSTATEFLAGS {
    union {
        struct {
            UINT Saturated : 1;
            UINT NotEnoughSamples : 1;
            UINT Reserved : 30;
        };
        UINT Value;
    };
} D3DKMT_TRACKEDWORKLOADSTATEFLAGS;

typedef struct _D3DKMT_GETTRACKEDWORKLOADSTATISTICS {
    ULONG cbSize;
    D3DKMT_HANDLE hTrackedWorkload;
    UINT64 FenceCompletedValue;
    UINT64 TimestampArray[2 * D3DKMT_MAX_TRACKED_WORKLOAD_INSTANCE_PAIRS];
    BOOL TimestampArrayProcessed;
    D3DKMT_TRACKEDWORKLOAD_STATISTICS DeadlineOffsetHundredsNS;
    UINT64 MissedDeadlines;
    D3DKMT_TRACKEDWORKLOADSTATEFLAGS Flags;
} D3DKMT_GETTRACKEDWORKLOADSTATISTICS;

/* Would tell how deadlines were met. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTGetTrackedWorkloadStatistics(D3DKMT_GETTRACKEDWORKLOADSTATISTICS *args);

typedef struct _D3DKMT_RESETTRACKEDWORKLOADSTATISTICS {
    ULONG cbSize;
    D3DKMT_HANDLE hTrackedWorkload;
} D3DKMT_RESETTRACKEDWORKLOADSTATISTICS;

/* Would begin the statistics anew. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY
D3DKMTResetTrackedWorkloadStatistics(const D3DKMT_RESETTRACKEDWORKLOADSTATISTICS *args);

typedef struct _D3DKMT_DESTROYTRACKEDWORKLOAD {
    ULONG cbSize;
    D3DKMT_HANDLE hTrackedWorkload;
} D3DKMT_DESTROYTRACKEDWORKLOAD;

/* Would end the announcement. Status: STATUS_NOT_SUPPORTED. */
NTSTATUS APIENTRY D3DKMTDestroyTrackedWorkload(D3DKMT_DESTROYTRACKEDWORKLOAD *args);

#include "end.h"

#endif
