// SPDX-License-Identifier: Apache-2.0
#include "container/file_tree.h"

#include <fcntl.h>

#include <chrono>

#include "sys/child.h"
#include "sys/files.h"
#include "sys/mountinfo.h"

namespace reprise::container {

using base::Result;

namespace {
// Far beyond any copy that makes sense while a container stands still; the session has its own,
// shorter limit. This one only keeps a hung disk from hanging us for ever.
constexpr std::chrono::minutes kTarLimit{30};
}  // namespace

Result<std::optional<std::string>> overlay_upper(const std::filesystem::path& rootfs) {
  const auto mount = REPRISE_PASS(sys::find_mount(rootfs));
  if (!mount || mount->type != "overlay") return std::optional<std::string>();
  return mount->option("upperdir");
}

Result<void> archive_tree(const std::filesystem::path& directory,
                          const std::filesystem::path& file) {
  // Created here, so that it is private from its first byte.
  REPRISE_PASS(sys::open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  // GNU tar skips sockets with a warning; a listening socket is made again by CRIU on restore.
  REPRISE_TRY(
      sys::run_ok({"tar", "--create", "--file", file.string(), "--directory", directory.string(),
                   "--xattrs", "--xattrs-include=*", "--acls", "--sparse", "--numeric-owner",
                   "--one-file-system", "--warning=no-file-ignored", "."},
                  kTarLimit),
      "copying '" + directory.string() + "'");
  return {};
}

Result<void> extract_tree(const std::filesystem::path& file,
                          const std::filesystem::path& directory) {
  REPRISE_TRY(sys::run_ok({"tar", "--extract", "--file", file.string(), "--directory",
                           directory.string(), "--xattrs", "--xattrs-include=*", "--acls",
                           "--numeric-owner", "--same-permissions", "--same-owner"},
                          kTarLimit),
              "unpacking into '" + directory.string() + "'");
  return {};
}

Result<void> empty_directory(const std::filesystem::path& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    REPRISE_PASS(sys::remove_tree(entry.path()));
  if (error) return base::fail_errno(error.value(), "listing '" + directory.string() + "'");
  return {};
}

}  // namespace reprise::container
