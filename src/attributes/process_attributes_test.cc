// SPDX-License-Identifier: Apache-2.0
#include "attributes/process_attributes.h"

#include <gtest/gtest.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "attributes/internal/attribute_kinds.h"

namespace reprise::attributes {
namespace {

// Without it the kernel takes 4, and up to 7 where the tests run under `nice`.
constexpr int kUnusualPriority = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 1);

// A child that has set what it can, and stands still as tasks do that CRIU has restored.
class StoppedChild {
 public:
  explicit StoppedChild(bool unusual) : pid_(::fork()) {
    if (pid_ == 0) {
      if (unusual) {
        ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, kUnusualPriority);
        ::prctl(PR_SET_TIMERSLACK, 123456);
        std::ofstream("/proc/self/coredump_filter") << "0x7f";
        std::ofstream("/proc/self/oom_score_adj") << "123";
      }
      ::raise(SIGSTOP);
      ::_exit(0);
    }
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  ~StoppedChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  StoppedChild(const StoppedChild&) = delete;
  StoppedChild& operator=(const StoppedChild&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(ProcessAttributesTest, WhatAProcessSetOnItselfIsReadAndSetFromOutside) {
  const StoppedChild child(true);
  auto attributes = read_attributes("/proc", child.pid());
  const auto value_of = [&](std::string_view name) {
    const auto found = std::ranges::find(attributes, name, &ProcessAttribute::name);
    return found == attributes.end() ? "none" : found->value;
  };
  EXPECT_EQ(value_of("io-priority"), std::to_string(kUnusualPriority));
  EXPECT_EQ(value_of("timer-slack"), "123456");
  EXPECT_EQ(value_of("coredump-filter"), "0000007f");
  EXPECT_EQ(value_of("oom-score-adj"), "123");
  EXPECT_EQ(value_of("utilization-clamps"), "none");

  const auto decoded = decode_attributes(encode_attributes(attributes));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, attributes);

  const StoppedChild fresh(false);
  for (ProcessAttribute& one : attributes) one.id = fresh.pid();
  EXPECT_LE(read_attributes("/proc", fresh.pid()).size(), 1U) << "oom_score_adj, and no more";
  for (const std::string& failure : set_attributes("/proc", fresh.pid(), attributes))
    ADD_FAILURE() << failure;
  EXPECT_EQ(read_attributes("/proc", fresh.pid()), attributes);
}

TEST(ProcessAttributesTest, WhatOnlyATaskCanSetIsSetByItself) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  const auto run = [](bool unusual) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (unusual) {
        constexpr std::uint64_t kFirstNode = 1;
        ::personality(ADDR_NO_RANDOMIZE);
        ::syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &kFirstNode, 64);
      }
      ::raise(SIGSTOP);
      for (;;) ::pause();
    }
    ::waitpid(child, nullptr, WUNTRACED);
    return child;
  };
  const pid_t child = run(true);
  auto attributes = read_attributes("/proc", child);
  std::erase_if(attributes, [](const auto& one) { return one.name == "oom-score-adj"; });
  const pid_t fresh = run(false);
  for (ProcessAttribute& one : attributes) one.id = fresh;
  ASSERT_EQ(attributes.size(), 2U);
  EXPECT_EQ(attributes[0].value, "00040000");
  EXPECT_EQ(attributes[1].value, "interleave:0");
  EXPECT_TRUE(set_attributes("/proc", fresh, attributes).empty()) << "nothing from outside";
  ::kill(fresh, SIGCONT);
  for (const std::string& failure : inject_attributes("/proc", fresh, attributes))
    ADD_FAILURE() << failure;
  auto now = read_attributes("/proc", fresh);
  std::erase_if(now, [](const auto& one) { return one.name == "oom-score-adj"; });
  EXPECT_EQ(now, attributes);
  for (const pid_t pid : {child, fresh}) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST(ProcessAttributesTest, ReadsNumaPoliciesAsTheKernelWritesThem) {
  EXPECT_EQ(policy_in("7f00 default file=/x mapped=1"), "default");
  EXPECT_EQ(policy_in("7f00 prefer (many):0-1 anon=3"), "prefer (many):0-1");
  EXPECT_EQ(policy_in("7f00 weighted interleave=static:0,2"), "weighted interleave=static:0,2");
  EXPECT_EQ(policy_in("7f00"), "");
  EXPECT_EQ(policy_in("7f00 strange:1 x"), "");
  const auto policy = parse_numa_policy("bind=static:0-1,3");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->mode, MPOL_BIND | MPOL_F_STATIC_NODES);
  EXPECT_EQ(policy->nodes, 0b1011U);
  EXPECT_EQ(parse_numa_policy("local").value().nodes, 0U);
  for (const char* text : {"", "bound:0", "bind:x", "bind:64", "bind:3-1", "bindx:0"})
    EXPECT_FALSE(parse_numa_policy(text)) << text;
}

TEST(ProcessAttributesTest, NamesWhatCannotBeSet) {
  const StoppedChild child(false);
  const auto failed =
      set_attributes("/proc", child.pid(), {{child.pid(), "timer-slack", "a while"}});
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_TRUE(failed[0].starts_with("timer-slack of thread ")) << failed[0];
}

TEST(ProcessAttributesTest, RefusesWhatIsNoSuchList) {
  for (const char* text : {"", "{}", R"({"attributes":[[1,"io-priority"]]})",
                           R"({"attributes":[[1,"capabilities","all"]]})",
                           R"({"attributes":[["x","io-priority","1"]]})"}) {
    const auto decoded = decode_attributes(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code(), base::ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace reprise::attributes
