// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor/doctor.h"

#include <gtest/gtest.h>

#include <sstream>

namespace reprise::cli {
namespace {

using operations::Health;

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

}  // namespace
}  // namespace reprise::cli
