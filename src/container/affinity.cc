// SPDX-License-Identifier: Apache-2.0
#include "container/affinity.h"

#include <map>
#include <nlohmann/json.hpp>

#include "container/task_tree.h"
#include "json/reader.h"
#include "json/writer.h"
#include "sys/affinity.h"
#include "sys/files.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

template <typename Visit>
void for_each_thread(const std::filesystem::path& proc, pid_t init, Visit visit) {
  for (const pid_t process : processes_of(proc, init))
    for (const pid_t thread : threads_of(proc, process)) {
      const auto status = sys::read_file(proc / std::to_string(process) / "task" /
                                         std::to_string(thread) / "status");
      if (status) visit(thread, *status);
    }
}

}  // namespace

std::vector<ThreadAffinity> pinned_threads(const std::filesystem::path& proc, pid_t init,
                                           std::string_view allowed) {
  std::vector<ThreadAffinity> pinned;
  for_each_thread(proc, init, [&](pid_t, const std::string& status) {
    std::string cpus = status_field(status, "Cpus_allowed_list");
    if (!cpus.empty() && cpus != allowed)
      pinned.push_back({.tid = innermost_tid(status), .cpus = std::move(cpus)});
  });
  return pinned;
}

Result<void> pin_threads(const std::filesystem::path& proc, pid_t init,
                         const std::vector<ThreadAffinity>& threads) {
  std::map<pid_t, std::string> wanted;
  for (const ThreadAffinity& thread : threads) wanted[thread.tid] = thread.cpus;
  Result<void> first{};
  for_each_thread(proc, init, [&](pid_t thread, const std::string& status) {
    const auto found = wanted.find(innermost_tid(status));
    if (found == wanted.end()) return;
    if (const Result<void> set = sys::set_affinity(thread, found->second); !set && first)
      first = set;
  });
  return first;
}

std::string encode_affinity(const std::vector<ThreadAffinity>& threads) {
  json list = json::array();
  for (const ThreadAffinity& thread : threads)
    list.push_back({{"tid", thread.tid}, {"cpus", thread.cpus}});
  return json_writer::print(json{{"threads", std::move(list)}}) + "\n";
}

Result<std::vector<ThreadAffinity>> decode_affinity(std::string_view text) {
  try {
    std::vector<ThreadAffinity> threads;
    const json document = json_reader::parse(text);
    for (const json& thread : document.at("threads"))
      threads.push_back(
          {.tid = thread.at("tid").get<pid_t>(), .cpus = thread.at("cpus").get<std::string>()});
    return threads;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("unreadable list of bound threads: ") + error.what());
  }
}

}  // namespace reprise::container
