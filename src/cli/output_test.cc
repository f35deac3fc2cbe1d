// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/progress.h"

namespace reprise::cli {
namespace {

TEST(Table, AlignsItsColumns) {
  Table table({"NAME", "SIZE", "TAG"});
  table.add({"counter", "1 B", "x"});
  table.add({"a", "52.1 MB", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "NAME     SIZE     TAG\n"
            "counter  1 B      x\n"
            "a        52.1 MB\n");
}

TEST(PrintError, ShowsStepsAndHint) {
  std::ostringstream err;
  print_error(err, base::Error(base::ErrorCode::kNotFound, "no such container")
                       .with_step("cannot stop 'web-1'")
                       .with_hint("start it"));
  EXPECT_EQ(err.str(), "reprise: cannot stop 'web-1': no such container\nhint: start it\n");
}

constexpr std::chrono::milliseconds kAtOnce{0};

TEST(Progress, IsSilentWithoutATerminal) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err, .terminal = Terminal::kNo};
  ProgressLine progress(io, kAtOnce);
  progress.begin("web: stopping");
  progress.tick();
  EXPECT_EQ(err.str(), "");
}

TEST(Progress, DrawsNothingOfWhatEndsSoon) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err, .terminal = Terminal::kYes};
  {
    ProgressLine progress(io, std::chrono::hours{1});
    progress.begin("web: stopping");
    progress.tick();
  }
  EXPECT_EQ(err.str(), "");
}

TEST(Progress, DrawsWhatIsDoneAndCleansUp) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err, .terminal = Terminal::kYes};
  {
    ProgressLine progress(io, kAtOnce);
    progress.begin("web: stopping");
    progress.step("dump");
    progress.tick();
    EXPECT_NE(err.str().find("web: stopping: dump ("), std::string::npos);
    EXPECT_TRUE(err.str().ends_with(" s)"));
  }
  EXPECT_TRUE(err.str().ends_with("\r\x1b[K"));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace reprise::cli
