// SPDX-License-Identifier: Apache-2.0
#include "image/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "image/digest.h"
#include "image/internal/json_fields.h"
#include "json/writer.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr std::string_view kFormat = "reprise-checkpoint";
constexpr std::string_view kManifestName = "manifest.json";

// The last field covers the text before it. The rule holds for every version, so that damage to
// the version number is not taken for a newer Reprise.
constexpr std::string_view kChecksumBegin = ",\n  \"checksum\": \"";
constexpr std::string_view kChecksumEnd = "\"\n}\n";

constexpr std::size_t kMaxNameLength = 4095;  // PATH_MAX without its NUL
constexpr std::size_t kMaxPartLength = 255;   // NAME_MAX

bool is_name_part(std::string_view part) {
  return !part.empty() && part.size() <= kMaxPartLength && part != "." && part != "..";
}

bool is_file_name(std::string_view name) {
  if (name.size() > kMaxNameLength || name == kManifestName) return false;
  if (std::ranges::any_of(name, [](char c) { return c == '\0' || c == '\n'; })) return false;
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!is_name_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Result<void> check_checksum(std::string_view text) {
  const std::size_t at = text.rfind(kChecksumBegin);
  if (at == std::string_view::npos) return fail(ErrorCode::kCorrupt, "the checksum is missing");
  const std::string_view found = text.substr(at + kChecksumBegin.size());
  if (found != digest_of(text.substr(0, at)) + std::string(kChecksumEnd))
    return fail(ErrorCode::kCorrupt, "the checksum does not match: the manifest is damaged");
  return {};
}

// What came with these versions.
constexpr std::int64_t kWithImport = 2;
constexpr std::int64_t kWithoutDigests = 3;

Result<std::int64_t> read_version(FieldReader& fields) {
  if (REPRISE_PASS(fields.text("format")) != kFormat)
    return fields.wrong("format", "is not that of a checkpoint");
  const std::int64_t version = REPRISE_PASS(fields.not_negative("version"));
  if (version > kManifestVersion)
    return std::unexpected(
        base::Error(ErrorCode::kUnsupported, "version " + std::to_string(version) +
                                                 " was written by a newer version of Reprise")
            .with_hint("upgrade Reprise on this host"));
  if (version < 1) return fields.wrong("version", "is not a version");
  return version;
}

Result<ManifestFile> decode_file(const json& value, const std::string& where,
                                 std::int64_t version) {
  FieldReader fields = REPRISE_PASS(FieldReader::of(value, where));
  ManifestFile file;
  file.name = REPRISE_PASS(fields.text("name"));
  if (!is_file_name(file.name)) return fields.wrong("name", "is not a relative path");
  file.bytes = REPRISE_PASS(fields.natural("bytes"));
  if (version < kWithoutDigests && !is_digest(REPRISE_PASS(fields.text("xxh3_128"))))
    return fields.wrong("xxh3_128", "is not a digest");
  REPRISE_PASS(fields.finish());
  return file;
}

Result<std::vector<ManifestFile>> decode_files(FieldReader& fields, std::int64_t version) {
  const json* list = REPRISE_PASS(fields.array("files"));
  std::vector<ManifestFile> files;
  for (const json& value : *list) {
    ManifestFile file =
        REPRISE_PASS(decode_file(value, "files[" + std::to_string(files.size()) + "].", version));
    if (!files.empty() && files.back().name == file.name)
      return fields.wrong("files", "names a file twice");
    if (!files.empty() && files.back().name > file.name)
      return fields.wrong("files", "is not sorted by name");
    files.push_back(std::move(file));
  }
  return files;
}

Result<Manifest> decode_fields(FieldReader& fields, std::int64_t version) {
  Manifest m;
  auto id = base::CheckpointId::parse(REPRISE_PASS(fields.text("id")));
  if (!id) return fields.wrong("id", "is not a checkpoint's id");
  m.id = std::move(*id);
  auto key = base::ContainerKey::parse(REPRISE_PASS(fields.text_not_empty("key")));
  if (!key) return fields.wrong("key", "is not a container's key");
  m.key = std::move(*key);
  auto container = base::ContainerId::parse_optional(REPRISE_PASS(fields.text("container")));
  if (!container) return fields.wrong("container", "is not a container's id");
  m.container = std::move(*container);
  m.name = REPRISE_PASS(fields.text("name"));
  const Result<Trigger> trigger = parse_trigger(REPRISE_PASS(fields.text("trigger")));
  if (!trigger) return fields.wrong("trigger", "is not a trigger");
  if (*trigger == Trigger::kImport && version < kWithImport)
    return fields.wrong("trigger", "is newer than the version");
  m.trigger = *trigger;
  m.ended = REPRISE_PASS(fields.boolean("ended"));
  m.created = REPRISE_PASS(fields.not_negative("created_unix_ms"));
  m.parent_session = REPRISE_PASS(fields.text("session"));
  m.freeze_ms = REPRISE_PASS(fields.not_negative("freeze_ms"));
  m.memory_bytes = REPRISE_PASS(fields.natural("memory_bytes"));
  m.cpu_time_us = REPRISE_PASS(fields.not_negative("cpu_time_us"));
  m.runtime_version = REPRISE_PASS(fields.text("runtime_version"));
  m.criu_version = REPRISE_PASS(fields.text("criu_version"));
  m.kernel = REPRISE_PASS(fields.text("kernel"));
  m.addresses = REPRISE_PASS(fields.texts("addresses"));
  m.mounts = REPRISE_PASS(fields.texts("mounts"));
  m.files = REPRISE_PASS(decode_files(fields, version));
  REPRISE_PASS(fields.text("checksum"));
  REPRISE_PASS(fields.finish());
  return m;
}

Result<Manifest> decode_checked(std::string_view text) {
  REPRISE_PASS(check_checksum(text));
  const json value = REPRISE_PASS(parse_strict_json(text));
  FieldReader fields = REPRISE_PASS(FieldReader::of(value, ""));
  const std::int64_t version = REPRISE_PASS(read_version(fields));
  return decode_fields(fields, version);
}

ordered_json encode_files(const std::vector<ManifestFile>& files) {
  ordered_json list = ordered_json::array();
  for (const ManifestFile& file : files) {
    ordered_json entry;
    entry["name"] = file.name;
    entry["bytes"] = file.bytes;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::string_view to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::kStop:
      return "stop";
    case Trigger::kRequest:
      return "request";
    case Trigger::kImport:
      return "import";
  }
  REPRISE_ASSERT(false);  // a value outside of the enumeration
  return {};
}

Result<Trigger> parse_trigger(std::string_view text) {
  for (const Trigger trigger : {Trigger::kStop, Trigger::kRequest, Trigger::kImport})
    if (text == to_string(trigger)) return trigger;
  return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is not a trigger");
}

namespace {

template <typename Counts>
std::uint64_t sum_of(const Manifest& manifest, Counts counts) {
  std::uint64_t bytes = 0;
  for (const ManifestFile& file : manifest.files)
    if (counts(file)) bytes += file.bytes;
  return bytes;
}

bool holds_pages(const ManifestFile& file) { return file.name.starts_with("criu/pages-"); }

}  // namespace

std::uint64_t memory_needed(const Manifest& manifest) {
  return sum_of(manifest, [](const ManifestFile& file) {
    return holds_pages(file) || file.name == "parts/shm.tar";
  });
}

std::uint64_t memory_kept(const Manifest& manifest) { return sum_of(manifest, holds_pages); }

std::uint64_t bytes_of(const Manifest& manifest) {
  return sum_of(manifest, [](const ManifestFile&) { return true; });
}

std::string encode_manifest(const Manifest& manifest) {
  ordered_json root;
  root["format"] = kFormat;
  root["version"] = kManifestVersion;
  root["id"] = manifest.id.str();
  root["key"] = manifest.key.str();
  root["container"] = manifest.container.str();
  root["name"] = manifest.name;
  root["trigger"] = to_string(manifest.trigger);
  root["ended"] = manifest.ended;
  root["created_unix_ms"] = manifest.created;
  root["session"] = manifest.parent_session;
  root["freeze_ms"] = manifest.freeze_ms;
  root["memory_bytes"] = manifest.memory_bytes;
  root["cpu_time_us"] = manifest.cpu_time_us;
  root["runtime_version"] = manifest.runtime_version;
  root["criu_version"] = manifest.criu_version;
  root["kernel"] = manifest.kernel;
  root["addresses"] = manifest.addresses;
  root["mounts"] = manifest.mounts;
  root["files"] = encode_files(manifest.files);
  // Replaces what is not UTF-8 instead of throwing; names that come from OCI files always are.
  std::string text = json_writer::print(root, 2);
  constexpr std::string_view kClosing = "\n}";
  text.resize(text.size() - kClosing.size());
  const std::string checksum = digest_of(text);
  return text.append(kChecksumBegin).append(checksum).append(kChecksumEnd);
}

Result<Manifest> decode_manifest(std::string_view text) {
  return REPRISE_TRY(decode_checked(text), "decoding the manifest");
}

}  // namespace reprise::image
