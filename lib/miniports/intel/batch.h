/* SPDX-License-Identifier: MIT */
/*
 * Batch buffers of Gen12: what their commands do to memory, in order, except that programs for
 * execution units do not run. State and walkers are skipped; commands that would change memory and
 * are not known here are refused.
 */
#ifndef MINIPORTS_INTEL_BATCH_H
#define MINIPORTS_INTEL_BATCH_H

#include "miniports/intel/registers.h"

#include <d3dkmt/kmd.h>

/* From the submission's address, or from where the last call with it left off. */
enum kmd_result batch_execute(const struct kmd_services *services, struct kmd_execution *execution,
                              struct kmd_submission *submission, struct registers *registers);

#endif
