// SPDX-License-Identifier: Apache-2.0
#include "operations/container/start.h"

#include <chrono>

#include "host/continuation_note.h"
#include "host/identity.h"
#include "operations/container/containers.h"
#include "operations/container/no_checkpoint.h"
#include "operations/container/sessions.h"
#include "podman/client.h"
#include "store/open_catalog.h"
#include "sys/file_lock.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

constexpr std::chrono::seconds kStartPatience{30};

Result<void> podman_start(const podman::ContainerInfo& info, Progress& progress) {
  constexpr std::chrono::milliseconds kPollInterval{100};
  const std::vector<std::string> argv = {"podman", "start", "--", info.id};
  // A restore that is cut off in the middle is undone, and counts as an attempt.
  podman::Invocation start = REPRISE_PASS(
      podman::Invocation::begin(argv, podman::ErrorOutput::kCapture, podman::Terminal::kNone));
  const Work work(progress, info.name + ": starting");
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
  const auto session = session_since(catalog, key, catalog::SessionKind::kRestore, begin);
  if (!session || !*session || (*session)->status != catalog::SessionStatus::kFailed) return error;
  return Error(error.code(), "checkpoint '" + (*session)->checkpoint.str() +
                                 "' was not restored: " + failure_of(**session))
      .with_hint(hint_for(**session));
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
Result<sys::FileLock> lock_container(const Node& node, const podman::ContainerInfo& info) {
  REPRISE_PASS(node.layout.create());
  return REPRISE_TRY(sys::FileLock::lock(node.layout.lock_of(host::identify({}, info.container())),
                                         kStartPatience),
                     "waiting for a session on it");
}

// What it would have gone on from; nullopt if nothing, or if there is no store.
Result<std::optional<catalog::Continuation>> drop_continuation(const Node& node,
                                                               const base::ContainerKey& key) {
  if (!REPRISE_PASS(catalog::Catalog::exists(node.layout.store))) return std::nullopt;
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  const auto kept = REPRISE_PASS(catalog.continuation(key));
  REPRISE_PASS(catalog.drop_continuation(key));
  return kept;
}

// A container without a checkpoint to go on from, for which no store is needed.
Result<Started> start_without_store(const podman::ContainerInfo& info, std::string why,
                                    Progress& progress) {
  REPRISE_PASS(podman_start(info, progress));
  return Started{.name = info.name,
                 .outcome = StartOutcome{.restored = {}, .reason = std::move(why), .hint = {}}};
}

// What it would have gone on from, and does no more.
Result<std::optional<catalog::Continuation>> begin_anew(const Node& node,
                                                        const podman::ContainerInfo& info,
                                                        Progress& progress) {
  const sys::FileLock lock = REPRISE_PASS(lock_container(node, info));
  // First, since it counts without a store as well, and for one that is mounted again later.
  REPRISE_PASS(host::write_note(info.directory, {.state = host::ContinuationNote::State::kDropped,
                                                 .time = base::now_unix_millis()}));
  const auto dropped = drop_continuation(node, key_of(info));
  if (dropped) return *dropped;
  progress.warn("the store was not asked: " + dropped.error().message(), "");
  return std::nullopt;
}

// On purpose. What the container would have gone on from stays in the store.
Result<Started> start_cold(const Node& node, const podman::ContainerInfo& info,
                           Progress& progress) {
  if (info.has_tasks())
    return std::unexpected(Error(ErrorCode::kBusy, "it runs").with_hint("stop it first"));
  std::string why = "as asked";
  if (const auto kept = REPRISE_PASS(begin_anew(node, info, progress)))
    why += "; checkpoint " + kept->checkpoint.str() + " is kept ('reprise restore " +
           kept->checkpoint.str() + "')";
  return start_without_store(info, std::move(why), progress);
}

// What the runtime wrote down when it began anew on purpose.
Result<std::string> cold_reason(catalog::Catalog& catalog, const base::ContainerKey& key,
                                base::UnixMillis since) {
  const auto started =
      REPRISE_PASS(life_event_since(catalog, key, catalog::LifeEvent::kStarted, since));
  return started ? started->detail : std::string();
}

}  // namespace

Result<StartOutcome> start_container(catalog::Catalog& catalog, const podman::ContainerInfo& info,
                                     Progress& progress) {
  const base::UnixMillis begin = base::now_unix_millis();
  const auto pending = REPRISE_PASS(catalog.continuation(key_of(info)));
  // The start makes it history.
  NoCheckpoint without = REPRISE_PASS(why_no_checkpoint(catalog, info));
  const auto started = podman_start(info, progress);
  // The start decides the key of one that others make anew.
  const base::ContainerKey key = key_of(info);
  if (!started) return std::unexpected(cause_of(catalog, key, begin, started.error()));
  const auto session = REPRISE_PASS(
      finished_session_since(catalog, key, catalog::SessionKind::kRestore, begin, kStartPatience));
  StartOutcome outcome;
  outcome.restored =
      REPRISE_PASS(life_event_since(catalog, key, catalog::LifeEvent::kRestored, begin));
  if (outcome.restored) return outcome;
  if (session) {
    outcome.reason = failure_of(*session);
    outcome.hint = hint_for(*session);
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

Result<Started> start(const Node& node, const std::string& container, StartFrom from,
                      Progress& progress) {
  const podman::ContainerInfo info = REPRISE_PASS(find_our_container(node, container));
  if (from == StartFrom::kBeginning) return start_cold(node, info, progress);
  if (info.has_tasks()) return Started{.name = info.name, .outcome = {}};
  const std::filesystem::path& root = node.layout.store;
  if (!REPRISE_TRY(catalog::Catalog::exists(root), "looking for its checkpoint"))
    return start_without_store(info, "there is no store at '" + root.string() + "'", progress);
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  Result<StartOutcome> outcome = start_container(catalog, info, progress);
  if (!outcome) return std::unexpected(with_way_out(outcome.error(), info));
  return Started{.name = info.name, .outcome = *std::move(outcome)};
}

}  // namespace reprise::operations
