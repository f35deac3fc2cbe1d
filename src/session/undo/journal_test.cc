// SPDX-License-Identifier: Apache-2.0
#include "session/undo/journal.h"

#include <gtest/gtest.h>

#include <string>

#include "json/test_golden.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::session::undo {
namespace {

using base::ErrorCode;

std::vector<Step> one_of_each() {
  return {
      SignalPromised(),
      StoreBegun(),
      ContinuationNoted(),
      NetworkLocked(),
      Frozen(),
      PeersDisconnected(),
      NeighboursHeld{.network = "/run/netns/a"},
      ConnectionsHeld(),
      NetworkBlocked{{.network = "/run/netns/a"}},
      RootfsExchanged(),
      SharedMemoryFilled{.directory = "/shm"},
      VolumePutAside{.directory = "/volumes/a/_data", .aside = "/volumes/a/aside"},
      VolumeFilling{.contents = "/volumes/a/filling"},
      SharedFilled{.directory = "/volumes/a/_data", .aside = "/volumes/a/_data/before"},
      OverlaysMounted(),
      NetworkChanged{{.network = "/run/netns/a"}},
      AddressesAdopted{.network = "/run/netns/a", .addresses = {"10.0.0.1/24", "fe80::1%eth0"}},
      RestoreBegun(),
      TasksHeld{.cgroups = {{"", "/sys/fs/cgroup/a"}, {"freezer", "/sys/fs/cgroup/freezer/a"}}}};
}

TEST(UndoStepTest, EachIsReadAsItWasWritten) {
  ASSERT_EQ(one_of_each().size() + 1, std::variant_size_v<Step>) << "one of them is missing here";
  const auto read = decode(encode(one_of_each()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, one_of_each());
}

TEST(UndoStepTest, NamesOfFilesMayBeAnyBytes) {
  const std::vector<Step> odd{SharedMemoryFilled{.directory = "/a\xff\n\"b"}};
  EXPECT_EQ(decode(encode(odd)).value(), odd);
}

TEST(UndoStepTest, WhatReleasedVersionsWroteIsRead) {
  golden::expect_current("undo/journal.json", encode(one_of_each()));
  EXPECT_EQ(decode(golden::read("undo/journal.json")).value(), one_of_each());
}

// As it is of a checkpoint, and as it was always written before restores noted theirs.
TEST(UndoStepTest, NeighboursAreHeldWithoutANetworkToo) {
  const std::vector<Step> bare{NeighboursHeld{.network = {}}};
  EXPECT_EQ(decode(R"({"version":1,"steps":[{"step":"neighbours-held"}]})").value(), bare);
  EXPECT_EQ(decode(encode(bare)).value(), bare);
}

// Of a version that can do more: what it says is kept word for word, for that version.
TEST(UndoStepTest, WhatALaterVersionWroteIsKept) {
  const auto steps = decode(golden::read("undo/future.json")).value();
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0], Step(Frozen()));
  EXPECT_EQ(name_of(steps[1]), "gpu-suspended");
  EXPECT_EQ(name_of(steps[2]), "shared-memory-filled") << "which has no directory any more";
  EXPECT_TRUE(std::holds_alternative<Unknown>(steps[2]));
  EXPECT_EQ(name_of(steps[3]), "nameless");
  const std::string again = encode(steps);
  EXPECT_TRUE(again.contains(R"("device":7)")) << again;
  EXPECT_EQ(decode(again).value(), steps);
  const auto fractions =
      decode(R"({"version":2,"steps":[{"step":"gpu-suspended","card":1.5}]})").value();
  EXPECT_TRUE(encode(fractions).contains(R"({"step":"gpu-suspended","card":1.5})"))
      << encode(fractions);
}

TEST(UndoStepTest, WhatIsNoJournalIsAnError) {
  for (const char* text : {"", "{", "[]", "7", R"({"version":1})", R"({"steps":{}})"}) {
    const auto read = decode(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt) << text;
  }
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sys::make_directories(layout_.session_run_directory(session_)));
  }
  sys::TestDirectory scratch_;
  host::Layout layout_{.store = scratch_ / "store", .run = scratch_ / "run", .runc = "runc"};
  base::SessionId session_{"sess00000001"};
  Journal journal_{layout_, session_};
};

TEST_F(JournalTest, StepsAreThereInTheirOrder) {
  EXPECT_FALSE(journal_.load().value()) << "there is none";
  ASSERT_TRUE(journal_.write(StoreBegun()));
  ASSERT_TRUE(journal_.write(Frozen()));
  EXPECT_EQ(*Journal(layout_, session_).load().value(),
            (std::vector<Step>{StoreBegun(), Frozen()}));
  ASSERT_TRUE(journal_.replace({}));
  EXPECT_TRUE(journal_.load().value()->empty()) << "there is one, in which nothing is left";
}

// What cannot be noted must not be done, and what was noted stays.
TEST_F(JournalTest, OneThatCannotBeReadIsNotWrittenOver) {
  const auto file = layout_.session_run_directory(session_) / "undo.json";
  ASSERT_TRUE(sys::replace_file(file, "nothing"));
  EXPECT_FALSE(journal_.load());
  const auto written = journal_.write(Frozen());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(sys::read_file(file).value(), "nothing");
}

TEST_F(JournalTest, WithoutARunDirectoryNothingIsNoted) {
  ASSERT_TRUE(sys::remove_tree(layout_.session_run_directory(session_)));
  EXPECT_FALSE(journal_.write(Frozen()));
}

}  // namespace
}  // namespace reprise::session::undo
