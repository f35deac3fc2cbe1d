// SPDX-License-Identifier: Apache-2.0
#include "runtime/call.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/clock.h"
#include "host/abandoned_sessions.h"
#include "host/filling.h"
#include "host/layout.h"
#include "json/writer.h"
#include "sys/child.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::runtime {

int pass_through(const Call& call) {
  std::string program = call.layout.runc.string();
  std::vector<std::string> arguments = call.arguments.all;
  std::vector<char*> argv = {program.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  constexpr int kCannotExecute = 127;  // the shells' convention
  std::fprintf(stderr, "reprise-runtime: cannot execute '%s': %s\n", program.c_str(),
               ::strerrordesc_np(errno));
  return kCannotExecute;
}

namespace {

// A text as one word of a line "name=value", which quotation marks and line breaks would end.
std::string in_quotes(std::string_view text) {
  std::string word = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') word += '\\';
    if (c == '\n')
      word += "\\n";
    else
      word += c;
  }
  return word + '"';
}

}  // namespace

void tell_caller(const Call& call, Severity severity, const std::string& text) {
  const auto file = call.arguments.global("log");
  if (!file) return;
  constexpr std::array<const char*, 3> kNames = {"info", "warning", "error"};
  const char* level = kNames.at(static_cast<std::size_t>(severity));
  const std::string time = base::to_iso8601(base::now_unix_millis());
  std::string line;
  if (call.arguments.global("log-format") == "json")
    line = json_writer::print(
               nlohmann::json{{"level", level}, {"msg", "reprise: " + text}, {"time", time}}) +
           "\n";
  else
    line = "time=\"" + time + "\" level=" + level + " msg=" + in_quotes("reprise: " + text) + "\n";
  const auto fd = sys::open_file(*file, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (fd) [[maybe_unused]]
    const ssize_t n = ::write(fd->get(), line.data(), line.size());
}

int refuse(const Call& call, const base::Error& error) {
  std::string text = error.message();
  if (!error.hint().empty()) text += " (hint: " + error.hint() + ")";
  tell_caller(call, Severity::kError, text);
  if (!call.stderr_is_logged) std::fprintf(stderr, "reprise: %s\n", text.c_str());
  return base::exit_code(error.code());
}

namespace {

// A process that was killed closes its socket, by which we learn of its death, before it lets go of
// its lock.
void wait_for_last_process(const Call& call, const base::SessionId& session) {
  const auto lock = host::session_lock_file(call.layout.session_run_directory(session));
  constexpr std::chrono::seconds kDying{5};
  std::error_code unknown;
  if (std::filesystem::exists(lock, unknown)) [[maybe_unused]]
    const auto free = sys::FileLock::lock(lock, kDying);
}

bool has_abandoned_filling(const Call& call) {
  const auto fillings = host::abandoned_fillings(call.layout);
  return !fillings || !fillings->empty();
}

}  // namespace

void recover(const Call& call, const std::optional<base::SessionId>& ours) {
  const auto worker = host::find_worker();
  if (!worker) return tell_caller(call, Severity::kWarning, worker.error().message());
  std::vector<std::string> argv = {worker->string(), "recover"};
  if (ours) argv.push_back(ours->str());
  constexpr std::chrono::seconds kLimit{60};
  if (const auto settled = sys::run_ok(std::move(argv), kLimit); !settled)
    tell_caller(call, Severity::kWarning,
                "an abandoned session was not settled: " + settled.error().message());
}

void settle_abandoned(const Call& call, const std::optional<base::SessionId>& ours) {
  if (ours) wait_for_last_process(call, *ours);
  // Where that is not known, the worker finds it out, which has descriptors of its own.
  const auto abandoned = host::abandoned_sessions(call.layout);
  if (!abandoned || !abandoned->empty() || has_abandoned_filling(call)) recover(call, ours);
}

}  // namespace reprise::runtime
