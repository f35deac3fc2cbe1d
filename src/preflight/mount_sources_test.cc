// SPDX-License-Identifier: Apache-2.0
#include "preflight/mount_sources.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "oci/spec.h"

namespace reprise::preflight {
namespace {

TEST(MountSources, ThatAreGoneAreNamed) {
  oci::Spec spec;
  spec.mounts = {{.destination = "/here", .type = "bind", .source = "/proc/self", .options = {}},
                 {.destination = "/proc", .type = "proc", .source = "proc", .options = {}},
                 {.destination = "/gone", .type = "bind", .source = "/proc/none", .options = {}}};
  const auto found = missing_sources(spec);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found.front().subject, "the mount '/gone'");
  EXPECT_NE(found.front().text.find("'/proc/none'"), std::string::npos);
}

TEST(MountSources, ThatAreLinksAreFollowed) {
  oci::Spec spec;
  spec.mounts = {{.destination = "/a", .type = "bind", .source = "/proc/self/", .options = {}},
                 {.destination = "/b", .type = "bind", .source = "/proc/mounts", .options = {}},
                 {.destination = "/c", .type = "bind", .source = "/proc/uptime", .options = {}}};
  const auto found = linked_sources(spec);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found.front().destination, "/b");
  EXPECT_EQ(found.front().target, std::filesystem::canonical("/proc/mounts"));
}

}  // namespace
}  // namespace reprise::preflight
