// SPDX-License-Identifier: Apache-2.0
#include "install/bundle.h"

#include <cerrno>
#include <set>
#include <system_error>

#include "base/log.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::install {

using base::fail_errno;
using base::Result;
using std::filesystem::path;
namespace fs = std::filesystem;

namespace {

constexpr const char* kCurrent = "current";
constexpr mode_t kPublicDir = 0755;

Result<void> copy_bundle(const path& source, const path& target) {
  std::error_code error;
  // What is in it: the name itself may be a link, as those of open directories are.
  fs::copy(source / ".", target, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
           error);
  if (error) return fail_errno(error.value(), "copying the programs to '" + target.string() + "'");
  return {};
}

Result<void> make_current(const path& home, const std::string& name) {
  const path link = home / ".current.new";
  REPRISE_PASS(sys::remove_tree(link));
  std::error_code error;
  fs::create_symlink(name, link, error);
  if (error) return fail_errno(error.value(), "making '" + link.string() + "'");
  return sys::rename_durably(link, home / kCurrent);
}

// Names of bundles of which a program runs.
std::set<std::string> bundles_in_use(const path& home) {
  std::set<std::string> names;
  const std::string prefix = home.string() + "/";
  for (const pid_t pid : sys::processes_in("/proc")) {
    const std::string program = sys::link_target(path("/proc") / std::to_string(pid) / "exe");
    if (program.starts_with(prefix))
      names.insert(program.substr(prefix.size(), program.find('/', prefix.size()) - prefix.size()));
  }
  return names;
}

}  // namespace

Result<void> lay_bundle(const path& source, const std::string& name, const path& home) {
  REPRISE_PASS(sys::make_directories_durably(home, kPublicDir));
  const std::string before = sys::link_target(home / kCurrent);
  if (!REPRISE_PASS(sys::exists(home / name))) {
    const path part = home / ("." + name + ".part");
    REPRISE_PASS(sys::remove_tree(part));  // of one that was killed
    REPRISE_PASS(copy_bundle(source, part));
    REPRISE_PASS(sys::sync_tree(part));
    REPRISE_PASS(sys::rename_durably(part, home / name));
  }
  REPRISE_PASS(make_current(home, name));
  std::set<std::string> kept = bundles_in_use(home);
  kept.insert({name, before, kCurrent});
  for (const std::string& other : REPRISE_PASS(sys::names_in(home)))
    if (!kept.contains(other) && (!other.starts_with('.') || other.ends_with(".part")))
      base::warn_and_ignore(sys::remove_tree(home / other), "an old bundle stays");
  return {};
}

Result<void> remove_bundles(const path& home) {
  if (!REPRISE_PASS(sys::exists(home))) return {};
  return sys::remove_tree(home);
}

}  // namespace reprise::install
