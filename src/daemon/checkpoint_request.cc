// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_request.h"

#include <algorithm>
#include <array>

#include "base/units.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> kRequestPhases = {"Pending", "Running", "Done", "Failed"};

std::optional<RequestPhase> request_phase_named(const std::string& name) {
  if (name.empty()) return RequestPhase::kPending;
  const auto found = std::ranges::find(kRequestPhases, std::string_view(name));
  if (found == kRequestPhases.end()) return std::nullopt;
  return static_cast<RequestPhase>(found - kRequestPhases.begin());
}

}  // namespace

std::string_view to_string(RequestPhase phase) {
  return kRequestPhases.at(static_cast<std::size_t>(phase));
}

std::string CheckpointRequestObject::path() const {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + name_space + "/checkpointrequests/" + name;
}

std::optional<CheckpointRequestObject> read_request(json object) {
  const json& metadata = object_in(object, "metadata");
  const json& spec = object_in(object, "spec");
  const json& status = object_in(object, "status");
  const auto phase = request_phase_named(text_in(status, "phase"));
  CheckpointRequestObject found;
  found.name_space = text_in(metadata, "namespace");
  found.name = text_in(metadata, "name");
  found.uid = text_in(metadata, "uid");
  found.pod = text_in(spec, "pod");
  found.pod_uid = text_in(spec, "podUID");
  found.node = text_in(status, "node");
  if (!phase || found.name.empty() || found.uid.empty() || found.pod.empty()) return std::nullopt;
  found.phase = *phase;
  // What we write of it, and no more: a tenant may put anything beside it, and there may be many.
  found.object = json{{"apiVersion", text_in(object, "apiVersion")},
                      {"kind", text_in(object, "kind")},
                      {"metadata", json::object()},
                      {"spec", {{"pod", found.pod}}}};
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
    if (metadata.contains(field)) found.object["metadata"][field] = metadata[field];
  if (!found.pod_uid.empty()) found.object["spec"]["podUID"] = found.pod_uid;
  if (object.contains("status")) found.object["status"] = status;
  return found;
}

bool is_old(const CheckpointRequestObject& request, const std::string& node, base::UnixMillis now) {
  constexpr base::UnixMillis kDay = 86'400'000;
  const auto made =
      base::from_iso8601(text_in(object_in(request.object, "metadata"), "creationTimestamp"));
  return request.is_over() && request.node == node && made && now - *made > kDay;
}

void set_phase(CheckpointRequestObject& request, RequestPhase phase, const std::string& message,
               const std::string& node) {
  request.phase = phase;
  request.node = node;
  json& status = request.object["status"];
  status["phase"] = to_string(phase);
  status["message"] = message;
  if (!node.empty()) status["node"] = node;
}

void set_containers(CheckpointRequestObject& request,
                    const std::vector<RequestedContainer>& containers) {
  json list = json::array();
  std::uint64_t bytes = 0;
  for (const RequestedContainer& one : containers) {
    json j{{"name", one.name}};
    if (!one.checkpoint.empty()) {
      j["checkpoint"] = one.checkpoint;
      j["bytes"] = one.bytes;
      j["freezeMilliseconds"] = one.freeze_ms;
    }
    if (!one.failed.empty()) j["failed"] = one.failed;
    bytes += one.bytes;
    list.push_back(std::move(j));
  }
  request.object["status"]["containers"] = std::move(list);
  if (bytes > 0) request.object["status"]["size"] = base::format_bytes(bytes);
}

}  // namespace reprise::daemon
