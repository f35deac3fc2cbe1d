// SPDX-License-Identifier: Apache-2.0
#include "preflight/shared_obstacles.h"

#include <gtest/gtest.h>

#include "sys/test_directory.h"

namespace reprise::preflight {
namespace {

namespace fs = std::filesystem;

// A made-up /proc, in which everybody but the caller has one IPC namespace.
class OthersSharingTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(proc_ / "self/ns");
    fs::create_symlink("ipc:[1]", proc_ / "self/ns/ipc");
  }

  struct Process {
    std::string cgroup;
    std::string mounts;
    std::string children{};
  };
  void add(pid_t pid, const Process& process) {
    const fs::path directory = proc_ / std::to_string(pid);
    const fs::path task = directory / "task" / std::to_string(pid);
    fs::create_directories(directory / "ns");
    fs::create_directories(task);
    fs::create_symlink("ipc:[2]", directory / "ns/ipc");
    fs::create_symlink("mnt:[" + process.mounts + "]", directory / "ns/mnt");
    std::ofstream(directory / "cgroup") << process.cgroup;
    std::ofstream(task / "children") << process.children;
  }
  std::vector<pid_t> others(const std::string& sandbox = "") {
    return others_sharing(proc_.path(), kInit, sandbox);
  }

  static constexpr pid_t kInit = 10;
  sys::TestDirectory proc_;
};

constexpr const char* kOurs = "0::/pod/libpod-a.scope\n";
constexpr const char* kTheirs = "0::/pod/libpod-ab.scope\n";

// From a field: a child with PrivateTmp or bubblewrap was taken for another container, and every
// shared page without a name for one that is shared with it.
TEST_F(OthersSharingTest, MountNamespacesDoNotMakeAContainer) {
  add(kInit, {.cgroup = kOurs, .mounts = "1", .children = "11 12"});
  add(11, {.cgroup = kOurs, .mounts = "2"});
  add(12, {.cgroup = "0::/pod/libpod-a.scope/init/app\n", .mounts = "3"});
  EXPECT_TRUE(others().empty());
}

TEST_F(OthersSharingTest, WhoExecutesSomethingInItIsNoOther) {
  add(kInit, {.cgroup = kOurs, .mounts = "1"});
  add(20, {.cgroup = kOurs, .mounts = "1"});
  add(21, {.cgroup = "0::/pod/libpod-a.scope/exec\n", .mounts = "2"});
  EXPECT_TRUE(others().empty());
}

TEST_F(OthersSharingTest, MembersOfAPodAreOthers) {
  add(kInit, {.cgroup = kOurs, .mounts = "1"});
  add(30, {.cgroup = kTheirs, .mounts = "2"});
  add(31, {.cgroup = "0::/pod\n", .mounts = "3"});
  EXPECT_EQ(others(), (std::vector<pid_t>{30, 31}));
}

// PostgreSQL in a pod was refused for its segment of System V memory.
TEST_F(OthersSharingTest, WhatKeepsThePodsNamespacesIsNoOther) {
  add(kInit, {.cgroup = "7:freezer:/kubepods/podx/a\n", .mounts = "1"});
  add(30, {.cgroup = "7:freezer:/kubepods/podx/5b06\n", .mounts = "2"});
  add(31, {.cgroup = "7:freezer:/kubepods/podx/c\n", .mounts = "3"});
  add(32, {.cgroup = "0::/kubepods.slice/cri-containerd-5b06.scope\n", .mounts = "2"});
  EXPECT_EQ(others("5b06"), std::vector<pid_t>{31});
}

// The names of hierarchies beside it, and the place in v2 where v1 freezes, tell nothing.
TEST_F(OthersSharingTest, TheFirstVersionOfCgroupsIsAskedByItsFreezer) {
  add(kInit, {.cgroup = "9:name=systemd:/\n7:cpu,freezer:/libpod-a\n0::/all\n", .mounts = "1"});
  add(20, {.cgroup = "9:name=systemd:/\n7:cpu,freezer:/libpod-a/x\n0::/all\n", .mounts = "2"});
  add(30, {.cgroup = "9:name=systemd:/\n7:cpu,freezer:/libpod-b\n0::/all\n", .mounts = "3"});
  add(31, {.cgroup = "9:name=systemd:/\n7:freezer_of_ours:/libpod-a\n0::/all\n", .mounts = "4"});
  EXPECT_EQ(others(), (std::vector<pid_t>{30, 31}));
}

// Without a cgroup of its own only its own tree and namespace of mounts are the container's.
TEST_F(OthersSharingTest, TheRootOfAllCgroupsIsNobodys) {
  add(kInit, {.cgroup = "0::/\n", .mounts = "1", .children = "11"});
  add(11, {.cgroup = "0::/\n", .mounts = "2"});
  add(20, {.cgroup = "0::/\n", .mounts = "1"});
  add(30, {.cgroup = "0::/\n", .mounts = "3"});
  EXPECT_EQ(others(), std::vector<pid_t>{30});
}

TEST_F(OthersSharingTest, TheHostsNamespaceIsNobodys) {
  add(kInit, {.cgroup = kOurs, .mounts = "1"});
  add(30, {.cgroup = kTheirs, .mounts = "2"});
  fs::remove(proc_ / "self/ns/ipc");
  fs::create_symlink("ipc:[2]", proc_ / "self/ns/ipc");
  EXPECT_TRUE(others().empty());
}

}  // namespace
}  // namespace reprise::preflight
