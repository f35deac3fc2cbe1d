// SPDX-License-Identifier: Apache-2.0
#include "sys/walk.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::sys {

using base::fail_errno;

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// A directory above the current one, or itself: what is still to be visited in it.
struct Level {
  std::vector<std::string> names;
  std::size_t path_length = 0;  // of its own path
  dev_t device = 0;
  ino_t inode = 0;
};

// The end of a path that is too long to be read by anybody.
std::string shown(const std::string& path) {
  constexpr std::size_t kShown = 200;
  return path.size() <= kShown ? path : "…" + path.substr(path.size() - kShown);
}

class Walk {
 public:
  Walk(const path& top, const Visitor& visitor) : top_(top), visitor_(visitor) {}

  Result<void> run() {
    current_ = REPRISE_PASS(open_file(top_, O_RDONLY | O_DIRECTORY));
    REPRISE_PASS(enter());
    for (;;) {
      if (levels_.back().names.empty()) {
        levels_.pop_back();
        if (levels_.empty()) return {};
        REPRISE_PASS(go_up());
        continue;
      }
      const std::string name = std::move(levels_.back().names.back());
      levels_.back().names.pop_back();
      path_.resize(levels_.back().path_length);
      path_ += (path_.empty() ? "" : "/") + name;
      REPRISE_PASS(visit(name));
    }
  }

 private:
  std::unexpected<base::Error> failed(int error_number, const char* doing) const {
    return fail_errno(error_number,
                      std::string(doing) + " '" + shown(path_) + "' in '" + top_.string() + "'");
  }

  Result<void> visit(const std::string& name) {
    struct stat status{};
    if (::fstatat(current_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};
      return failed(errno, "looking at");
    }
    const WalkEntry entry{
        .directory = current_.get(), .name = name, .path = path_, .status = status};
    const Descend descend = REPRISE_PASS(visitor_(entry));
    if (!S_ISDIR(status.st_mode) || descend == Descend::kNo) return {};
    UniqueFd next(
        ::openat(current_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
      return failed(errno, "opening");
    }
    current_ = std::move(next);
    return enter();
  }

  // Reads the current directory.
  Result<void> enter() {
    struct stat status{};
    if (::fstat(current_.get(), &status) != 0) return failed(errno, "looking at");
    Level level{
        .names = {}, .path_length = path_.size(), .device = status.st_dev, .inode = status.st_ino};
    UniqueFd again = REPRISE_PASS(duplicate(current_));
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(again.get()));
    if (!directory) return failed(errno, "listing");
    [[maybe_unused]] const int owned = again.release();
    for (;;) {
      errno = 0;
      const dirent* entry =
          ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): own stream
      if (entry == nullptr && errno != 0) return failed(errno, "listing");
      if (entry == nullptr) break;
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") level.names.emplace_back(name);
    }
    std::ranges::sort(level.names, std::greater<>());  // taken from the end
    levels_.push_back(std::move(level));
    return {};
  }

  Result<void> go_up() {
    UniqueFd parent(::openat(current_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status{};
    if (!parent.valid() || ::fstat(parent.get(), &status) != 0) return failed(errno, "leaving");
    const Level& level = levels_.back();
    if (status.st_dev != level.device || status.st_ino != level.inode)
      return base::fail(base::ErrorCode::kBusy, "'" + shown(path_) + "' in '" + top_.string() +
                                                    "' was moved while it was read");
    current_ = std::move(parent);
    return {};
  }

  const path& top_;
  const Visitor& visitor_;
  UniqueFd current_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

Result<void> walk_tree(const path& top, const Visitor& visitor) { return Walk(top, visitor).run(); }

}  // namespace reprise::sys
