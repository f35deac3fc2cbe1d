// SPDX-License-Identifier: Apache-2.0
#include "cli/start.h"

#include <memory>

#include "cli/containers.h"
#include "cli/each.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/sessions.h"
#include "podman/client.h"

namespace reprise::cli {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::seconds kOutcomePatience{30};

Result<void> podman_start(Context& context, const podman::ContainerInfo& info) {
  const std::vector<std::string> argv = {"podman", "start", "--", info.id};
  podman::Invocation start = REPRISE_PASS(podman::Invocation::begin(argv));
  Progress progress(context.io, info.name + ": starting");
  while (true) {
    const auto result = REPRISE_PASS(start.wait(kPollInterval));
    if (result && result->status.success()) return {};
    if (result) return std::unexpected(podman::error_of(argv, *result));
    progress.tick();
  }
}

Result<int> start_one(Context& context, const std::string& name) {
  const podman::ContainerInfo info = REPRISE_PASS(find_our_container(name));
  if (info.has_tasks()) {
    context.io.out << info.name << ": runs already\n";
    return kDone;
  }
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  const StartOutcome outcome = REPRISE_PASS(start_container(context, catalog, info));
  print_start(context, info.name, outcome);
  return kDone;
}

Runner configure(CLI::App& app) {
  auto names = std::make_shared<std::vector<std::string>>();
  app.add_option("NAME", *names, "containers, by name or id")->required();
  return [names](Context& context) -> Result<int> {
    return for_each_name(context.io, *names, "cannot start",
                         [&](const std::string& name) { return start_one(context, name); });
  };
}

}  // namespace

Result<StartOutcome> start_container(Context& context, store::Catalog& catalog,
                                     const podman::ContainerInfo& info) {
  const base::ContainerKey key = key_of(info);
  const base::UnixMillis begin = base::now_unix_millis();
  const auto pending = REPRISE_PASS(catalog.continuation(key));
  REPRISE_PASS(podman_start(context, info));
  const auto session =
      REPRISE_PASS(finished_session_since(catalog, key, kRestoreSession, begin, kOutcomePatience));
  StartOutcome outcome;
  outcome.restored =
      REPRISE_PASS(life_event_since(catalog, key, store::LifeEvent::kRestored, begin));
  if (outcome.restored) return outcome;
  if (session) {
    outcome.reason = failure_of(*session);
    outcome.hint = hint_for(*session);
  } else if (pending) {
    outcome.reason = "no restore of checkpoint '" + pending->checkpoint.str() + "' was begun";
    outcome.hint = "is its OCI runtime ('" + info.oci_runtime + "') this version of Reprise?";
  } else {
    outcome.reason = "there is no checkpoint to continue from";
  }
  return outcome;
}

void print_start(Context& context, const std::string& name, const StartOutcome& outcome) {
  if (outcome.restored) {
    context.io.out << name << ": resumed from checkpoint " << outcome.restored->checkpoint.str()
                   << " in " << format_duration(outcome.restored->restore_ms) << '\n';
    return;
  }
  context.io.out << name << ": started cold: " << outcome.reason << '\n';
  if (!outcome.hint.empty()) context.io.err << "hint: " << outcome.hint << '\n';
}

constinit const Command kStart = {
    .path = "start",
    .summary = "Resume stopped containers from their checkpoints",
    .details =
        R"(The same as 'podman start', and says which it was: resumed from a checkpoint, or started cold,
and why. A container starts cold if it has no checkpoint to continue from, or if that cannot be
restored.

Example:
  reprise start counter)",
    .configure = configure,
};

}  // namespace reprise::cli
