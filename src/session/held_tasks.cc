// SPDX-License-Identifier: Apache-2.0
#include "session/held_tasks.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "container/cgroup.h"
#include "engine/tools.h"
#include "oci/state.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::ErrorCode;
using base::Result;

namespace {

// Where held tasks are: a line for each controller, "freezer=/sys/fs/cgroup/freezer/…".
std::filesystem::path held_note(const Context& context) {
  return context.layout.session_run_directory(context.request.session) / "held";
}

// Whoever holds tasks must find them, also when runc has forgotten the container: if its CRIU is
// killed, it removes what it knows of it, but not a cgroup with tasks that cannot end.
Result<container::Cgroup> cgroup_of(const Context& context) {
  const auto state = context.runtime().state_of(context.request.container);
  if (state) return container::Cgroup(state->cgroup_paths);
  if (state.error().code() != ErrorCode::kNotFound ||
      !REPRISE_PASS(sys::exists(held_note(context))))
    return std::unexpected(state.error());
  std::istringstream lines(REPRISE_PASS(sys::read_file(held_note(context))));
  std::map<std::string, std::string> paths;
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t at = line.find('='); at != std::string::npos)
      paths.emplace(line.substr(0, at), line.substr(at + 1));
  return container::Cgroup(std::move(paths));
}

Result<void> note_held(const Context& context) {
  const auto state = REPRISE_PASS(context.runtime().state_of(context.request.container));
  std::string text;
  for (const auto& [controller, path] : state.cgroup_paths) text += controller + "=" + path + "\n";
  return sys::replace_file(held_note(context), text);
}

}  // namespace

Result<void> end_held_tasks(const Context& context) {
  const auto cgroup = cgroup_of(context);
  // CRIU had not come so far that runc knows the container.
  if (!cgroup && cgroup.error().code() == ErrorCode::kNotFound) return {};
  if (!cgroup) return std::unexpected(cgroup.error());
  const auto frozen = cgroup->is_frozen();
  if (!frozen || !*frozen) return {};
  REPRISE_TRY(cgroup->end_frozen(), "ending what was restored");
  return {};
}

Result<void> thaw_restored(const Context& context) {
  return REPRISE_PASS(cgroup_of(context)).thaw();
}

Result<void> hold_tasks(const Context& context) {
  const container::Cgroup cgroup = REPRISE_PASS(cgroup_of(context));
  // runc (1.1, restore) has CRIU work in the container's cgroup.
  for (const sys::ProcessRef& tool : engine::tool_processes(context.directory()))
    REPRISE_TRY(cgroup.expel(tool.pid), "moving CRIU out of the container's cgroup");
  REPRISE_PASS(note_held(context));
  return cgroup.begin_freeze();
}

}  // namespace reprise::session
