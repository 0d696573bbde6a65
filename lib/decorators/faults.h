/* SPDX-License-Identifier: MIT */
/* The fault plan in use: d3dkmt_set_faults and D3DKMT_FAULTS. */
#ifndef DECORATORS_FAULTS_H
#define DECORATORS_FAULTS_H

#include <d3dkmt/d3dkmt.h>

/*
 * Before a backend is opened: takes the plan of D3DKMT_FAULTS, once, unless the program has set
 * one. STATUS_INVALID_PARAMETER, explained, each time while that plan is wrong.
 */
NTSTATUS faults_read_environment(void);

#endif
