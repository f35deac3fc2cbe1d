// SPDX-License-Identifier: Apache-2.0
#include "host/worker_link.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "host/layout.h"
#include "json/reader.h"
#include "json/writer.h"
#include "oci/runtime.h"

namespace reprise::host {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 2> kVerbs = {"checkpoint", "restore"};
constexpr std::array<std::string_view, 3> kEvents = {"phase", "ready", "outcome"};

// Messages come from our own processes, but possibly of another version during an upgrade: a
// message that cannot be read is an error, never a crash.
template <typename Decode>
auto guarded(const char* what, Decode decode) -> Result<decltype(decode())> {
  try {
    return decode();
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unreadable ") + what + ": " + error.what());
  } catch (const std::out_of_range&) {
    return fail(ErrorCode::kInternal, std::string("unreadable ") + what);
  }
}

template <std::size_t kCount>
std::size_t index_of(const std::array<std::string_view, kCount>& names, const std::string& name) {
  for (std::size_t i = 0; i < kCount; ++i)
    if (names[i] == name) return i;
  throw std::out_of_range(name);
}

}  // namespace

Identity identity_of(const WorkerRequest& request) {
  Identity who = identify(request.runtime_args, request.container);
  if (!request.key.empty()) who.key = request.key;
  return who;
}

base::ContainerKey key_of(const WorkerRequest& request) { return identity_of(request).key; }

oci::Runtime runtime_of(const Layout& layout, const WorkerRequest& request) {
  return {.program = layout.runc, .state_args = request.runtime_args};
}

std::string encode(const WorkerRequest& r) {
  json arguments = json::array();
  for (const std::string& argument : r.runtime_args)
    arguments.push_back(json_writer::of_bytes(argument));
  return json_writer::print(json{{"verb", kVerbs.at(static_cast<std::size_t>(r.verb))},
                                 {"session", r.session.str()},
                                 {"container", r.container.str()},
                                 {"key", r.key.str()},
                                 {"runtime_args", std::move(arguments)},
                                 {"end", r.end},
                                 {"trigger", r.trigger},
                                 {"signal", r.signal},
                                 {"tag", r.tag},
                                 {"name", r.name},
                                 {"lock_passed", r.lock_passed},
                                 {"bundle", json_writer::of_bytes(r.bundle)},
                                 {"checkpoint", r.checkpoint.str()},
                                 {"acknowledges", r.acknowledges}});
}

Result<WorkerRequest> decode_worker_request(const std::string& text) {
  return guarded("request", [&] {
    const json j = json_reader::parse(text);
    WorkerRequest r;
    r.verb = static_cast<WorkerVerb>(index_of(kVerbs, j.at("verb").get<std::string>()));
    r.session = base::SessionId(j.at("session").get<std::string>());
    r.container = base::ContainerId(j.at("container").get<std::string>());
    r.key = base::ContainerKey(j.value("key", ""));  // earlier callers know of none
    for (const json& argument : j.at("runtime_args"))
      r.runtime_args.push_back(json_reader::bytes_in(argument));
    j.at("end").get_to(r.end);
    j.at("trigger").get_to(r.trigger);
    j.at("signal").get_to(r.signal);
    j.at("tag").get_to(r.tag);
    j.at("name").get_to(r.name);
    j.at("lock_passed").get_to(r.lock_passed);
    r.bundle = json_reader::bytes_in(j.at("bundle"));
    r.checkpoint = base::CheckpointId(j.at("checkpoint").get<std::string>());
    r.acknowledges = j.value("acknowledges", false);  // earlier callers do not
    return r;
  });
}

std::string encode(const WorkerEvent& e) {
  return json_writer::print(json{{"event", kEvents.at(static_cast<std::size_t>(e.kind))},
                                 {"phase", e.phase},
                                 {"image_path", e.image_path},
                                 {"work_path", e.work_path},
                                 {"environment", e.environment},
                                 {"ok", e.ok},
                                 {"code", e.code},
                                 {"reason", e.reason},
                                 {"hint", e.hint},
                                 {"checkpoint", e.checkpoint},
                                 {"freeze_ms", e.freeze_ms},
                                 {"total_ms", e.total_ms},
                                 {"bytes", e.bytes}});
}

Result<WorkerEvent> decode_worker_event(const std::string& text) {
  return guarded("event", [&] {
    const json j = json_reader::parse(text);
    WorkerEvent e;
    e.kind = static_cast<WorkerEventKind>(index_of(kEvents, j.at("event").get<std::string>()));
    j.at("phase").get_to(e.phase);
    j.at("image_path").get_to(e.image_path);
    j.at("work_path").get_to(e.work_path);
    j.at("environment").get_to(e.environment);
    j.at("ok").get_to(e.ok);
    j.at("code").get_to(e.code);
    j.at("reason").get_to(e.reason);
    j.at("hint").get_to(e.hint);
    j.at("checkpoint").get_to(e.checkpoint);
    j.at("freeze_ms").get_to(e.freeze_ms);
    j.at("total_ms").get_to(e.total_ms);
    j.at("bytes").get_to(e.bytes);
    return e;
  });
}

std::string encode_restored(int exit_code) {
  return json_writer::print(json{{"restored", exit_code}});
}

Result<int> decode_restored(const std::string& text) {
  return guarded("answer", [&] { return json_reader::parse(text).at("restored").get<int>(); });
}

std::string encode_heard() { return json_writer::print(json{{"heard", true}}); }

bool is_heard(const std::string& text) {
  const auto heard =
      guarded("answer", [&] { return json_reader::parse(text).value("heard", false); });
  return heard && *heard;
}

Result<WorkerLink> start_worker(const WorkerRequest& request, const sys::FileLock* lock) {
  const std::filesystem::path worker = REPRISE_PASS(find_worker());
  auto [ours, theirs] = REPRISE_PASS(sys::MessageSocket::pair());
  sys::SpawnOptions options;
  options.argv = {worker.string()};
  options.env = sys::default_environment();
  options.new_session = true;
  options.fds = {{theirs.fd().get(), kWorkerSocketFd}};
  if (lock != nullptr) options.fds.emplace_back(lock->fd().get(), kWorkerLockFd);
  sys::Child child = REPRISE_TRY(sys::Child::spawn(options), "starting a worker");
  const pid_t pid = child.pid();
  REPRISE_TRY(ours.send(encode(request)), "starting a worker");
  child.detach();
  return WorkerLink{.socket = std::move(ours), .pid = pid};
}

}  // namespace reprise::host
