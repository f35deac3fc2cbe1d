// SPDX-License-Identifier: Apache-2.0
//
// For tests of this module only: a container as far as sessions see it, without any right. A
// process that waits, a cgroup of plain files, a bundle, what runc remembers of it, and a runc that
// only writes down how it is called.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "catalog/catalog.h"
#include "host/layout.h"
#include "host/request.h"
#include "oci/runtime.h"
#include "oci/state.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/test_directory.h"

namespace reprise::session {

namespace fs = std::filesystem;

class TestContainer : public testing::Test {
 protected:
  TestContainer() {
    for (const fs::path& directory : {bundle_, cgroup_, runc_root_ / "web"})
      fs::create_directories(directory);
    write(scratch_ / "runc", "#!/bin/sh\necho \"$@\" >> '" + (scratch_ / "calls").string() + "'\n");
    ::chmod((scratch_ / "runc").c_str(), 0755);
    layout_ = {.store = scratch_ / "store", .run = scratch_ / "run", .runc = scratch_ / "runc"};
    write(bundle_ / "config.json",
          R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["sleep"]}})");
    write(cgroup_ / "cgroup.freeze", "0\n");
    write(cgroup_ / "cgroup.events", "populated 1\nfrozen 1\n");
    write(cgroup_ / "cgroup.procs", "");
    EXPECT_TRUE(layout_.create());
    EXPECT_TRUE(store::open_catalog(store::StoreConfig::at(layout_.store)));
    store_ = std::move(*store::open_store(store::StoreConfig::at(layout_.store)));
    EXPECT_TRUE(sys::make_directories(layout_.session_directory(session_)));
    EXPECT_TRUE(sys::make_directories(layout_.session_run_directory(session_)));
  }
  ~TestContainer() override { end_process(); }

  // The container runs: from now on runc remembers it.
  void run() {
    process_ = ::fork();
    if (process_ == 0) {
      for (;;) ::pause();
    }
    const sys::ProcessRef init = sys::process_ref(process_).value();
    write(runc_root_ / "web/state.json",
          R"({"init_process_pid":)" + std::to_string(init.pid) + R"(,"init_process_start":)" +
              std::to_string(init.start_ticks) + R"(,"cgroup_paths":{"":")" + cgroup_.string() +
              R"("},"config":{"labels":["bundle=)" + bundle_.string() + R"("]}})");
    write(cgroup_ / "cgroup.procs", std::to_string(process_) + "\n");
  }
  // Which signal ended its process, `signal` at the latest; 0 if there is none.
  int end_process(int signal = SIGKILL) {
    if (process_ == 0) return 0;
    int status = 0;
    ::kill(process_, signal);
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  // runc has forgotten it, as it does when a container was deleted.
  void forget() { fs::remove(runc_root_ / "web/state.json"); }

  oci::State state() const { return runtime().state_of(request_.container).value(); }
  oci::Runtime runtime() const { return host::runtime_of(layout_, request_); }
  bool is_frozen() const { return read(cgroup_ / "cgroup.freeze").starts_with('1'); }
  void freeze() { write(cgroup_ / "cgroup.freeze", "1\n"); }
  // How runc was called, a line each.
  std::string calls() const { return read(scratch_ / "calls"); }
  catalog::Catalog catalog() const {
    return std::move(*store::open_existing_catalog(store::StoreConfig::at(layout_.store)));
  }

  // A checkpoint that the session sealed, and nobody noted yet.
  base::CheckpointId seal(bool ended = true) {
    auto writer = std::move(*store_->begin({}));
    write(*writer->part("command"), "sleep");
    EXPECT_TRUE(writer->pages().absorb());
    image::Manifest facts{.key = host::key_of(request_), .created = 7};
    facts.parent_session = session_.str();
    facts.trigger = image::Trigger::kStop;
    facts.ended = ended;
    EXPECT_TRUE(writer->seal(facts));
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }

  static void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }
  static std::string read(const fs::path& file) { return sys::read_file(file).value_or(""); }

  sys::TestDirectory scratch_;
  fs::path bundle_ = scratch_ / "bundle";
  fs::path cgroup_ = scratch_ / "cgroup";
  fs::path runc_root_ = scratch_ / "runc-root";
  host::Layout layout_;
  base::SessionId session_{"sess00000001"};
  host::WorkerRequest request_{
      .session = session_,
      .container = base::ContainerId("web"),
      .key = {},
      .runtime_args = {"--root", runc_root_.string()},
      .what = host::CheckpointRequest{
          .trigger = image::Trigger::kStop, .signal = SIGTERM, .tag = {}, .name = {}}};
  std::unique_ptr<store::CheckpointStore> store_;

 private:
  pid_t process_ = 0;
};

}  // namespace reprise::session
