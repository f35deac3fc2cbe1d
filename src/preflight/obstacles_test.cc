// SPDX-License-Identifier: Apache-2.0
#include "preflight/obstacles.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "base/id.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::preflight {
namespace {

namespace fs = std::filesystem;

// A literal procfs in a temporary directory, with process 10 as the container's init.
class ObstaclesTest : public testing::Test {
 protected:
  void SetUp() override { add_process(10); }

  fs::path process(pid_t pid) const { return proc_.path() / std::to_string(pid); }
  fs::path thread(pid_t pid, pid_t tid) const {
    return process(pid) / "task" / std::to_string(tid);
  }

  void add_process(pid_t pid, const std::string& name = "worker") {
    fs::create_directories(process(pid) / "fd");
    fs::create_directories(process(pid) / "ns");
    fs::create_directories(process(pid) / "map_files");
    set_namespace(pid, "user", "1");
    set_namespace(pid, "mnt", "1");
    std::ofstream(process(pid) / "comm") << name << "\n";
    add_thread(pid, pid, "");
  }
  void add_thread(pid_t pid, pid_t tid, const std::string& children,
                  const std::string& tracer = "0") {
    fs::create_directories(thread(pid, tid));
    std::ofstream(thread(pid, tid) / "children") << children;
    std::ofstream(thread(pid, tid) / "status")
        << "Name:\tworker\nState:\tT (stopped)\nTracerPid:\t" << tracer << "\nUid:\t0\n";
  }
  void set_namespace(pid_t pid, const std::string& kind, const std::string& id) {
    fs::remove(process(pid) / "ns" / kind);
    fs::create_symlink(kind + ":[" + id + "]", process(pid) / "ns" / kind);
  }
  void add_descriptor(pid_t pid, int fd, const std::string& link) {
    fs::create_symlink(link, process(pid) / "fd" / std::to_string(fd));
  }
  void add_mapping(pid_t pid, const std::string& what) {
    std::ofstream(process(pid) / "maps", std::ios::app)
        << "7f0000000000-7f0000001000 rw-p 00000000 08:01 42                   " << what << "\n";
  }
  std::vector<Obstacle> obstacles() const { return examine(proc_.path(), 10).obstacles; }

  sys::TestDirectory proc_;
};

TEST_F(ObstaclesTest, FindsNothingInAnOrdinaryContainer) {
  int fd = 0;
  for (const char* link : {"/dev/null", "/dev/zero", "/dev/urandom", "pipe:[123]", "/etc/passwd",
                           "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:inotify",
                           "anon_inode:[pidfd]", "/memfd:x (deleted)", "net:[402]", "socket:[7]"})
    add_descriptor(10, fd++, link);
  for (const char* what : {"", "[heap]", "/lib/libc.so", "/dev/shm/x", "/dev/zero (deleted)",
                           "/a name anon_inode:[io_uring]", "[vdso]"})
    add_mapping(10, what);
  const Examination seen = examine(proc_.path(), 10);
  EXPECT_EQ(seen.processes, 1U);
  for (const Obstacle& one : seen.obstacles) ADD_FAILURE() << one.subject << " " << one.text;
}

TEST_F(ObstaclesTest, NamesSecretMemory) {
  add_descriptor(10, 3, "/secretmem (deleted)");
  add_mapping(10, "/secretmem (deleted)");
  ASSERT_EQ(obstacles().size(), 2U);
  EXPECT_EQ(obstacles()[0].text, "is secret memory (memfd_secret)");
  EXPECT_EQ(obstacles()[1].text, "has secret memory (memfd_secret)");
}

TEST_F(ObstaclesTest, NamesMarksOnWholeFileSystems) {
  fs::create_directories(process(10) / "fdinfo");
  for (const char* fd : {"3", "4", "5"}) add_descriptor(10, fd[0] - '0', "anon_inode:[fanotify]");
  std::ofstream(process(10) / "fdinfo/3") << "fanotify flags:10 event-flags:0\n"
                                             "fanotify ino:4f969 sdev:800013 mflags:0 mask:3b\n";
  std::ofstream(process(10) / "fdinfo/4") << "fanotify mnt_id:12 mflags:40 mask:38\n";
  EXPECT_TRUE(obstacles().empty());
  std::ofstream(process(10) / "fdinfo/5") << "fanotify sdev:800013 mflags:0 mask:3b\n";
  ASSERT_EQ(obstacles().size(), 1U);
  EXPECT_EQ(obstacles()[0].text, "watches a whole file system (fanotify)");
}

// From a field: the program got a stray signal after the restore.
TEST_F(ObstaclesTest, NamesLeasesThatAreBeingBroken) {
  std::ofstream(proc_.path() / "locks") << "1: LEASE  ACTIVE    READ  10 00:2e:1 0 EOF\n"
                                           "2: LEASE  BREAKING  READ  11 00:2e:2 0 EOF\n"
                                           "3: FLOCK  ADVISORY  WRITE 10 08:01:3 0 EOF\n";
  EXPECT_TRUE(obstacles().empty());
  std::ofstream(proc_.path() / "locks") << "2: LEASE  BREAKING  READ  10 00:2e:2 0 EOF\n";
  ASSERT_EQ(obstacles().size(), 1U);
  EXPECT_EQ(obstacles()[0].text, "has a file lease that is being broken");
}

TEST_F(ObstaclesTest, NamesEachDescriptorThatCannotBeSaved) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"anon_inode:[io_uring]", "is an io_uring"},
      {"anon_inode:bpf-prog", "is a BPF object"},
      {"anon_inode:bpf-map", "is a BPF object"},
      {"anon_inode:[perf_event]", "is a perf event"},
      {"anon_inode:[userfaultfd]", "is a userfaultfd"},
      {"anon_inode:kvm-vm", "is of the kernel's kind 'kvm-vm', which cannot be saved"}};
  for (const auto& [link, text] : cases) {
    add_descriptor(10, 7, link);
    const auto found = obstacles();
    ASSERT_EQ(found.size(), 1U) << link;
    EXPECT_EQ(found[0].subject, "process 10 (worker), descriptor 7");
    EXPECT_EQ(found[0].text, text);
    EXPECT_FALSE(found[0].remedy.empty());
    fs::remove(process(10) / "fd/7");
  }
}

TEST_F(ObstaclesTest, ExaminesTheWholeTree) {
  add_thread(10, 10, "11 ");
  add_thread(10, 15, "12 13 ");  // children of another thread of init
  for (const pid_t pid : {11, 12, 13}) add_process(pid, "child");
  add_process(99, "stranger");
  add_descriptor(99, 1, "anon_inode:[io_uring]");
  add_descriptor(13, 10, "anon_inode:[io_uring]");
  add_descriptor(13, 9, "anon_inode:[io_uring]");
  const Examination seen = examine(proc_.path(), 10);
  EXPECT_EQ(seen.processes, 4U);
  ASSERT_EQ(seen.obstacles.size(), 2U);
  EXPECT_EQ(seen.obstacles[0].subject, "process 13 (child), descriptor 9");
  EXPECT_EQ(seen.obstacles[1].subject, "process 13 (child), descriptor 10");
}

TEST_F(ObstaclesTest, FindsMemoryOfWhatIsClosedAlready) {
  add_mapping(10, "anon_inode:[io_uring]");
  add_mapping(10, "anon_inode:[io_uring]");  // an io_uring has two; once is enough
  add_mapping(10, "/dev/null");
  fs::create_symlink("/dev/null", process(10) / "map_files/7f0000000000-7f0000001000");
  add_mapping(10, "[uprobes]");
  const auto found = obstacles();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].text, "has memory of 'anon_inode:[io_uring]' mapped");
  EXPECT_EQ(found[1].text, "has memory of the device '/dev/null' mapped");
  EXPECT_EQ(found[2].text, "is being probed (uprobes)");
}

TEST_F(ObstaclesTest, FindsATracerOfAnyThread) {
  add_thread(10, 11, "", "4711");
  add_thread(10, 12, "", "4711");
  const auto found = obstacles();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, "process 10 (worker)");
  EXPECT_EQ(found[0].text, "is traced by process 4711");
}

TEST_F(ObstaclesTest, NestedNamespaces) {
  add_thread(10, 10, "11 12");
  add_process(11);
  set_namespace(11, "mnt", "2");  // these can be saved
  add_process(12);
  set_namespace(12, "user", "2");
  const auto found = obstacles();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, "process 12 (worker)");
  EXPECT_EQ(found[0].text, "lives in a user namespace of its own");
}

TEST_F(ObstaclesTest, EndedMeanwhileIsNoObstacle) {
  EXPECT_TRUE(examine(proc_.path(), 77).obstacles.empty());
  add_thread(10, 10, "11 nonsense 12");
  EXPECT_TRUE(obstacles().empty());
}

// --- of this very process, in the real /proc

std::vector<Obstacle> own_descriptor(const sys::UniqueFd& fd) {
  const std::string ending = ", descriptor " + std::to_string(fd.get());
  std::vector<Obstacle> found = examine("/proc", ::getpid()).obstacles;
  std::erase_if(found, [&](const Obstacle& one) { return !one.subject.ends_with(ending); });
  return found;
}

TEST(Obstacles, RecognisesAMessageQueue) {
  const std::string name = "/reprise-test-" + base::random_id();
  const sys::UniqueFd queue(::mq_open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600, nullptr));
  if (!queue.valid()) GTEST_SKIP() << "needs POSIX message queues in the kernel";
  ::mq_unlink(name.c_str());
  const auto found = own_descriptor(queue);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].text.find("POSIX message queue '" + name), std::string::npos) << found[0].text;
}

// Unbound ones, which no file below /proc/net lists.
TEST(Obstacles, TellsProtocolsApart) {
  for (const auto& [family, type] : std::vector<std::pair<int, int>>{{AF_UNIX, SOCK_STREAM},
                                                                     {AF_UNIX, SOCK_DGRAM},
                                                                     {AF_INET, SOCK_STREAM},
                                                                     {AF_INET6, SOCK_STREAM},
                                                                     {AF_INET, SOCK_DGRAM},
                                                                     {AF_INET6, SOCK_DGRAM},
                                                                     {AF_NETLINK, SOCK_RAW}}) {
    const sys::UniqueFd fd(::socket(family, type | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(!fd.valid() || own_descriptor(fd).empty()) << family << " " << type;
  }
  const sys::UniqueFd foreign(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!foreign.valid()) GTEST_SKIP() << "needs AF_VSOCK in the kernel";
  const auto found = own_descriptor(foreign);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "is a socket of the protocol 'AF_VSOCK', which cannot be saved");
}

TEST(Obstacles, TellsDevicesApart) {
  for (const char* file : {"/dev/null", "/dev/full", "/dev/ptmx", "/dev/random"}) {
    const sys::UniqueFd fd(::open(file, O_RDWR | O_CLOEXEC | O_NOCTTY));
    EXPECT_TRUE(!fd.valid() || own_descriptor(fd).empty()) << file;
  }
  for (const char* file : {"/dev/fuse", "/dev/loop-control"}) {
    const sys::UniqueFd fd(::open(file, O_RDWR | O_CLOEXEC));
    if (!fd.valid()) continue;
    const auto found = own_descriptor(fd);
    ASSERT_EQ(found.size(), 1U) << file;
    EXPECT_TRUE(found[0].text.starts_with("is the device '" + std::string(file) + "' (10:"))
        << found[0].text;
  }
}

}  // namespace
}  // namespace reprise::preflight
