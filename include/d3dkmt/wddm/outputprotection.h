/* SPDX-License-Identifier: MIT */
/*
 * Sizes of the output protection and monitor bus interfaces. No call that Linux has uses them; the
 * names are here for sources that mention them.
 */
#ifndef D3DKMT_WDDM_OUTPUTPROTECTION_H
#define D3DKMT_WDDM_OUTPUTPROTECTION_H

#include "scalars.h"

#include "begin.h"

#define D3DKMDT_MACROVISION_OEMCOPYPROTECTION_SIZE  256
#define DXGKMDT_I2C_NO_FLAGS                        0
#define DXGKMDT_I2C_DEVICE_TRANSMITS_DATA_LENGTH    1
#define DXGKMDT_OPM_OMAC_SIZE                       16
#define DXGKMDT_OPM_128_BIT_RANDOM_NUMBER_SIZE      16
#define DXGKMDT_OPM_ENCRYPTED_PARAMETERS_SIZE       256
#define DXGKMDT_OPM_CONFIGURE_SETTING_DATA_SIZE     4056
#define DXGKMDT_OPM_GET_INFORMATION_PARAMETERS_SIZE 4056
#define DXGKMDT_OPM_REQUESTED_INFORMATION_SIZE      4076
#define DXGKMDT_OPM_HDCP_KEY_SELECTION_VECTOR_SIZE  5
#define DXGKMDT_OPM_PROTECTION_TYPE_SIZE            4

#include "end.h"

#endif
