// SPDX-License-Identifier: Apache-2.0
#include "runtime/call.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/clock.h"
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

void tell_caller(const Call& call, Severity severity, const std::string& text) {
  const auto file = call.arguments.global("log");
  if (!file) return;
  constexpr std::array<const char*, 3> kNames = {"info", "warning", "error"};
  const char* level = kNames.at(static_cast<std::size_t>(severity));
  const std::string time = base::to_iso8601(base::now_unix_millis());
  std::string line;
  if (call.arguments.global("log-format") == "json")
    line = nlohmann::json{{"level", level}, {"msg", "reprise: " + text}, {"time", time}}.dump(
               -1, ' ', false, nlohmann::json::error_handler_t::replace) +
           "\n";
  else
    line = "time=\"" + time + "\" level=" + level + " msg=\"reprise: " + text + "\"\n";
  const auto fd = sys::open_file(*file, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (fd) [[maybe_unused]]
    const ssize_t n = ::write(fd->get(), line.data(), line.size());
}

}  // namespace reprise::runtime
