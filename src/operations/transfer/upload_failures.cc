// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/upload_failures.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "catalog/catalog.h"
#include "json/reader.h"
#include "json/writer.h"
#include "store/open_catalog.h"
#include "sys/files.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::filesystem::path;

namespace {

constexpr int kNoteVersion = 1;
constexpr std::size_t kLongestNote = std::size_t{1} << 20;

path note_of(const host::Layout& layout) { return layout.store / "upload.failures"; }

Result<std::vector<UploadFailure>> read_note(const host::Layout& layout) {
  const path file = note_of(layout);
  const Result<std::string> text = sys::read_file(file, kLongestNote);
  if (!text && text.error().error_number() == ENOENT) return std::vector<UploadFailure>();
  if (!text) return std::unexpected(text.error());
  auto failures = decode_upload_failures(*text);
  if (failures) return failures;
  return std::unexpected(
      Error(ErrorCode::kCorrupt,
            "'" + file.string() + "', which says whether uploads fail, cannot be read")
          .with_hint("'reprise store upload' makes it anew"));
}

Result<void> write_note(const host::Layout& layout, const std::vector<UploadFailure>& failures) {
  if (failures.empty()) return sys::remove_tree(note_of(layout));
  return sys::replace_file(note_of(layout), encode(failures));
}

auto find(std::vector<UploadFailure>& failures, const std::string& remote) {
  return std::ranges::find(failures, remote, &UploadFailure::remote);
}

std::int64_t number_in(const nlohmann::json& json, const char* field) {
  return json.contains(field) && json[field].is_number_integer() ? json[field].get<std::int64_t>()
                                                                 : 0;
}

}  // namespace

std::string encode(const std::vector<UploadFailure>& failures) {
  auto list = nlohmann::json::array();
  for (const UploadFailure& one : failures)
    list.push_back({{"remote", one.remote},
                    {"since", one.since},
                    {"last", one.last},
                    {"reason", one.reason},
                    {"hint", one.hint}});
  return json_writer::print(
      nlohmann::json{{"version", kNoteVersion}, {"failures", std::move(list)}});
}

Result<std::vector<UploadFailure>> decode_upload_failures(std::string_view text) {
  const auto json = json_reader::parse_or_discarded(text);
  if (!json.is_object() || !json.contains("failures") || !json["failures"].is_array())
    return base::fail(ErrorCode::kCorrupt, "it is no note of uploads that fail");
  std::vector<UploadFailure> failures;
  for (const auto& one : json["failures"])
    failures.push_back({.remote = json_reader::text_in(one, "remote"),
                        .since = number_in(one, "since"),
                        .last = number_in(one, "last"),
                        .reason = json_reader::text_in(one, "reason"),
                        .hint = json_reader::text_in(one, "hint")});
  return failures;
}

Result<void> note_upload_failure(const host::Layout& layout, const std::string& remote,
                                 const Error& error) {
  // What cannot be read is written anew.
  auto failures = read_note(layout).value_or(std::vector<UploadFailure>());
  const base::UnixMillis now = base::now_unix_millis();
  UploadFailure failure{
      .remote = remote, .since = now, .last = now, .reason = error.message(), .hint = error.hint()};
  if (const auto known = find(failures, remote); known != failures.end()) {
    failure.since = known->since;
    *known = std::move(failure);
  } else {
    failures.push_back(std::move(failure));
    std::ranges::sort(failures, {}, &UploadFailure::remote);
  }
  return write_note(layout, failures);
}

Result<void> forget_upload_failure(const host::Layout& layout, const std::string& remote) {
  auto failures = read_note(layout);
  if (!failures) return write_note(layout, {});
  const auto known = find(*failures, remote);
  if (known == failures->end()) return {};
  failures->erase(known);
  return write_note(layout, *failures);
}

Result<std::vector<UploadFailure>> upload_failures(const Node& node) {
  std::vector<UploadFailure> noted = REPRISE_PASS(read_note(node.layout));
  if (noted.empty() || !REPRISE_PASS(catalog::Catalog::exists(node.layout.store)))
    return std::vector<UploadFailure>();
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  std::vector<UploadFailure> failures;
  for (const std::string& remote : node.config.upload_remotes()) {
    const auto known = find(noted, remote);
    if (known == noted.end()) continue;
    known->lacking = REPRISE_PASS(catalog.lacking_copies(remote));
    if (!known->lacking.empty()) failures.push_back(std::move(*known));
  }
  return failures;
}

}  // namespace reprise::operations
