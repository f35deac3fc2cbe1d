// SPDX-License-Identifier: Apache-2.0
//
// Shells in the places of runc and CRIU.
#include "engine/criu/orphaned_helpers.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "container/task_tree.h"
#include "engine/criu/tools.h"
#include "sys/child.h"
#include "sys/test_directory.h"

namespace reprise::engine {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};

bool comes(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + kPatience;
  while (!condition())
    if (steady_clock::now() >= deadline) return false;
  return true;
}

std::string state_of(pid_t pid) {
  const auto status = sys::read_file("/proc/" + std::to_string(pid) + "/status");
  return container::status_field(status.value_or(""), "State").substr(0, 1);
}

class OrphanedHelpersTest : public ::testing::Test {
 protected:
  // "runc" waits for "CRIU", which waits for a child that has stopped itself.
  void start() {
    sys::SpawnOptions options;
    options.argv = {"sh", "-c",
                    R"(sh -c 'sh -c "echo \$\$ >helper; kill -STOP \$\$" & )"
                    R"(echo $$ >criu; wait' & wait; sleep 100 & wait)"};
    options.argv.back().insert(0, "cd " + directory_.path().string() + " && ");
    options.env =
        sys::default_environment({{"CRIU_CONFIG_FILE", criu_config_file(directory_.path())}});
    runc_ = sys::Child::spawn(options).value();
    ASSERT_TRUE(comes([&] { return pid_in("helper") > 0 && state_of(pid_in("helper")) == "T"; }));
    ASSERT_TRUE(comes([&] { return pid_in("criu") > 0; }));
  }
  void TearDown() override {
    const auto ended = end_tools({.work_dir = directory_.path()});
    EXPECT_TRUE(ended) << ended.error().message();
  }
  pid_t pid_in(const char* file) const {
    return std::atoi(sys::read_file(directory_ / file).value_or("0").c_str());
  }
  OrphanedHelpers watcher() const { return {directory_.path(), runc_->pid()}; }
  bool helper_is_there() const { return state_of(pid_in("helper")) == "T"; }

  sys::TestDirectory directory_;
  std::optional<sys::Child> runc_;
};

TEST_F(OrphanedHelpersTest, EndWhenCriuIsGone) {
  start();
  watcher().look();
  EXPECT_TRUE(helper_is_there()) << "CRIU looks at it";
  ::kill(pid_in("criu"), SIGKILL);
  EXPECT_TRUE(comes([&] {
    watcher().look();
    return !helper_is_there();
  }));
}

TEST_F(OrphanedHelpersTest, ThoseThatWorkAreLeftAloneWhenTheyAreStopped) {
  start();
  ASSERT_TRUE(runc_->kill(SIGSTOP));
  ASSERT_TRUE(comes([&] { return state_of(runc_->pid()) == "T"; }));
  ::kill(pid_in("criu"), SIGSTOP);
  ASSERT_TRUE(comes([&] { return state_of(pid_in("criu")) == "T"; }));
  watcher().look();
  EXPECT_EQ(state_of(runc_->pid()), "T");
  EXPECT_EQ(state_of(pid_in("criu")), "T");
  // It becomes an orphan itself, to be ended in another way (end_tools).
  ASSERT_TRUE(runc_->kill(SIGKILL));
  ASSERT_TRUE(runc_->wait());
  watcher().look();
  EXPECT_EQ(state_of(pid_in("criu")), "T");
  EXPECT_TRUE(helper_is_there());
}

TEST_F(OrphanedHelpersTest, OnlyThoseOfTheSession) {
  start();
  ::kill(pid_in("criu"), SIGKILL);
  ASSERT_TRUE(comes([&] { return state_of(pid_in("criu")) != "S"; }));
  OrphanedHelpers("/of/another", runc_->pid()).look();
  EXPECT_TRUE(helper_is_there());
}

}  // namespace
}  // namespace reprise::engine
