// SPDX-License-Identifier: Apache-2.0
#include "archive/rootfs_changes.h"

#include <map>

#include "archive/internal/test_archive.h"

namespace reprise::archive {
namespace {

using base::ErrorCode;

const std::string kOpaqueMark = "trusted.overlay.opaque";

std::map<std::string, Entry> by_name(const std::string& tar) {
  std::map<std::string, Entry> result;
  for (Item& item : read_tar(tar)) {
    std::string name = item.entry.name();
    if (name.ends_with('/')) name.pop_back();  // as tar marks directories
    EXPECT_TRUE(result.emplace(name, std::move(item.entry)).second) << name << " is there twice";
  }
  return result;
}

// The image has /etc and /tmp; nothing else.
std::optional<Entry> image_directory(const std::string& name) {
  if (name != "." && name != "etc" && name != "tmp" && name != "etc/skel") return std::nullopt;
  Entry entry = Entry::directory(name);
  entry.set_owner(7, 8);
  return entry;
}

Result<std::map<std::string, Entry>> to_upper(const std::vector<Item>& items,
                                              const std::vector<std::string>& deleted,
                                              Dialect dialect = Dialect::kList) {
  const std::string tar = make_tar(items);
  std::string upper;
  REPRISE_PASS(write_upper({.tar = [&]() -> Result<ReadBytes> { return read_text(tar); },
                            .dialect = dialect,
                            .deleted = deleted,
                            .image_directory = image_directory,
                            .limit = 1 << 20},
                           append_to(upper)));
  return by_name(upper);
}

bool is_opaque(const Entry& entry) { return entry.xattr(kOpaqueMark) == "y"; }

TEST(RootfsChangesTest, PodmansListBecomesWhiteouts) {
  const auto upper =
      to_upper({file("data/one"), hard_link("data/two", "data/one"), file("etc/issue")},
               {"/etc/debian_version", "/home", "/home/user"})
          .value();
  EXPECT_TRUE(upper.at("etc/debian_version").is_whiteout());
  EXPECT_TRUE(upper.at("home").is_whiteout());
  EXPECT_FALSE(upper.contains("home/user"));
  EXPECT_EQ(upper.at("data/two").link_target(), "data/one");
  // What Podman leaves out: the directory as the image has it, which ours would hide otherwise.
  EXPECT_EQ(upper.at("etc").uid(), 7);
  EXPECT_FALSE(is_opaque(upper.at("etc")));
  EXPECT_EQ(upper.at(".").uid(), 7) << "the root of the container";
  EXPECT_FALSE(upper.contains("data")) << "the image has none: unpacking makes it";
}

TEST(RootfsChangesTest, ADirectoryDeletedAndMadeAgainHidesTheOldOne) {
  const auto upper = to_upper({directory("opt"), file("etc/skel/new")}, {"/etc/skel", "/opt"});
  ASSERT_TRUE(upper) << upper.error().message();
  EXPECT_TRUE(is_opaque(upper->at("etc/skel")));
  EXPECT_TRUE(is_opaque(upper->at("opt")));
}

// Once, the directory came last: exported again, it made Podman remove what lies in it.
TEST(RootfsChangesTest, ADirectoryComesBeforeWhatLiesInIt) {
  const std::string tar = make_tar({file("etc/skel/new")});
  std::string upper;
  ASSERT_TRUE(write_upper({.tar = [&]() -> Result<ReadBytes> { return read_text(tar); },
                           .deleted = {"/etc/skel"},
                           .image_directory = image_directory},
                          append_to(upper)));
  EXPECT_EQ(names_of(read_tar(upper)),
            (std::vector<std::string>{"./", "etc/", "etc/skel/", "etc/skel/new"}));
}

TEST(RootfsChangesTest, AnOciLayerTellsDeletionsByName) {
  const auto upper = to_upper(
      {file("etc/.wh.profile", ""), directory("etc/skel"), file("etc/skel/.wh..wh..opq", ""),
       file("etc/skel/new"), file("tmp/.wh..wh..opq", "")},
      {}, Dialect::kOciLayer);
  ASSERT_TRUE(upper) << upper.error().message();
  EXPECT_TRUE(upper->at("etc/profile").is_whiteout());
  EXPECT_TRUE(is_opaque(upper->at("etc/skel")));
  EXPECT_TRUE(is_opaque(upper->at("tmp"))) << "also a directory without an entry of its own";
  EXPECT_EQ(upper->at("tmp").uid(), 7);
  EXPECT_EQ(upper->size(), 6U);
}

TEST(RootfsChangesTest, HostileTreesAreRefusedByName) {
  struct Refusal {
    std::vector<Item> items;
    std::vector<std::string> deleted;
    std::string why;
  };
  Item owner = file("a");
  owner.entry.set_owner(1, 5'000'000'000);
  for (const Refusal& refusal : std::vector<Refusal>{
           {{file("../x")}, {}, "'../x'"},
           {{file("/x")}, {}, "'/x': the name is absolute"},
           {{file("a"), file("./a")}, {}, "'a' stands in it twice"},
           {{directory("a"), directory("a")}, {}, "'a' stands in it twice"},
           {{directory("a"), file("a")}, {}, "'a' stands in it twice"},
           {{file("a"), directory("a")}, {}, "'a' stands in it twice"},
           {{symlink("a", "/etc"), file("a/passwd")},
            {},
            "'a/passwd' leads through 'a', which is a symbolic link"},
           {{file("a"), file("a/b/c")}, {}, "'a/b/c' leads through 'a', which is a file"},
           {{file("a/b"), symlink("a", "/")}, {}, "'a' stands in it twice"},
           {{hard_link("a", "/etc/shadow")}, {}, "'a' is a hard link that leads out"},
           {{hard_link("a", "../b")}, {}, "'a' is a hard link that leads out"},
           {{hard_link("a", "etc/shadow")}, {}, "'a' is a hard link to 'etc/shadow', which is no"},
           {{directory("d"), hard_link("a", "d")}, {}, "'a' is a hard link to 'd'"},
           {{device("dev/sda", Kind::kBlockDevice, 8, 0)}, {}, "'dev/sda' is a block device"},
           {{device("dev/mem", Kind::kCharacterDevice, 1, 1)}, {}, "'dev/mem' is a character"},
           {{device("x", Kind::kCharacterDevice, 0, 0)}, {}, "'x' is a character device"},
           {{symlink("s", "")}, {}, "'s' is a symbolic link without"},
           {{with_xattr(directory("a"), "trusted.overlay.redirect", "/x")},
            {},
            "'a/' has the attribute 'trusted.overlay.redirect'"},
           {{owner}, {}, "'a' has the owner"},
           {{{Entry::file("huge", 2 << 20), std::string(2 << 20, 'x')}}, {}, "'huge' is declared"},
           {{}, {"etc/passwd"}, "'etc/passwd' in the list of deleted files is not absolute"},
           {{}, {"/../etc"}, "'../etc'"},
           {{}, {"/"}, "the name is empty"},
           {{}, {"/."}, "the root itself"},
           {{symlink("a", "/etc")}, {"/a/passwd"}, "'a/passwd' leads through 'a'"}})
    expect_refused(to_upper(refusal.items, refusal.deleted), refusal.why);
  expect_refused(to_upper({file(".wh..wh..opq")}, {}, Dialect::kOciLayer), "the whole image");
  expect_refused(to_upper({file("a/.wh...")}, {}, Dialect::kOciLayer), "whiteout of nothing");
  expect_refused(to_upper({directory("a/.wh.b")}, {}, Dialect::kOciLayer), "that is no file");
}

TEST(RootfsChangesTest, AFifoOrALinkToAnywhereIsJustContent) {
  const auto upper = to_upper({device("fifo", Kind::kFifo, 0, 0), symlink("up", "../../../etc"),
                               hard_link("up-again", "up")},
                              {});
  ASSERT_TRUE(upper) << upper.error().message();
  EXPECT_EQ(upper->at("up").link_target(), "../../../etc");
}

TEST(RootfsChangesTest, ARefusedTreeWritesNothing) {
  const std::string tar = make_tar({file("good"), file("../bad")});
  std::string written;
  expect_refused(write_plain_tree([&]() -> Result<ReadBytes> { return read_text(tar); }, 1 << 20,
                                  append_to(written)),
                 "'../bad'");
  EXPECT_EQ(written, "");
}

TEST(RootfsChangesTest, OursGoesToPodmanAndBack) {
  const std::string ours =
      make_tar({directory("./"), directory("./etc"), file("./etc/issue", "changed"),
                device("./etc/profile", Kind::kCharacterDevice, 0, 0),
                with_xattr(directory("./etc/skel"), kOpaqueMark, "y"), file("./etc/skel/new"),
                hard_link("./etc/skel/again", "./etc/skel/new"),
                with_xattr(file("./one"), "user.reprise", "kept")});
  std::string podmans;
  const auto deleted = write_podman_changes(read_text(ours), append_to(podmans)).value();
  EXPECT_EQ(deleted, std::vector<std::string>{"/etc/profile"});
  // The empty file makes Podman remove what the image has of that name.
  EXPECT_EQ(names_of(read_tar(podmans)),
            (std::vector<std::string>{"etc/", "etc/issue", "etc/skel", "etc/skel/", "etc/skel/new",
                                      "etc/skel/again", "one"}));
  std::string again;
  ASSERT_TRUE(write_podman_changes(read_text(ours), append_to(again)));
  EXPECT_EQ(again, podmans) << "its length is told before it is written";

  std::string upper;
  const auto back = write_upper({.tar = [&]() -> Result<ReadBytes> { return read_text(podmans); },
                                 .deleted = deleted,
                                 .image_directory = image_directory},
                                append_to(upper));
  ASSERT_TRUE(back) << back.error().message();
  const auto entries = by_name(upper);
  EXPECT_EQ(entries.size(), 8U);
  EXPECT_TRUE(entries.at("etc/profile").is_whiteout());
  EXPECT_TRUE(is_opaque(entries.at("etc/skel")));
  EXPECT_FALSE(is_opaque(entries.at("etc")));
  EXPECT_EQ(entries.at("one").xattr("user.reprise"), "kept");
}

TEST(RootfsChangesTest, WhatOnlyThisHostsOverlayUnderstandsCannotBeTold) {
  for (const char* attribute : {"trusted.overlay.redirect", "trusted.overlay.metacopy"}) {
    std::string podmans;
    const auto written = write_podman_changes(
        read_text(make_tar({with_xattr(directory("etc/pam.moved"), attribute, "pam.d")})),
        append_to(podmans));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), ErrorCode::kUnsupported);
    EXPECT_NE(written.error().message().find("'etc/pam.moved'"), std::string::npos);
  }
}

}  // namespace
}  // namespace reprise::archive
