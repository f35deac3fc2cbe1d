// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include "json/reader.h"
#include "json/writer.h"
#include "operations/container/history.h"

namespace reprise::cli {

void print_json(std::ostream& out, const Json& document) {
  out << json_writer::print(document, 2) << '\n';
}

Json json_time(base::UnixMillis time) {
  return time == 0 ? Json(nullptr) : Json(base::to_iso8601(time));
}

Json to_json(const catalog::CheckpointRow& row) {
  return {{"id", row.id.str()},
          {"container", row.key.str()},
          {"name", row.name},
          {"tag", row.tag},
          {"trigger", image::to_string(row.trigger)},
          {"ended", row.ended},
          {"pending", row.pending},
          {"pinned", row.pinned},
          {"created", json_time(row.created)},
          {"freeze_ms", row.freeze_ms},
          {"bytes", row.bytes},
          {"stored_bytes", row.stored_bytes ? Json(*row.stored_bytes) : Json(nullptr)},
          {"cpu_time_us", row.cpu_time_us}};
}

Json to_json(const catalog::LifeRow& row) {
  return {{"container", row.key.str()},
          {"time", json_time(row.time)},
          {"event", operations::event_name(row)},
          {"session", row.session.str()},
          {"checkpoint", row.checkpoint.str()},
          {"detail", row.detail},
          {"freeze_ms", row.freeze_ms},
          {"restore_ms", row.restore_ms},
          {"bytes", row.bytes},
          {"cpu_time_us", row.cpu_time_us}};
}

Json to_json(const catalog::SessionRow& row) {
  Json phases = json_reader::parse_or_discarded<Json>(row.phases);
  if (!phases.is_object()) phases = Json::object();
  return {{"id", row.id.str()},
          {"container", row.key.str()},
          {"kind", to_string(row.kind)},
          {"trigger", row.trigger},
          {"begin", json_time(row.begin)},
          {"end", json_time(row.end)},
          {"status", to_string(row.status)},
          {"reason", row.reason},
          {"hint", row.hint},
          {"checkpoint", row.checkpoint.str()},
          {"phases", std::move(phases)},
          {"log_directory", row.log_directory}};
}

}  // namespace reprise::cli
