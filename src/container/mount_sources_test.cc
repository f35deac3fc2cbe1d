// SPDX-License-Identifier: Apache-2.0
#include "container/mount_sources.h"

#include <gtest/gtest.h>

namespace reprise::container {
namespace {

TEST(MountSources, ThatAreGoneAreNamed) {
  OciSpec spec;
  spec.mounts = {{.destination = "/here", .type = "bind", .source = "/proc/self", .options = {}},
                 {.destination = "/proc", .type = "proc", .source = "proc", .options = {}},
                 {.destination = "/gone", .type = "bind", .source = "/proc/none", .options = {}}};
  const auto found = missing_sources(spec);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found.front().subject, "the mount '/gone'");
  EXPECT_NE(found.front().text.find("'/proc/none'"), std::string::npos);
}

}  // namespace
}  // namespace reprise::container
