// SPDX-License-Identifier: Apache-2.0
#include "cli/start.h"

#include <memory>

#include "cli/each.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "host/continuation_note.h"
#include "host/identity.h"
#include "operations/containers.h"
#include "operations/no_checkpoint.h"
#include "operations/sessions.h"
#include "podman/client.h"
#include "store/open_catalog.h"
#include "sys/file_lock.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::seconds kOutcomePatience{30};

Result<void> podman_start(Context& context, const podman::ContainerInfo& info) {
  const std::vector<std::string> argv = {"podman", "start", "--", info.id};
  // A restore that is cut off in the middle is undone, and counts as an attempt.
  podman::Invocation start = REPRISE_PASS(
      podman::Invocation::begin(argv, podman::ErrorOutput::kCapture, podman::Terminal::kNone));
  Progress progress(context.io, info.name + ": starting");
  while (true) {
    const auto result = REPRISE_PASS(start.wait(kPollInterval));
    if (result && result->status.success()) return {};
    if (result) return std::unexpected(podman::error_of(argv, *result));
    progress.tick();
  }
}

// Podman's error has what the runtime said among its own words; the session has it clean.
Error cause_of(catalog::Catalog& catalog, const base::ContainerKey& key, base::UnixMillis begin,
               const Error& error) {
  const auto session =
      operations::session_since(catalog, key, catalog::SessionKind::kRestore, begin);
  if (!session || !*session || (*session)->status != catalog::SessionStatus::kFailed) return error;
  return Error(error.code(), "checkpoint '" + (*session)->checkpoint.str() +
                                 "' was not restored: " + operations::failure_of(**session))
      .with_hint(operations::hint_for(**session));
}

// The checkpoint waits for the cause to be mended, or for somebody who does not want it.
Error with_way_out(const Error& error, const podman::ContainerInfo& info) {
  const auto note = host::read_note(info.directory);
  if ((note && !*note) || error.message().contains("--cold")) return error;
  std::string hint = error.hint().empty() ? "" : error.hint() + "; ";
  hint += "the checkpoint is kept; to begin anew without it: reprise start --cold " + info.name;
  return Error(error).with_hint(std::move(hint));
}

// Not beside a start that is just claiming the checkpoint.
Result<sys::FileLock> lock_container(const Context& context, const podman::ContainerInfo& info) {
  REPRISE_PASS(context.layout.create());
  return REPRISE_TRY(
      sys::FileLock::lock(context.layout.lock_of(host::identify({}, base::ContainerId(info.id))),
                          kOutcomePatience),
      "waiting for a session on it");
}

// What it would have gone on from; nullopt if nothing, or if there is no store.
Result<std::optional<catalog::Continuation>> drop_continuation(const Context& context,
                                                               const base::ContainerKey& key) {
  if (!REPRISE_PASS(catalog::Catalog::exists(context.layout.store))) return std::nullopt;
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.store));
  const auto kept = REPRISE_PASS(catalog.continuation(key));
  REPRISE_PASS(catalog.drop_continuation(key));
  return kept;
}

// A container without a checkpoint to go on from, for which no store is needed.
Result<int> start_without_store(Context& context, const podman::ContainerInfo& info,
                                const std::string& why) {
  REPRISE_PASS(podman_start(context, info));
  print_start(context, info.name, {.restored = std::nullopt, .reason = why, .hint = {}});
  return kDone;
}

// What it would have gone on from, and does no more.
Result<std::optional<catalog::Continuation>> begin_anew(Context& context,
                                                        const podman::ContainerInfo& info) {
  const sys::FileLock lock = REPRISE_PASS(lock_container(context, info));
  // First, since it counts without a store as well, and for one that is mounted again later.
  REPRISE_PASS(host::write_note(info.directory, {.state = host::ContinuationNote::State::kDropped,
                                                 .time = base::now_unix_millis()}));
  const auto dropped = drop_continuation(context, operations::key_of(info));
  if (dropped) return *dropped;
  context.io.err << "warning: the store was not asked: " << dropped.error().message() << '\n';
  return std::nullopt;
}

// On purpose. What the container would have gone on from stays in the store.
Result<int> start_cold(Context& context, const podman::ContainerInfo& info) {
  if (info.has_tasks())
    return std::unexpected(Error(ErrorCode::kBusy, "it runs").with_hint("stop it first"));
  std::string why = "as asked";
  if (const auto kept = REPRISE_PASS(begin_anew(context, info)))
    why += "; checkpoint " + kept->checkpoint.str() + " is kept ('reprise restore " +
           kept->checkpoint.str() + "')";
  return start_without_store(context, info, why);
}

// What the runtime wrote down when it began anew on purpose.
Result<std::string> cold_reason(catalog::Catalog& catalog, const base::ContainerKey& key,
                                base::UnixMillis since) {
  const auto started =
      REPRISE_PASS(operations::life_event_since(catalog, key, catalog::LifeEvent::kStarted, since));
  return started ? started->detail : std::string();
}

Result<int> start_one(Context& context, const std::string& name, bool cold) {
  const podman::ContainerInfo info = REPRISE_PASS(operations::find_our_container(name));
  if (cold) return start_cold(context, info);
  if (info.has_tasks()) {
    context.io.out << info.name << ": runs already\n";
    return kDone;
  }
  const std::filesystem::path& root = context.layout.store;
  if (!REPRISE_TRY(catalog::Catalog::exists(root), "looking for its checkpoint"))
    return start_without_store(context, info, "there is no store at '" + root.string() + "'");
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.store));
  const Result<StartOutcome> outcome = start_container(context, catalog, info);
  if (!outcome) return std::unexpected(with_way_out(outcome.error(), info));
  print_start(context, info.name, *outcome);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto names = std::make_shared<std::vector<std::string>>();
  arguments.add_option("NAME", *names, "containers, by name or id").required();
  auto cold = std::make_shared<bool>(false);
  arguments.add_flag("--cold", *cold,
                     "begin anew, without the checkpoint to go on from, which is kept");
  return [names, cold](Context& context) -> Result<int> {
    return for_each_name(context.io, *names, "cannot start",
                         [&](const std::string& name) { return start_one(context, name, *cold); });
  };
}

}  // namespace

Result<StartOutcome> start_container(Context& context, catalog::Catalog& catalog,
                                     const podman::ContainerInfo& info) {
  const base::UnixMillis begin = base::now_unix_millis();
  const auto pending = REPRISE_PASS(catalog.continuation(operations::key_of(info)));
  // The start makes it history.
  operations::NoCheckpoint without = REPRISE_PASS(operations::why_no_checkpoint(catalog, info));
  const auto started = podman_start(context, info);
  // The start decides the key of one that others make anew.
  const base::ContainerKey key = operations::key_of(info);
  if (!started) return std::unexpected(cause_of(catalog, key, begin, started.error()));
  const auto session = REPRISE_PASS(operations::finished_session_since(
      catalog, key, catalog::SessionKind::kRestore, begin, kOutcomePatience));
  StartOutcome outcome;
  outcome.restored = REPRISE_PASS(
      operations::life_event_since(catalog, key, catalog::LifeEvent::kRestored, begin));
  if (outcome.restored) return outcome;
  if (session) {
    outcome.reason = operations::failure_of(*session);
    outcome.hint = operations::hint_for(*session);
  } else if (pending && REPRISE_PASS(catalog.continuation(key))) {
    outcome.reason = "no restore of checkpoint '" + pending->checkpoint.str() + "' was begun";
    outcome.hint = "is its OCI runtime ('" + info.oci_runtime + "') this version of Reprise?";
  } else if (pending) {
    outcome.reason = REPRISE_PASS(cold_reason(catalog, key, begin));
    if (outcome.reason.empty()) outcome.reason = std::move(without.reason);
    outcome.hint = std::move(without.hint);
  } else {
    outcome.reason = std::move(without.reason);
    outcome.hint = std::move(without.hint);
  }
  return outcome;
}

void print_start(Context& context, const std::string& name, const StartOutcome& outcome) {
  if (outcome.restored) {
    context.io.out << name << ": resumed from checkpoint " << outcome.restored->checkpoint.str()
                   << " in " << format_duration(outcome.restored->restore_ms) << '\n';
    // What did not come back with it.
    if (!outcome.restored->detail.empty())
      context.io.err << "note: " << outcome.restored->detail << '\n';
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
and why. A container starts cold, from its beginning, if it has no checkpoint to continue from. One
whose checkpoint cannot be restored now (its store is not mounted, a file on a bind mount is missing)
is not started, and goes on from it once the cause is mended: a cold start could not be taken back,
since the program writes to the same files. --cold wants it so; the annotation
reprise.dev/on-restore-failure=cold always does.

Example:
  reprise start counter
  reprise start --cold counter)",
    .configure = configure,
};

}  // namespace reprise::cli
