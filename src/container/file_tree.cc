// SPDX-License-Identifier: Apache-2.0
#include "container/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "container/deep_paths.h"
#include "container/internal/tar_command.h"
#include "container/socket_files.h"
#include "sys/child.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/walk.h"

namespace reprise::container {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

// GNU tar's exit status for "some files differ": they changed while it read them, or, when it
// compares, they are not as archived.
constexpr int kFilesChanged = 1;

fs::path sockets_beside(const fs::path& archive) { return archive.string() + kSocketsSuffix; }
fs::path unfinished_beside(const fs::path& aside) { return aside.string() + ".unfinished"; }

Result<std::string> read_sockets(const fs::path& archive) {
  auto list = sys::read_file(sockets_beside(archive));
  if (!list && list.error().code() == ErrorCode::kNotFound) return std::string();
  return list;
}

Result<void> move_contents(const fs::path& from, const fs::path& to) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(from, error)) entries.push_back(entry.path());
  if (error) return base::fail_errno(error.value(), "listing '" + from.string() + "'");
  for (const fs::path& entry : entries) {
    fs::rename(entry, to / entry.filename(), error);
    if (error) return base::fail_errno(error.value(), "moving '" + entry.string() + "'");
  }
  return {};
}

}  // namespace

Result<std::optional<std::string>> overlay_upper(const std::filesystem::path& rootfs) {
  const auto mount = REPRISE_PASS(sys::find_mount(rootfs));
  if (!mount || mount->type != "overlay") return std::optional<std::string>();
  return mount->option("upperdir");
}

Result<std::string> archive_tree(const fs::path& directory, int out, Writers writers) {
  const std::string step = "copying '" + directory.string() + "'";
  sys::SpawnOptions tar = tar_command(TarDoes::kCreate, "-", directory, {"."});
  tar.fds = {{out, 1}};
  const sys::RunResult done = REPRISE_TRY(sys::run(std::move(tar), kTarLimit), step);
  const bool changed = done.status.signal == 0 && done.status.exit_code == kFilesChanged;
  if (!done.status.success() && !(changed && writers == Writers::kOthers))
    return std::unexpected(tar_error(step, done));
  return REPRISE_TRY(list_sockets(directory), step);
}

Result<void> extract_tree(const fs::path& file, const fs::path& directory) {
  const std::string step = "unpacking into '" + directory.string() + "'";
  const sys::RunResult done =
      REPRISE_TRY(sys::run(tar_command(TarDoes::kExtract, file, directory), kTarLimit), step);
  if (only_paths_too_long(done.err))
    REPRISE_TRY(extract_deep_paths(file, directory), step);
  else if (!done.status.success())
    return std::unexpected(tar_error(step, done));
  REPRISE_TRY(make_sockets(REPRISE_PASS(read_sockets(file)), directory), step);
  return {};
}

Result<bool> tree_equals(const fs::path& file, const fs::path& directory) {
  const std::string step = "comparing with '" + directory.string() + "'";
  const std::string entries = REPRISE_TRY(sys::run_ok(tar_list_command(file), kTarLimit), step);
  const std::string sockets = REPRISE_TRY(read_sockets(file), step);
  // The archive has an entry for the directory itself as well.
  std::ptrdiff_t archived =
      std::ranges::count(entries, '\n') + std::ranges::count(sockets, '\0') - 1;
  REPRISE_TRY(sys::walk_tree(directory,
                             [&archived](const sys::WalkEntry&) -> Result<sys::Descend> {
                               --archived;
                               return sys::Descend::kYes;
                             }),
              step);
  if (archived != 0 || sockets != REPRISE_TRY(list_sockets(directory), step)) return false;
  const sys::RunResult compared =
      REPRISE_TRY(sys::run(tar_command(TarDoes::kCompare, file, directory), kTarLimit), step);
  // Unpacked again, then, which can be done.
  if (only_paths_too_long(compared.err)) return false;
  if (compared.status.signal != 0 || compared.status.exit_code > kFilesChanged)
    return std::unexpected(tar_error(step, compared));
  return compared.status.success();
}

Result<void> copy_attributes(const fs::path& from, const fs::path& to) {
  struct stat info{};
  if (::lstat(from.c_str(), &info) != 0)
    return base::fail_errno(errno, "looking at '" + from.string() + "'");
  const std::array<timespec, 2> times{info.st_atim, info.st_mtim};
  if (::lchown(to.c_str(), info.st_uid, info.st_gid) != 0 ||
      ::chmod(to.c_str(), info.st_mode & 07777) != 0 ||
      ::utimensat(AT_FDCWD, to.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return base::fail_errno(errno, "giving owner, mode and time to '" + to.string() + "'");
  return {};
}

Result<void> put_contents_aside(const fs::path& directory, const fs::path& aside) {
  const fs::path unfinished = unfinished_beside(aside);
  REPRISE_PASS(sys::make_directories(unfinished));
  REPRISE_PASS(copy_attributes(directory, unfinished));
  REPRISE_PASS(move_contents(directory, unfinished));
  return sys::rename_durably(unfinished, aside);
}

// The name tells a crash during the moves, when `directory` still has contents of its own, from one
// later on, when everything in it is of whoever filled it.
Result<void> put_contents_back(const fs::path& directory, const fs::path& aside) {
  const fs::path unfinished = unfinished_beside(aside);
  if (REPRISE_PASS(sys::exists(aside))) {
    REPRISE_PASS(sys::empty_directory(directory));
    REPRISE_PASS(sys::rename_durably(aside, unfinished));
  }
  if (!REPRISE_PASS(sys::exists(unfinished))) return {};
  REPRISE_PASS(move_contents(unfinished, directory));
  REPRISE_PASS(copy_attributes(unfinished, directory));
  return sys::remove_tree(unfinished);
}

}  // namespace reprise::container
