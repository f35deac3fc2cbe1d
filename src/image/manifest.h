// SPDX-License-Identifier: Apache-2.0
//
// The manifest: what one checkpoint is and consists of. Encoded as JSON; docs/format/manifest.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace reprise::image {

// Why a checkpoint was taken. More triggers come with the daemon.
enum class Trigger : std::uint8_t { kStop, kRequest, kImport };
std::string_view to_string(Trigger trigger);
base::Result<Trigger> parse_trigger(std::string_view text);

// One file of the checkpoint's directory.
struct ManifestFile {
  std::string name;  // relative, '/' separated, no "." or ".." parts
  std::uint64_t bytes = 0;
  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  base::CheckpointId id;
  base::ContainerKey key;
  base::ContainerId container;
  std::string name;  // the container's name for people; may be empty
  Trigger trigger = Trigger::kRequest;
  bool ended = false;                  // the container was ended with the checkpoint
  base::UnixMillis created = 0;        // when the tasks were frozen
  std::string parent_session;          // the session that wrote it
  std::int64_t freeze_ms = 0;          // how long the tasks stood still, until the seal if `ended`
  std::uint64_t memory_bytes = 0;      // pages that CRIU wrote
  std::int64_t cpu_time_us = 0;        // CPU time of the container, over all its lives
  std::string runtime_version;         // first line of `runc --version`
  std::string criu_version;            // "4.2.1"
  std::string kernel;                  // uname -r
  std::vector<std::string> addresses;  // of the container's network namespace, "10.88.0.5/16"
  std::vector<std::string> mounts;     // destinations of external mounts, which a restore must find
  std::vector<ManifestFile> files;     // sorted by name; everything but the manifest itself
  bool operator==(const Manifest&) const = default;
};

// What a restored container needs at once, in bytes: its memory and what is in its /dev/shm. From
// `files`, since `memory_bytes` is not known yet when a checkpoint is sealed that ends its
// container.
std::uint64_t memory_needed(const Manifest& manifest);
// The memory alone, of which `memory_bytes` may not know either.
std::uint64_t memory_kept(const Manifest& manifest);

// The version that is written, and the newest that is read.
inline constexpr int kManifestVersion = 3;

// Sum of its files.
std::uint64_t bytes_of(const Manifest& manifest);

// Text with a trailing newline; equal manifests give equal text.
std::string encode_manifest(const Manifest& manifest);

// kCorrupt for text that is not a manifest (names the field), kUnsupported for a newer version.
base::Result<Manifest> decode_manifest(std::string_view text);

}  // namespace reprise::image
