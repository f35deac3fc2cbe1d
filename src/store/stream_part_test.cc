// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "store/test_store.h"
#include "sys/files.h"

namespace reprise::store {
namespace {

Result<void> write_all(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t n = ::write(fd, contents.data(), contents.size());
    if (n < 0) return base::fail_errno(errno, "writing to the pipe");
    contents.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

class StreamPartTest : public StoreTest, public testing::WithParamInterface<bool> {
 protected:
  std::unique_ptr<CheckpointWriter> begin() {
    return value_of(store_->begin({.in_files = 1 << 20, .waiting = GetParam()}));
  }
};

TEST_P(StreamPartTest, PagesAndStreamsAreReadBack) {
  auto writer = begin();
  // Of no whole number of pages, and larger than what is taken at once.
  const std::string tree = noise(5'000'001);
  const std::string memory = noise(3'000 * 4096, 2);
  ASSERT_TRUE(writer->pages().begin_pages("pages-1.img"));
  for (std::string_view left = memory; !left.empty();) {
    const auto room = writer->pages().room();
    const std::size_t bytes = std::min(room.size(), left.size());
    std::memcpy(room.data(), left.data(), bytes);
    ASSERT_TRUE(writer->pages().take(bytes));
    left.remove_prefix(bytes);
  }
  ASSERT_TRUE(writer->stream_part("rootfs.tar", [&](int out) { return write_all(out, tree); }));
  ASSERT_TRUE(writer->stream_part("shm.tar", [&](int) { return Result<void>(); }));
  write(writer->pages().spool() / "core-1.img", "core");
  ASSERT_TRUE(writer->pages().absorb());
  ASSERT_TRUE(writer->seal(facts()));
  expect_holds(writer->id(), {{"pages-1.img", memory}, {"core-1.img", "core"}});
  auto reader = value_of(store_->open(writer->id()));
  EXPECT_TRUE(read(value_of(reader->part("rootfs.tar"))) == tree);
  EXPECT_EQ(read(value_of(reader->part("shm.tar"))), "");
}

TEST_P(StreamPartTest, AnErrorOfWhoeverWritesIsPassedOn) {
  auto writer = begin();
  const auto streamed = writer->stream_part("rootfs.tar", [&](int out) -> Result<void> {
    REPRISE_PASS(write_all(out, "half of it"));
    return base::fail(ErrorCode::kDenied, "no more");
  });
  ASSERT_FALSE(streamed);
  EXPECT_EQ(streamed.error().code(), ErrorCode::kDenied);
}

TEST_P(StreamPartTest, NothingOfItIsOnTheDiskBeforeOrAfter) {
  auto writer = begin();
  ASSERT_TRUE(writer->stream_part(
      "rootfs.tar", [&](int out) { return write_all(out, std::string(100'000, 'S') + "secret"); }));
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    if (entry.is_regular_file()) {
      EXPECT_FALSE(read(entry.path()).contains("secret")) << entry.path();
    }
}

TEST_P(StreamPartTest, IsRefusedWhenAllWasTaken) {
  auto writer = begin();
  ASSERT_TRUE(writer->pages().absorb());
  EXPECT_EQ(writer->stream_part("rootfs.tar", [&](int) { return Result<void>(); }).error().code(),
            ErrorCode::kInternal);
}

INSTANTIATE_TEST_SUITE_P(Dumps, StreamPartTest, testing::Bool(),
                         [](const auto& waiting) { return waiting.param ? "Ends" : "RunsOn"; });

}  // namespace
}  // namespace reprise::store
