// SPDX-License-Identifier: Apache-2.0
//
// Tells the /dev/shm that several containers share apart from one that was made later: by a mark,
// an extended attribute of its root that containers can neither see nor change. It is gone with
// the tmpfs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::container {

// nullopt if it has none.
base::Result<std::optional<std::string>> memory_mark(const std::filesystem::path& directory);

// kUnsupported where the file system has no such attributes (a kernel without TMPFS_XATTR).
base::Result<void> set_memory_mark(const std::filesystem::path& directory, const std::string& mark);
base::Result<void> remove_memory_mark(const std::filesystem::path& directory);

// Marks of other kinds, by the name of their attribute ("trusted.…"): likewise.
base::Result<std::optional<std::string>> read_mark(const std::filesystem::path& directory,
                                                   const char* attribute);
base::Result<void> write_mark(const std::filesystem::path& directory, const char* attribute,
                              const std::string& mark);

// Success also if there is none.
base::Result<void> remove_mark(const std::filesystem::path& directory, const char* attribute);

// Which session filled a directory that several containers share, as long as no other container
// counts on that: then its failure takes it back.
base::Result<void> note_filler(const std::filesystem::path& directory, const std::string& session);
base::Result<bool> is_filled_for(const std::filesystem::path& directory,
                                 const std::string& session);
base::Result<void> forget_filler(const std::filesystem::path& directory);

// Which memory a copy is of, and when its owner was stopped to make it.
struct MemoryCopy {
  std::string mark;
  std::int64_t boot_time_ns = 0;  // one memory never outlives a boot
};
MemoryCopy memory_copy_now(std::string mark);
std::string encode(const MemoryCopy& copy);
// kCorrupt for what encode did not write.
base::Result<MemoryCopy> decode_memory_copy(std::string_view text);

}  // namespace reprise::container
