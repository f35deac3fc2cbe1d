// SPDX-License-Identifier: Apache-2.0
//
// The files of one checkpoint's directory: found, digested, compared with a manifest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/manifest.h"

namespace reprise::store {

using base::Result;
using std::filesystem::path;

inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kSpoolDirectory = "criu";
inline constexpr const char* kPartsDirectory = "parts";

struct FoundFile {
  std::string name;  // relative to the checkpoint's directory, as in the manifest
  std::uint64_t bytes = 0;
  bool operator==(const FoundFile&) const = default;
};

struct Listing {
  std::vector<FoundFile> files;      // sorted by name; without the manifest
  std::vector<std::string> foreign;  // what no checkpoint holds: links, devices, other directories
};

Result<Listing> list_files(const path& checkpoint);

// Digest of a whole file, as manifests hold it. Blocks on the disk.
Result<std::string> digest_file(const path& file);

// Makes a file that others wrote ours alone (mode 0600) and starts to write it to the disk, so that
// the fsync of the seal has less to wait for. Does not follow a link.
Result<void> settle_file(const path& file);

// kCorrupt names the first file that is missing or has another size than the manifest says.
Result<void> check_sizes(const image::Manifest& manifest, const Listing& listing);
// kCorrupt names what the manifest does not.
Result<void> check_nothing_added(const image::Manifest& manifest, const Listing& listing);
// Reads all files of the manifest whose name begins with `prefix`; kCorrupt names the first that
// is damaged.
Result<void> check_digests(const image::Manifest& manifest, const path& checkpoint,
                           std::string_view prefix);

}  // namespace reprise::store
