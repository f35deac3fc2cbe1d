// SPDX-License-Identifier: Apache-2.0
//
// `start`, `exec`, `state`, `delete`, `pause`, `resume` and `checkpoint`.
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

#include "catalog/catalog.h"
#include "host/filling.h"
#include "host/identity.h"
#include "json/reader.h"
#include "json/writer.h"
#include "network/adopted_note.h"
#include "oci/annotations.h"
#include "runtime/call.h"
#include "runtime/checkpoint_attempt.h"
#include "runtime/key.h"
#include "runtime/killed.h"
#include "store/open_catalog.h"
#include "sys/child.h"
#include "sys/file_lock.h"

namespace reprise::runtime {

using base::Result;

namespace {

std::optional<host::Identity> container_of(const Call& call) {
  const auto words = call.arguments.positional({});
  if (words.empty()) return std::nullopt;
  const auto id = base::ContainerId::parse(words.front());
  if (!id) return std::nullopt;
  return host::identify(call.arguments.state_globals(), *id);
}

// Whether the marker was there.
bool take(const std::filesystem::path& marker) {
  std::error_code ignored;
  return std::filesystem::remove(marker, ignored);
}

// A start that was killed in the middle of its restore: runc must not delete anything before that
// is undone by whoever holds the container's lock, since it would delete the root file system.
Result<void> await_undone_restore(const Call& call, const host::Identity& who) {
  const auto marker = call.layout.restoring_marker_of(who);
  std::error_code unknown;
  if (!std::filesystem::exists(marker, unknown) && !unknown) return {};
  constexpr std::chrono::seconds kUndoPatience{60};
  const sys::FileLock lock =
      REPRISE_TRY(sys::FileLock::lock(call.layout.lock_of(who), kUndoPatience),
                  "waiting for a restore to be undone");
  REPRISE_PASS(call.runtime().release_restore_root(who.id));
  take(marker);
  return {};
}

// Else there would be a file for each container that there ever was since the host started. A
// session that runs keeps it.
void drop_lock(const Call& call, const host::Identity& who) {
  const auto file = call.layout.lock_of(who);
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown) || unknown) return;
  if (const auto lock = sys::FileLock::try_lock(file)) take(file);
}

constexpr const char* kKilled = "killed (SIGKILL), which leaves no time for a checkpoint";

}  // namespace

int start(const Call& call) {
  const auto who = container_of(call);
  // A restored container runs already: the restore is its start.
  if (who && take(call.layout.restored_marker_of(*who))) return 0;
  return pass_through(call);
}

// What is executed is to reach who has an old address of the container by now.
int execute(const Call& call) {
  // runc 1.1 to 1.5, exec.go: options that take a value.
  constexpr std::array<std::string_view, 18> kValuedOptions = {"console-socket",
                                                               "cwd",
                                                               "env",
                                                               "e",
                                                               "user",
                                                               "u",
                                                               "additional-gids",
                                                               "g",
                                                               "process",
                                                               "p",
                                                               "pid-file",
                                                               "process-label",
                                                               "apparmor",
                                                               "cap",
                                                               "c",
                                                               "preserve-fds",
                                                               "cgroup",
                                                               "pidfd-socket"};
  const auto words = call.arguments.positional(kValuedOptions);
  if (words.empty()) return pass_through(call);
  const auto id = base::ContainerId::parse(words.front());
  if (id) {
    const auto who = host::identify(call.arguments.state_globals(), *id);
    const auto released =
        network::release_noted(network::adopted_note_of(call.layout.network_baseline_of(who)));
    if (!released) tell_caller(call, Severity::kWarning, released.error().message());
  }
  return pass_through(call);
}

int state(const Call& call) {
  const auto who = container_of(call);
  std::error_code ignored;
  if (!who || !std::filesystem::exists(call.layout.restored_marker_of(*who), ignored))
    return pass_through(call);
  // Callers that create and start in two steps insist on "created" in between.
  sys::SpawnOptions options;
  options.argv = {call.layout.runc.string()};
  options.argv.insert(options.argv.end(), call.arguments.all.begin(), call.arguments.all.end());
  options.env = sys::default_environment();
  constexpr std::chrono::seconds kLimit{20};
  const auto answer = sys::run(std::move(options), kLimit);
  if (!answer || !answer->status.success()) return pass_through(call);
  nlohmann::ordered_json json =
      json_reader::parse_or_discarded<nlohmann::ordered_json>(answer->out);
  if (json_reader::text_in(json, "status") != "running") return pass_through(call);
  json["status"] = "created";
  std::printf("%s\n", json_writer::print(json, 2).c_str());
  return 0;
}

int remove(const Call& call) {
  const auto who = container_of(call);
  if (!who) return pass_through(call);
  settle_abandoned(call);
  if (const auto undone = await_undone_restore(call, *who); !undone)
    return refuse(call, base::Error(undone.error()).with_step("not deleted"));
  if (const auto saved = checkpoint_never_started(call, *who); !saved)
    return refuse(call, base::Error(saved.error()).with_step("not deleted"));
  take(call.layout.restored_marker_of(*who));
  take(call.layout.network_baseline_of(*who));
  take(network::adopted_note_of(call.layout.network_baseline_of(*who)));
  const bool killed = take_kill(call, *who);
  if (take(call.layout.marker_of(*who)))
    if (auto catalog = store::open_existing_catalog(call.store))
      if (const auto added = catalog->add_life_event({.key = with_key(call, *who).key,
                                                      .time = base::now_unix_millis(),
                                                      .event = catalog::LifeEvent::kEnded,
                                                      .detail = killed ? kKilled : ""});
          !added)
        tell_caller(call, Severity::kWarning, "history not written: " + added.error().message());
  drop_lock(call, *who);
  return pass_through(call);
}

// What a session has frozen it thaws, and a pause in the middle would go with it; a resume would
// let the tasks run on while they are saved.
int pause_or_resume(const Call& call) {
  const auto who = container_of(call);
  if (!who) return pass_through(call);
  settle_abandoned(call);
  std::error_code ignored;
  if (!std::filesystem::exists(call.layout.lock_of(*who), ignored)) return pass_through(call);
  const auto patience = oci::Wishes().freeze_limit;
  if (const auto lock = sys::FileLock::lock(call.layout.lock_of(*who), patience); !lock) {
    tell_caller(call, Severity::kError, "a session did not end: " + lock.error().message());
    return base::exit_code(lock.error().code());
  }
  return pass_through(call);
}

// CRIU saves what is there, says that all is well, and what was still to come is lost.
int checkpoint(const Call& call) {
  constexpr std::array<std::string_view, 9> kValuedOptions = {
      "image-path",          "work-path", "parent-path", "status-fd",        "page-server",
      "manage-cgroups-mode", "empty-ns",  "lsm-profile", "lsm-mount-context"};
  const auto words = call.arguments.positional(kValuedOptions);
  const auto id = words.empty() ? base::fail(base::ErrorCode::kInvalidInput, "no container")
                                : base::ContainerId::parse(words.front());
  if (!id) return pass_through(call);
  const auto who = host::identify(call.arguments.state_globals(), *id);
  if (const auto filled = host::await_filled(call.layout, who, host::kFillPatience); !filled)
    return refuse(call, base::Error(filled.error()).with_step("not checkpointed"));
  return pass_through(call);
}

}  // namespace reprise::runtime
