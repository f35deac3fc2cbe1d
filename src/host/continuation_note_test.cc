// SPDX-License-Identifier: Apache-2.0
#include "host/continuation_note.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "sys/files.h"

namespace reprise::host {
namespace {

using State = ContinuationNote::State;

class Note : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/note-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    bundle_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(bundle_); }

  std::filesystem::path bundle_;
  const ContinuationNote pending_{.time = 7,
                                  .checkpoint = base::CheckpointId("c1"),
                                  .session = base::SessionId("s1"),
                                  .store = "/somewhere"};
};

TEST_F(Note, IsReadAsItWasWritten) {
  EXPECT_EQ(read_note(bundle_).value(), std::nullopt);
  ASSERT_TRUE(write_note(bundle_, pending_));
  EXPECT_EQ(read_note(bundle_).value(), pending_);
  const ContinuationNote dropped{.state = State::kDropped, .time = 9};
  ASSERT_TRUE(write_note(bundle_, dropped));
  EXPECT_EQ(read_note(bundle_).value(), dropped);
  ASSERT_TRUE(remove_note(bundle_));
  ASSERT_TRUE(remove_note(bundle_));
  EXPECT_EQ(read_note(bundle_).value(), std::nullopt);
}

TEST_F(Note, IsTakenBackByItsSessionOnly) {
  ASSERT_TRUE(write_note(bundle_, pending_));
  ASSERT_TRUE(remove_note_of(bundle_, base::SessionId("s2")));
  EXPECT_EQ(read_note(bundle_).value(), pending_);
  ASSERT_TRUE(remove_note_of(bundle_, base::SessionId("s1")));
  EXPECT_EQ(read_note(bundle_).value(), std::nullopt);
}

// What cannot be read does not say that there is nothing.
TEST_F(Note, ThatCannotBeReadIsAnError) {
  for (const char* text : {"", "{", "[]", R"({"state": "pending", "time": 1})",
                           R"({"state": 3, "time": 1})", R"({"state": "dropped"})"}) {
    std::ofstream(continuation_note_file(bundle_)) << text;
    const auto note = read_note(bundle_);
    ASSERT_FALSE(note) << text;
    EXPECT_EQ(note.error().code(), base::ErrorCode::kCorrupt);
    EXPECT_NE(note.error().hint().find("--cold"), std::string::npos);
  }
  EXPECT_FALSE(read_note(continuation_note_file(bundle_)));  // a file where the bundle was
}

}  // namespace
}  // namespace reprise::host
