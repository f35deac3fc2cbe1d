// SPDX-License-Identifier: Apache-2.0
#include "sys/exists.h"

#include <gtest/gtest.h>

namespace reprise::sys {
namespace {

TEST(Exists, TellsNoFromUnknown) {
  EXPECT_TRUE(exists("/proc/self/exe").value());
  EXPECT_FALSE(exists("/proc/self/none").value());
  EXPECT_FALSE(exists("/proc/self/comm/below"));      // not a directory
  EXPECT_FALSE(exists("/" + std::string(300, 'x')));  // no name that can be
}

}  // namespace
}  // namespace reprise::sys
