// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this module only: archives in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "archive/tar.h"

namespace reprise::archive {

inline ReadBytes read_text(const std::string& text) {
  return [text, at = std::size_t{0}](std::span<char> buffer) mutable -> Result<std::size_t> {
    const std::size_t size = std::min(buffer.size(), text.size() - at);
    text.copy(buffer.data(), size, at);
    at += size;
    return size;
  };
}

inline WriteBytes append_to(std::string& text) {
  return [&text](std::span<const char> data) -> Result<void> {
    text.append(data.data(), data.size());
    return {};
  };
}

struct Item {
  Item(Entry header, std::string data) : entry(std::move(header)), contents(std::move(data)) {}
  Item(const Item& other) : entry(other.entry.get()), contents(other.contents) {}
  Item(Item&&) = default;
  Item& operator=(const Item&) = delete;
  Item& operator=(Item&&) = default;
  ~Item() = default;

  Entry entry;
  std::string contents;
};

inline Item file(const std::string& name, const std::string& contents = "x") {
  return {Entry::file(name, contents.size()), contents};
}
inline Item directory(const std::string& name) { return {Entry::directory(name), ""}; }
inline Item hard_link(const std::string& name, const std::string& target) {
  Entry entry = Entry::file(name, 0);
  entry.set_hard_link(target);
  return {std::move(entry), ""};
}
inline Item symlink(const std::string& name, const std::string& target) {
  Entry entry = Entry::file(name, 0);
  entry.set_symlink(target);
  return {std::move(entry), ""};
}
inline Item device(const std::string& name, Kind kind, unsigned major, unsigned minor) {
  Entry entry = Entry::file(name, 0);
  entry.set_special(kind, major, minor);
  return {std::move(entry), ""};
}
inline Item with_xattr(Item item, const std::string& name, const std::string& value) {
  auto xattrs = item.entry.xattrs();
  xattrs.emplace_back(name, value);
  item.entry.set_xattrs(xattrs);
  return item;
}

inline std::string make_tar(const std::vector<Item>& items,
                            Compression compression = Compression::kNone) {
  std::string text;
  TarWriter writer = TarWriter::open(append_to(text), compression).value();
  for (const Item& item : items) {
    EXPECT_TRUE(writer.begin(item.entry));
    EXPECT_TRUE(writer.write(item.contents));
  }
  EXPECT_TRUE(writer.finish());
  return text;
}

inline std::vector<Item> read_tar(const std::string& text) {
  std::vector<Item> items;
  TarReader reader = TarReader::open(read_text(text)).value();
  while (std::optional<Entry> entry = reader.next().value()) {
    std::string contents;
    EXPECT_TRUE(copy_contents(reader, append_to(contents)));
    items.push_back({std::move(*entry), contents});
  }
  return items;
}

inline std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item& item : items) names.push_back(item.entry.name());
  return names;
}

// The error of a refusal: kCorrupt, and its message has `part`.
template <typename T>
void expect_refused(const Result<T>& result, const std::string& part) {
  ASSERT_FALSE(result) << "was not refused: " << part;
  EXPECT_EQ(result.error().code(), base::ErrorCode::kCorrupt) << result.error().message();
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().message();
}

}  // namespace reprise::archive
