// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/remote_note.h"

#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "json/writer.h"

namespace reprise::operations {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr int kNoteVersion = 1;

}  // namespace

std::string encode(const RemoteNote& note) {
  nlohmann::json json{{"version", kNoteVersion}, {"tag", note.tag}};
  if (note.container)
    json.update({{"key", note.container->key.str()},
                 {"name", note.container->name},
                 {"image", note.container->image},
                 {"create_command", note.container->create_command},
                 {"command_image_index", note.container->command_image_index}});
  return json_writer::print(json);
}

Result<RemoteNote> decode_remote_note(const std::string& text) {
  if (text.empty()) return RemoteNote{};
  const auto json = json_reader::parse_or_discarded(text);
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "its note is none");
  const auto text_of = [&](const char* field) { return json_reader::text_in(json, field); };
  RemoteNote note{.tag = text_of("tag"), .container = std::nullopt};
  if (!json.contains("key")) return note;
  const bool whole = json.contains("command_image_index") &&
                     json["command_image_index"].is_number_integer() && !text_of("key").empty();
  if (!whole) return fail(ErrorCode::kCorrupt, "its note says nothing of its container");
  auto key = REPRISE_TRY(base::ContainerKey::parse(text_of("key")), "reading its note");
  note.container =
      catalog::ContainerRow{.key = std::move(key),
                            .name = text_of("name"),
                            .image = text_of("image"),
                            .create_command = text_of("create_command"),
                            .command_image_index = json["command_image_index"].get<int>()};
  return note;
}

}  // namespace reprise::operations
