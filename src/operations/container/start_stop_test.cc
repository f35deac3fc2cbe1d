// SPDX-License-Identifier: Apache-2.0
//
// Starting and stopping, with a catalog of this process and a podman that does what it is told.
#include <gtest/gtest.h>

#include <fstream>

#include "host/continuation_note.h"
#include "operations/container/run.h"
#include "operations/container/start.h"
#include "operations/container/stop.h"
#include "operations/internal/fake_podman.h"
#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"

namespace reprise::operations {
namespace {

using base::CheckpointId;
using base::ErrorCode;
using catalog::LifeEvent;
using catalog::SessionKind;
using catalog::SessionStatus;

constexpr std::chrono::seconds kLimit{600};
// What the catalog knows must have begun after the operation.
const base::UnixMillis kSoon = base::now_unix_millis() + 3'600'000;

class StartStop : public testing::Test {
 protected:
  void describe(int pid, const std::string& annotations = R"("reprise.dev/on-stop":"checkpoint")",
                const std::string& runtime = "reprise") {
    std::ofstream(bundle_ / "inspect.json")
        << R"([{"Id":")" << key_.str() << R"(","Name":"web","OCIRuntime":")" << runtime
        << R"(","State":{"Status":")" << (pid > 0 ? "running" : "exited") << R"(","Pid":)" << pid
        << R"(},"ImageName":"img:1","Config":{"StopTimeout":1,"Annotations":{)" << annotations
        << R"(},"CreateCommand":["podman","run","-d","img:1","sh"],"Cmd":["sh"]},"StaticDir":")"
        << bundle_.path().string() << R"("}])";
    podman_.answer("container-inspect", "cat " + (bundle_ / "inspect.json").string());
  }
  void add_session(SessionKind kind, SessionStatus status, const CheckpointId& checkpoint) {
    catalog::SessionRow row{.id = base::SessionId("sess00000001"),
                            .key = key_,
                            .kind = kind,
                            .begin = kSoon,
                            .status = SessionStatus::kRunning,
                            .checkpoint = checkpoint};
    auto catalog = here_.catalog();
    ASSERT_TRUE(catalog.begin_session(row));
    row.end = kSoon + 400;
    row.status = status;
    if (status == SessionStatus::kFailed) row.reason = "a nested user namespace";
    ASSERT_TRUE(catalog.finish_session(row));
  }
  Stopped stop_web() {
    const auto stopped = stop(here_.node, "web", kLimit, progress_);
    EXPECT_TRUE(stopped) << stopped.error().details();
    return stopped.value_or(Stopped());
  }

  sys::TestDirectory between_;
  sys::TestDirectory bundle_;
  TestNode here_{between_ / "depot"};
  FakePodman podman_;
  TestProgress progress_;
  base::ContainerKey key_ = base::ContainerKey::parse(std::string(64, 'a')).value();
};

TEST_F(StartStop, WhatDoesNotRunOrIsNotOursIsNotStopped) {
  describe(/*pid=*/0);
  EXPECT_EQ(stop_web().how, Stopped::How::kDidNotRun);
  describe(/*pid=*/7, "", "runc");
  EXPECT_EQ(stop(here_.node, "web", kLimit, progress_).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(podman_.calls().find("stop"), std::string::npos) << podman_.calls();
  here_.node.runtime = "runc";  // somebody says that this is ours
  podman_.answer("stop", "");
  EXPECT_EQ(stop_web().how, Stopped::How::kNotOptedIn);
}

TEST_F(StartStop, ARunIsUnderTheRuntimeThatTheNodeWasToldAndIsRecorded) {
  here_.node.runtime = "/opt/reprise-runtime";
  podman_.answer("run", "echo pulling; echo " + key_.str());
  describe(/*pid=*/7, "", "/opt/reprise-runtime");
  const auto run = [&](const std::vector<std::string>& arguments) {
    return run_container(here_.node, arguments, podman::ErrorOutput::kCapture, progress_);
  };
  EXPECT_EQ(run({"--runtime", "runc", "img:1"}).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(podman_.calls(), "");
  const auto outcome = run({"--name", "web", "img:1"});
  ASSERT_TRUE(outcome) << outcome.error().details();
  EXPECT_EQ(outcome->status, 0);
  EXPECT_EQ(outcome->new_id, key_.str());
  EXPECT_NE(podman_.calls().find("/opt/reprise-runtime"), std::string::npos) << podman_.calls();
  ASSERT_TRUE(record_new_container(here_.node, outcome->new_id));
  EXPECT_EQ((*here_.catalog().container(key_))->name, "web");
  podman_.answer("run", "exit 125");
  EXPECT_EQ(run({"img:1"})->status, 125);
  EXPECT_EQ(run({"img:1"})->new_id, "");
  podman_.answer("run", "echo 'Run a command in a new container'");
  EXPECT_EQ(run({"--help"})->new_id, "") << "it made none";
}

TEST_F(StartStop, AStopTellsOfItsCheckpoint) {
  describe(/*pid=*/7);
  podman_.answer("stop", "");
  const CheckpointId id = here_.put("memory", "", key_);
  add_session(SessionKind::kCheckpoint, SessionStatus::kOk, id);
  const Stopped stopped = stop_web();
  EXPECT_EQ(stopped.how, Stopped::How::kCheckpointed);
  EXPECT_EQ(stopped.checkpoint.id, id);
  EXPECT_EQ(stopped.total_ms, 400);
  EXPECT_NE(podman_.calls().find("stop --time 600 -- " + key_.str()), std::string::npos)
      << podman_.calls();
  EXPECT_EQ(progress_.told, (std::vector<std::string>{"begin web: stopping", "end"}));
  EXPECT_EQ((*here_.catalog().container(key_))->image, "img:1") << "kept, to make it again";
}

TEST_F(StartStop, AStopTellsWhyThereIsNoCheckpoint) {
  describe(/*pid=*/7);
  podman_.answer("stop", "");
  Stopped stopped = stop_web();
  EXPECT_EQ(stopped.how, Stopped::How::kWithoutCheckpoint);
  EXPECT_TRUE(stopped.opted_in);
  EXPECT_EQ(stopped.why->message(), "no session was begun");
  add_session(SessionKind::kCheckpoint, SessionStatus::kFailed, {});
  stopped = stop_web();
  EXPECT_EQ(stopped.how, Stopped::How::kWithoutCheckpoint);
  EXPECT_EQ(stopped.why->message(), "a nested user namespace");
  EXPECT_EQ(stopped.why->hint(), "see 'reprise logs sess00000001'");
}

TEST_F(StartStop, WithoutACatalogAStopStopsAndSaysThatItDoesNotKnow) {
  describe(/*pid=*/7);
  podman_.answer("stop", "");
  std::ofstream(here_.node.store.root) << "no directory";
  const Stopped stopped = stop_web();
  EXPECT_EQ(stopped.how, Stopped::How::kUnknown);
  ASSERT_FALSE(progress_.told.empty());
  EXPECT_TRUE(progress_.told[0].starts_with("warning what its session does is not known: "))
      << progress_.told[0];
}

TEST_F(StartStop, AStartTellsWhatItTookUp) {
  podman_.answer("start", "");
  describe(/*pid=*/7);
  EXPECT_FALSE(start(here_.node, "web", StartFrom::kCheckpoint, progress_)->outcome);
  EXPECT_EQ(podman_.calls().find("start"), std::string::npos) << "it runs already";
  describe(/*pid=*/0);
  auto started = start(here_.node, "web", StartFrom::kCheckpoint, progress_);
  ASSERT_TRUE(started) << started.error().details();
  EXPECT_TRUE(started->outcome->reason.starts_with("there is no store at '"));
  const CheckpointId id = here_.put("memory", "", key_);
  ASSERT_TRUE(here_.catalog().add_life_event({.key = key_,
                                              .time = kSoon,
                                              .event = LifeEvent::kRestored,
                                              .checkpoint = id,
                                              .restore_ms = 300}));
  started = start(here_.node, "web", StartFrom::kCheckpoint, progress_);
  ASSERT_TRUE(started) << started.error().details();
  ASSERT_TRUE(started->outcome->restored);
  EXPECT_EQ(started->outcome->restored->checkpoint, id);
}

TEST_F(StartStop, AStartFromTheBeginningKeepsTheCheckpointAndForgetsToGoOn) {
  podman_.answer("start", "");
  describe(/*pid=*/0);
  const CheckpointId id = here_.put("memory", "", key_);
  ASSERT_TRUE(here_.catalog().set_continuation(key_, id));
  const auto started = start(here_.node, "web", StartFrom::kBeginning, progress_);
  ASSERT_TRUE(started) << started.error().details();
  EXPECT_EQ(started->outcome->reason,
            "as asked; checkpoint " + id.str() + " is kept ('reprise restore " + id.str() + "')");
  EXPECT_FALSE(*here_.catalog().continuation(key_));
  EXPECT_TRUE(here_.catalog().find_checkpoint(id.str()));
}

TEST_F(StartStop, AStartThatFailsSaysWhyAndTheWayOut) {
  podman_.answer("start", "echo 'Error: OCI runtime error: much ado' >&2; exit 125");
  describe(/*pid=*/0);
  const CheckpointId id = here_.put("memory", "", key_);
  ASSERT_TRUE(here_.catalog().set_continuation(key_, id));
  add_session(SessionKind::kRestore, SessionStatus::kFailed, id);
  ASSERT_TRUE(host::write_note(bundle_.path(), {.state = host::ContinuationNote::State::kPending,
                                                .time = 1,
                                                .checkpoint = id,
                                                .store = here_.node.store.root}));
  const auto failed = start(here_.node, "web", StartFrom::kCheckpoint, progress_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(),
            "checkpoint '" + id.str() + "' was not restored: a nested user namespace");
  EXPECT_TRUE(failed.error().hint().ends_with("reprise start --cold web")) << failed.error().hint();
}

}  // namespace
}  // namespace reprise::operations
