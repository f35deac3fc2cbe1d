// SPDX-License-Identifier: Apache-2.0
//
// Fake trees: literal cgroup files in a temporary directory, for both versions.
#include "container/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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

TEST_F(CgroupTest, CpuTimeIsInMicroseconds) {
  EXPECT_EQ(
      Cgroup({{"cpuacct", write("acct/cpuacct.usage", "1234567000\n")}}).cpu_time_us().value(),
      1234567);
  EXPECT_EQ(
      Cgroup({{"", write("v2/cpu.stat", "usage_usec 42\nuser_usec 40\n")}}).cpu_time_us().value(),
      42);
  EXPECT_EQ(Cgroup({}).cpu_time_us().error().code(), base::ErrorCode::kUnsupported);
}

TEST_F(CgroupTest, CountsTheMemoryThatADumpWrites) {
  const std::string v1 =
      write("memory/memory.stat",
            "cache 900\nrss 10\ntotal_cache 900\ntotal_rss 4096\ntotal_shmem 8192\n");
  EXPECT_EQ(Cgroup({{"memory", v1}, {"", (root_ / "gone").string()}}).memory_bytes().value(),
            12288U);
  const std::string v2 = write("c/memory.stat", "anon 4096\nfile 900\nkernel 7\nshmem 4096\n");
  EXPECT_EQ(Cgroup({{"", v2}}).memory_bytes().value(), 8192U);
  EXPECT_FALSE(Cgroup({}).memory_bytes());
}

}  // namespace
}  // namespace reprise::container
