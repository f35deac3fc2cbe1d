// SPDX-License-Identifier: Apache-2.0
#include "sys/mountinfo.h"

#include <gtest/gtest.h>

namespace reprise::sys {
namespace {

TEST(MountinfoTest, ReadsAllFieldsWithAndWithoutOptionalOnes) {
  const std::vector<Mount> mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
      "37 35 0:5 / /proc rw - proc proc rw\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].device, "98:0");
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].mount_point, "/mnt2");
  EXPECT_EQ(mounts[0].mount_options, "rw,noatime");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].source, "/dev/root");
  EXPECT_EQ(mounts[0].option("errors"), "continue");
  EXPECT_EQ(mounts[1].type, "proc");
}

TEST(MountinfoTest, UnescapesNames) {
  const std::vector<Mount> mounts =
      parse_mountinfo("1 2 0:1 / /a\\040b\\011c\\134d\\012 rw - tmpfs tmp\\040fs rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].mount_point, "/a b\tc\\d\n");
  EXPECT_EQ(mounts[0].source, "tmp fs");
}

// `mount -t tmpfs "" /x` leaves the source field empty; such mounts used to be overlooked.
TEST(MountinfoTest, TheSourceMayBeEmpty) {
  const std::vector<Mount> mounts = parse_mountinfo("72 27 0:61 / /x rw,relatime - tmpfs  rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].source, "");
  EXPECT_EQ(mounts[0].type, "tmpfs");
  EXPECT_EQ(mounts[0].super_options, "rw");
}

// Seen on Linux 6.18 for an overlay whose upper directory is named 'u,p': options must be split
// before they are unescaped.
TEST(MountinfoTest, OptionValuesMayHoldEscapedCommas) {
  const std::vector<Mount> mounts = parse_mountinfo(
      "74 27 0:61 / /m rw - overlay overlay rw,lowerdir=/l,upperdir=/u\\054p,workdir=/w,uuid=on\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].option("upperdir"), "/u,p");
  EXPECT_EQ(mounts[0].option("workdir"), "/w");
  EXPECT_EQ(mounts[0].option("uuid"), "on");
  EXPECT_EQ(mounts[0].option("upper"), std::nullopt);
  EXPECT_EQ(mounts[0].option("rw"), std::nullopt);
}

TEST(MountinfoTest, LinesOfAnotherShapeAreSkipped) {
  EXPECT_TRUE(parse_mountinfo("").empty());
  EXPECT_TRUE(parse_mountinfo("\n\n").empty());
  EXPECT_TRUE(parse_mountinfo("1 2 0:1 / /a rw\n").empty());
  EXPECT_TRUE(parse_mountinfo("1 2 0:1 / /a rw -\n").empty());
  EXPECT_TRUE(parse_mountinfo("1 2 0:1 / /a rw - tmpfs none\n").empty());
  EXPECT_EQ(parse_mountinfo("nonsense\n1 2 0:1 / /a rw - tmpfs none rw").size(), 1U);
}

TEST(FindMountTest, FindsRealMountsAndOnlyThose) {
  const std::optional<Mount> proc = find_mount("/proc").value();
  ASSERT_TRUE(proc);
  EXPECT_EQ(proc->type, "proc");
  EXPECT_FALSE(find_mount("/proc/self").value().has_value());
}

}  // namespace
}  // namespace reprise::sys
