// SPDX-License-Identifier: Apache-2.0
#include "container/abandoned.h"

#include <system_error>

#include "sys/file_lock.h"

namespace reprise::container {

std::filesystem::path session_lock_file(const std::filesystem::path& session_run_directory) {
  return session_run_directory / "lock";
}

std::vector<base::SessionId> abandoned_sessions(const Layout& layout) {
  std::vector<base::SessionId> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(layout.run / "sessions", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code missing;
    const auto lock_file = session_lock_file(entry->path());
    // Not made yet; and making it would bring a directory back that is just being removed.
    if (!std::filesystem::exists(lock_file, missing)) continue;
    if (sys::FileLock::try_lock(lock_file)) found.emplace_back(entry->path().filename().string());
  }
  return found;
}

}  // namespace reprise::container
