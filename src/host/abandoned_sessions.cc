// SPDX-License-Identifier: Apache-2.0
#include "host/abandoned_sessions.h"

#include <system_error>

#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::host {

std::filesystem::path session_lock_file(const std::filesystem::path& session_run_directory) {
  return session_run_directory / "lock";
}

std::filesystem::path request_file(const std::filesystem::path& session_run_directory) {
  return session_run_directory / "request.json";
}

std::filesystem::path unbegun_marker(const std::filesystem::path& session_run_directory) {
  return session_run_directory / "unbegun";
}

base::Result<void> note_request(const Layout& layout, const WorkerRequest& request) {
  const auto directory = layout.session_run_directory(request.session);
  REPRISE_PASS(sys::make_directories(directory));
  REPRISE_PASS(sys::replace_file(unbegun_marker(directory), ""));
  REPRISE_PASS(sys::replace_file(request_file(directory), encode(request)));
  return sys::replace_file(session_lock_file(directory), "");
}

base::Result<std::vector<base::SessionId>> abandoned_sessions(const Layout& layout) {
  const std::filesystem::path directory = layout.run / "sessions";
  std::vector<base::SessionId> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    // Not one of ours.
    auto id = base::SessionId::parse(entry->path().filename().string());
    if (!id) continue;
    std::error_code unknown;
    const auto lock_file = session_lock_file(entry->path());
    // Not made yet; and making it would bring a directory back that is just being removed.
    if (!std::filesystem::exists(lock_file, unknown) && !unknown) continue;
    const auto lock = sys::FileLock::try_lock(lock_file);
    if (lock || lock.error().code() != base::ErrorCode::kBusy) found.push_back(std::move(*id));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return base::fail_errno(error.value(), "looking for sessions in '" + directory.string() + "'");
  return found;
}

}  // namespace reprise::host
