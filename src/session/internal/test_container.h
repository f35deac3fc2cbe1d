// SPDX-License-Identifier: Apache-2.0
//
// For tests of this module only: a container as far as sessions see it, without any right. A
// process that waits, a cgroup of plain files, a bundle, what runc remembers of it, and a runc that
// only writes down how it is called.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "catalog/catalog.h"
#include "host/layout.h"
#include "host/request.h"
#include "oci/runtime.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/context.h"
#include "session/settlement.h"
#include "session/undo/journal.h"
#include "session/volumes.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/files.h"
#include "sys/message_socket.h"
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
    configure();
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

  // `more`: members of the OCI configuration, each with a comma before it.
  void configure(const std::string& more = "", const std::string& command = "sleep") const {
    write(bundle_ / "config.json",
          R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":[")" + command +
              R"("]})" + more + "}");
  }

  // The container runs: from now on runc remembers it.
  void run() {
    process_ = ::fork();
    if (process_ == 0) {
      ::execl("/bin/sleep", "sleep", "1000", nullptr);
      ::_exit(1);
    }
    const sys::ProcessRef init = sys::process_ref(process_).value();
    write(runc_root_ / "web/state.json",
          R"({"init_process_pid":)" + std::to_string(init.pid) + R"(,"init_process_start":)" +
              std::to_string(init.start_ticks) + R"(,"cgroup_paths":{"":")" + cgroup_.string() +
              R"("},"config":{"namespaces":[],"labels":["bundle=)" + bundle_.string() + R"("]}})");
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
    const oci::Spec spec = oci::load_spec(bundle_).value();
    auto writer = std::move(*store_->begin({}));
    write(*writer->part("command"), oci::command_line(spec));
    EXPECT_TRUE(capture_volumes(*writer, spec, bundle_, Volumes::kAll));
    write_parts(*writer);
    write(writer->pages().spool() / "pages-1.img", std::string(4096, 'p'));
    EXPECT_TRUE(writer->pages().absorb());
    image::Manifest facts{.key = host::key_of(request_), .created = 7};
    facts.parent_session = session_.str();
    facts.trigger = image::Trigger::kStop;
    facts.ended = ended;
    facts.mounts = oci::external_mounts(spec);
    EXPECT_TRUE(writer->seal(facts));
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }

  // More of what it holds.
  virtual void write_parts(store::CheckpointWriter& /*writer*/) {}

  // What becomes of the session when its process was killed.
  host::Outcome settle_session(Settlement::Since since = Settlement::Since::kNow,
                               std::chrono::milliseconds patience = {}) {
    Context context = this->context();
    host::Outcome outcome =
        settle(context, {.cause = base::Error(base::ErrorCode::kGone, "the worker was killed"),
                         .patience = patience,
                         .since = since});
    store_ = std::move(context.store.checkpoints);
    return outcome;
  }
  // Takes the store.
  Context context() {
    auto [ours, theirs] = std::move(*sys::MessageSocket::pair());
    wrapper_ = std::move(theirs);
    return {.layout = layout_,
            .request = request_,
            .store = {.catalog = catalog(), .checkpoints = std::move(store_)},
            .caller = std::move(ours),
            .engine = engine_for(layout_, session_, nullptr)};
  }
  std::unique_ptr<store::CheckpointStore> store_of_others() const {
    return std::move(*store::open_store(store::StoreConfig::at(layout_.store)));
  }
  undo::Journal journal() const { return {layout_, session_}; }
  fs::path run_directory() const { return layout_.session_run_directory(session_); }
  std::optional<catalog::Continuation> continuation() {
    return catalog().continuation(host::key_of(request_)).value();
  }
  void change_catalog(const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((layout_.store / "catalog.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  // From here on it is about another session, a restore that has a claim.
  base::CheckpointId begin_restore() {
    const base::CheckpointId id = seal();
    auto catalog = this->catalog();
    EXPECT_TRUE(
        catalog.add_checkpoint(store_->manifest(id).value(), "", catalog::Catalog::Continue::kYes));
    session_ = base::SessionId("sess00000002");
    request_.session = session_;
    request_.what = host::RestoreRequest{
        .bundle = bundle_.string(), .checkpoint = id, .globals = {}, .options = {}};
    EXPECT_TRUE(sys::make_directories(layout_.session_directory(session_)));
    EXPECT_TRUE(sys::make_directories(run_directory()));
    EXPECT_TRUE(
        *catalog.claim(host::key_of(request_), session_, sys::process_ref(::getpid()).value()));
    return id;
  }

  static void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }
  static std::string read(const fs::path& file) { return sys::read_file(file).value_or(""); }

  sys::TestDirectory scratch_;
  fs::path bundle_ = scratch_ / "overlay-containers/web/userdata";  // as Podman has it
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
  std::optional<sys::MessageSocket> wrapper_;  // the other end of the context's caller

 private:
  pid_t process_ = 0;
};

}  // namespace reprise::session
