// SPDX-License-Identifier: Apache-2.0
//
// For tests of this module only: an engine without CRIU and without any right. It holds the test
// container's process by ptrace, as CRIU does, and writes a few pages.
#pragma once

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "sys/files.h"
#include "sys/unique_fd.h"

namespace reprise::session {

// What the engine was asked for, and what goes wrong. Outlives the engine.
struct FakeCriu {
  std::vector<std::string> calls;                  // "begin", "frozen", …
  std::optional<base::Error> breaks;               // after the tasks stand still
  std::function<void(const std::string&)> before;  // of each call
  // nullopt: there was none.
  std::optional<engine::DumpRequest> asked;
  std::optional<engine::RestoreRequest> asked_to_restore;
  pid_t restored = 0;  // the first task of a restore
  engine::RestoreEnd end = engine::RestoreEnd::kRefused;

  void call(const std::string& name) {
    calls.push_back(name);
    if (before) before(name);
  }
};

class FakeDump final : public engine::Dump {
 public:
  FakeDump(FakeCriu& criu, image::PageSink& sink) : criu_(criu), sink_(sink) {}

  base::Result<engine::DumpStats> freeze_and_write(engine::DumpSteps& steps) override {
    const pid_t init = criu_.asked->init;
    if (::ptrace(PTRACE_SEIZE, init, nullptr, nullptr) != 0 ||
        ::ptrace(PTRACE_INTERRUPT, init, nullptr, nullptr) != 0)
      return base::fail(base::ErrorCode::kGone, "there is nothing to dump");
    ::waitpid(init, nullptr, 0);
    base::Result<void> done = visit(steps);
    // As the kernel does for a CRIU that ends.
    ::ptrace(PTRACE_DETACH, init, nullptr, nullptr);
    if (!done) return std::unexpected(std::move(done).error());
    return engine::DumpStats{.frozen = std::chrono::milliseconds(7), .memory_bytes = 4096};
  }
  std::optional<std::chrono::milliseconds> frozen_for() const override {
    return std::chrono::milliseconds(5);
  }

 private:
  base::Result<void> visit(engine::DumpSteps& steps) {
    if (criu_.asked->tells_frozen) {
      criu_.call("frozen");
      REPRISE_PASS(steps.frozen());
    }
    if (criu_.breaks) return std::unexpected(*criu_.breaks);
    REPRISE_PASS(sys::replace_file(sink_.spool() / "pages-1.img", std::string(4096, 'p')));
    criu_.call("written");
    REPRISE_PASS(steps.written());
    if (criu_.asked->after != engine::AfterDump::kEnd) return {};
    criu_.call("may_end");
    return steps.may_end();
  }

  FakeCriu& criu_;
  image::PageSink& sink_;
};

// Each step is due as soon as the restore is planned.
class FakeRestore final : public engine::Restore {
 public:
  explicit FakeRestore(FakeCriu& criu) : criu_(criu) {}

  base::Result<std::string> lost_limits() const override { return std::string(); }
  base::Result<engine::RestoreCommand> plan(const engine::OutsideMounts& /*mounted*/) override {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return base::fail_errno(errno, "making a pipe");
    due_ = sys::UniqueFd(ends[0]);
    in_ = sys::UniqueFd(ends[1]);  // stays open: one that is closed counts as readable
    if (::write(in_.get(), "ntr", 3) != 3) return base::fail_errno(errno, "filling a pipe");
    return engine::RestoreCommand{.argv = {"runc", "restore"}, .environment = {}};
  }
  const sys::UniqueFd& due() const override { return due_; }
  base::Result<void> do_step(engine::RestoreSteps& steps) override {
    char step = 0;
    if (::read(due_.get(), &step, 1) != 1) return base::fail_errno(errno, "reading a step");
    if (ended_) return {};
    base::Result<void> done{};
    criu_.call(step == 'n' ? "namespaces_made" : step == 't' ? "tasks_made" : "may_run");
    if (step == 'n') done = steps.namespaces_made(criu_.restored);
    if (step == 't') done = steps.tasks_made(criu_.restored);
    if (step == 'r') done = steps.may_run(criu_.restored);
    ended_ = !done;
    return {};
  }
  base::Result<void> give_leave() override {
    criu_.call("leave");
    return {};
  }
  engine::EngineState state() const override { return engine::EngineState::kRuns; }
  void wake() override {}
  base::Result<void> restart_timers(pid_t /*init*/) override { return {}; }
  engine::RestoreEnd how_it_ended() const override { return criu_.end; }

 private:
  FakeCriu& criu_;
  sys::UniqueFd due_;
  sys::UniqueFd in_;
  bool ended_ = false;
};

class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(FakeCriu& criu) : criu_(criu) {}

  base::Result<std::string> version() const override { return "4.2.1"; }
  base::Result<std::unique_ptr<engine::Dump>> begin(engine::DumpRequest request,
                                                    image::PageSink& sink) override {
    criu_.call("begin");
    criu_.asked = std::move(request);
    return std::make_unique<FakeDump>(criu_, sink);
  }
  base::Result<std::unique_ptr<engine::Restore>> begin(engine::RestoreRequest request) override {
    criu_.call("begin");
    criu_.asked_to_restore = std::move(request);
    return std::make_unique<FakeRestore>(criu_);
  }
  std::vector<sys::ProcessRef> processes() const override { return {}; }
  base::Result<void> end(engine::Verdict verdict, std::chrono::milliseconds /*patience*/) override {
    criu_.call(verdict == engine::Verdict::kProceed ? "end: proceed" : "end: abort");
    return {};
  }
  base::Result<void> remove_restored(const oci::Runtime& runtime,
                                     const base::ContainerId& container) override {
    return runtime.remove(container, std::chrono::seconds(20));
  }
  base::Result<void> put_limits_back() override { return {}; }
  std::filesystem::path restore_log() const override { return "/nonexistent/restore.log"; }
  base::Error with_cause(base::Error error) const override { return error; }

 private:
  FakeCriu& criu_;
};

}  // namespace reprise::session
