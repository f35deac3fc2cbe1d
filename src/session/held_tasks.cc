// SPDX-License-Identifier: Apache-2.0
#include "session/held_tasks.h"

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"
#include "container/cgroup.h"
#include "engine/engine.h"
#include "network/orphans.h"
#include "oci/state.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::ErrorCode;
using base::Result;

namespace {

// Where tasks are held, by the journal, or the note of a version that kept none: a line for each
// controller, "freezer=/sys/fs/cgroup/freezer/…". nullopt if none are.
Result<std::optional<std::map<std::string, std::string>>> noted_cgroups(const Context& context) {
  const auto steps = REPRISE_PASS(context.journal().load());
  for (const undo::Step& step : steps.value_or(std::vector<undo::Step>()))
    if (const auto* held = std::get_if<undo::TasksHeld>(&step)) return held->cgroups;
  const auto file = context.layout.session_run_directory(context.request.session) / "held";
  if (!REPRISE_PASS(sys::exists(file))) return std::nullopt;
  std::istringstream lines(REPRISE_PASS(sys::read_file(file)));
  std::map<std::string, std::string> paths;
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t at = line.find('='); at != std::string::npos)
      paths.emplace(line.substr(0, at), line.substr(at + 1));
  return paths;
}

// Whoever holds tasks must find them, also when runc has forgotten the container: if its CRIU is
// killed, it removes what it knows of it, but not a cgroup with tasks that cannot end.
Result<container::Cgroup> cgroup_of(const Context& context) {
  const auto state = context.runtime().state_of(context.request.container);
  if (state) return container::Cgroup(state->cgroup_paths);
  if (state.error().code() != ErrorCode::kNotFound) return std::unexpected(state.error());
  auto noted = REPRISE_PASS(noted_cgroups(context));
  if (!noted) return std::unexpected(state.error());
  return container::Cgroup(std::move(*noted));
}

}  // namespace

void silence_tasks(const Context& context) {
  const auto state = context.runtime().state_of(context.request.container);
  if (!state && state.error().code() == ErrorCode::kNotFound) return;
  const auto silenced =
      state ? network::silence_sockets("/proc", state->init.pid) : std::unexpected(state.error());
  base::warn_and_ignore(silenced, "peers are told that connections are closed");
}

Result<void> end_held_tasks(const Context& context) {
  const auto cgroup = cgroup_of(context);
  // CRIU had not come so far that runc knows the container.
  if (!cgroup && cgroup.error().code() == ErrorCode::kNotFound) return {};
  if (!cgroup) return std::unexpected(cgroup.error());
  const auto frozen = cgroup->is_frozen();
  if (!frozen || !*frozen) return {};
  silence_tasks(context);
  REPRISE_TRY(cgroup->end_frozen(), "ending what was restored");
  return {};
}

Result<void> thaw_restored(const Context& context) {
  return REPRISE_PASS(cgroup_of(context)).thaw();
}

Result<void> hold_tasks(const Context& context) {
  const auto state = REPRISE_PASS(context.runtime().state_of(context.request.container));
  const container::Cgroup cgroup(state.cgroup_paths);
  // runc (1.1, restore) has CRIU work in the container's cgroup.
  for (const sys::ProcessRef& tool : context.engine->processes())
    REPRISE_TRY(cgroup.expel(tool.pid), "moving CRIU out of the container's cgroup");
  REPRISE_PASS(context.journal().write(undo::TasksHeld{.cgroups = state.cgroup_paths}));
  return cgroup.begin_freeze();
}

}  // namespace reprise::session
