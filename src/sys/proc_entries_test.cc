// SPDX-License-Identifier: Apache-2.0
#include "sys/proc_entries.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::sys {
namespace {

TEST(Procfs, ListsThisProcessAndItsDescriptors) {
  const TestDirectory directory;
  const auto file = directory.file("open", "");
  const UniqueFd fd = open_file(file, O_RDONLY).value();
  const auto processes = processes_in("/proc");
  EXPECT_TRUE(std::ranges::binary_search(processes, ::getpid()));
  const auto files = open_files_of("/proc/self");
  const OpenFile ours{.number = fd.get(), .target = file.string()};
  EXPECT_NE(std::ranges::find(files, ours), files.end());
}

TEST(Procfs, OnlyNumbersAreProcesses) {
  const TestDirectory directory;
  for (const char* name : {"12", "3", "self", "4x", "-"})
    static_cast<void>(directory.file(name, ""));
  EXPECT_EQ(processes_in(directory.path()), (std::vector<pid_t>{3, 12}));
}

TEST(Procfs, WhatIsNotThereIsLeftOut) {
  const TestDirectory directory;
  EXPECT_TRUE(processes_in(directory / "none").empty());
  EXPECT_TRUE(open_files_of(directory / "none").empty());
  EXPECT_EQ(link_target(directory / "none"), "");
  EXPECT_EQ(link_target(directory.path()), "") << "no link";
}

}  // namespace
}  // namespace reprise::sys
