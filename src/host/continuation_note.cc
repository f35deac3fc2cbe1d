// SPDX-License-Identifier: Apache-2.0
#include "host/continuation_note.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"
#include "sys/files.h"

namespace reprise::host {

using base::Error;
using base::ErrorCode;
using base::Result;
using nlohmann::json;
using State = ContinuationNote::State;

namespace {

constexpr std::size_t kLongestNote = std::size_t{64} << 10;

Result<ContinuationNote> parse(const std::string& text) {
  const json object = json_reader::parse(text);
  const auto state = object.at("state").get<std::string>();
  ContinuationNote note;
  note.time = object.at("time").get<base::UnixMillis>();
  if (state == "dropped") {
    note.state = State::kDropped;
    return note;
  }
  // Whatever a later version may call it: there is something, and it must not be passed over.
  note.checkpoint =
      REPRISE_PASS(base::CheckpointId::parse_optional(object.at("checkpoint").get<std::string>()));
  note.session =
      REPRISE_PASS(base::SessionId::parse_optional(object.at("session").get<std::string>()));
  note.store = json_reader::bytes_in(object.at("store"));
  return note;
}

}  // namespace

std::filesystem::path continuation_note_file(const std::filesystem::path& bundle) {
  return bundle / "reprise-continues.json";
}

Result<void> write_note(const std::filesystem::path& bundle, const ContinuationNote& note) {
  json object = {{"state", note.state == State::kDropped ? "dropped" : "pending"},
                 {"time", note.time}};
  if (note.state == State::kPending)
    object.update({{"checkpoint", note.checkpoint.str()},
                   {"session", note.session.str()},
                   {"store", json_writer::of_bytes(note.store.string())}});
  return sys::replace_file(continuation_note_file(bundle), json_writer::print(object, 2) + "\n");
}

Result<std::optional<ContinuationNote>> read_note(const std::filesystem::path& bundle) {
  const std::filesystem::path file = continuation_note_file(bundle);
  const Result<std::string> text = sys::read_file(file, kLongestNote);
  if (!text && text.error().error_number() == ENOENT) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  const auto parsed = [&text]() -> std::optional<ContinuationNote> {
    try {
      if (Result<ContinuationNote> note = parse(*text)) return std::move(*note);
      return std::nullopt;
    } catch (const json::exception&) {
      return std::nullopt;
    }
  };
  if (auto note = parsed()) return note;
  return std::unexpected(
      Error(ErrorCode::kCorrupt, "'" + file.string() +
                                     "', which says what the container is to go on from, cannot "
                                     "be read")
          .with_hint("see 'reprise checkpoint ls'; 'reprise start --cold' begins anew"));
}

Result<void> remove_note(const std::filesystem::path& bundle) {
  return sys::remove_tree(continuation_note_file(bundle));
}

Error absent_store(const ContinuationNote& note, const std::filesystem::path& store) {
  std::string hint = "mount its disk, or bring it back";
  if (note.store != store) hint = "the checkpoint was taken into '" + note.store.string() + "'";
  return Error(ErrorCode::kNotFound, "there is no store at '" + store.string() +
                                         "', and the container is to go on from " + "checkpoint '" +
                                         note.checkpoint.str() + "'")
      .with_hint(std::move(hint));
}

Result<void> remove_note_of(const std::filesystem::path& bundle, const base::SessionId& session) {
  const auto note = REPRISE_PASS(read_note(bundle));
  if (!note || note->state != State::kPending || note->session != session) return {};
  return remove_note(bundle);
}

}  // namespace reprise::host
