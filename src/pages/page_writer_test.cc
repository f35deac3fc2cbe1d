// SPDX-License-Identifier: Apache-2.0
#include "pages/page_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>

#include "crypto/test_keys.h"
#include "pages/page_reader.h"
#include "pages/test_contents.h"
#include "sys/files.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::pages {
namespace {

using crypto::test_keys;
using sys::value_of;

Stretch stretch_of(std::string_view contents) {
  Stretch stretch{.memory = std::make_shared<std::byte[]>(contents.size()),
                  .bytes = contents.size()};
  std::memcpy(stretch.memory.get(), contents.data(), contents.size());
  return stretch;
}

// A writer that meets a page again may have forgotten it: two of a thousand or so, one block.
constexpr std::size_t kForgotten = 1;

class PageWriterTest : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& contents) {
    writer_.begin_file(name);
    for (std::size_t at = 0; at < contents.size(); at += kSegmentBytes)
      ASSERT_TRUE(writer_.add(stretch_of(std::string_view(contents).substr(at, kSegmentBytes))));
    ASSERT_TRUE(writer_.end_file());
  }
  // What a reader makes of it.
  std::map<std::string, std::string> read_back() {
    EXPECT_TRUE(writer_.finish());
    const Contents contents{
        .manifest = {.files = writer_.manifest_files()},
        .blocks = writer_.blocks(),
        .files = writer_.stored_files(),
    };
    const auto reader = value_of(PageReader::open(keys_, directory_.path(), contents));
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < contents.files.size(); ++i) {
      const auto place = directory_.path() / "read";
      const auto fd = value_of(sys::open_file(place, O_CREAT | O_TRUNC | O_RDWR));
      EXPECT_TRUE(reader->write_file(i, fd.get()));
      files[contents.files[i].name] = read(place);
    }
    return files;
  }

  crypto::TenantKeys keys_ = test_keys();
  sys::TestDirectory directory_;
  PageIndex index_ = value_of(PageIndex::open(directory_.path(), keys_.pages));
  PageWriter writer_{keys_, index_, directory_.path(), Effort::kFast};
};

TEST_F(PageWriterTest, MemoryIsReadBack) {
  // Several segments, with zeros in between, and a last one that is not full.
  const std::string large =
      noise(2 * kSegmentBytes) + zeros(kSegmentPages + 3) + noise(5 * kPageBytes, 2);
  add("large", large);
  add("empty", "");
  add("small", large.substr(kPageBytes, kPageBytes));
  EXPECT_EQ(read_back(),
            (std::map<std::string, std::string>{
                {"large", large}, {"empty", ""}, {"small", large.substr(4096, 4096)}}));
}

TEST_F(PageWriterTest, MemoryAndAFileOfTheSameContentsAreStoredOnce) {
  const std::string contents = noise(3 * kSegmentBytes);
  add("memory", contents);
  const std::size_t blocks = writer_.blocks().size();
  const auto place = directory_.path() / "file";
  write(place, contents);
  ASSERT_TRUE(writer_.add_file("file", value_of(sys::open_file(place, O_RDONLY)).get()));
  EXPECT_LE(writer_.blocks().size(), blocks + kForgotten);
  const auto files = read_back();
  EXPECT_TRUE(files.at("file") == contents);
  EXPECT_TRUE(files.at("memory") == contents);
}

TEST_F(PageWriterTest, WhatIsForgottenIsNoFileButFoundAgain) {
  const std::string contents = noise(2 * kSegmentBytes);
  add("first", contents);
  const std::size_t blocks = writer_.blocks().size();
  writer_.begin_file("cut off");
  ASSERT_TRUE(writer_.add(stretch_of(contents)));
  writer_.forget_files();
  add("again", contents);
  EXPECT_LE(writer_.blocks().size(), blocks + kForgotten);
  const auto files = read_back();
  EXPECT_EQ(files.size(), 1U);
  EXPECT_TRUE(files.at("again") == contents);
}

}  // namespace
}  // namespace reprise::pages
