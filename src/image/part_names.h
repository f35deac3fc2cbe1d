// SPDX-License-Identifier: Apache-2.0
//
// Names of what a checkpoint holds besides CRIU's images.
#pragma once

namespace reprise::image {

inline constexpr const char* kRootfsPart = "rootfs.tar";               // overlay upper directory
inline constexpr const char* kRootfsIdentityPart = "rootfs.identity";  // which directory that was
inline constexpr const char* kShmPart = "shm.tar";                     // /dev/shm
inline constexpr const char* kShmIdentityPart = "shm.identity";        // which memory, if shared
inline constexpr const char* kNeighboursPart = "neighbours.json";      // connections inside a pod
inline constexpr const char* kVolumesPart = "volumes.json";    // which volumes, and their parts
inline constexpr const char* kAffinityPart = "affinity.json";  // threads bound to certain CPUs
inline constexpr const char* kSysctlsPart = "sysctls.json";    // of its network, that it changed
inline constexpr const char* kOutsidePart = "outside";         // mounts that held files
inline constexpr const char* kOverlaysPart = "overlays";       // of the engine, and their parts
inline constexpr const char* kSocketsPart = "sockets.json";    // options and multicast groups
inline constexpr const char* kTmpfsSocketsPart = "tmpfs.sockets";  // idle ones too
inline constexpr const char* kLossesPart = "losses";  // what does not come back, a line each
inline constexpr const char* kAttributesPart = "attributes.json";  // of threads and processes
inline constexpr const char* kSpecPart = "config.json";      // the OCI configuration, for exports
inline constexpr const char* kNetworkPart = "network.json";  // set up by its programs
inline constexpr const char* kUnixPeersPart = "unix-peers.json";  // to be connected again
inline constexpr const char* kCpuPart = "cpu";          // what instructions programs could use
inline constexpr const char* kMomentsPart = "moments";  // of the kubelet's files, and their parts
inline constexpr const char* kTerminationLogPart = "termination-log";  // what a pod's program said
inline constexpr const char* kTerminationLogBeginPart =
    "termination-log.begin";                            // of that, if not 0
inline constexpr const char* kCommandPart = "command";  // command_line() of its specification

}  // namespace reprise::image
