// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <system_error>

#include "store/internal/stored_files.h"

namespace reprise::store {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

enum class Kind : std::uint8_t { kFile, kOurDirectory, kManifest, kForeign };

Kind kind_of(const std::string& name, fs::file_type type) {
  if (type == fs::file_type::directory)
    return name == kSpoolDirectory || name == kPartsDirectory ? Kind::kOurDirectory
                                                              : Kind::kForeign;
  if (type != fs::file_type::regular) return Kind::kForeign;
  if (name == kManifestFile) return Kind::kManifest;
  return name.contains('/') ? Kind::kFile : Kind::kForeign;
}

}  // namespace

Result<Listing> list_files(const path& checkpoint) {
  Listing listing;
  std::error_code error;
  fs::recursive_directory_iterator entry(checkpoint, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(checkpoint).string();
    const fs::file_type type = entry->symlink_status(error).type();
    if (error) break;
    const Kind kind = kind_of(name, type);
    if (kind == Kind::kFile) listing.files.push_back({name, entry->file_size(error)});
    if (kind == Kind::kForeign) {
      listing.foreign.push_back(name);
      entry.disable_recursion_pending();
    }
    if (error) break;
  }
  if (error) return fail_errno(error.value(), "listing '" + checkpoint.string() + "'");
  std::ranges::sort(listing.files, {}, &FoundFile::name);
  std::ranges::sort(listing.foreign);
  return listing;
}

Result<void> check_sizes(const image::Manifest& manifest, const Listing& listing) {
  for (const image::ManifestFile& file : manifest.files) {
    const auto found = std::ranges::lower_bound(listing.files, file.name, {}, &FoundFile::name);
    if (found == listing.files.end() || found->name != file.name)
      return fail(ErrorCode::kCorrupt, "'" + file.name + "' is missing");
    if (found->bytes != file.bytes)
      return fail(ErrorCode::kCorrupt, "'" + file.name + "' has " + std::to_string(found->bytes) +
                                           " bytes instead of " + std::to_string(file.bytes));
  }
  return {};
}

Result<void> check_nothing_added(const image::Manifest& manifest, const Listing& listing) {
  std::string added;
  const auto add = [&added](const std::string& name) {
    added += (added.empty() ? "'" : ", '") + name + "'";
  };
  for (const FoundFile& file : listing.files)
    if (!std::ranges::binary_search(manifest.files, file.name, {}, &image::ManifestFile::name))
      add(file.name);
  std::ranges::for_each(listing.foreign, add);
  if (added.empty()) return {};
  return fail(ErrorCode::kCorrupt, added + " does not belong to the checkpoint");
}

Result<void> check_digests(const image::Manifest& manifest, const path& checkpoint,
                           std::string_view prefix) {
  for (const image::ManifestFile& file : manifest.files) {
    if (!file.name.starts_with(prefix)) continue;
    if (REPRISE_PASS(digest_file(checkpoint / file.name)) != file.digest)
      return fail(ErrorCode::kCorrupt, "'" + file.name + "' is damaged");
  }
  return {};
}

}  // namespace reprise::store
