// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/id.h"
#include "base/scope_exit.h"
#include "remote/object_store.h"
#include "sys/files.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using std::filesystem::path;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

std::unexpected<base::Error> no_such(const std::string& name) {
  return fail(ErrorCode::kNotFound, "there is no object '" + name + "'");
}

class Directory final : public ObjectStore {
 public:
  explicit Directory(path root) : root_(std::move(root)) {}
  [[nodiscard]] std::string url() const override { return "file://" + root_.string(); }
  Result<void> put(const std::string& name, std::string_view contents) override;
  Result<void> put_file(const std::string& name, const path& file,
                        const Progress& progress) override;
  Result<std::string> get(const std::string& name, std::size_t limit) override;
  Result<void> read(const std::string& name, std::uint64_t offset,
                    std::span<std::byte> out) override;
  Result<std::optional<std::uint64_t>> size(const std::string& name) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix) override;
  Result<void> remove(const std::string& name) override;

 private:
  Result<path> place_of(const std::string& name) const;
  // Makes the directories above.
  Result<path> new_place_of(const std::string& name) const;

  path root_;
};

Result<path> Directory::place_of(const std::string& name) const {
  REPRISE_PASS(check_object_name(name));
  return root_ / name;
}

Result<path> Directory::new_place_of(const std::string& name) const {
  path place = REPRISE_PASS(place_of(name));
  REPRISE_PASS(sys::make_directories_durably(place.parent_path()));
  return place;
}

Result<void> Directory::put(const std::string& name, std::string_view contents) {
  return sys::replace_file(REPRISE_PASS(new_place_of(name)), contents);
}

Result<void> copy_contents(const sys::UniqueFd& from, const sys::UniqueFd& to,
                           const Progress& progress) {
  std::uint64_t done = 0;
  for (;;) {
    const ssize_t copied = ::sendfile(to.get(), from.get(), nullptr, kCopyBytes);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return fail_errno(errno, "copying");
    if (copied == 0) return {};
    done += static_cast<std::uint64_t>(copied);
    if (progress) REPRISE_PASS(progress(done));
  }
}

Result<void> Directory::put_file(const std::string& name, const path& file,
                                 const Progress& progress) {
  const path place = REPRISE_PASS(new_place_of(name));
  const sys::UniqueFd from = REPRISE_PASS(sys::open_file(file, O_RDONLY));
  // A name that no object has, so that list() and others do not see it.
  const path partial = place.parent_path() / ("." + base::random_id());
  const sys::UniqueFd to = REPRISE_PASS(sys::open_file(partial, O_WRONLY | O_CREAT | O_EXCL));
  base::ScopeExit removes([&] { (void)sys::remove_tree(partial); });
  REPRISE_TRY(copy_contents(from, to, progress), "writing '" + place.string() + "'");
  REPRISE_PASS(sys::sync_path(partial));
  REPRISE_PASS(sys::rename_durably(partial, place));
  removes.dismiss();
  return {};
}

Result<std::string> Directory::get(const std::string& name, std::size_t limit) {
  Result<std::string> text = sys::read_file(REPRISE_PASS(place_of(name)), limit);
  if (!text && text.error().error_number() == ENOENT) return no_such(name);
  return text;
}

Result<void> Directory::read(const std::string& name, std::uint64_t offset,
                             std::span<std::byte> out) {
  Result<sys::UniqueFd> opened = sys::open_file(REPRISE_PASS(place_of(name)), O_RDONLY);
  if (!opened && opened.error().error_number() == ENOENT) return no_such(name);
  const sys::UniqueFd fd = REPRISE_PASS(std::move(opened));
  if (REPRISE_TRY(sys::read_at(fd.get(), offset, out), "reading object '" + name + "'") ==
      out.size())
    return {};
  return fail(ErrorCode::kCorrupt, "object '" + name + "' is cut off");
}

Result<std::optional<std::uint64_t>> Directory::size(const std::string& name) {
  struct stat status{};
  if (::stat(REPRISE_PASS(place_of(name)).c_str(), &status) == 0 && S_ISREG(status.st_mode))
    return static_cast<std::uint64_t>(status.st_size);
  if (errno == ENOENT || errno == ENOTDIR || S_ISDIR(status.st_mode)) return std::nullopt;
  return fail_errno(errno, "looking at object '" + name + "'");
}

Result<std::vector<ObjectInfo>> Directory::list(const std::string& prefix) {
  std::vector<ObjectInfo> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(root_, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().lexically_relative(root_).string();
    if (!name.starts_with(prefix) || !check_object_name(name)) continue;
    std::error_code gone;  // since
    if (!entry->is_regular_file(gone)) continue;
    const std::uint64_t bytes = entry->file_size(gone);
    if (!gone) found.push_back({.name = std::move(name), .bytes = bytes});
  }
  if (error) return fail_errno(error.value(), "listing '" + root_.string() + "'");
  std::ranges::sort(found, {}, &ObjectInfo::name);
  return found;
}

Result<void> Directory::remove(const std::string& name) {
  const path place = REPRISE_PASS(place_of(name));
  if (::unlink(place.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return fail_errno(errno, "removing object '" + name + "'");
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_directory(path root) {
  REPRISE_TRY(sys::make_directories_durably(root), "opening '" + root.string() + "'");
  return std::make_unique<Directory>(std::move(root));
}

}  // namespace reprise::remote
