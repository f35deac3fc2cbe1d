// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/id.h"
#include "sys/files.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

// A literal procfs in a temporary directory.
class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    proc_ = fs::temp_directory_path() / ("reprise-doctor-" + base::random_id());
    add_process(10);
  }
  void TearDown() override { fs::remove_all(proc_); }

  void add_process(pid_t pid, const std::string& state = "S (sleeping)",
                   const std::string& tracer = "0", const std::string& user_namespace = "1") {
    const fs::path process = proc_ / std::to_string(pid);
    fs::create_directories(process / "fd");
    fs::create_directories(process / "ns");
    fs::create_symlink("user:[" + user_namespace + "]", process / "ns/user");
    std::ofstream(process / "comm") << "worker\n";
    std::ofstream(process / "status")
        << "Name:\tworker\nState:\t" << state << "\nTracerPid:\t" << tracer << "\nUid:\t0\n";
  }
  void add_descriptor(pid_t pid, int fd, const std::string& link) {
    fs::create_symlink(link, proc_ / std::to_string(pid) / "fd" / std::to_string(fd));
  }

  fs::path proc_;
};

TEST_F(DoctorTest, FindsNothingInAnOrdinaryProcess) {
  add_descriptor(10, 0, "/dev/null");
  add_descriptor(10, 1, "pipe:[123]");
  add_descriptor(10, 2, "anon_inode:[eventpoll]");
  EXPECT_TRUE(obstacles_in(proc_, 10, 10).empty());
  EXPECT_TRUE(obstacles_in(proc_, 99, 10).empty());  // ended meanwhile
}

TEST_F(DoctorTest, NamesEachDescriptorThatCannotBeSaved) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"anon_inode:[io_uring]", "is an io_uring"},
      {"anon_inode:bpf-prog", "is a BPF object"},
      {"anon_inode:[perf_event]", "is a perf event"},
      {"anon_inode:[userfaultfd]", "is a userfaultfd"}};
  for (const auto& [link, text] : cases) {
    add_descriptor(10, 7, link);
    const auto findings = obstacles_in(proc_, 10, 10);
    ASSERT_EQ(findings.size(), 1U) << link;
    EXPECT_EQ(findings[0].health, Health::kFail);
    EXPECT_EQ(findings[0].subject, "process 10 (worker), descriptor 7");
    EXPECT_EQ(findings[0].text, text);
    EXPECT_FALSE(findings[0].remedy.empty());
    fs::remove(proc_ / "10/fd/7");
  }
}

TEST_F(DoctorTest, FindsTracedStoppedAndNestedProcesses) {
  add_process(11, "T (stopped)");
  add_process(12, "S (sleeping)", "4711");
  add_process(13, "S (sleeping)", "0", "2");
  const auto stopped = obstacles_in(proc_, 11, 10);
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(stopped[0].health, Health::kWarn);
  EXPECT_EQ(stopped[0].remedy, "continue it: kill -CONT 11");
  const auto traced = obstacles_in(proc_, 12, 10);
  ASSERT_EQ(traced.size(), 1U);
  EXPECT_EQ(traced[0].text, "is traced by process 4711");
  const auto nested = obstacles_in(proc_, 13, 10);
  ASSERT_EQ(nested.size(), 1U);
  EXPECT_EQ(nested[0].health, Health::kFail);
}

// A message queue of this very process, in the real /proc.
TEST(Doctor, RecognisesAMessageQueue) {
  const std::string name = "/reprise-doctor-" + base::random_id();
  const mqd_t queue = ::mq_open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600, nullptr);
  if (queue < 0) GTEST_SKIP() << "needs POSIX message queues in the kernel";
  ::mq_unlink(name.c_str());
  const auto findings = obstacles_in("/proc", ::getpid(), ::getpid());
  ::mq_close(queue);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].text.find("POSIX message queue '" + name), std::string::npos)
      << findings[0].text;
}

TEST_F(DoctorTest, FindsTheProcessesOfAContainer) {
  add_process(12);
  add_process(7);
  add_process(30);
  std::ofstream(proc_ / "10/cgroup") << "0::/machine.slice/libpod-abc.scope/container\n";
  std::ofstream(proc_ / "7/cgroup") << "4:pids:/libpod_parent/libpod-abc\n";
  std::ofstream(proc_ / "12/cgroup") << "0::/machine.slice/libpod-conmon-abc.scope\n";
  std::ofstream(proc_ / "30/cgroup") << "0::/machine.slice/libpod-abd.scope\n";
  fs::create_directories(proc_ / "sys");
  EXPECT_EQ(container_pids(proc_, "abc"), (std::vector<pid_t>{7, 10}));
}

TEST(Doctor, ReadsVersions) {
  EXPECT_EQ(parse_version("Version: 4.2.1\n"), (std::vector<int>{4, 2, 1}));
  EXPECT_EQ(parse_version("runc version 1.1.15+ds1"), (std::vector<int>{1, 1, 15}));
  EXPECT_EQ(parse_version("6.18.44-fc-v657"), (std::vector<int>{6, 18, 44}));
  EXPECT_TRUE(parse_version("none").empty());
  EXPECT_LT(parse_version("4.2"), parse_version("4.2.1"));
  EXPECT_LT(parse_version("4.9"), parse_version("4.10"));
}

TEST(Doctor, PrintsRemediesUnderFindings) {
  std::ostringstream out;
  const Health worst = print_findings(
      out, {{Health::kOk, "criu", "Version: 4.2.1", ""}, {Health::kFail, "podman", "gone", "do"}});
  EXPECT_EQ(worst, Health::kFail);
  EXPECT_EQ(out.str(),
            "ok    criu    Version: 4.2.1\n"
            "fail  podman  gone\n"
            "      hint: do\n");
}

// Every check answers on whatever host the tests run on, and says what to do about a failure.
TEST(Doctor, AnswersOnThisHost) {
  const fs::path root = fs::temp_directory_path() / ("reprise-doctor-" + base::random_id());
  const container::Layout layout{.store = root / "store", .run = root / "run", .runc = "/no/runc"};
  const auto findings = check_host(layout);
  EXPECT_EQ(findings.size(), host_checks().size());
  for (const Finding& finding : findings) {
    EXPECT_FALSE(finding.text.empty()) << finding.subject;
    EXPECT_TRUE(finding.health != Health::kFail || !finding.remedy.empty()) << finding.subject;
    if (finding.subject == "runc") {
      EXPECT_EQ(finding.health, Health::kFail);
    }
    if (finding.subject == "store") {
      EXPECT_LE(finding.health, Health::kWarn) << finding.text;
    }
  }
  fs::remove_all(root);
}

}  // namespace
}  // namespace reprise::cli
