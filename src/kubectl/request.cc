// SPDX-License-Identifier: Apache-2.0
#include "kubectl/request.h"

#include <cstdint>

#include "base/units.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "kubectl/remarks.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

std::int64_t number_in(const json& object, const char* name) {
  const json& value = child_of(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

}  // namespace

json new_request(const json& pod) {
  constexpr std::size_t kLongest = 240;
  const json& metadata = child_of(pod, "metadata");
  const std::string name = text_in(metadata, "name");
  const std::string uid = text_in(metadata, "uid");
  const json owner{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", name}, {"uid", uid}};
  return json{{"apiVersion", "reprise.dev/v1alpha1"},
              {"kind", "CheckpointRequest"},
              {"metadata",
               {{"generateName", name.substr(0, kLongest) + "-"},
                {"ownerReferences", json::array({owner})}}},
              {"spec", {{"pod", name}, {"podUID", uid}}}};
}

RequestState state_of(const json& request) {
  const json& status = child_of(request, "status");
  const std::string phase = text_in(status, "phase");
  return {.is_taken = !phase.empty() && phase != "Pending",
          .is_over = phase == "Done" || phase == "Failed",
          .is_done = phase == "Done",
          .message = text_in(status, "message")};
}

ordered_json request_to_json(const json& request) {
  const json& status = child_of(request, "status");
  ordered_json containers = ordered_json::array();
  for (const json& one : child_of(status, "containers"))
    containers.push_back({{"name", text_in(one, "name")},
                          {"checkpoint", text_in(one, "checkpoint")},
                          {"bytes", number_in(one, "bytes")},
                          {"freeze_ms", number_in(one, "freezeMilliseconds")},
                          {"failed", text_in(one, "failed")}});
  return {{"request", text_in(child_of(request, "metadata"), "name")},
          {"pod", text_in(child_of(request, "spec"), "pod")},
          {"pod_uid", text_in(child_of(request, "spec"), "podUID")},
          {"node", text_in(status, "node")},
          {"phase", text_in(status, "phase")},
          {"message", text_in(status, "message")},
          {"containers", std::move(containers)}};
}

std::string request_to_text(const json& request) {
  const json& status = child_of(request, "status");
  const std::string pod = "pod '" + text_in(child_of(request, "spec"), "pod") + "'";
  std::string text;
  for (const json& one : child_of(status, "containers")) {
    const std::string failed = text_in(one, "failed");
    text += pod + ", container '" + text_in(one, "name") + "': ";
    if (failed.empty())
      text += "checkpoint " + text_in(one, "checkpoint") + " on node '" + text_in(status, "node") +
              "' (" + base::format_bytes(static_cast<std::uint64_t>(number_in(one, "bytes"))) +
              ", frozen " + std::to_string(number_in(one, "freezeMilliseconds")) +
              " ms); it runs on\n";
    else
      text += "not saved, it runs on: " + failed + "\n";
  }
  if (text.empty()) text = pod + " was not saved: " + text_in(status, "message") + "\n";
  return text;
}

}  // namespace reprise::kubectl
