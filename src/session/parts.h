// SPDX-License-Identifier: Apache-2.0
//
// Names of what a checkpoint holds besides CRIU's images.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

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

inline constexpr const char* kCommandPart = "command";  // command_line() of its specification

// The contents of the part `name`; nullopt if the checkpoint has none.
base::Result<std::optional<std::string>> read_part(store::CheckpointReader& reader,
                                                   const std::string& name);

// The part `name`, an archive of a file tree, with its list of sockets beside it, as extract_tree()
// wants them. As CheckpointReader::find_part() and part().
base::Result<std::optional<std::filesystem::path>> find_tree_part(store::CheckpointReader& reader,
                                                                  const std::string& name);
base::Result<std::filesystem::path> tree_part(store::CheckpointReader& reader,
                                              const std::string& name);

}  // namespace reprise::session
