// SPDX-License-Identifier: Apache-2.0
//
// Fake trees: literal cgroup files in a temporary directory, for both versions.
#include "container/cgroup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sys/files.h"

namespace reprise::container {
namespace {

class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "cgroupXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.parent_path().string();
  }
  std::string read(const std::string& file) { return sys::read_file(root_ / file).value(); }

  std::filesystem::path root_;
};

TEST_F(CgroupTest, ReadsAndThawsVersion1) {
  const std::string freezer = write("freezer/freezer.state", "FROZEN\n");
  const Cgroup cgroup({{"freezer", freezer}, {"", (root_ / "unified").string()}});
  EXPECT_TRUE(cgroup.is_frozen().value());
  ASSERT_TRUE(cgroup.thaw());
  EXPECT_EQ(read("freezer/freezer.state").substr(0, 6), "THAWED");
}

TEST_F(CgroupTest, CountsFreezingAsFrozen) {
  const Cgroup cgroup({{"freezer", write("freezer/freezer.state", "FREEZING\n")}});
  EXPECT_TRUE(cgroup.is_frozen().value());
}

TEST_F(CgroupTest, ReadsAndThawsVersion2) {
  const Cgroup cgroup({{"", write("c/cgroup.freeze", "1\n")}});
  EXPECT_TRUE(cgroup.is_frozen().value());
  ASSERT_TRUE(cgroup.thaw());
  EXPECT_FALSE(cgroup.is_frozen().value());
}

TEST_F(CgroupTest, ThawingWhatIsGoneIsSuccess) {
  const Cgroup cgroup({{"freezer", (root_ / "gone").string()}});
  EXPECT_TRUE(cgroup.thaw());
  EXPECT_EQ(cgroup.is_frozen().error().code(), base::ErrorCode::kNotFound);
}

TEST_F(CgroupTest, ThawDoesNotWriteToAThawedCgroup) {
  const std::string directory = write("freezer/freezer.state", "THAWED\n");
  ASSERT_TRUE(Cgroup({{"freezer", directory}}).thaw());
  EXPECT_EQ(read("freezer/freezer.state"), "THAWED\n");
}

// The kernel tells in another file that all stand still; here nobody does.
TEST_F(CgroupTest, TasksThatDoNotFreezeAreThawedAgain) {
  const std::string v2 = write("c/cgroup.freeze", "0\n");
  write("c/cgroup.events", "populated 1\nfrozen 0\n");
  const auto frozen = Cgroup({{"", v2}}).freeze(std::chrono::milliseconds(5));
  ASSERT_FALSE(frozen);
  EXPECT_EQ(frozen.error().code(), base::ErrorCode::kBusy);
  EXPECT_EQ(read("c/cgroup.freeze").substr(0, 1), "0");
}

TEST_F(CgroupTest, FreezingEndsWhenAllTasksStandStill) {
  const std::string v2 = write("c/cgroup.freeze", "0\n");
  write("c/cgroup.events", "populated 1\nfrozen 0\n");
  const Cgroup cgroup({{"", v2}});
  std::atomic<bool> stands_still = false;
  const std::jthread kernel([&] {
    while (read("c/cgroup.freeze").substr(0, 1) != "1") std::this_thread::yield();
    stands_still = true;
    write("c/cgroup.events", "populated 1\nfrozen 1\n");
  });
  ASSERT_TRUE(cgroup.freeze(std::chrono::seconds(20)));
  EXPECT_TRUE(stands_still) << "it did not wait";
  EXPECT_EQ(read("c/cgroup.freeze").substr(0, 1), "1");
}

TEST_F(CgroupTest, WhatCannotBeFrozenIsNotTakenForFrozen) {
  EXPECT_EQ(Cgroup({}).freeze(std::chrono::milliseconds(5)).error().code(),
            base::ErrorCode::kUnsupported);
  const std::string gone = (root_ / "gone").string();
  EXPECT_FALSE(Cgroup({{"freezer", gone}}).freeze(std::chrono::milliseconds(5)));
}

TEST_F(CgroupTest, TellsTheCpusThatTasksMayUse) {
  const std::string v1 = write("cpuset/cpuset.effective_cpus", "0-1,4\n");
  const std::string v2 = write("c/cpuset.cpus.effective", "2\n");
  EXPECT_EQ(Cgroup({{"cpuset", v1}, {"", v2}}).allowed_cpus().value(), "0-1,4");
  EXPECT_EQ(Cgroup({{"", v2}}).allowed_cpus().value(), "2");
  // Without a cpuset, or with one that says nothing: those of the host.
  const std::string host = sys::read_file("/sys/devices/system/cpu/online").value();
  const std::string empty = write("e/cpuset.cpus.effective", "\n");
  for (const auto& cgroup : {Cgroup({}), Cgroup({{"", empty}})})
    EXPECT_EQ(cgroup.allowed_cpus().value() + "\n", host);
}

TEST_F(CgroupTest, CpuTimeIsInMicroseconds) {
  EXPECT_EQ(
      Cgroup({{"cpuacct", write("acct/cpuacct.usage", "1234567000\n")}}).cpu_time_us().value(),
      1234567);
  EXPECT_EQ(
      Cgroup({{"", write("v2/cpu.stat", "usage_usec 42\nuser_usec 40\n")}}).cpu_time_us().value(),
      42);
  EXPECT_EQ(Cgroup({}).cpu_time_us().error().code(), base::ErrorCode::kUnsupported);
}

TEST_F(CgroupTest, CountsMemoryThatIsShared) {
  const std::string v1 =
      write("memory/memory.stat",
            "cache 900\nrss 10\ntotal_cache 900\ntotal_rss 4096\ntotal_shmem 8192\n");
  EXPECT_EQ(Cgroup({{"memory", v1}, {"", (root_ / "gone").string()}}).shared_memory_bytes().value(),
            8192U);
  const std::string v2 = write("c/memory.stat", "anon 4096\nfile 900\nkernel 7\nshmem 4096\n");
  EXPECT_EQ(Cgroup({{"", v2}}).shared_memory_bytes().value(), 4096U);
  EXPECT_FALSE(Cgroup({}).shared_memory_bytes());
}

}  // namespace
}  // namespace reprise::container
