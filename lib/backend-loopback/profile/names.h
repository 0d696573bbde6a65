/* SPDX-License-Identifier: MIT */
/* The names in an adapter profile that reader and writer (d3dkmt-info) must agree on. */
#ifndef BACKEND_LOOPBACK_PROFILE_NAMES_H
#define BACKEND_LOOPBACK_PROFILE_NAMES_H

#include <d3dkmt/d3dkmthk.h>

enum {
    PROFILE_VERSION = 1,
    PROFILE_PRIVATE_MAX = 65536,
};

/*
 * X(name, size): queries without text and without input whose answers are kept as bytes, "queries"
 * of the profile. The driver's own data (UMDRIVERPRIVATE) are kept in the same way; their size is
 * the driver's.
 */
#define PROFILE_QUERIES(X)                                                                         \
    X(VIRTUALADDRESSINFO, sizeof(D3DKMT_VIRTUALADDRESSINFO))                                       \
    X(WDDM_1_2_CAPS, sizeof(D3DKMT_WDDM_1_2_CAPS))                                                 \
    X(WDDM_1_3_CAPS, sizeof(D3DKMT_WDDM_1_3_CAPS))                                                 \
    X(WDDM_2_0_CAPS, sizeof(D3DKMT_WDDM_2_0_CAPS))                                                 \
    X(DRIVERCAPS_EXT, sizeof(D3DKMT_DRIVERCAPS_EXT))                                               \
    X(HWDRM_SUPPORT, sizeof(D3DKMT_HWDRM_SUPPORT))                                                 \
    X(PARAVIRTUALIZATION_RENDER, sizeof(D3DKMT_PARAVIRTUALIZATION))                                \
    X(CROSSADAPTERRESOURCE_SUPPORT, sizeof(D3DKMT_CROSSADAPTERRESOURCE_SUPPORT))                   \
    X(WDDM_3_0_CAPS, sizeof(D3DKMT_WDDM_3_0_CAPS))

/* X(member, bit): what "type" tells; compute_only and paravirtualized stand beside it. */
#define PROFILE_TYPE_BITS(X)                                                                       \
    X(render, RenderSupported)                                                                     \
    X(software, SoftwareDevice)                                                                    \
    X(integrated, HybridIntegrated)                                                                \
    X(discrete, HybridDiscrete)                                                                    \
    X(detachable, Detachable)                                                                      \
    X(prototype, Prototype)                                                                        \
    X(runtime_power_management, RuntimePowerManagement)

/* X(member, bit): what "features" tell beside id and version. */
#define PROFILE_FEATURE_BITS(X)                                                                    \
    X(enabled, Enabled)                                                                            \
    X(known, KnownFeature)                                                                         \
    X(supported_by_driver, SupportedByDriver)                                                      \
    X(supported_on_configuration, SupportedOnCurrentConfig)

/* X(name in the profile, DXGK_ENGINE_TYPE_...): in the order of the numbers. */
#define PROFILE_ENGINES(X)                                                                         \
    X("other", OTHER)                                                                              \
    X("3D", 3D)                                                                                    \
    X("video decode", VIDEO_DECODE)                                                                \
    X("video encode", VIDEO_ENCODE)                                                                \
    X("video processing", VIDEO_PROCESSING)                                                        \
    X("scene assembly", SCENE_ASSEMBLY)                                                            \
    X("copy", COPY)                                                                                \
    X("overlay", OVERLAY)                                                                          \
    X("crypto", CRYPTO)

/* X(name in the profile, Windows' number): registry values' types. */
#define PROFILE_REGISTRY_TYPES(X)                                                                  \
    X("REG_SZ", 1)                                                                                 \
    X("REG_BINARY", 3)                                                                             \
    X("REG_DWORD", 4)                                                                              \
    X("REG_QWORD", 11)

/* X(name in the profile, D3DDDI_QUERYREGISTRY_...): where registry values are. */
#define PROFILE_REGISTRY_KEYS(X)                                                                   \
    X("service", SERVICEKEY)                                                                       \
    X("adapter", ADAPTERKEY)

#endif
