// SPDX-License-Identifier: Apache-2.0
#include "host/layout.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "sys/exists.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::host {
namespace {

// The one of our bundle, if we are in one (sys::prefer_own_programs()). Debian moved its own from
// /usr/sbin to /usr/bin between 12 and 13.
std::filesystem::path default_runc() {
  const auto here = sys::executable_directory();
  if (here && ::access((*here / "programs/runc").c_str(), X_OK) == 0)
    return *here / "programs/runc";
  for (const char* candidate : {"/usr/bin/runc", "/usr/sbin/runc", "/usr/local/sbin/runc"})
    if (::access(candidate, X_OK) == 0) return candidate;
  return "/usr/bin/runc";
}

}  // namespace

Layout Layout::of(const std::filesystem::path& store, const sys::Environment& environment) {
  const std::string run = sys::variable(environment, "REPRISE_RUN");
  const std::string runc = sys::variable(environment, "REPRISE_RUNC");
  return Layout{.store = store,
                .run = run.empty() ? "/run/reprise" : run,
                .runc = runc.empty() ? default_runc() : std::filesystem::path(runc)};
}

std::filesystem::path Layout::lock_of(const Identity& who) const {
  return run / "locks" / who.file_name;
}

std::filesystem::path Layout::marker_of(const Identity& who) const {
  return run / "containers" / who.file_name;
}

std::filesystem::path Layout::restored_marker_of(const Identity& who) const {
  return run / "restored" / who.file_name;
}

std::filesystem::path Layout::restoring_marker_of(const Identity& who) const {
  return run / "restoring" / who.file_name;
}

std::filesystem::path Layout::filling_of(const Identity& who) const {
  return run / "filling" / who.file_name;
}

std::filesystem::path Layout::network_baseline_of(const Identity& who) const {
  return run / "networks" / who.file_name;
}

base::Result<std::vector<std::string>> Layout::members_of(pid_t keeper) const {
  const std::string wanted = std::to_string(keeper);
  const std::filesystem::path directory = run / "containers";
  std::vector<std::string> members;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto text = sys::read_file(entry->path());
    if (!text && text.error().error_number() == ENOENT) continue;  // it has ended since
    if (REPRISE_PASS(text) == wanted) members.push_back(entry->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return base::fail_errno(error.value(),
                            "looking for containers in '" + directory.string() + "'");
  return members;
}

bool Layout::is_in_session(const std::string& file_name) const {
  const std::filesystem::path lock = run / "locks" / file_name;
  return sys::exists(lock).value_or(true) && !sys::FileLock::try_lock(lock);
}

std::filesystem::path Layout::kept_configuration() const { return run / "reprise.toml"; }

std::filesystem::path Layout::holder_of(const base::ContainerKey& key) const {
  std::string name = key.str();
  std::ranges::replace(name, '/', '@');  // an id before it contains none
  return run / "keys" / name;
}

std::filesystem::path Layout::session_directory(const base::SessionId& id) const {
  return store / "sessions" / id.str();
}

std::filesystem::path Layout::session_run_directory(const base::SessionId& id) const {
  return run / "sessions" / id.str();
}

base::Result<void> Layout::create() const {
  for (const auto& directory :
       {run / "locks", run / "containers", run / "restored", run / "restoring", run / "sessions",
        run / "networks", run / "keys", run / "filling"})
    REPRISE_PASS(sys::make_directories(directory));
  return {};
}

base::Result<std::filesystem::path> find_worker() {
  const std::filesystem::path here = REPRISE_PASS(sys::executable_directory());
  for (const auto& candidate :
       {here / "reprise-worker", here.parent_path() / "libexec/reprise/reprise-worker"})
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  return std::unexpected(base::Error(base::ErrorCode::kNotFound,
                                     "'reprise-worker' is neither beside this program nor in "
                                     "'../libexec/reprise'")
                             .with_hint("install Reprise again with ./quickstart"));
}

}  // namespace reprise::host
