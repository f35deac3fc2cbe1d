// SPDX-License-Identifier: Apache-2.0
//
// For tests only: files of tests/golden, which hold what released versions write. REPRISE_ACCEPT=1
// in the environment writes down what this version does.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace reprise::golden {

inline std::string file_of(const std::string& name) {
  return std::string(REPRISE_GOLDEN) + "/" + name;
}

inline std::string read(const std::string& name) {
  std::ifstream file(file_of(name), std::ios::binary);
  EXPECT_TRUE(file) << name << " is not there; REPRISE_ACCEPT=1 makes it";
  return {std::istreambuf_iterator<char>(file), {}};
}

// Where `now` lacks something of `before`, or says something else; empty if nowhere. Objects may
// have got more fields.
inline std::string what_is_lost(const nlohmann::json& before, const nlohmann::json& now,
                                const std::string& at = "") {
  if (before.type() != now.type() && !(before.is_number() && now.is_number()))
    return at + ": was " + before.dump() + ", is " + now.dump();
  if (before.is_object()) {
    for (const auto& [field, value] : before.items()) {
      if (!now.contains(field)) return at + "/" + field + " is gone";
      if (auto lost = what_is_lost(value, now[field], at + "/" + field); !lost.empty()) return lost;
    }
    return {};
  }
  if (before.is_array() && before.size() == now.size()) {
    for (std::size_t i = 0; i < before.size(); ++i)
      if (auto lost = what_is_lost(before[i], now[i], at + "/" + std::to_string(i)); !lost.empty())
        return lost;
    return {};
  }
  return before == now ? std::string() : at + ": was " + before.dump() + ", is " + now.dump();
}

// Whoever reads the golden file finds all of it in `text`: fields may have been added, none may
// have gone or got another meaning.
inline void expect_kept(const std::string& name, const std::string& text) {
  const auto now = nlohmann::json::parse(text, nullptr, false);
  ASSERT_FALSE(now.is_discarded()) << text;
  const auto before = nlohmann::json::parse(read(name), nullptr, false);
  ASSERT_FALSE(before.is_discarded()) << name;
  EXPECT_EQ(what_is_lost(before, now), "") << name;
}

// The same of what this version writes.
inline void expect_current(const std::string& name, const std::string& text) {
  if (std::getenv("REPRISE_ACCEPT") != nullptr)  // NOLINT: no other thread
    std::ofstream(file_of(name), std::ios::binary) << nlohmann::json::parse(text).dump(2) << '\n';
  expect_kept(name, text);
}

}  // namespace reprise::golden
