// SPDX-License-Identifier: Apache-2.0
//
// The real program `criu-hook`, called as CRIU calls it.
#include "engine/criu/hook.h"

#include <gtest/gtest.h>

#include <thread>

#include "sys/child.h"
#include "sys/test_directory.h"

namespace reprise::engine {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

class CriuHookTest : public ::testing::Test {
 protected:
  sys::Child start(const std::string& step, const std::string& init = "") {
    Variables variables = hook_variables({.socket = socket_, .freeze_file = freeze_file_});
    variables.emplace_back("CRTOOLS_SCRIPT_ACTION", step);
    if (!init.empty()) variables.emplace_back("CRTOOLS_INIT_PID", init);
    sys::SpawnOptions options;
    options.argv = {REPRISE_HOOK_PROGRAM};
    for (const auto& [name, value] : variables) options.env.push_back(name + "=" + value);
    return sys::Child::spawn(options).value();
  }
  int run(const std::string& step) { return start(step).wait().value().exit_code; }

  sys::TestDirectory directory_;
  std::filesystem::path socket_ = directory_ / "hook";
  std::filesystem::path freeze_file_ = directory_ / "frozen";
};

TEST_F(CriuHookTest, ItsExitStatusIsTheVerdict) {
  sys::MessageListener listener = sys::MessageListener::listen(socket_).value();
  const std::vector<std::tuple<std::string, HookStep, std::string, pid_t>> steps = {
      {"post-dump", HookStep::kPostDump, "", 0},
      {"post-restore", HookStep::kPostRestore, "4711", 4711},
      {"pre-resume", HookStep::kPreResume, "1", 1}};
  for (const auto& [name, step, init_text, init] : steps)
    for (const Verdict verdict : {Verdict::kProceed, Verdict::kAbort}) {
      sys::Child child = start(name, init_text);
      HookQuestion question = accept_question(listener).value();
      EXPECT_EQ(question.step, step);
      EXPECT_EQ(question.init, init);
      ASSERT_TRUE(answer(question, verdict));
      EXPECT_EQ(child.wait().value().exit_code, verdict == Verdict::kProceed ? 0 : 1);
    }
}

TEST_F(CriuHookTest, ItAsksHoweverLongThePathIs) {
  socket_ = directory_ / std::string(150, 'd') / "hook";
  std::filesystem::create_directories(socket_.parent_path());
  sys::MessageListener listener = sys::MessageListener::listen(socket_).value();
  sys::Child child = start("post-dump");
  HookQuestion question = accept_question(listener).value();
  ASSERT_TRUE(answer(question, Verdict::kProceed));
  EXPECT_TRUE(child.wait().value().success());
}

TEST_F(CriuHookTest, NobodyThereMeansAbort) {
  EXPECT_EQ(run("post-dump"), 1);
  EXPECT_EQ(run("post-restore"), 1);
}

TEST_F(CriuHookTest, SessionThatDiesIsAskedOnceMore) {
  sys::MessageListener listener = sys::MessageListener::listen(socket_).value();
  sys::Child child = start("post-dump");
  {
    const auto dropped = accept_question(listener);
  }
  HookQuestion again = accept_question(listener).value();
  ASSERT_TRUE(answer(again, Verdict::kProceed));
  EXPECT_TRUE(child.wait().value().success());

  sys::Child abandoned = start("post-dump");
  {
    const auto dropped = accept_question(listener);
  }
  {
    const auto dropped = accept_question(listener);
  }
  EXPECT_EQ(abandoned.wait().value().exit_code, 1);
}

TEST_F(CriuHookTest, OtherStepsAskNobody) {
  for (const char* step : {"pre-dump", "network-unlock", "post-resume", ""})
    EXPECT_EQ(run(step), 0) << step;
}

TEST_F(CriuHookTest, NotesWhenTheTasksWereStopped) {
  EXPECT_EQ(frozen_for(freeze_file_), std::nullopt);
  EXPECT_EQ(run("network-lock"), 0);
  const auto first = frozen_for(freeze_file_);
  ASSERT_TRUE(first);
  EXPECT_GE(first->count(), 0);
  EXPECT_LT(first->count(), 60'000);
}

TEST_F(CriuHookTest, OtherMessagesAreNoQuestions) {
  for (const char* text :
       {"post-dump", "post-dump ", "post-dump x", "post-dump -1", "no-step 1", "post-dump 1 2"}) {
    sys::MessageListener listener = sys::MessageListener::listen(socket_).value();
    sys::MessageSocket caller = sys::MessageSocket::connect(socket_).value();
    ASSERT_TRUE(caller.send(text));
    EXPECT_EQ(accept_question(listener).error().code(), base::ErrorCode::kInvalidInput) << text;
  }
}

}  // namespace
}  // namespace reprise::engine
