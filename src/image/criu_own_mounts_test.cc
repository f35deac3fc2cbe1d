// SPDX-License-Identifier: Apache-2.0
#include "image/criu_own_mounts.h"

#include <gtest/gtest.h>

#include "image/internal/criu_file.h"

namespace reprise::image {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic("\x19\x43\x56\x54\x28\x39\x56\x55", 8);

std::string field(unsigned number, std::string_view text) {
  constexpr unsigned kTypeBits = 3, kText = 2, kMore = 0x80, kLow = 0x7f, kWordBits = 7;
  const unsigned key = number << kTypeBits | kText;
  std::string bytes;
  if (key >= kMore) {
    bytes += static_cast<char>((key & kLow) | kMore);
    bytes += static_cast<char>(key >> kWordBits);
  } else {
    bytes += static_cast<char>(key);
  }
  bytes += static_cast<char>(text.size());
  return bytes += text;
}

// With a field that we do not know between those that we do, as CRIU writes them.
std::string mount(std::string_view place, std::string_view key, char type = 5,
                  std::string_view root = "/null", char device = 46) {
  std::string message = std::string{'\x08', type, '\x18', device} + field(6, root) +
                        field(7, place) + field(9, "mode=755");
  return key.empty() ? message : message + field(18, key);
}

std::string file_of(std::initializer_list<std::string> mounts) {
  std::string file(kMagic);
  for (const std::string& one : mounts) append_message(file, one);
  return file;
}

bool is_left_alone(const std::string& file) {
  const auto edited = own_mounts(file, {}, {});
  EXPECT_TRUE(edited) << edited.error().message();
  return edited && !edited->changed && edited->file == file;
}

// From a container with '--init', whose init comes through a link: CRIU follows none.
TEST(CriuOwnMountsTest, MountsFromElsewhereHaveANameOfTheirOwn) {
  const auto edited = own_mounts(file_of({mount("/a", "/a"), mount("/b", "/b"), mount("/dev", "")}),
                                 {}, {}, {"/b", "/dev"});
  ASSERT_TRUE(edited && edited->changed);
  const auto read = all_messages(edited->file, kCriuImageMagic, 0x55563928, "mounts");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->messages.size(), 3U);
  EXPECT_EQ(read->messages[0], mount("/a", "/a"));
  EXPECT_TRUE(read->messages[1].contains(by_name("/b")));
  EXPECT_EQ(read->messages[2], mount("/dev", ""));
}

// From a field: after a restore the masked files of /proc were the host's own /dev/null, whose
// rights root in the container could change for the whole host.
TEST(CriuOwnMountsTest, MaskedFilesAreOfTheContainer) {
  const auto edited =
      own_mounts(file_of({mount("/dev", "", 5, "/"), mount("/etc/hosts", "/etc/hosts"),
                          mount("/proc/keys", "/dev/null"), mount("/proc/kcore", "/dev/null")}),
                 {}, {});
  ASSERT_TRUE(edited) << edited.error().message();
  ASSERT_TRUE(edited->changed);
  const auto read = all_messages(edited->file, kCriuImageMagic, 0x55563928, "mounts");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->messages.size(), 4U);
  EXPECT_EQ(read->messages[0], mount("/dev", "", 5, "/"));
  EXPECT_EQ(read->messages[1], mount("/etc/hosts", "/etc/hosts"));
  for (const std::size_t masked : {2U, 3U}) {
    EXPECT_EQ(read->messages[masked].find("/dev/null"), std::string_view::npos);
    for (const std::string_view kept : {"/null", "/proc/k", "mode=755"})
      EXPECT_NE(read->messages[masked].find(kept), std::string_view::npos) << kept;
  }
  EXPECT_TRUE(is_left_alone(edited->file));
}

// Those in a user namespace, and of containers that an earlier version restored.
TEST(CriuOwnMountsTest, TheHostsDeviceStaysWhereCriuCouldNotBindAnother) {
  constexpr char kTmpfs = 5, kOwn = 46, kHosts = 6;
  const std::string dev = mount("/dev", "", kTmpfs, "/", kOwn);
  EXPECT_TRUE(
      is_left_alone(file_of({dev, mount("/proc/keys", "/dev/null", kTmpfs, "/null", kHosts)})));
  EXPECT_TRUE(
      is_left_alone(file_of({dev, mount("/proc/keys", "/dev/null", kTmpfs, "/../null", kOwn)})));
  EXPECT_TRUE(is_left_alone(file_of({mount("/volume", "/volume", kTmpfs, "/", kOwn),
                                     mount("/proc/keys", "/dev/null", kTmpfs, "/null", kOwn)})));
}

// From a property test: after a restore a container saw the cgroup of conmon instead of its own,
// with other limits.
TEST(CriuOwnMountsTest, CgroupsAreOfTheContainer) {
  constexpr char kCgroup = 12;
  const std::string other = mount("/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids", kCgroup, "/conmon");
  const std::string file =
      file_of({mount("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu", kCgroup, "/all/libpod-12"), other,
               mount("/volume/cpu", "/volume/cpu", kCgroup, "/all/libpod-12")});
  const auto edited = own_mounts(file, {"/sys/fs/cgroup"}, {.from = "12", .to = "345"});
  ASSERT_TRUE(edited) << edited.error().message();
  EXPECT_EQ(edited->cgroups, std::vector<CgroupMount>({{.place = "/sys/fs/cgroup/cpu",
                                                        .cgroup = "/all/libpod-345",
                                                        .name = "own-cgroup/sys/fs/cgroup/cpu"}}));
  const auto read = all_messages(edited->file, kCriuImageMagic, 0x55563928, "mounts");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->messages.size(), 3U);
  EXPECT_TRUE(read->messages[0].contains("own-cgroup/sys/fs/cgroup/cpu"));
  EXPECT_EQ(read->messages[1], other);
  EXPECT_FALSE(read->messages[2].contains("own-cgroup"));
  EXPECT_TRUE(is_left_alone(file));
}

// A pod that goes on in another one: not only the id is another.
TEST(CriuOwnMountsTest, CgroupsAreWhereTheNewContainerHasThem) {
  constexpr char kCgroup = 12;
  const std::string file = file_of(
      {mount("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu", kCgroup, "/pods/podA/cri-12.scope"),
       mount("/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids", kCgroup, "/pods/podA/cri-12.scope/in")});
  const auto edited = own_mounts(file, {"/sys/fs/cgroup"},
                                 {.from = "12", .to = "345", .cgroup = "/pods/podB/cri-345.scope"});
  ASSERT_TRUE(edited) << edited.error().message();
  ASSERT_EQ(edited->cgroups.size(), 2U);
  EXPECT_EQ(edited->cgroups[0].cgroup, "/pods/podB/cri-345.scope");
  EXPECT_EQ(edited->cgroups[1].cgroup, "/pods/podB/cri-345.scope/in");
}

TEST(CriuOwnMountsTest, WhatIsReallyFromOutsideStays) {
  EXPECT_TRUE(
      is_left_alone(file_of({mount("/dev/null", "/dev/null"), mount("/etc/ours", "/etc/ours")})));
  EXPECT_TRUE(is_left_alone(std::string(kMagic)));
}

TEST(CriuOwnMountsTest, EveryTruncationOfAMessageIsCorrupt) {
  const std::string file = file_of({mount("/proc/keys", "/dev/null")});
  for (std::size_t length = 0; length < file.size(); ++length) {
    if (length == kMagic.size()) continue;
    const auto edited = own_mounts(file.substr(0, length), {}, {});
    ASSERT_FALSE(edited) << length;
    EXPECT_EQ(edited.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(own_mounts(file_of({"no message"}), {}, {}));
}

const std::string kDeleted("\x80\x01\x01", 3);

TEST(CriuOutsideMountsTest, AreBoundToWhatIsThereNow) {
  const std::string inner = mount("/data", "") + kDeleted;  // its source is the container's own
  const auto mended = forget_deleted_sources(file_of({inner, mount("/data", "/data") + kDeleted}));
  ASSERT_TRUE(mended && *mended);
  const auto same = forget_deleted_sources(**mended);
  EXPECT_TRUE(same && !*same);
  EXPECT_EQ((*mended)->size(), file_of({inner, mount("/data", "/data")}).size());
  EXPECT_TRUE((*mended)->contains("mode=755"));  // what we do not know stays
  EXPECT_TRUE((*mended)->starts_with(file_of({inner})));
}

TEST(CriuOutsideMountsTest, OfAnythingElseAreDamage) {
  const std::string good = file_of({mount("/data", "/data") + kDeleted});
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = forget_deleted_sources(good.substr(0, size));
    if (size == kMagic.size()) continue;  // no mount at all
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(forget_deleted_sources(file_of({"\x07"})));
}

}  // namespace
}  // namespace reprise::image
