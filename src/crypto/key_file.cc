// SPDX-License-Identifier: Apache-2.0
#include <openssl/sha.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "crypto/hex.h"
#include "crypto/internal/key_file.h"
#include "json/reader.h"
#include "json/writer.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::ordered_json;

namespace {

constexpr std::string_view kFormat = "reprise-key";
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kBeforeChecksum = ",\n  \"checksum\": \"";
constexpr std::string_view kAfterChecksum = "\"\n}\n";

std::string checksum_of(std::string_view text) {
  std::array<std::byte, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return to_hex(digest);
}

std::string with_checksum(std::string body) {
  const std::string checksum = checksum_of(body);
  return body.append(kBeforeChecksum).append(checksum).append(kAfterChecksum);
}

// Whether the text ends with the checksum of what stands before it. True of every version.
bool is_whole(std::string_view text) {
  const std::size_t end = text.rfind(kBeforeChecksum);
  return end != std::string_view::npos && with_checksum(std::string(text.substr(0, end))) == text;
}

std::optional<std::string> text_of(const ordered_json& root, const char* name) {
  const auto field = root.find(name);
  if (field == root.end() || !field->is_string()) return std::nullopt;
  return field->get<std::string>();
}

std::optional<std::uint64_t> number_of(const ordered_json& root, const char* name) {
  const auto field = root.find(name);
  if (field == root.end() || !field->is_number_unsigned()) return std::nullopt;
  return field->get<std::uint64_t>();
}

std::optional<KeyFile> fields_of(const ordered_json& root) {
  const auto tenant = text_of(root, "tenant");
  const auto id = text_of(root, "id");
  const auto kek = text_of(root, "kek");
  const auto wrapped = text_of(root, "wrapped");
  const auto created = number_of(root, "created_unix_ms");
  if (!tenant || !id || !kek || !wrapped || !created) return std::nullopt;
  KeyFile file{.tenant = *tenant,
               .id = *id,
               .kek = *kek,
               .created = static_cast<base::UnixMillis>(*created)};
  if (!read_hex(*wrapped, file.wrapped)) return std::nullopt;
  return file;
}

}  // namespace

std::string bound_of(const KeyFile& file) {
  // Names and ids have no line feeds, so no two files are bound to the same text.
  return std::string(kFormat) + '\n' + std::to_string(kVersion) + '\n' + file.tenant + '\n' +
         file.id + '\n' + file.kek + '\n' + std::to_string(file.created) + '\n';
}

std::string encode_key_file(const KeyFile& file) {
  const ordered_json root = {{"format", kFormat},
                             {"version", kVersion},
                             {"tenant", file.tenant},
                             {"id", file.id},
                             {"kek", file.kek},
                             {"wrapped", to_hex(file.wrapped)},
                             {"created_unix_ms", file.created}};
  std::string body = json_writer::print(root, 2);
  body.resize(body.size() - std::string_view("\n}").size());
  return with_checksum(std::move(body));
}

Result<KeyFile> decode_key_file(std::string_view text) {
  // First of all, so that damage is never taken for another key or for the future.
  if (!is_whole(text)) return fail(ErrorCode::kCorrupt, "its checksum is wrong");
  const ordered_json root = json_reader::parse_or_discarded<ordered_json>(text);
  if (!root.is_object() || text_of(root, "format") != kFormat)
    return fail(ErrorCode::kCorrupt, "it is no key file");
  const auto version = number_of(root, "version");
  if (version > kVersion)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "it was written by a newer version of Reprise (version " +
                                           std::to_string(*version) + " of the format)")
            .with_hint("update Reprise on this host"));
  const std::optional<KeyFile> file = fields_of(root);
  // Whatever else may be wrong: a version 0, a field too many or twice, another order.
  if (!file || encode_key_file(*file) != text)
    return fail(ErrorCode::kCorrupt, "its fields are not those of its version");
  return *file;
}

}  // namespace reprise::crypto
