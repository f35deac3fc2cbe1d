// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "config/config.h"
#include "container/refused_calls.h"
#include "host/continuation_note.h"
#include "host/identity.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "network/network_baseline.h"
#include "network/network_setup.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "runtime/annotations.h"
#include "runtime/checkpoint_attempt.h"
#include "runtime/cold_cause.h"
#include "runtime/continuation.h"
#include "runtime/key.h"
#include "runtime/killed.h"
#include "runtime/pod.h"
#include "runtime/restore_attempt.h"
#include "runtime/unsettled.h"
#include "store/open_catalog.h"
#include "sys/file_lock.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// runc 1.1 to 1.5, create.go: options that take a value.
constexpr std::array<std::string_view, 7> kValuedOptions = {
    "bundle", "b", "console-socket", "pidfd-socket", "pid-file", "preserve-fds", "process"};

Result<Creation> read_creation(const Call& call) {
  const auto words = call.arguments.positional(kValuedOptions);
  if (words.empty()) return base::fail(ErrorCode::kInvalidInput, "no container named");
  const base::ContainerId id = REPRISE_PASS(base::ContainerId::parse(words[0]));
  Creation creation{.who = host::identify(call.arguments.state_globals(), id)};
  creation.bundle = bundle_of(call);
  const oci::Spec spec = REPRISE_PASS(oci::load_spec(creation.bundle));
  creation.network_namespace = spec.network_namespace_path;
  creation.network_keeper = oci::network_keeper(spec);
  creation.wishes = REPRISE_PASS(oci::parse_wishes(spec.annotations));
  creation.annotations = spec.annotations;
  creation.pod = oci::pod_container(spec.annotations);
  return creation;
}

Result<void> mark(const std::filesystem::path& marker, const std::string& text = "") {
  return sys::replace_file(marker, text);
}

void note(const Call& call, const char* what, const Result<void>& result) {
  if (!result)
    tell_caller(call, Severity::kWarning, std::string(what) + ": " + result.error().message());
}

void record_cold_start(const Call& call, catalog::Catalog& catalog, const Creation& creation,
                       const std::string& why) {
  note(call, "history not written",
       catalog.add_life_event({.key = creation.key(),
                               .time = base::now_unix_millis(),
                               .event = catalog::LifeEvent::kStarted,
                               .detail = why}));
}

// Says so, and what a cold start costs that did not have to be one.
void note_cold(const Call& call, catalog::Catalog& catalog, const Creation& creation, Wanted cold) {
  const auto rows = catalog.checkpoints(creation.key());
  const auto lives = catalog.lives(creation.key());
  const std::string why = rows && lives ? cold_cause(*lives, *rows, cold) : std::string();
  if (!why.empty()) {
    std::string text = "starting cold: " + why;
    if (!rows->empty()) text += ", which 'reprise restore " + rows->front().id.str() + "' takes up";
    tell_caller(call, Severity::kWarning, text);
  }
  record_cold_start(call, catalog, creation, why);
}

// Whether runc may run what we cannot read: a container that is not checkpointed at its end, and
// does not go on from its checkpoint, although somebody asked for it, would lose that in silence.
bool may_pass_unread(const Call& call) {
  const auto text = sys::read_file(std::filesystem::path(bundle_of(call)) / "config.json");
  if (!text) return text.error().code() == ErrorCode::kNotFound;
  return !oci::asks_for_checkpoints(*text);
}

// What a program sets up in its network later is told from what is there now.
void note_network(const Call& call, const Creation& creation) {
  const auto file = call.layout.network_baseline_of(creation.who);
  const auto look = [&]() -> Result<void> {
    if (creation.network_namespace.empty()) return sys::remove_tree(file);
    return network::note_baseline(
        file, REPRISE_PASS(network::look_at_network(creation.network_namespace)));
  };
  note(call, "the network's setup is guessed", look());
}

// The connections of its last life are gone for good: peers are to be told at once.
int start_cold(const Call& call, const Creation& creation) {
  if (!creation.network_namespace.empty())
    note(call, "peers of lost connections wait", network::lift_hold(creation.key()));
  // An empty namespace is new, or nobody's.
  if (network::is_inhabited(creation.network_namespace))
    note(call, "other containers wait",
         network::end_neighbours(creation.key(), creation.network_namespace));
  note_network(call, creation);
  return pass_through(call);
}

// How often a checkpoint is tried, in one start or over several that were cut off.
constexpr int kMostAttempts = 3;

// Whether the same restore may well succeed if it is tried again: the worker was killed, something
// was busy, a disk was full. Not so what the checkpoint, the container or this host lacks.
bool is_passing(const Error& error) {
  return error.code() == ErrorCode::kGone || error.code() == ErrorCode::kBusy ||
         error.code() == ErrorCode::kIo;
}

// What makes a host run out of memory or space for a moment is often over soon.
void pause_before(int attempt) {
  constexpr std::chrono::milliseconds kStep{200};
  std::this_thread::sleep_for(kStep * attempt);
}

std::optional<int> finish_resumed(const Call& call, const Creation& creation) {
  // Also where the worker was killed, which does it.
  note(call, "note not removed", host::remove_note(creation.bundle));
  note(call, "marker not removed", sys::remove_tree(call.layout.restoring_marker_of(creation.who)));
  return 0;
}

// What a start that fails leaves to be done, added to what its cause has to say.
Error not_started(const Call& call, const Creation& creation, Error error) {
  std::string hint = error.hint().empty() ? "" : error.hint() + "; ";
  // `reprise start --cold` would stumble over the same mistake.
  if (call.misconfigured)
    return std::move(error).with_hint(
        hint +
        "correct that file, and start it again: no command works before, not even to begin "
        "anew");
  const std::string& key = creation.key().str();
  constexpr std::size_t kShortId = 12;
  if (key.contains('/') || key.contains('@'))
    hint +=
        "to begin anew without the checkpoint, give the container the annotation "
        "reprise.dev/on-restore-failure=cold";
  else
    hint += "to begin anew without the checkpoint: reprise start --cold " + key.substr(0, kShortId);
  return std::move(error).with_hint(std::move(hint));
}

bool may_start_cold(const Creation& creation, const base::CheckpointId& checkpoint) {
  // Nor may a program begin anew on volumes that were to get what it had left in them.
  return creation.wishes.on_restore_failure == oci::OnRestoreFailure::kStartCold &&
         creation.wishes.fill_volumes_from != checkpoint.str();
}

// A pod's container that is another than the checkpoint's, of another image say, will be that in
// every try: it begins anew, whatever it wishes for failures that may pass.
bool is_another(const Creation& creation, const Error& error) {
  return creation.pod && error.code() == ErrorCode::kInvalidInput;
}

// The claim stays for the next try.
std::optional<int> fail_to_resume(const Attempt& attempt, const Error& error) {
  const auto& [call, creation, catalog, session, checkpoint] = attempt;
  note(call, "claim not released", catalog.release_claim(creation.key(), session));
  tell_agent(call, creation, {}, &error);
  return refuse(call, error);
}

// Every cold start of a container that opted in asks this first; give_up_resuming() does so for
// itself. The exit status if it would make half a pod. `catalog` and `cause` may be null.
std::optional<int> refuse_half(const Call& call, catalog::Catalog* catalog,
                               const Creation& creation, const Error* cause) {
  const auto whole = check_pod_whole(call, catalog, creation);
  if (whole) return std::nullopt;
  const std::string before = cause == nullptr ? "" : cause->message() + "; ";
  const Error error =
      Error(whole.error().code(), before + whole.error().message()).with_hint(whole.error().hint());
  tell_agent(call, creation, {}, &error);
  return refuse(call, error);
}

// No attempt is left: what the container wishes then.
std::optional<int> give_up_resuming(const Attempt& attempt, const Error& error) {
  const auto& [call, creation, catalog, session, checkpoint] = attempt;
  if (!may_start_cold(creation, checkpoint) && !is_another(creation, error))
    return fail_to_resume(attempt, not_started(call, creation, error));
  if (auto whole = check_pod_whole(call, &catalog, creation); !whole)
    return fail_to_resume(attempt,
                          Error(error.code(), error.message() + "; " + whole.error().message())
                              .with_hint(whole.error().hint()));
  tell_caller(call, Severity::kWarning,
              error.message() + "; starting cold, the checkpoint is kept");
  note(call, "claim not dropped", begin_anew(creation, &catalog));
  const Error told = Error(error).with_step("it begins anew");
  tell_agent(call, creation, {}, &told);
  record_cold_start(call, catalog, creation, error.message());
  return std::nullopt;
}

// The exit status, or nullopt if the container is to start cold. The container's lock is ours.
Result<std::optional<int>> resume(const Call& call, catalog::Catalog& catalog,
                                  const Creation& creation, const sys::FileLock& lock,
                                  bool wants_cold) {
  const sys::ProcessRef self = REPRISE_PASS(sys::process_ref(::getpid()));
  for (;;) {
    Attempt attempt{call, creation, catalog, base::SessionId::random(), {}};
    const auto claimed =
        REPRISE_TRY(catalog.claim(creation.key(), attempt.session, self), "claiming a checkpoint");
    if (!claimed) {
      if (!wants_cold) REPRISE_PASS(check_made_whole(creation, catalog));
      if (const auto refused = refuse_half(call, &catalog, creation, nullptr)) return refused;
      note(call, "note not removed", host::remove_note(creation.bundle));
      if (creation.cold_because.empty())
        note_cold(call, catalog, creation, Wanted(wants_cold));
      else
        record_cold_start(call, catalog, creation, creation.cold_because);
      return std::optional<int>();
    }
    attempt.checkpoint = claimed->checkpoint;
    const std::string step = "resuming from checkpoint '" + claimed->checkpoint.str() + "'";
    if (may_start_cold(creation, attempt.checkpoint) && claimed->attempts >= kMostAttempts)
      return give_up_resuming(
          attempt,
          Error(ErrorCode::kBusy, "it was cut off " + std::to_string(kMostAttempts) + " times")
              .with_step(step));
    REPRISE_PASS(mark(call.layout.restoring_marker_of(creation.who)));
    const Result<void> restored = restore(attempt, lock);
    if (restored) {
      tell_agent(call, creation, attempt.checkpoint, nullptr);
      return finish_resumed(call, creation);
    }
    // A worker that was killed together with its guard could not undo what it did.
    settle_abandoned(call, attempt.session);
    // What may have run is not cleaned up.
    if (const auto fate = catalog.fate_of_claim(creation.key(), attempt.session); !fate)
      return std::optional(refuse(call, Error(fate.error()).with_step(step)));
    REPRISE_PASS(clean_up(call, creation));
    const Error error = Error(restored.error()).with_step(step);
    // Whatever were begun now, it would be done on what this attempt left.
    if (const auto settled = check_settled(call, attempt.session); !settled)
      return std::optional(
          refuse(call, Error(settled.error()).with_step(step).with_suppressed(error)));
    if (!is_passing(error) || claimed->attempts + 1 >= kMostAttempts)
      return give_up_resuming(attempt, error);
    tell_caller(call, Severity::kWarning, error.message() + "; trying again");
    REPRISE_TRY(catalog.release_claim(creation.key(), attempt.session), "releasing the claim");
    pause_before(claimed->attempts + 1);
  }
}

Result<std::optional<int>> try_resume(const Call& call, Creation& creation) {
  // A start that was killed may still be being undone.
  constexpr std::chrono::seconds kUndoPatience{60};
  const sys::FileLock lock =
      REPRISE_TRY(sys::FileLock::lock(call.layout.lock_of(creation.who), kUndoPatience),
                  "waiting for another session of the container");
  if (const auto settled = settle_sessions_of(call, creation.who); !settled)
    return std::optional(refuse(call, settled.error()));
  REPRISE_TRY(call.runtime().release_restore_root(creation.who.id), "undoing an earlier restore");
  REPRISE_TRY(remove_unfinished_pid_file(call), "undoing an earlier restore");
  // Of a restore whose start never came; this one may well be cold.
  REPRISE_PASS(sys::remove_tree(call.layout.restored_marker_of(creation.who)));
  const pid_t keeper = creation.network_keeper;
  REPRISE_PASS(
      mark(call.layout.marker_of(creation.who), keeper == 0 ? "" : std::to_string(keeper)));
  auto catalog = REPRISE_PASS(open_catalog(call, creation));
  if (!catalog) return refuse_half(call, nullptr, creation, nullptr);
  const bool wants_cold = REPRISE_PASS(heed_note(call, creation, *catalog));
  REPRISE_TRY(check_predecessor(call, *catalog, creation), "comparing it with its predecessor");
  return resume(call, *catalog, creation, lock, wants_cold);
}

// Before the container's lock is taken: under which key it lives.
Result<void> prepare(const Call& call, Creation& creation) {
  // Which store has what it goes on from is not known.
  if (call.misconfigured)
    return std::unexpected(Error(*call.misconfigured).with_step("looking for its checkpoint"));
  REPRISE_PASS(call.layout.create());
  note(call, "a mistake in the configuration would cost it its checkpoint",
       config::keep(call.environment, call.layout.kept_configuration()));
  settle_abandoned(call);
  take_kill(call, creation.who);
  return creation.pod ? settle_pod_key(call, creation) : settle_key(call, creation);
}

bool is_sandbox(const Creation& creation) {
  return creation.pod && creation.pod->kind == oci::PodContainer::Kind::kSandbox;
}

// A pod's sandbox has the pod's annotations, and nothing to save. But before it is there nobody
// counts how often it was tried.
int create_sandbox(const Call& caller, Creation& creation) {
  Call call = caller;
  call.stderr_is_logged = true;
  if (creation.wishes.opts_in())
    if (const auto awaited = await_agent(call, creation); !awaited)
      return refuse(call, awaited.error());
  return pass_through(call);
}

}  // namespace

int create(const Call& caller) {
  Call call = caller;
  if (const auto checked = check_annotations(call); !checked) return refuse(call, checked.error());
  Result<Creation> creation = read_creation(call);
  if (!creation) {
    if (!may_pass_unread(call)) return refuse(call, creation.error());
    // Not a bundle that runc could use either: say so, but never stand in the way of what runc
    // makes of it.
    tell_caller(call, Severity::kWarning, creation.error().message());
    return pass_through(call);
  }
  const auto heeded = heed_policies(call, *creation);
  if (!heeded) return refuse(call, heeded.error());
  if (*heeded) creation = read_creation(call);
  if (!creation) return refuse(call, creation.error());
  if (is_sandbox(*creation)) return create_sandbox(call, *creation);
  if (!creation->wishes.opts_in()) return pass_through(call);
  call.stderr_is_logged = creation->pod.has_value();
  if (is_rootless()) {
    tell_about_rootless(call);
    return pass_through(call);
  }
  // Before a restore as well: what is executed in the container later takes its rules from there.
  note(call, "io_uring and Multipath TCP are not refused",
       container::refuse_what_cannot_be_saved(creation->bundle));
  const Result<void> ready = prepare(call, *creation);
  if (!ready && ready.error().code() == ErrorCode::kBusy) return refuse(call, ready.error());
  if (const auto saved = checkpoint_never_started(call, creation->who); !saved)
    return refuse(call, saved.error());
  // It may take long, and the container's lock would keep its signals waiting.
  if (ready)
    if (const auto awaited = await_agent(call, *creation); !awaited)
      return refuse(call, awaited.error());
  const Result<std::optional<int>> status =
      ready ? try_resume(call, *creation) : std::unexpected(ready.error());
  if (status && *status) return **status;
  if (!status) {
    if (creation->wishes.on_restore_failure == oci::OnRestoreFailure::kFail) {
      tell_agent(call, *creation, {}, &status.error());
      return refuse(call, not_started(call, *creation, status.error()));
    }
    if (const auto refused = refuse_half(call, nullptr, *creation, &status.error()))
      return *refused;
    tell_caller(call, Severity::kWarning, status.error().message() + "; starting cold");
    note(call, "an older state may be gone on from", begin_anew(*creation, nullptr));
  }
  tell_agent(call, *creation, {}, nullptr);
  return start_cold(call, *creation);
}

}  // namespace reprise::runtime
