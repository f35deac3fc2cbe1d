// SPDX-License-Identifier: Apache-2.0
//
// What a call leaves for others: lines in the caller's log, and that a container was killed.
#include "runtime/call.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "host/identity.h"
#include "runtime/annotations.h"
#include "runtime/killed.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::runtime {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

class CallTest : public testing::Test {
 protected:
  Call call(std::vector<std::string> words) {
    words.insert(words.begin(), "reprise-runtime");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return {.arguments = Arguments::parse(argv),
            .layout = {.store = scratch_ / "store", .run = scratch_ / "run", .runc = "/no/runc"}};
  }
  std::string log() { return sys::read_file(log_).value_or(""); }
  void configure(const std::string& annotations) {
    fs::create_directories(bundle_);
    std::ofstream(bundle_ / "config.json")
        << R"({"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"},)"
        << R"("annotations":{)" << annotations << "}}";
  }

  sys::TestDirectory scratch_;
  std::string log_ = (scratch_ / "log").string();
  fs::path bundle_ = scratch_ / "bundle";
};

TEST_F(CallTest, TellsTheCallerInTheFormThatItReads) {
  const std::string text = "'web' is \"busy\"\nsee \\ there";
  const auto json = call({"--log", log_, "--log-format=json", "kill", "c1"});
  tell_caller(json, Severity::kWarning, text);
  const auto line = nlohmann::json::parse(log());
  EXPECT_EQ(line.at("level"), "warning");
  EXPECT_EQ(line.at("msg"), "reprise: " + text);
  fs::remove(log_);
  tell_caller(call({"--log", log_, "kill", "c1"}), Severity::kError, text);
  EXPECT_TRUE(
      log().ends_with(" level=error msg=\"reprise: 'web' is \\\"busy\\\"\\nsee \\\\ there\"\n"))
      << log();
}

TEST_F(CallTest, WithoutALogNothingIsSaid) {
  tell_caller(call({"kill", "c1"}), Severity::kError, "x");
  EXPECT_TRUE(fs::is_empty(scratch_.path()));
}

TEST_F(CallTest, ARefusalHasItsHintAndItsStatus) {
  const auto refused = call({"--log", log_, "create", "c1"});
  const auto error = base::Error(ErrorCode::kBusy, "it runs").with_hint("stop it");
  EXPECT_EQ(refuse(refused, error), base::exit_code(ErrorCode::kBusy));
  EXPECT_NE(log().find("reprise: it runs (hint: stop it)"), std::string::npos) << log();
}

TEST_F(CallTest, RuncThatCannotBeExecutedIsToldByTheShellsStatus) {
  EXPECT_EQ(pass_through(call({"list"})), 127);
}

TEST_F(CallTest, TheBundleIsFoundHoweverItIsGiven) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"create", "--bundle", "/b", "c1"},
        {"create", "-b", "/b", "c1"},
        {"create", "--bundle=/b", "c1"}})
    EXPECT_EQ(bundle_of(call(words)), "/b");
  EXPECT_EQ(bundle_of(call({"create", "c1"})), fs::current_path());
}

TEST_F(CallTest, AnnotationsThatNobodyWouldUnderstandLaterAreRefused) {
  const auto create = call({"create", "--bundle", bundle_.string(), "c1"});
  EXPECT_TRUE(check_annotations(create)) << "a bundle that is not there is left to runc";
  configure(R"("reprise.dev/on-stop":"checkpoint","com.example/other":"x")");
  EXPECT_TRUE(check_annotations(create));
  configure(R"("reprise.dev/on-stpo":"checkpoint")");
  const auto refused = check_annotations(create);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidInput);
  EXPECT_NE(refused.error().message().find("'reprise.dev/on-stpo'"), std::string::npos);
}

// A kill is remembered for one that opted in and lives; whoever asks for it takes it away.
TEST_F(CallTest, AKillIsRememberedOnce) {
  const auto kill = call({"kill", "c1", "KILL"});
  const host::Identity who = host::identify({}, base::ContainerId("c1"));
  note_kill(kill, who);
  EXPECT_FALSE(take_kill(kill, who)) << "nobody's";
  ASSERT_TRUE(kill.layout.create());
  std::ofstream(kill.layout.marker_of(who)) << "";
  note_kill(kill, who);
  EXPECT_FALSE(take_kill(kill, host::identify({}, base::ContainerId("c2"))));
  EXPECT_TRUE(take_kill(kill, who));
  EXPECT_FALSE(take_kill(kill, who));
}

}  // namespace
}  // namespace reprise::runtime
