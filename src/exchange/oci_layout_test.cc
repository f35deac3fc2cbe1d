// SPDX-License-Identifier: Apache-2.0
#include "exchange/oci_layout.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "exchange/layer_writer.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::exchange {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

class OciLayout : public testing::Test {
 protected:
  Result<OciWritten> write(const OciPlace& place, const std::string& contents) {
    return write_oci_image(place, {{"a", "b"}}, [&](const archive::WriteBytes& sink) {
      return sink(std::span(contents.data(), contents.size()));
    });
  }
  [[nodiscard]] OciPlace place(const std::string& tag = "") const {
    return {.path = directory_, .tag = tag};
  }
  [[nodiscard]] nlohmann::json load(const fs::path& file) const {
    return nlohmann::json::parse(sys::read_file(file).value());
  }
  [[nodiscard]] fs::path blob(const std::string& digest) const {
    return directory_ / "blobs/sha256" / digest.substr(digest.find(':') + 1);
  }
  ErrorCode refused(const OciPlace& from) {
    const auto opened = open_oci_layer(from);
    EXPECT_FALSE(opened);
    return opened ? ErrorCode::kInternal : opened.error().code();
  }

  sys::TestDirectory scratch_;
  fs::path directory_ = scratch_ / "images";
};

TEST_F(OciLayout, PlacesAreReadAsContainersToolsWriteThem) {
  EXPECT_EQ(parse_oci_place("oci:/srv/images").value().path, "/srv/images");
  const OciPlace tagged = parse_oci_place("oci:images:v1.2").value();
  EXPECT_EQ(tagged.path, "images");
  EXPECT_EQ(tagged.tag, "v1.2");
  EXPECT_FALSE(tagged.is_archive);
  const OciPlace file = parse_oci_place("oci-archive:/srv/a.tar:v1.2").value();
  EXPECT_EQ(file.path, "/srv/a.tar");
  EXPECT_EQ(file.tag, "v1.2");
  EXPECT_TRUE(file.is_archive);
  for (const char* bad : {"oci:", "oci::tag", "oci:dir:", "oci:dir:a/b", "dir:tag",
                          "oci-archive:", "oci-archive:f:", "oci-archive::t"})
    EXPECT_EQ(parse_oci_place(bad).error().code(), ErrorCode::kInvalidInput) << bad;
}

// A file of that name was made, where 'checkpoint export' streams.
TEST_F(OciLayout, StandardOutputIsRefusedWithARemedy) {
  for (const char* stream : {"oci-archive:-", "oci-archive:-:v1", "oci:-"}) {
    const auto place = parse_oci_place(stream);
    ASSERT_FALSE(place) << stream;
    EXPECT_EQ(place.error().code(), ErrorCode::kInvalidInput);
    EXPECT_TRUE(place.error().hint().contains("checkpoint export")) << place.error().hint();
  }
  EXPECT_EQ(parse_oci_place("oci-archive:./-").value().path, "./-");
}

TEST_F(OciLayout, EveryBlobIsWhatItsDigestSays) {
  const std::string contents(3'000'000, 'x');
  const OciWritten written = write(place("one"), contents).value();
  const auto index = load(directory_ / "index.json");
  ASSERT_EQ(index["manifests"].size(), 1U);
  EXPECT_EQ(index["manifests"][0]["digest"], written.digest);
  const auto manifest = load(blob(written.digest));
  EXPECT_EQ(manifest["annotations"]["a"], "b");
  const auto config = load(blob(manifest["config"]["digest"]));
  EXPECT_EQ(config["rootfs"]["diff_ids"][0], sha256_of_text(contents));
  EXPECT_EQ(manifest["layers"][0]["size"], written.bytes);
  for (const auto& entry : fs::directory_iterator(directory_ / "blobs/sha256"))
    EXPECT_EQ(sha256_of(entry.path()).value(), "sha256:" + entry.path().filename().string());
  EXPECT_TRUE(open_oci_layer(place()));
  EXPECT_TRUE(open_oci_layer(place("one")));
}

TEST_F(OciLayout, ATagMovesToTheNewImageAndOthersStay) {
  ASSERT_TRUE(write(place("one"), "1"));
  ASSERT_TRUE(write(place("two"), "2"));
  auto others = load(directory_ / "index.json");
  others["x-score"] = 1.5;
  ASSERT_TRUE(sys::replace_file(directory_ / "index.json", others.dump()));
  const OciWritten again = write(place("one"), "3").value();
  const auto index = load(directory_ / "index.json");
  EXPECT_EQ(index["x-score"], 1.5) << "which is others'";
  ASSERT_EQ(index["manifests"].size(), 2U);
  EXPECT_EQ(index["manifests"][1]["digest"], again.digest);
  EXPECT_EQ(refused(place()), ErrorCode::kNotFound) << "which one?";
  EXPECT_EQ(refused(place("three")), ErrorCode::kNotFound);
}

TEST_F(OciLayout, AFailureLeavesTheImagesThatWereThere) {
  ASSERT_TRUE(write(place("one"), "1"));
  const std::string before = sys::read_file(directory_ / "index.json").value();
  const auto failed =
      write_oci_image(place("one"), {}, [](const archive::WriteBytes& sink) -> Result<void> {
        REPRISE_PASS(sink(std::string_view("half")));
        return base::fail(ErrorCode::kIo, "no more");
      });
  EXPECT_EQ(failed.error().code(), ErrorCode::kIo);
  EXPECT_EQ(sys::read_file(directory_ / "index.json").value(), before);
  EXPECT_TRUE(open_oci_layer(place("one")));
  for (const auto& entry : fs::directory_iterator(directory_ / "blobs/sha256"))
    EXPECT_FALSE(entry.path().filename().string().starts_with('.')) << entry.path();
}

TEST_F(OciLayout, ADirectoryOfSomebodyElseIsNotWrittenTo) {
  const auto file = scratch_.file("precious", "data");
  const OciPlace other{.path = scratch_.path(), .tag = "one"};
  EXPECT_EQ(write(other, "1").error().code(), ErrorCode::kInvalidInput);
  EXPECT_FALSE(fs::exists(scratch_ / "blobs"));
}

TEST_F(OciLayout, WhatIsNestedDeepIsDamage) {
  ASSERT_TRUE(write(place("one"), "abc"));
  const std::string nested = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  ASSERT_TRUE(sys::replace_file(directory_ / "index.json", R"({"manifests":[)" + nested + "]}"));
  EXPECT_EQ(refused(place("one")), ErrorCode::kCorrupt);
  EXPECT_EQ(write(place("two"), "abc").error().code(), ErrorCode::kCorrupt);
}

TEST_F(OciLayout, DamageIsFound) {
  const OciWritten written = write(place("one"), "contents").value();
  const std::string layer = load(blob(written.digest))["layers"][0]["digest"];
  for (const fs::path& file : {blob(layer), blob(written.digest)}) {
    const std::string good = sys::read_file(file).value();
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    std::ofstream(file, std::ios::binary) << bad;
    EXPECT_EQ(refused(place()), ErrorCode::kCorrupt) << file;
    std::ofstream(file, std::ios::binary) << good;
  }
  for (const char* index :
       {"", "[]", "{}", R"({"manifests":7})", R"({"manifests":["x"]})",
        R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":7}]})",
        R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "digest":"sha256:../../../../etc/passwd"}]})"}) {
    std::ofstream(directory_ / "index.json") << index;
    EXPECT_FALSE(open_oci_layer(place())) << index;
  }
}

}  // namespace
}  // namespace reprise::exchange
