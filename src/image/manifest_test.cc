// SPDX-License-Identifier: Apache-2.0
#include "image/manifest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>

#include "image/digest.h"

namespace reprise::image {
namespace {

using base::ErrorCode;
using nlohmann::ordered_json;

Manifest sample() {
  return Manifest{
      .id = base::CheckpointId("k3v9x0a1b2c3"),
      .key = base::ContainerKey("5f2d0c8b1f7e"),
      .container = base::ContainerId("5f2d0c8b1f7e"),
      .name = "counter \"ü\"",
      .trigger = Trigger::kStop,
      .ended = true,
      .created = 1'795'000'000'123,
      .parent_session = "s0session0001",
      .freeze_ms = 412,
      .memory_bytes = 18'446'744'073'709'551'615U,
      .cpu_time_us = 9'007'199'254'740'993,  // 2^53 + 1: lost by readers that use doubles
      .runtime_version = "runc version 1.1.15",
      .criu_version = "4.2.1",
      .kernel = "6.18.44",
      .addresses = {"10.88.0.5/16", "fd00::5/64"},
      .mounts = {"/etc/hosts", "/data"},
      .files = {{"criu/core-1.img", 2693}, {"criu/pages-1.img", 131072}, {"parts/rootfs.tar", 0}}};
}

// What an import knows: version 2.
Manifest imported() {
  Manifest manifest = sample();
  manifest.key = base::ContainerKey("import-k3v9x0a1b2c3");
  manifest.trigger = Trigger::kImport;
  manifest.ended = false;
  manifest.criu_version = manifest.kernel = manifest.parent_session = "";
  manifest.runtime_version = "runc";
  return manifest;
}

std::string golden_path(const std::string& name) {
  return std::string(REPRISE_GOLDEN) + "/" + name;
}

std::string read_golden(const std::string& name) {
  std::ifstream file(golden_path(name), std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The text of `root` with the checksum that belongs to it.
std::string with_checksum(ordered_json root) {
  root.erase("checksum");
  std::string text = root.dump(2);
  text.resize(text.size() - 2);
  const std::string checksum = digest_of(text);
  return text + ",\n  \"checksum\": \"" + checksum + "\"\n}\n";
}

// The sample, changed by `change`, and with a checksum that is right: damage that only the fields
// show.
std::string changed(const std::function<void(ordered_json&)>& change) {
  ordered_json root = ordered_json::parse(encode_manifest(sample()));
  change(root);
  return with_checksum(root);
}

void expect_corrupt(const std::string& text, const std::string& part_of_message) {
  const auto manifest = decode_manifest(text);
  ASSERT_FALSE(manifest) << part_of_message;
  EXPECT_EQ(manifest.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(manifest.error().message().contains(part_of_message)) << manifest.error().message();
}

void expect_read(const std::string& name, const Manifest& manifest) {
  const auto read = decode_manifest(read_golden(name));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, manifest);
}

TEST(ManifestTest, Version1IsRead) { expect_read("manifest-v1.json", sample()); }
TEST(ManifestTest, Version2IsRead) { expect_read("manifest-v2.json", imported()); }

TEST(ManifestTest, GoldenOfVersion3) {
  const std::string text = encode_manifest(imported());
  if (std::getenv("REPRISE_ACCEPT") != nullptr)
    std::ofstream(golden_path("manifest-v3.json"), std::ios::binary) << text;
  EXPECT_EQ(text, read_golden("manifest-v3.json"));
  expect_read("manifest-v3.json", imported());
}

// A golden manifest of an earlier version, changed, and with a checksum that is right.
std::string changed_golden(const std::string& name,
                           const std::function<void(ordered_json&)>& change) {
  ordered_json root = ordered_json::parse(read_golden(name));
  change(root);
  return with_checksum(root);
}

TEST(ManifestTest, TriggerImportNeedsVersion2) {
  expect_corrupt(changed_golden("manifest-v1.json", [](auto& r) { r["trigger"] = "import"; }),
                 "'trigger'");
}

TEST(ManifestTest, UntilVersion2FilesHaveDigests) {
  const auto first = [](ordered_json& r) -> ordered_json& { return r["files"][0]; };
  expect_corrupt(
      changed_golden("manifest-v2.json", [&](auto& r) { first(r)["xxh3_128"] = "short"; }),
      "files[0].xxh3_128");
  expect_corrupt(changed_golden("manifest-v2.json", [&](auto& r) { first(r).erase("xxh3_128"); }),
                 "files[0].xxh3_128");
  expect_corrupt(changed([&](auto& r) { first(r)["xxh3_128"] = std::string(32, '0'); }),
                 "files[0].xxh3_128");
}

TEST(ManifestTest, TheLeastManifestIsRead) {
  const Manifest least{.id = base::CheckpointId("a"), .key = base::ContainerKey("k")};
  const auto manifest = decode_manifest(encode_manifest(least));
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(*manifest, least);
}

TEST(ManifestTest, FutureVersionIsUnsupported) {
  const std::string text = read_golden("manifest-future.json");
  const auto manifest = decode_manifest(text);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(manifest.error().message().contains("written by a newer version of Reprise"));
  EXPECT_FALSE(manifest.error().hint().empty());
}

TEST(ManifestTest, DamagedVersionIsNotTakenForTheFuture) {
  std::string text = encode_manifest(sample());
  const std::string version = "\"version\": 3";
  text.replace(text.find(version), version.size(), "\"version\": 9");
  expect_corrupt(text, "checksum");
}

TEST(ManifestTest, EveryFlippedBitIsFound) {
  const std::string text = encode_manifest(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    const auto manifest = decode_manifest(damaged);
    ASSERT_FALSE(manifest) << "byte " << at;
    ASSERT_EQ(manifest.error().code(), ErrorCode::kCorrupt) << "byte " << at;
  }
}

TEST(ManifestTest, EveryTruncationIsFound) {
  const std::string text = encode_manifest(sample());
  for (std::size_t length = 0; length < text.size(); ++length)
    ASSERT_FALSE(decode_manifest(text.substr(0, length))) << length;
  EXPECT_FALSE(decode_manifest(text + "\n"));
}

TEST(ManifestTest, EachFieldMustBeThere) {
  const ordered_json root = ordered_json::parse(encode_manifest(sample()));
  for (const auto& [name, value] : root.items()) {
    if (name == "checksum") continue;
    const std::string field = name;
    expect_corrupt(changed([&](ordered_json& r) { r.erase(field); }), "'" + field + "' is missing");
  }
}

TEST(ManifestTest, EachFieldMustHaveItsType) {
  const ordered_json root = ordered_json::parse(encode_manifest(sample()));
  for (const auto& [name, value] : root.items()) {
    if (name == "checksum") continue;
    const std::string field = name;
    for (const ordered_json& wrong :
         {ordered_json(nullptr), ordered_json(-1), ordered_json(1.5), ordered_json::object(),
          value.is_string() ? ordered_json(7) : ordered_json("x")})
      expect_corrupt(changed([&](ordered_json& r) { r[field] = wrong; }), "'" + field + "'");
  }
}

TEST(ManifestTest, ListsMustHoldTheRightThings) {
  expect_corrupt(changed([](ordered_json& r) { r["mounts"].push_back(3); }), "mounts");
  expect_corrupt(changed([](ordered_json& r) { r["files"].push_back("x"); }), "files[3]");
  expect_corrupt(changed([](ordered_json& r) { r["files"][1].erase("bytes"); }), "files[1].bytes");
  expect_corrupt(changed([](ordered_json& r) { r["files"][1]["more"] = 1; }), "files[1].more");
}

TEST(ManifestTest, UnknownAndRepeatedFieldsAreRefused) {
  expect_corrupt(changed([](ordered_json& r) { r["color"] = "red"; }), "'color' is unknown");
  std::string text = encode_manifest(sample());
  text = text.substr(0, text.rfind(",\n  \"checksum\"")) + ",\n  \"ended\": false";
  expect_corrupt(text + ",\n  \"checksum\": \"" + digest_of(text) + "\"\n}\n", "named twice");
}

TEST(ManifestTest, FileNamesStayBelowTheCheckpoint) {
  for (const char* name : {"", ".", "..", "/etc/passwd", "criu/../../x", "../x", "criu/..",
                           "criu//x", "criu/./x", "criu/", "manifest.json", "a\nb"})
    expect_corrupt(changed([&](ordered_json& r) { r["files"][0]["name"] = name; }),
                   "files[0].name");
  expect_corrupt(changed([](ordered_json& r) { r["files"][0]["name"] = std::string("a\0b", 3); }),
                 "files[0].name");
  expect_corrupt(changed([](ordered_json& r) { r["files"][0]["name"] = std::string(256, 'a'); }),
                 "files[0].name");
}

TEST(ManifestTest, FilesAreSortedAndUnique) {
  expect_corrupt(changed([](ordered_json& r) { r["files"][1] = r["files"][0]; }), "twice");
  expect_corrupt(changed([](ordered_json& r) { std::swap(r["files"][0], r["files"][1]); }),
                 "not sorted");
}

TEST(ManifestTest, ValuesAreChecked) {
  expect_corrupt(changed([](ordered_json& r) { r["id"] = "../x"; }), "'id'");
  expect_corrupt(changed([](ordered_json& r) { r["key"] = ""; }), "'key' is empty");
  expect_corrupt(changed([](ordered_json& r) { r["trigger"] = "whim"; }), "'trigger'");
  expect_corrupt(changed([](ordered_json& r) { r["version"] = 0; }), "'version'");
  expect_corrupt(changed([](ordered_json& r) { r["format"] = "other"; }), "'format'");
  expect_corrupt(changed([](ordered_json& r) { r["freeze_ms"] = 9'223'372'036'854'775'808U; }),
                 "'freeze_ms' is too large");
}

TEST(ManifestTest, TextThatIsNotUtf8IsReplacedNotThrown) {
  Manifest manifest = sample();
  manifest.name = "a\xff";
  const auto decoded = decode_manifest(encode_manifest(manifest));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->name, "a\xef\xbf\xbd");
}

TEST(ManifestTest, TriggersHaveNames) {
  for (const Trigger trigger : {Trigger::kStop, Trigger::kRequest, Trigger::kImport})
    EXPECT_EQ(parse_trigger(to_string(trigger)), trigger);
  EXPECT_EQ(parse_trigger("Stop").error().code(), ErrorCode::kInvalidInput);
}

TEST(Manifest, SaysHowMuchMemoryARestoreNeeds) {
  Manifest manifest;
  manifest.files = {{.name = "criu/core-1.img", .bytes = 1},
                    {.name = "criu/pages-1.img", .bytes = 20},
                    {.name = "criu/pages-2.img", .bytes = 300},
                    {.name = "parts/rootfs.tar", .bytes = 4000},
                    {.name = "parts/shm.tar", .bytes = 50000}};
  EXPECT_EQ(memory_needed(manifest), 50320U);
  EXPECT_EQ(memory_kept(manifest), 320U);
}

}  // namespace
}  // namespace reprise::image
