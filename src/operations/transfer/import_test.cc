// SPDX-License-Identifier: Apache-2.0
//
// Archives as files, and archives that are none.
#include "operations/transfer/import.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>

#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/transfer/archive_file.h"
#include "sys/files.h"

namespace reprise::operations {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

TEST(ArchiveOutput, IsThereAsAWholeOrNotAtAll) {
  const sys::TestDirectory directory;
  const fs::path file = directory / "web.tar";
  {
    auto output = ArchiveOutput::create(file);
    ASSERT_TRUE(output) << output.error().details();
    ASSERT_EQ(::write(output->fd(), "half", 4), 4);
    EXPECT_FALSE(fs::exists(file));
  }
  EXPECT_TRUE(fs::is_empty(directory.path())) << "what was given up is gone";
  auto output = ArchiveOutput::create(file);
  ASSERT_TRUE(output) << output.error().details();
  ASSERT_EQ(::write(output->fd(), "whole", 5), 5);
  ASSERT_TRUE(output->commit());
  EXPECT_EQ(*sys::read_file(file), "whole");
  EXPECT_FALSE(fs::exists(file.string() + ".partial"));
}

class Import : public testing::Test {
 protected:
  ErrorCode import_of(std::string text, const std::string& tag = "") {
    const auto source = [&](std::span<char> buffer) -> base::Result<std::size_t> {
      const std::size_t size = std::min(buffer.size(), text.size());
      std::copy_n(text.begin(), size, buffer.begin());
      text.erase(0, size);
      return size;
    };
    const auto imported = import_checkpoint(here_.node, source, tag, progress_);
    EXPECT_FALSE(imported);
    return imported ? ErrorCode::kInternal : imported.error().code();
  }

  sys::TestDirectory between_;
  TestNode here_{between_ / "depot"};
  TestProgress progress_;
};

TEST_F(Import, WhatIsNoArchiveLeavesTheStoreAsItWas) {
  EXPECT_EQ(import_of("anything", "../tag"), ErrorCode::kInvalidInput);
  EXPECT_FALSE(fs::exists(here_.node.store.root)) << "that was known before anything was made";
  EXPECT_EQ(import_of("no archive at all"), ErrorCode::kCorrupt);
  EXPECT_EQ(progress_.told, (std::vector<std::string>{"begin importing", "end"}));
  EXPECT_TRUE(here_.catalog().checkpoints()->empty());
  EXPECT_TRUE((*store::open_store(here_.node.store))->list()->empty());
}

TEST(MountsToGive, LeavesOutWhatPodmanMountsByItself) {
  const archive::ContainerWishes wishes{.bind_mounts = {"/etc/hosts", "/data", "/dev/shm"}};
  EXPECT_EQ(mounts_to_give(wishes), std::vector<std::string>{"/data"});
}

}  // namespace
}  // namespace reprise::operations
