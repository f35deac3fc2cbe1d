// SPDX-License-Identifier: Apache-2.0
#include "install/containerd.h"

#include <gtest/gtest.h>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::install {
namespace {

constexpr const char* kRuntime = "/opt/reprise/current/reprise-runtime";

class ContainersTest : public ::testing::Test {
 protected:
  std::filesystem::path task(const std::string& id) {
    const auto made = directory_ / "io.containerd.runtime.v2.task/k8s.io" / id;
    std::filesystem::create_directories(made);
    return made;
  }
  base::Result<std::size_t> count() {
    ContainerdFacts facts;
    facts.state = directory_.path();
    return containers_of(facts, kRuntime);
  }
  sys::TestDirectory directory_;
};

TEST_F(ContainersTest, ThoseOfOurRuntimeCount) {
  EXPECT_EQ(count().value(), 0U) << "no task at all";
  ASSERT_TRUE(sys::replace_file(task("ours") / "runtime", kRuntime));
  ASSERT_TRUE(sys::replace_file(task("theirs") / "runtime", "/usr/bin/runc"));
  task("of-another-shim");
  EXPECT_EQ(count().value(), 1U);
}

// What could not be read counted as another's, and Reprise was taken from under it.
TEST_F(ContainersTest, WhatCannotBeReadIsNotKnown) {
  std::filesystem::create_directories(task("broken") / "runtime");
  EXPECT_FALSE(count());
}

}  // namespace
}  // namespace reprise::install
