// SPDX-License-Identifier: Apache-2.0
#include "host/request.h"

#include "host/internal/codec.h"

namespace reprise::host {

using base::Result;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 2> kVerbs = {"checkpoint", "restore"};

// The version before insists on every field, also on those of the other verb.
json without_verb(const WorkerRequest& request) {
  return json{{"session", request.session.str()},
              {"container", request.container.str()},
              {"key", request.key.str()},
              {"runtime_args", words_to_json(request.runtime_args)},
              {"lock_passed", request.lock_passed},
              {"end", false},
              {"trigger", "start"},
              {"signal", 0},
              {"tag", ""},
              {"name", ""},
              {"bundle", ""},
              {"checkpoint", ""}};
}

void put(json& j, const CheckpointRequest& request) {
  j["verb"] = kVerbs[0];
  j["end"] = request.end;
  j["trigger"] = image::to_string(request.trigger);
  j["signal"] = request.signal;
  j["tag"] = request.tag;
  j["name"] = request.name;
}

void put(json& j, const RestoreRequest& request) {
  j["verb"] = kVerbs[1];
  j["bundle"] = json_writer::of_bytes(request.bundle);
  j["checkpoint"] = request.checkpoint.str();
  j["globals"] = words_to_json(request.globals);
  j["options"] = words_to_json(request.options);
  j["acknowledges"] = request.acknowledges;
}

CheckpointRequest checkpoint_in(const json& j) {
  CheckpointRequest request;
  request.end = j.value("end", false);
  // Of a later version, or of none: why it is taken changes nothing about how.
  request.trigger = image::parse_trigger(j.value("trigger", "")).value_or(image::Trigger::kRequest);
  request.signal = j.value("signal", 0);
  request.tag = j.value("tag", "");
  request.name = j.value("name", "");
  return request;
}

RestoreRequest restore_in(const json& j) {
  RestoreRequest request;
  request.bundle = json_reader::bytes_in(j.at("bundle"));
  request.checkpoint = id_from<base::CheckpointId>(j.at("checkpoint").get<std::string>());
  request.globals = words_from_json(j.value("globals", json::array()));
  request.options = words_from_json(j.value("options", json::array()));
  request.acknowledges = j.value("acknowledges", false);
  return request;
}

}  // namespace

Identity identity_of(const WorkerRequest& request) {
  Identity who = identify(request.runtime_args, request.container);
  if (!request.key.empty()) who.key = request.key;
  // Of one of which only the key is known (find_by_key()): no lock of its id, but one that is a
  // file.
  if (request.container.empty()) who.file_name = file_name_of(request.key);
  return who;
}

base::ContainerKey key_of(const WorkerRequest& request) { return identity_of(request).key; }

oci::Runtime runtime_of(const Layout& layout, const WorkerRequest& request) {
  return {.program = layout.runc, .state_args = request.runtime_args};
}

std::string encode(const WorkerRequest& request) {
  json j = without_verb(request);
  if (!request.name_space.empty()) j["namespace"] = request.name_space;
  std::visit([&j](const auto& what) { put(j, what); }, request.what);
  return json_writer::print(j);
}

Result<WorkerRequest> decode_worker_request(const std::string& text) {
  return guarded("request", [&] {
    const json j = json_reader::parse(text);
    WorkerRequest request;
    const bool restore = index_of(kVerbs, j.at("verb").get<std::string>()) == 1;
    request.session = id_from<base::SessionId>(j.at("session").get<std::string>());
    request.container = id_from<base::ContainerId>(j.at("container").get<std::string>());
    request.key = id_from<base::ContainerKey>(j.value("key", ""));
    request.runtime_args = words_from_json(j.value("runtime_args", json::array()));
    request.name_space = j.value("namespace", "");
    request.lock_passed = j.value("lock_passed", false);
    if (restore)
      request.what = restore_in(j);
    else
      request.what = checkpoint_in(j);
    return request;
  });
}

}  // namespace reprise::host
