// SPDX-License-Identifier: Apache-2.0
#include "archive/members.h"

#include "archive/internal/test_archive.h"

namespace reprise::archive {
namespace {

TEST(MembersTest, EachIsPutToItsUse) {
  for (const auto& [name, use] :
       std::vector<std::pair<std::string, Use>>{{"config.dump", Use::kText},
                                                {"./spec.dump", Use::kText},
                                                {"checkpoint/pages-1.img", Use::kImage},
                                                {"rootfs-diff.tar", Use::kTree},
                                                {"devshm-checkpoint.tar", Use::kTree},
                                                {"volumes/data.tar", Use::kVolume},
                                                {"ctr.log", Use::kNothing},
                                                {"artifacts/x", Use::kNothing},
                                                {"something-new", Use::kNothing}}) {
    const auto member = classify(Entry::file(name, 1));
    ASSERT_TRUE(member) << name;
    EXPECT_EQ(member->use, use) << name;
  }
  EXPECT_TRUE(classify(Entry::directory("checkpoint/")));
  EXPECT_TRUE(classify(Entry::directory("artifacts")));
}

TEST(MembersTest, NothingButFilesAndDirectories) {
  expect_refused(classify(symlink("config.dump", "/etc/shadow").entry),
                 "'config.dump' is a symbolic link");
  expect_refused(classify(symlink("ctr.log", "/etc/shadow").entry), "is a symbolic link");
  expect_refused(classify(hard_link("checkpoint/core-1.img", "../../x").entry), "is a hard link");
  expect_refused(classify(device("checkpoint/x", Kind::kBlockDevice, 8, 0).entry),
                 "is a block device");
  expect_refused(classify(device("x", Kind::kFifo, 0, 0).entry), "is a fifo");
}

TEST(MembersTest, NothingWhereItDoesNotBelong) {
  expect_refused(classify(Entry::file("checkpoint", 1)), "'checkpoint' is no image");
  expect_refused(classify(Entry::file("checkpoint/a/b", 1)), "'checkpoint/a/b' is no image");
  expect_refused(classify(Entry::directory("checkpoint/a")), "is a directory");
  expect_refused(classify(Entry::directory("config.dump")), "'config.dump' is a directory");
  expect_refused(classify(Entry::file("../config.dump", 1)), "'..'");
}

TEST(MembersTest, AnArchiveThatContinuesAnotherIsToldSo) {
  for (const Entry& entry : {symlink("checkpoint/parent", "../pre-checkpoint").entry,
                             Entry::directory("pre-checkpoint")}) {
    const auto member = classify(entry);
    ASSERT_FALSE(member);
    EXPECT_EQ(member.error().code(), base::ErrorCode::kUnsupported);
    EXPECT_FALSE(member.error().hint().empty());
  }
}

}  // namespace
}  // namespace reprise::archive
