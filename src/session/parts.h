// SPDX-License-Identifier: Apache-2.0
//
// Names of what a checkpoint holds besides CRIU's images.
#pragma once

namespace reprise::session {

inline constexpr const char* kRootfsPart = "rootfs.tar";               // overlay upper directory
inline constexpr const char* kRootfsIdentityPart = "rootfs.identity";  // which directory that was
inline constexpr const char* kShmPart = "shm.tar";                     // /dev/shm
inline constexpr const char* kVolumesPart = "volumes.json";    // which volumes, and their parts
inline constexpr const char* kAffinityPart = "affinity.json";  // threads bound to certain CPUs
inline constexpr const char* kSpecPart = "config.json";        // the OCI configuration, for exports

inline constexpr const char* kCommandPart = "command";  // command_line() of its specification

}  // namespace reprise::session
