// SPDX-License-Identifier: Apache-2.0
#include "exchange/oci_archive.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::exchange {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

class OciArchive : public testing::Test {
 protected:
  OciArchive() {
    add("one", std::string(100'000, 'x'));
    add("two", "2");
  }
  void add(const std::string& tag, const std::string& layer) {
    const auto written = write_oci_image({.path = layout_, .tag = tag, .is_archive = false}, {},
                                         [&](const archive::WriteBytes& sink) {
                                           return sink(std::span(layer.data(), layer.size()));
                                         });
    ASSERT_TRUE(written) << written.error().details();
  }
  // The layout as it is now.
  std::string packed() {
    std::string tar;
    const auto written =
        write_oci_archive(layout_, [&](std::span<const char> data) -> Result<void> {
          tar.append(data.data(), data.size());
          return {};
        });
    EXPECT_TRUE(written) << written.error().details();
    return tar;
  }
  OciPlace save(const std::string& tar, const std::string& tag = "one") {
    std::ofstream(file_, std::ios::binary) << tar;
    return {.path = file_, .tag = tag, .is_archive = true};
  }
  static Result<std::string> layer_of(const OciPlace& place) {
    const archive::ReadBytes read = REPRISE_PASS(open_oci_archive_layer(place));
    std::string bytes;
    std::vector<char> piece(1000);
    while (const std::size_t got = REPRISE_PASS(read(piece))) bytes.append(piece.data(), got);
    std::string plain(1 << 20, '\0');
    plain.resize(ZSTD_decompress(plain.data(), plain.size(), bytes.data(), bytes.size()));
    return plain;
  }
  static ErrorCode refused(const OciPlace& place) {
    const auto opened = open_oci_archive_layer(place);
    EXPECT_FALSE(opened);
    return opened ? ErrorCode::kInternal : opened.error().code();
  }

  sys::TestDirectory scratch_;
  fs::path layout_ = scratch_ / "layout";
  fs::path file_ = scratch_ / "images.tar";
};

TEST_F(OciArchive, HoldsTheImagesOfALayout) {
  const std::string tar = packed();
  EXPECT_EQ(layer_of(save(tar)).value(), std::string(100'000, 'x'));
  EXPECT_EQ(layer_of(save(tar, "two")).value(), "2");
  EXPECT_EQ(refused(save(tar, "three")), ErrorCode::kNotFound);
  EXPECT_EQ(refused(save(tar, "")), ErrorCode::kNotFound) << "which one?";
}

TEST_F(OciArchive, IsTheSameForTheSameLayout) { EXPECT_EQ(packed(), packed()); }

TEST_F(OciArchive, EveryDamageOfItsImageIsFound) {
  const std::string tar = packed();
  // Contents and names of the members that matter; padding and times do not.
  for (std::size_t at = 0; at < tar.size(); at += 37) {
    std::string bad = tar;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const auto layer = layer_of(save(bad));
    EXPECT_TRUE(!layer || *layer == std::string(100'000, 'x')) << "at " << at;
  }
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{700}, tar.size() / 2})
    EXPECT_EQ(refused(save(tar.substr(0, bytes))), ErrorCode::kCorrupt) << bytes;
}

TEST_F(OciArchive, AMissingBlobIsNamed) {
  for (const auto& entry : fs::directory_iterator(layout_ / "blobs/sha256"))
    fs::remove(entry.path());
  const auto opened = open_oci_archive_layer(save(packed()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message().find("is missing"), std::string::npos)
      << opened.error().message();
}

TEST_F(OciArchive, AnotherArchiveIsRefusedWithARemedy) {
  fs::remove(layout_ / "index.json");
  std::ofstream(layout_ / "index.json") << R"({"manifests":[]})";
  EXPECT_EQ(refused(save(packed())), ErrorCode::kNotFound);
  std::string tar = packed();
  const std::size_t name = tar.find("index.json");
  ASSERT_NE(name, std::string::npos);
  // The header's checksum is a sum: two letters that change places keep it.
  std::swap(tar[name], tar[name + 1]);
  const auto opened = open_oci_archive_layer(save(tar));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().hint().find("checkpoint import"), std::string::npos);
}

}  // namespace
}  // namespace reprise::exchange
