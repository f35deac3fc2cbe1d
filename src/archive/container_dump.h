// SPDX-License-Identifier: Apache-2.0
//
// config.dump and spec.dump: what an archive says about its container. Podman's config.dump is its
// whole ContainerConfig; containerd's and CRI-O's is the small one of checkpointctl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::archive {

// Wishes, not orders: all of it comes from whoever made the archive. What is here has been checked
// for form, so that it can stand in a command line or a message.
struct ContainerWishes {
  std::string id;                    // as an OCI runtime allows it; empty if it was none
  std::string name;                  // as Podman allows it; empty if it was none
  std::string image_name;            // with registry and tag or digest
  std::string image_id;              // 64 hex digits, or empty
  std::vector<std::string> command;  // argv of the first process
  bool own_entrypoint = true;        // `command` replaces the image's entrypoint as well
  bool terminal = false;
  bool keeps_stdin = false;
  bool without_network = false;  // only its loopback
  bool host_network = false;
  std::string runtime;                     // "runc"
  std::vector<std::string> bind_mounts;    // destinations, sorted
  std::vector<std::string> named_volumes;  // Podman's
};

// kCorrupt for text that is not what it should be, naming the member and the field; also for an
// archive without an image or a command. Pure.
base::Result<ContainerWishes> parse_container_dump(std::string_view config_dump,
                                                   std::string_view spec_dump);

// The addresses in Podman's network.status, with prefix length; at most as many as make sense.
base::Result<std::vector<std::string>> parse_network_status(std::string_view text);
// The JSON list of absolute names in deleted.files.
base::Result<std::vector<std::string>> parse_deleted_files(std::string_view text);

// --- for archives that Podman is to read

struct ExportedContainer {
  std::string id;
  std::string name;
  std::vector<std::string> addresses;  // with prefix length
};
struct PodmanDump {
  std::string config;   // config.dump
  std::string network;  // network.status; empty if it has none
  std::vector<std::string> named_volumes;
};
// Podman's own record (ContainerConfig) of a container made from the same command, turned into that
// of the container in the checkpoint. The runtime becomes "runc", so that the archive can be
// restored where Reprise is not. kUnsupported for a member of a pod.
base::Result<PodmanDump> make_podman_dump(std::string_view container_config,
                                          const ExportedContainer& container);

}  // namespace reprise::archive
