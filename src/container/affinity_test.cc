// SPDX-License-Identifier: Apache-2.0
#include "container/affinity.h"

#include <gtest/gtest.h>

#include <fstream>

#include "container/task_tree.h"
#include "sys/test_directory.h"

namespace reprise::container {
namespace {

class AffinityTest : public ::testing::Test {
 protected:
  // A thread of a fake /proc; `children` are those that it forked.
  void thread(int process, int tid, const std::string& status, const std::string& children = "") {
    const auto directory = proc_ / std::to_string(process) / "task" / std::to_string(tid);
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "status") << status;
    std::ofstream(directory / "children") << children;
  }
  static std::string status(const std::string& ids, const std::string& cpus) {
    return "Name:\tx\nNSpid:\t" + ids + "\nCpus_allowed:\tff\nCpus_allowed_list:\t" + cpus + "\n";
  }
  sys::TestDirectory proc_;
};

TEST_F(AffinityTest, FindsBoundThreadsOfTheWholeTree) {
  thread(100, 100, status("100\t1", "0-3"), "200 ");
  thread(100, 101, status("101\t2", "2"), "300 ");
  thread(200, 200, status("200\t7", "0-3"));
  thread(300, 300, status("300\t8", "0,3"));
  thread(400, 400, status("400\t9", "1"));  // no child of the container
  EXPECT_EQ(processes_of(proc_.path(), 100), (std::vector<pid_t>{100, 200, 300}));
  EXPECT_EQ(pinned_threads(proc_.path(), 100, "0-3"),
            (std::vector<ThreadAffinity>{{.tid = 2, .cpus = "2"}, {.tid = 8, .cpus = "0,3"}}));
}

TEST_F(AffinityTest, TreeThatHasEndedIsEmpty) {
  EXPECT_TRUE(pinned_threads(proc_.path(), 100, "0-3").empty());
  EXPECT_TRUE(pin_threads(proc_.path(), 100, {{.tid = 1, .cpus = "0"}}));
}

TEST_F(AffinityTest, SurvivesItsFile) {
  const std::vector<ThreadAffinity> threads = {{.tid = 2, .cpus = "0-1,5"},
                                               {.tid = 9, .cpus = "3"}};
  EXPECT_EQ(decode_affinity(encode_affinity(threads)).value(), threads);
  for (const char* bad :
       {"", "{}", "[]", R"({"threads":[{"tid":"x","cpus":"0"}]})", "{\"threads\":3}"})
    EXPECT_EQ(decode_affinity(bad).error().code(), base::ErrorCode::kCorrupt) << bad;
}

TEST(StatusField, FindsWholeNamesOnly) {
  const std::string text = "Name:\tsh\nState:\tT (stopped)\nNSpid:\t70\t5\t1\nEmpty:\n";
  EXPECT_EQ(status_field(text, "State"), "T (stopped)");
  EXPECT_EQ(status_field(text, "NSpi"), "");
  EXPECT_EQ(status_field(text, "Empty"), "");
  EXPECT_EQ(innermost_tid(text), 1);
  EXPECT_EQ(innermost_tid("Name:\tsh\n"), 0);
}

}  // namespace
}  // namespace reprise::container
