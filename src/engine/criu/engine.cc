// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <system_error>

#include "engine/criu/config.h"
#include "engine/criu/dump.h"
#include "engine/criu/expired_timers.h"
#include "engine/criu/half_restored.h"
#include "engine/criu/hook.h"
#include "engine/criu/log.h"
#include "engine/criu/lost_limits.h"
#include "engine/criu/own_mounts.h"
#include "engine/criu/preloaded.h"
#include "engine/criu/restore_command.h"
#include "engine/criu/tools.h"
#include "sys/child.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

constexpr const char* kRestoreLog = "restore.log";

class CriuDump final : public Dump {
 public:
  CriuDump(DumpJob job, image::PageSink& sink, sys::MessageListener& listener)
      : job_(std::move(job)), sink_(sink), listener_(listener) {}

  Result<DumpStats> freeze_and_write(DumpSteps& steps) override {
    REPRISE_PASS(dump(job_, sink_, listener_, steps));
    if (job_.after == AfterDump::kEnd) return DumpStats();
    return load_dump_stats(job_.work_dir);
  }
  std::optional<std::chrono::milliseconds> frozen_for() const override {
    return engine::frozen_for(freeze_file(job_.work_dir));
  }

 private:
  DumpJob job_;
  image::PageSink& sink_;
  sys::MessageListener& listener_;
};

class CriuRestore final : public Restore {
 public:
  CriuRestore(RestoreRequest request, const Place& place, OutsideMounts own,
              sys::MessageListener& listener)
      : request_(std::move(request)), place_(place), own_(std::move(own)), listener_(listener) {}

  Result<std::string> lost_limits() const override {
    return limits_above(request_.images, own_hard_limits());
  }
  Result<RestoreCommand> plan(const OutsideMounts& mounted) override;
  const sys::UniqueFd& due() const override { return listener_.fd(); }
  Result<void> do_step(RestoreSteps& steps) override;
  Result<void> give_leave() override { return engine::give_leave(place_.work_dir); }
  EngineState state() const override { return criu_state(place_.work_dir); }
  void wake() override { wake_tools(place_.work_dir); }
  Result<void> restart_timers(pid_t init) override { return restart_expired_timers("/proc", init); }
  RestoreEnd how_it_ended() const override;

 private:
  RestoreRequest request_;
  const Place& place_;
  OutsideMounts own_;
  sys::MessageListener& listener_;
};

Result<RestoreCommand> CriuRestore::plan(const OutsideMounts& mounted) {
  OutsideMounts outside = mounted;
  outside.insert(outside.end(), own_.begin(), own_.end());
  const std::filesystem::path config = criu_config_file(place_.work_dir);
  REPRISE_PASS(sys::replace_file(config, restore_config(hook_program(*place_.worker), outside)));
  RestoreCommand command{.argv = restore_command(request_, place_.work_dir), .environment = {}};
  command.environment = hook_variables({.socket = place_.hook_socket,
                                        .set_loopback_up = true,
                                        .leave_file = leave_file(place_.work_dir),
                                        .pids_note = place_.pids_note});
  command.environment.emplace_back("CRIU_CONFIG_FILE", config.string());
  command.environment.emplace_back("TAR_OPTIONS", kTarOptions);
  command.environment.emplace_back(
      "LD_PRELOAD", REPRISE_PASS(libraries_for_restore(*place_.worker, request_.images)));
  return command;
}

Result<void> CriuRestore::do_step(RestoreSteps& steps) {
  HookQuestion question = REPRISE_PASS(accept_question(listener_));
  Result<void> done{};
  if (question.step == HookStep::kSetupNamespaces) done = steps.namespaces_made(question.init);
  if (question.step == HookStep::kPostRestore) done = steps.tasks_made(question.init);
  if (question.step == HookStep::kPreResume) done = steps.may_run(question.init);
  // A hook that is gone has been killed together with CRIU, which the wrapper will tell.
  [[maybe_unused]] const auto answered =
      answer(question, done ? Verdict::kProceed : Verdict::kAbort);
  return {};
}

RestoreEnd CriuRestore::how_it_ended() const {
  const std::filesystem::path log = place_.work_dir / kRestoreLog;
  if (was_cut_off(log)) return RestoreEnd::kCutOff;
  // Where that is not known, it is taken for one that began.
  return sys::exists(log).value_or(true) ? RestoreEnd::kRefused : RestoreEnd::kNotBegun;
}

class CriuEngine final : public Engine {
 public:
  CriuEngine(Place place, sys::MessageListener* listener)
      : place_(std::move(place)), listener_(listener) {}

  Result<std::string> version() const override;
  Result<std::unique_ptr<Dump>> begin(DumpRequest request, image::PageSink& sink) override {
    const std::filesystem::path worker = REPRISE_PASS(place_.worker);
    DumpJob job{{std::move(request)}, place_.work_dir, place_.hook_socket, worker};
    return std::make_unique<CriuDump>(std::move(job), sink, *listener_);
  }
  Result<std::unique_ptr<Restore>> begin(RestoreRequest request) override {
    REPRISE_PASS(place_.worker);
    OutsideMounts own = REPRISE_PASS(
        mount_own(request.images, request.cgroups, request.renamed, request.elsewhere));
    return std::make_unique<CriuRestore>(std::move(request), place_, std::move(own), *listener_);
  }
  std::vector<sys::ProcessRef> processes() const override {
    return tool_processes(place_.work_dir);
  }
  Result<void> end(Verdict verdict, std::chrono::milliseconds patience) override {
    return end_tools({.work_dir = place_.work_dir,
                      .hook_listener = listener_,
                      .verdict = verdict,
                      .patience = patience});
  }
  Result<void> remove_restored(const oci::Runtime& runtime,
                               const base::ContainerId& container) override {
    return remove_half_restored(runtime, container);
  }
  Result<void> put_limits_back() override { return put_pids_limit_back(place_.pids_note); }
  std::filesystem::path restore_log() const override { return place_.work_dir / kRestoreLog; }
  Error with_cause(Error error) const override {
    return with_criu_cause(std::move(error), restore_log());
  }

 private:
  Place place_;
  sys::MessageListener* listener_;
};

Result<std::string> CriuEngine::version() const {
  constexpr std::chrono::seconds kLimit{10};
  const Result<std::string> out = sys::run_ok({"criu", "--version"}, kLimit);
  if (!out)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "'criu' does not run: " + out.error().message())
            .with_hint("install criu 4.2.1 or newer; 'reprise doctor' checks the host"));
  const std::string line = out->substr(0, out->find('\n'));  // "Version: 4.2.1"
  const std::size_t colon = line.find(": ");
  return colon == std::string::npos ? line : line.substr(colon + 2);
}

}  // namespace

std::filesystem::path lazy_socket(const std::filesystem::path& work_dir) {
  return work_dir / "lazy-pages.socket";  // CRIU's name, in its working directory
}

std::unique_ptr<Engine> runc_with_criu(Place place, sys::MessageListener* listener) {
  return std::make_unique<CriuEngine>(std::move(place), listener);
}

}  // namespace reprise::engine
