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
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::remote {

using base::Error;
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

// NFS may show a directory as it was some seconds ago; asked like this, it asks the server.
void refresh(const path& directory) {
  struct statx ignored{};
  (void)::statx(AT_FDCWD, directory.c_str(), AT_STATX_FORCE_SYNC, STATX_MTIME, &ignored);
}

base::UnixMillis millis_of(const timespec& time) {
  constexpr base::UnixMillis kPerSecond = 1000;
  constexpr base::UnixMillis kNanosPerMilli = 1'000'000;
  return time.tv_sec * kPerSecond + time.tv_nsec / kNanosPerMilli;
}

// What make() names files that are not whole yet.
bool is_partial(const std::string& file_name) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  static const std::size_t kLength = 1 + base::random_id().size();
  return file_name.size() == kLength && file_name.front() == '.' &&
         file_name.find_first_not_of(kAlphabet, 1) == std::string::npos;
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
  Result<std::uint64_t> drop_unfinished(const std::string& prefix,
                                        base::UnixMillis before) override;

 private:
  Result<path> place_of(const std::string& name) const;
  using Fill = std::function<Result<void>(const sys::UniqueFd& to)>;
  Result<void> make(const std::string& name, const Fill& fill);
  // Where all objects with this prefix lie.
  [[nodiscard]] path directory_of(std::string_view prefix) const;
  [[nodiscard]] Result<void> check_above() const;
  // Makes the directories between, and the remote's own in one that is there.
  Result<path> new_place_of(const std::string& name) const;

  path root_;
};

Result<path> Directory::place_of(const std::string& name) const {
  REPRISE_PASS(check_object_name(name));
  return root_ / name;
}

// A remote is made, but not the file system that it should lie on.
Result<void> Directory::check_above() const {
  const path above = root_.has_filename() ? root_.parent_path() : root_.parent_path().parent_path();
  if (REPRISE_PASS(sys::exists(above))) return {};
  return std::unexpected(Error(ErrorCode::kNotFound, "there is no directory '" + above.string() +
                                                         "' to make '" + url() + "' in")
                             .with_hint("is its file system mounted, and the URL right?"));
}

Result<path> Directory::new_place_of(const std::string& name) const {
  path place = REPRISE_PASS(place_of(name));
  REPRISE_PASS(check_above());
  REPRISE_PASS(sys::make_directories_durably(place.parent_path()));
  return place;
}

path Directory::directory_of(std::string_view prefix) const {
  const std::size_t slash = prefix.rfind('/');
  const std::string_view name = prefix.substr(0, slash == prefix.npos ? 0 : slash);
  return check_object_name(name) ? root_ / name : root_;
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

// Written under a name that no object has, so that list() and others do not see it before it is
// whole.
Result<void> Directory::make(const std::string& name, const Fill& fill) {
  const path place = REPRISE_PASS(new_place_of(name));
  const path partial = place.parent_path() / ("." + base::random_id());
  const sys::UniqueFd to = REPRISE_PASS(sys::open_file(partial, O_WRONLY | O_CREAT | O_EXCL));
  base::ScopeExit removes([&] { (void)sys::remove_tree(partial); });
  REPRISE_TRY(fill(to), "writing '" + place.string() + "'");
  REPRISE_PASS(sys::sync_path(partial));
  REPRISE_PASS(sys::rename_durably(partial, place));
  removes.dismiss();
  return {};
}

Result<void> Directory::put(const std::string& name, std::string_view contents) {
  const auto bytes = std::as_bytes(std::span(contents.data(), contents.size()));
  return make(name, [&](const sys::UniqueFd& to) { return sys::write_at(to.get(), 0, bytes); });
}

Result<void> Directory::put_file(const std::string& name, const path& file,
                                 const Progress& progress) {
  const sys::UniqueFd from = REPRISE_PASS(sys::open_file(file, O_RDONLY));
  return make(name, [&](const sys::UniqueFd& to) { return copy_contents(from, to, progress); });
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
  const path from = directory_of(prefix);
  refresh(root_);
  refresh(from);
  fs::recursive_directory_iterator entry(from, error);
  if (error == std::errc::no_such_file_or_directory) {
    if (fs::exists(root_, error)) return found;
    return std::unexpected(
        Error(ErrorCode::kNotFound, "there is no directory '" + root_.string() + "'")
            .with_hint("is it mounted, and its name right? The first push makes it"));
  }
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().lexically_relative(root_).string();
    struct stat status{};
    if (::lstat(entry->path().c_str(), &status) != 0) continue;  // gone since
    if (S_ISDIR(status.st_mode)) refresh(entry->path());
    if (S_ISREG(status.st_mode) && name.starts_with(prefix) && check_object_name(name))
      found.push_back({.name = std::move(name),
                       .bytes = static_cast<std::uint64_t>(status.st_size),
                       .modified = millis_of(status.st_mtim)});
  }
  if (error) return fail_errno(error.value(), "listing '" + from.string() + "'");
  std::ranges::sort(found, {}, &ObjectInfo::name);
  return found;
}

Result<void> Directory::remove(const std::string& name) {
  const path place = REPRISE_PASS(place_of(name));
  if (::unlink(place.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return fail_errno(errno, "removing object '" + name + "'");
}

// One that is written right now, for all that, loses its name, and its rename() fails.
Result<std::uint64_t> Directory::drop_unfinished(const std::string& prefix,
                                                 base::UnixMillis before) {
  std::uint64_t dropped = 0;
  std::error_code error;
  const path directory = REPRISE_PASS(place_of(prefix.substr(0, prefix.find_last_not_of('/') + 1)));
  fs::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return 0;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    struct stat status{};
    if (!is_partial(entry->path().filename()) || ::lstat(entry->path().c_str(), &status) != 0)
      continue;
    if (S_ISREG(status.st_mode) && millis_of(status.st_mtim) < before &&
        ::unlink(entry->path().c_str()) == 0)
      ++dropped;
  }
  if (error) return fail_errno(error.value(), "listing '" + directory.string() + "'");
  return dropped;
}

}  // namespace

std::unique_ptr<ObjectStore> open_directory(path root) {
  return std::make_unique<Directory>(std::move(root));
}

}  // namespace reprise::remote
