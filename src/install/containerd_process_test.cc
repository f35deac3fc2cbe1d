// SPDX-License-Identifier: Apache-2.0
#include "install/containerd_process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/test_directory.h"

namespace reprise::install {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "/etc/containerd/config.toml";

class ContainerdProcessTest : public ::testing::Test {
 protected:
  ContainerdProcessTest() {
    fs::create_directories(node_ / "usr/bin");
    fs::create_directories(pod_);
    write(program_, "the node's");
    write(theirs_, "the pod's");
    process(1, "systemd");
  }
  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  static void link(const fs::path& file, const fs::path& target) {
    fs::remove(file);
    fs::create_symlink(target, file);
  }
  fs::path at(int pid) const { return proc_ / std::to_string(pid); }
  // As one of the node itself has it.
  void process(int pid, const std::string& name = "containerd",
               const std::string& words = "containerd") {
    fs::create_directories(at(pid) / "ns");
    write(at(pid) / "comm", name + "\n");
    write(at(pid) / "cmdline", words + '\0');
    write(at(pid) / "status", "Name:\t" + name + "\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    write(at(pid) / "cgroup", "0::/system.slice/containerd.service\n");
    for (const std::string kind : {"mnt", "pid", "user"})
      link(at(pid) / "ns" / kind, kind + ":[1]");
    link(at(pid) / "root", node_);
    link(at(pid) / "exe", program_);
  }
  base::Result<ContainerdProcess> find() { return containerd_process(proc_, kConfig); }
  // Neither beside the node's own, which has a higher pid, nor alone.
  void expect_refused(int pid, const std::string& why) {
    EXPECT_EQ(taken(), 0);
    const auto alone = find();
    if (alone) return;
    EXPECT_EQ(alone.error().code(), base::ErrorCode::kNotFound);
    const std::string text = alone.error().message();
    EXPECT_TRUE(text.contains("process " + std::to_string(pid) + ", which is called so, " + why))
        << text;
    process(900);
    EXPECT_EQ(taken(), 900) << why;
    fs::remove_all(at(900));
  }
  // 0: none.
  pid_t taken() {
    const auto found = find();
    return found ? found->pid : 0;
  }

  sys::TestDirectory scratch_;
  fs::path proc_ = scratch_ / "proc";
  fs::path node_ = scratch_ / "node";
  fs::path pod_ = scratch_ / "node/emptydir";
  fs::path program_ = node_ / "usr/bin/containerd";
  fs::path theirs_ = pod_ / "containerd";
};

TEST_F(ContainerdProcessTest, TheNodesOwnIsTaken) {
  process(400);
  const auto found = find();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->pid, 400);
  EXPECT_EQ(found->program_path, program_);
  EXPECT_EQ(found->unit, "containerd.service");
  struct stat held{}, there{};
  ASSERT_EQ(::fstat(found->program.get(), &held), 0);
  ASSERT_EQ(::stat(program_.c_str(), &there), 0);
  EXPECT_EQ(held.st_ino, there.st_ino);
}

TEST_F(ContainerdProcessTest, OneOfAPodIsNeverTaken) {
  for (const std::string kind : {"mnt", "pid", "user"}) {
    process(300);
    link(at(300) / "exe", theirs_);
    const std::string name = kind == "mnt" ? "mount" : kind;
    link(at(300) / "ns" / kind, kind + ":[2]");
    expect_refused(300, "is in another " + name + " namespace");
    fs::remove(at(300) / "ns" / kind);  // unreadable is no answer
    expect_refused(300, "is in another " + name + " namespace");
  }
  process(300);
  link(at(300) / "root", pod_);
  expect_refused(300, "has another root directory");
  fs::remove(at(300) / "root");
  expect_refused(300, "has another root directory");
}

TEST_F(ContainerdProcessTest, OneOfAUserIsNeverTaken) {
  for (const std::string ids :
       {"1000\t1000\t1000\t1000", "1000\t0\t0\t0", "0\t0\t0\t1000", "0\t0"}) {
    process(300);
    write(at(300) / "status", "Name:\tcontainerd\nUid:\t" + ids + "\nGid:\t0\t0\t0\t0\n");
    expect_refused(300, "does not run as root");
  }
  fs::remove(at(300) / "status");
  expect_refused(300, "does not run as root");
}

TEST_F(ContainerdProcessTest, AProgramThatWasReplacedIsNotStarted) {
  process(300);
  write(at(300) / "held", "the one before");
  link(at(300) / "exe", "held");  // leads to it from there alone, as the kernel's link does
  expect_refused(300, "runs no longer what is at 'held'");
}

TEST_F(ContainerdProcessTest, OthersAreNamed) {
  process(300, "containerd", std::string("containerd") + '\0' + "--config=/run/other.toml");
  process(301, "containerd-shim");
  const auto found = find();
  ASSERT_FALSE(found);
  const std::string text = found.error().message();
  EXPECT_TRUE(text.contains("there are ones with '/run/other.toml'")) << text;
  EXPECT_FALSE(text.contains("301")) << text;
}

TEST_F(ContainerdProcessTest, ManyImpostorsAreCounted) {
  for (int pid = 300; pid < 310; ++pid) {
    process(pid);
    link(at(pid) / "ns/mnt", "mnt:[2]");
  }
  const std::string text = find().error().message();
  EXPECT_TRUE(text.ends_with("; and 6 more")) << text;
  process(900);
  EXPECT_EQ(taken(), 900);
}

TEST(ContainerdProcess, NoneIsInTheRealProcWithAFileThatNobodyHas) {
  const auto found = containerd_process("/proc", "/none/of/them.toml");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::install
