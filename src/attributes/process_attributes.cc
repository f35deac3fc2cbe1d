// SPDX-License-Identifier: Apache-2.0
#include "attributes/process_attributes.h"

#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "attributes/internal/attribute_kinds.h"
#include "container/task_tree.h"
#include "json/reader.h"
#include "json/writer.h"
#include "sys/files.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;
using std::filesystem::path;

namespace {

const AttributeKind* find_kind(std::string_view name) {
  for (const auto kinds : {kinds_set_by_us(), kinds_set_by_tasks()})
    for (const AttributeKind& kind : kinds)
      if (kind.name == name) return &kind;
  return nullptr;
}

// Calls visit(directory in /proc, tid, tid inside, whether it is the process's first) for each
// thread.
template <typename Visit>
void for_each_thread(const path& proc, pid_t init, Visit visit) {
  for (const pid_t process : container::processes_of(proc, init))
    for (const pid_t thread : container::threads_of(proc, process)) {
      const path task = proc / std::to_string(thread);
      const auto status = sys::read_file(task / "status");
      if (!status) continue;
      const std::string state = container::status_field(*status, "State");
      if (state.starts_with('Z') || state.starts_with('X')) continue;
      visit(task, thread, container::innermost_tid(*status), thread == process);
    }
}

using Attributes = std::vector<ProcessAttribute>;

std::vector<std::string> set_some(const path& proc, pid_t init, const Attributes& attributes,
                                  SetBy who) {
  std::vector<std::string> failed;
  std::multimap<pid_t, const ProcessAttribute*> wanted;
  for (const ProcessAttribute& one : attributes)
    if (const AttributeKind* kind = find_kind(one.name); kind != nullptr && kind->set_by == who)
      wanted.emplace(one.id, &one);
  if (wanted.empty()) return failed;
  for_each_thread(proc, init, [&](const path& task, pid_t tid, pid_t inside, bool) {
    const auto [begin, end] = wanted.equal_range(inside);
    for (auto at = begin; at != end; ++at) {
      const AttributeKind* kind = find_kind(at->second->name);
      if (kind->read(task, tid) == at->second->value) continue;
      if (const Result<void> set = kind->set(task, tid, at->second->value); !set)
        failed.push_back(at->second->name + " of thread " + std::to_string(inside) + ": " +
                         set.error().message());
    }
  });
  return failed;
}

}  // namespace

Attributes read_attributes(const path& proc, pid_t init) {
  std::map<const AttributeKind*, std::optional<std::string>> ours;
  for (const auto kinds : {kinds_set_by_us(), kinds_set_by_tasks()})
    for (const AttributeKind& kind : kinds)
      if (kind.usual == Usual::kOurs) ours[&kind] = kind.read("/proc/self", ::gettid());
  Attributes found;
  for_each_thread(proc, init, [&](const path& task, pid_t tid, pid_t inside, bool is_first) {
    for (const auto kinds : {kinds_set_by_us(), kinds_set_by_tasks()})
      for (const AttributeKind& kind : kinds) {
        if (kind.owned_by == OwnedBy::kProcess && !is_first) continue;
        auto value = kind.read(task, tid);
        if (!value || (kind.usual == Usual::kOurs && value == ours[&kind])) continue;
        found.push_back({.id = inside, .name = kind.name, .value = std::move(*value)});
      }
  });
  return found;
}

AskedAttributes ask_attributes(const path& proc, pid_t init) {
  AskedAttributes asked;
  // In a thread of its own: when that ends, the kernel lets go of a thread that did not stop.
  std::thread([&] {
    for_each_thread(proc, init, [&](const path& task, pid_t tid, pid_t inside, bool is_first) {
      const auto status = sys::read_file(task / "status");
      if (!is_first || !status || container::status_field(*status, "TracerPid") != "0") return;
      auto denial = ask_denial(tid);
      if (denial && *denial)
        asked.attributes.push_back(
            {.id = inside, .name = kDenialName, .value = std::move(**denial)});
      else if (!denial && denial.error().code() != ErrorCode::kGone)
        asked.doubts.push_back(denial.error().message());
    });
  }).join();
  return asked;
}

std::vector<std::string> set_attributes(const path& proc, pid_t init,
                                        const Attributes& attributes) {
  return set_some(proc, init, attributes, SetBy::kUs);
}

std::vector<std::string> inject_attributes(const path& proc, pid_t init,
                                           const Attributes& attributes) {
  std::vector<std::string> failed;
  // In a thread of its own: when that ends, the kernel lets go of a thread that did not stop.
  std::thread([&] { failed = set_some(proc, init, attributes, SetBy::kTask); }).join();
  return failed;
}

std::string encode_attributes(const std::vector<ProcessAttribute>& attributes) {
  json list = json::array();
  for (const ProcessAttribute& one : attributes) list.push_back({one.id, one.name, one.value});
  return json_writer::print(json{{"attributes", std::move(list)}}) + "\n";
}

Result<std::vector<ProcessAttribute>> decode_attributes(std::string_view text) {
  try {
    std::vector<ProcessAttribute> attributes;
    const json document = json_reader::parse(text);
    for (const json& one : document.at("attributes")) {
      attributes.push_back({.id = one.at(0).get<pid_t>(),
                            .name = one.at(1).get<std::string>(),
                            .value = one.at(2).get<std::string>()});
      if (find_kind(attributes.back().name) == nullptr)
        return fail(ErrorCode::kCorrupt,
                    "there is no attribute '" + attributes.back().name + "' of processes");
    }
    return attributes;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("unreadable list of attributes of processes: ") + error.what());
  }
}

}  // namespace reprise::attributes
