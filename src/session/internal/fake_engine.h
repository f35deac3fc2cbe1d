// SPDX-License-Identifier: Apache-2.0
//
// For tests of this module only: an engine without CRIU and without any right. It holds the test
// container's process by ptrace, as CRIU does, and writes a few pages.
#pragma once

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "sys/files.h"

namespace reprise::session {

// What the engine was asked for, and what goes wrong. Outlives the engine.
struct FakeCriu {
  std::vector<std::string> calls;                  // "begin", "frozen", …
  std::optional<base::Error> breaks;               // after the tasks stand still
  std::function<void(const std::string&)> before;  // of each call
  // nullopt: there was none.
  std::optional<engine::DumpRequest> asked;

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
  base::Result<std::unique_ptr<engine::Restore>> begin(engine::RestoreRequest /*asked*/) override {
    return base::fail(base::ErrorCode::kUnsupported, "this engine restores nothing");
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
