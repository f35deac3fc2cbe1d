// SPDX-License-Identifier: Apache-2.0
//
// For tests only: contents that are known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "image/manifest.h"

namespace reprise::pages {

inline void write(const std::filesystem::path& file, const std::string& contents) {
  std::ofstream(file, std::ios::binary) << contents;
}

inline std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Bytes that nothing compresses; the same for the same seed.
inline std::string noise(std::size_t bytes, unsigned seed = 1) {
  std::mt19937_64 random(seed);  // NOLINT: the same in every run
  std::string text(bytes + sizeof(std::uint64_t), '\0');
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::copy_n(reinterpret_cast<const char*>(&word), sizeof word,
                text.begin() + std::ptrdiff_t(i));
  }
  text.resize(bytes);
  return text;
}

inline std::string zeros(std::size_t pages) { return std::string(pages * 4096, '\0'); }

inline image::Manifest facts() {
  return {.key = base::ContainerKey("web"), .name = "web", .created = 7, .kernel = "6.18"};
}

}  // namespace reprise::pages
